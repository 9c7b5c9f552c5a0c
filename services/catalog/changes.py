"""Cursors of the list of changes: a place in the order of moments and slugs."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Query
from pydantic import StringConstraints

from services.catalog.schemas import ServiceSummary
from services.platform.problems import FieldError, Invalid
from services.platform.types import SLUG_PATTERN

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LAST_MICROSECOND = (datetime.max.replace(tzinfo=UTC) - EPOCH) // MICROSECOND

ServiceCursor = Annotated[
    Annotated[str, StringConstraints(pattern=SLUG_PATTERN, max_length=100)] | None,
    Query(description="Start of the page; taken from `next` of the previous page."),
]


@dataclass(frozen=True)
class Change:
    """A service and the moment of its last change."""

    at: datetime
    slug: str


def change_cursor(item: ServiceSummary) -> str:
    """Return the cursor of the page after this change: microseconds since 1970, and the slug."""
    return f"{(item.modified_at - EPOCH) // MICROSECOND}-{item.slug}"


def parse_change_cursor(cursor: str) -> Change:
    """Return the change before the page.

    Raises:
        Invalid: It is not a cursor of this list.
    """
    microseconds, _, slug = cursor.partition("-")
    if not (microseconds.isdecimal() and slug and int(microseconds) <= LAST_MICROSECOND):
        reason = "must be taken from `next` of the previous page"
        error = FieldError(pointer=None, parameter="cursor", detail=reason)
        raise Invalid("The cursor is not one of this list.", errors=[error])
    return Change(EPOCH + int(microseconds) * MICROSECOND, slug)
