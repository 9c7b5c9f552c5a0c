"""Connectors to systems of others: each with a deadline, a breaker and the answer known last."""
