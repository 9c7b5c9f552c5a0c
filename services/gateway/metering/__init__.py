"""API usage by key, area and hour."""
