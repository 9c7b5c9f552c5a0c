"""Benchmarks: what the hub does on this machine, against what it could do."""
