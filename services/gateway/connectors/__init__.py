"""Connectors to external systems: one class per system or kind of source."""
