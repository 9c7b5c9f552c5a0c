"""The portals that citizens are sent to."""
