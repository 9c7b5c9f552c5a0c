"""Lines of the audit log in the database: added in one order, read back in it."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import RowMapping, text

from services.gateway.audit.chain import Entry, Line, chained
from services.platform.database import ReadSession, WriteSession

LOCK = """
-- One writer at a time adds to the chain of a region, however many replicas there are.
SELECT pg_advisory_xact_lock(hashtextextended('emall audit ' || CAST(:region AS text), 0))
"""

COLUMNS = """number, at, key_id, agency, action, target, status, problem, request_id, body_hash,
    previous, hash"""

HEAD = f"""
-- The last line.
SELECT {COLUMNS} FROM gateway.audit_line WHERE region = :region ORDER BY number DESC LIMIT 1
"""  # noqa: S608 - a constant

ADD = f"""
-- Lines, all at once.
INSERT INTO gateway.audit_line (region, {COLUMNS})
SELECT :region, * FROM unnest(
    CAST(:number AS bigint[]), CAST(:at AS timestamptz[]), CAST(:key_id AS text[]),
    CAST(:agency AS text[]), CAST(:action AS text[]), CAST(:target AS text[]),
    CAST(:status AS integer[]), CAST(:problem AS text[]), CAST(:request_id AS text[]),
    CAST(:body_hash AS text[]), CAST(:previous AS text[]), CAST(:hash AS text[]))
"""  # noqa: S608 - a constant

NEXT = f"""
-- The lines after one, in the order of the chain.
SELECT {COLUMNS} FROM gateway.audit_line WHERE region = :region AND number > :after
ORDER BY number LIMIT :limit
"""  # noqa: S608 - a constant

LATEST = f"""
-- Lines before a number, newest first; of one agency or of all.
SELECT {COLUMNS} FROM gateway.audit_line
WHERE region = :region AND (CAST(:before AS bigint) IS NULL OR number < :before)
    AND (CAST(:agency AS text) IS NULL OR agency = :agency)
ORDER BY number DESC LIMIT :limit
"""  # noqa: S608 - a constant

BATCH = 5000


async def append(session: WriteSession, region: str, entries: Sequence[Entry]) -> None:
    """Adds these entries to the chain, in this transaction."""
    await session.execute(text(LOCK), {"region": region})
    row = (await session.execute(text(HEAD), {"region": region})).mappings().one_or_none()
    lines = list(chained(region, None if row is None else line_of(row), entries))
    columns: dict[str, list[Any]] = {}
    for line in lines:
        given = asdict(line.entry) | {
            "number": line.number,
            "previous": line.previous,
            "hash": line.hash,
        }
        for name, value in given.items():
            columns.setdefault(name, []).append(value)
    await session.execute(text(ADD), {"region": region, **columns})


async def lines_of(session: ReadSession, region: str) -> AsyncIterator[Line]:
    """The whole chain from its first line on."""
    after: int | None = -(2**62)
    while after is not None:
        rows = await session.execute(text(NEXT), {"region": region, "after": after, "limit": BATCH})
        lines = [line_of(row) for row in rows.mappings()]
        for line in lines:
            yield line
        after = lines[-1].number if lines else None


async def latest(
    session: ReadSession, region: str, *, agency: str | None, before: int | None, limit: int
) -> list[Line]:
    """Lines, newest first."""
    parameters = {"region": region, "agency": agency, "before": before, "limit": limit}
    rows = await session.execute(text(LATEST), parameters)
    return [line_of(row) for row in rows.mappings()]


def line_of(row: RowMapping) -> Line:
    given = dict(row)
    number, previous, own = (given.pop(name) for name in ("number", "previous", "hash"))
    return Line(number, Entry(**given), previous, own)
