"""The collector of a province or ministry: what many hubs publish, verified and compared."""
