"""TODO proxy."""
