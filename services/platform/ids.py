"""Identifiers: UUIDv7 (RFC 9562), sortable by creation time."""

from uuid import UUID

from uuid_utils.compat import uuid7

__all__ = ["new_id"]


def new_id() -> UUID:
    """Return a new time-ordered identifier."""
    return uuid7()
