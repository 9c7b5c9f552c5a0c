"""Regencies beside each other: ranks with their probabilities, not a bare order."""
