"""Rate limits per key and per address, shared by all replicas."""
