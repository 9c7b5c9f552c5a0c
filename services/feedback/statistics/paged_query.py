"""Pages of queries with composite keys: however much is stored, one response is bounded."""

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Annotated, Any, Literal

from fastapi import Query
from sqlalchemy import RowMapping, TextClause, text

from services.platform.database import ReadSession
from services.platform.problems import FieldError, Invalid

MAX_ROWS = 10_000
"""Rows of a page."""
MAX_INT = 2**31 - 1
MAX_STATEMENTS = 100
"""Statements that are kept, by their dimensions."""

KeyType = Literal["text", "int", "date"]

CursorQuery = Annotated[
    str | None,
    Query(
        max_length=1000,
        pattern=r"^[A-Za-z0-9_=-]+$",
        description="Start of the page; taken from `next` of the previous page.",
    ),
]
LimitQuery = Annotated[int, Query(ge=1, le=MAX_ROWS, description="Items on a page.")]


async def fetch_page(
    session: ReadSession,
    statement: str,
    parameters: Mapping[str, Any],
    *,
    keys: Mapping[str, KeyType],
    cursor: str | None,
    limit: int,
) -> tuple[Sequence[RowMapping], str | None]:
    """Return the rows of a query after a cursor, and the cursor of the next page, if any.

    `keys` are the columns that identify a row, in the order of the result; none may be null.
    """
    after: dict[str, Any] = {}
    if cursor is not None:
        values = _decode(cursor, keys)
        after = {f"after_{n}": value for n, value in enumerate(values)}
    rows = await session.execute(
        _page_of(statement, tuple(keys.items()), is_first=cursor is None),
        {**parameters, **after, "limit": limit + 1},
    )
    found = rows.mappings().all()
    if len(found) <= limit:
        return found, None
    return found[:limit], _encode([found[limit - 1][name] for name in keys])


@lru_cache(MAX_STATEMENTS)
def _page_of(
    statement: str, keys: tuple[tuple[str, KeyType], ...], *, is_first: bool
) -> TextClause:
    """Return the statement of a page, made once: SQLAlchemy looks for parameters in all of it."""
    names = ", ".join(name for name, _ in keys)
    condition = ""
    if not is_first:
        casts = ", ".join(f"CAST(:after_{n} AS {kind})" for n, (_, kind) in enumerate(keys))
        condition = f"WHERE ({names}) > ({casts})"
    return text(
        f"SELECT * FROM ({statement}) page {condition} "  # noqa: S608 - names of columns
        f"ORDER BY {names} LIMIT :limit"
    )


def _encode(values: Sequence[object]) -> str:
    return urlsafe_b64encode(json.dumps([str(value) for value in values]).encode()).decode()


def _decode(cursor: str, keys: Mapping[str, KeyType]) -> list[str | int | date]:
    try:
        values = json.loads(urlsafe_b64decode(cursor))
        return [PARSERS[kind](value) for value, kind in zip(values, keys.values(), strict=True)]
    except (ValueError, TypeError, RecursionError, binascii.Error):
        detail = "is not from `next` of this list with the same `group_by`"
        error = FieldError(pointer=None, parameter="cursor", detail=detail)
        raise Invalid("The cursor does not belong to this list.", errors=[error]) from None


def _parse_text(value: str) -> str:
    if "\x00" in value or not value.isascii():
        raise ValueError(value)
    return value


def _parse_int(value: str) -> int:
    number = int(_parse_text(value)[:20])
    if not 0 <= number <= MAX_INT:
        raise ValueError(value)
    return number


PARSERS: dict[KeyType, Callable[[str], str | int | date]] = {
    "text": _parse_text,
    "int": _parse_int,
    "date": date.fromisoformat,
}
