"""API keys: issue, cache, rotation, revocation, upload links made from them, and their usage."""
