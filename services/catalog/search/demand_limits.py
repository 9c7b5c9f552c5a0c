"""Limits of the demand that is shown, which models state without loading the search."""

LEAST_DAYS = 5
"""Days of a month on which a word must have been asked for to be shown."""
