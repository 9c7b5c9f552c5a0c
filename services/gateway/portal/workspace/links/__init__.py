"""Pages of the workspace about links: portals, incidents, maintenance."""
