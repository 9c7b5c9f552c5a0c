"""The state of the whole hub: its services, its queues, and what is wrong."""
