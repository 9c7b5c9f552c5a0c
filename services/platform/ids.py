"""Identifiers (UUIDv7, RFC 9562: sortable by the time they were made)."""

from uuid import UUID

from uuid_utils.compat import uuid7

__all__ = ["new_id"]


def new_id() -> UUID:
    """A new time-ordered identifier."""
    return uuid7()
