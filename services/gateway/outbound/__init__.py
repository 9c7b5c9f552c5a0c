"""Requests to systems outside the hub: HTTP client, circuit breaker, SSRF guard."""
