"""Comparison of regencies by rank probabilities instead of a bare ranking."""
