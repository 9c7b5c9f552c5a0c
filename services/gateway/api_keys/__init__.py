"""API keys: issue, cache, rotation, revocation, and upload links made from them."""
