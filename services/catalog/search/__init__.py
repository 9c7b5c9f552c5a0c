"""Search of the services of a regency."""
