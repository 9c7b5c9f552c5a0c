"""Monitoring of the portals that the hub links to: checks, incidents, maintenance, uptime."""
