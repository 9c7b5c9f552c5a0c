"""Usage events: parsing, validation, group commit, and monthly partitions with retention."""
