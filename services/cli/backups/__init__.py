"""Backup and restore of an installation: its database, its keys and its pack, in one archive."""
