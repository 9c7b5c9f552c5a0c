"""Counts of API use by key, area and hour."""
