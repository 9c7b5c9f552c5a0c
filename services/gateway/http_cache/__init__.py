"""A shared cache at the door (RFC 9111): filled once, kept small, purged when something changes."""
