"""Retractions: an administrator strikes out what a key sent, and may reverse it exactly."""
