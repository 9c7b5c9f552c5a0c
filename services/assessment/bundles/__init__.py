"""Bundles: an assessment with all that a stranger needs to compute it again."""
