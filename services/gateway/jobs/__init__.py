"""Background jobs of the gateway that belong to no other package."""
