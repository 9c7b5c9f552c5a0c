"""TODO api_keys."""
