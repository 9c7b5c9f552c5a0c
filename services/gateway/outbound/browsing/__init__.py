"""Requests of single pages, read as browsers read them; the SSRF guard chooses the addresses."""
