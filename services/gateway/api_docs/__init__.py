"""The OpenAPI document of the hub, its reference page, and the hub status."""
