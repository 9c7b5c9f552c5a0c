"""`/kelola`: pages for the people who keep the hub."""
