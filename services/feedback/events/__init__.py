"""Usage events: parsing, dimensions, grouped commits, monthly partitions."""
