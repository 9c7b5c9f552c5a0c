"""Bundles: an assessment with everything needed to recompute it elsewhere."""
