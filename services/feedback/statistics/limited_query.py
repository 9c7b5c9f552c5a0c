"""Queries that may return more rows than one response should hold."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping, text

from services.platform.database import ReadSession
from services.platform.problems import Conflict, FieldError

MAX_ROWS = 10_000
"""Larger results are rejected, not truncated: a sum does not show that others are missing."""


async def fetch_limited(
    session: ReadSession,
    statement: str,
    parameters: Mapping[str, Any],
    *,
    parameter: str,
    remedy: str,
) -> Sequence[RowMapping]:
    """Return all rows of a query with a `LIMIT :limit`; raise `Conflict` if there are too many.

    `parameter` is the request parameter that the error refers to.
    """
    rows = await session.execute(text(statement), {**parameters, "limit": MAX_ROWS + 1})
    found = rows.mappings().all()
    if len(found) > MAX_ROWS:
        error = FieldError(
            pointer=None,
            parameter=parameter,
            detail=f"gives more than {MAX_ROWS:,} rows; {remedy}",
        )
        raise Conflict("The result is too large; request it in parts.", errors=[error])
    return found
