"""Many hubs from one list: deployment files, processes on one machine, and their state."""
