"""The audit log: a line for every write, chained by hash, so that a changed line shows."""
