"""Shared HTTP cache (RFC 9111): coalesced requests, size limit, invalidation on change."""
