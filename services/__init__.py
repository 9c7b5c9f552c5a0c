"""emall: the hub of a regency's digital public-service mall."""
