"""Public entry point: pages, links, access control, forwarding to the services."""
