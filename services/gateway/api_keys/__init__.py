"""API keys: issue, cache, rotation, revocation, links made from them, and their usage."""
