"""TODO regency."""
