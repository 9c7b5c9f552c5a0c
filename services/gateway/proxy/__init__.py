"""The request pipeline: authenticate, limit, forward to the service that owns the path."""
