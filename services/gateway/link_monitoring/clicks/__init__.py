"""Clicks on links to portals: counted once, delivered as usage events."""
