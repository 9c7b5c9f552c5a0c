"""Scenarios: effects of changes, and the cheapest set of changes for a target."""
