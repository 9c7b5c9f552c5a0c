"""TODO api_docs."""
