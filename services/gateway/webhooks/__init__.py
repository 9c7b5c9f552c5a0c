"""TODO webhooks."""
