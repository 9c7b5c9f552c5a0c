"""Pages of the workspace that edit the catalogue: services, agencies, places, sources."""
