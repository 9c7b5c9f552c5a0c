"""Audit lines in the database: stored unchained, chained in order, and read.

Writers insert without a lock into `gateway.audit_pending`. `chain_pending` moves what is due to
`gateway.audit_line`, one process at a time per region, in the order of its time.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import RowMapping, text

from services.gateway.audit.chain import (
    NO_LINE,
    AuditEntry,
    ChainedEntry,
    Head,
    chain_entries,
)
from services.platform.database import ReadSession, WriteSession

ENTRY_COLUMNS = "at, key_id, agency, action, target, status, problem, request_id, body_hash"
COLUMNS = f"number, {ENTRY_COLUMNS}, previous, hash"

INSERT_PENDING = f"""
-- Insert many lines at once.
INSERT INTO gateway.audit_pending (region, id, due_at, {ENTRY_COLUMNS})
SELECT :region, * FROM unnest(
    CAST(:id AS uuid[]), CAST(:due_at AS timestamptz[]),
    CAST(:at AS timestamptz[]), CAST(:key_id AS text[]),
    CAST(:agency AS text[]), CAST(:action AS text[]), CAST(:target AS text[]),
    CAST(:status AS bigint[]), CAST(:problem AS text[]), CAST(:request_id AS text[]),
    CAST(:body_hash AS text[]))
"""  # noqa: S608 - a constant

LOCK_CHAIN = """
-- One process at a time chains the lines of a region; another passes over.
SELECT pg_try_advisory_xact_lock(hashtextextended('emall audit ' || CAST(:region AS text), 0))
"""

SELECT_DUE = f"""
-- Select pending lines that may be chained, in the order in which they are.
SELECT id, {ENTRY_COLUMNS} FROM gateway.audit_pending
WHERE region = :region AND due_at <= :now ORDER BY due_at, id LIMIT :limit
"""  # noqa: S608 - a constant

SELECT_HEAD = """
-- Select the last line; if all are pruned, the last one that was signed.
SELECT number, hash FROM (
    (SELECT number, hash FROM gateway.audit_line
     WHERE region = :region ORDER BY number DESC LIMIT 1)
    UNION ALL
    (SELECT last_number, head FROM gateway.audit_month
     WHERE region = :region ORDER BY month DESC LIMIT 1)
) AS known ORDER BY number DESC LIMIT 1
"""

CHAIN_LINES = """
-- Move pending lines to the end of the chain.
SELECT gateway.chain_audit_lines(:region, CAST(:ids AS uuid[]), CAST(:numbers AS bigint[]),
    CAST(:previous AS text[]), CAST(:hashes AS text[]))
"""

DUE_LINES = """
-- Count the lines that could be chained by now.
SELECT count(*) AS items, min(due_at) AS oldest FROM gateway.audit_pending
WHERE region = :region AND due_at <= now()
"""

COUNT_PENDING = """
-- Count the lines that are not chained.
SELECT count(*) FROM gateway.audit_pending WHERE region = :region
"""

SELECT_AFTER = f"""
-- Select the lines after a number, in the order of the chain.
SELECT {COLUMNS} FROM gateway.audit_line WHERE region = :region AND number > :after
ORDER BY number LIMIT :limit
"""  # noqa: S608 - a constant

SELECT_BEFORE = f"""
-- Select lines before a number, newest first: all, or those of an agency, of a person, key or
-- command, of an action, whose target has a text, or of a span of time.
SELECT {COLUMNS} FROM gateway.audit_line
WHERE region = :region AND (CAST(:before AS bigint) IS NULL OR number < :before)
    AND (CAST(:agency AS text) IS NULL OR agency = :agency)
    AND (CAST(:key_id AS text) IS NULL OR key_id = :key_id)
    AND (CAST(:action AS text) IS NULL OR action = :action)
    AND (CAST(:target AS text) IS NULL OR position(:target IN target) > 0)
    AND (CAST(:since AS timestamptz) IS NULL OR at >= :since)
    AND (CAST(:until AS timestamptz) IS NULL OR at < :until)
ORDER BY number DESC LIMIT :limit
"""  # noqa: S608 - a constant

BATCH_SIZE = 5000
CHAIN_BATCH_SIZE = 500
"""Lines chained in one transaction: hashing them holds the event loop for some milliseconds."""
HOUR_IS_OVER = timedelta(hours=1, minutes=5)
"""After the beginning of an hour, when no gateway writes a line of that hour any more.

Until then a line that hides its minute is not chained: between lines with exact times its place
would tell the minute. The five minutes are for requests that take long and clocks that are behind.
"""


async def insert_entries(session: WriteSession, region: str, entries: Sequence[AuditEntry]) -> None:
    """Store these entries in this transaction, to be chained when they are due."""
    columns: dict[str, list[Any]] = {
        "id": [uuid4() for _ in entries],
        "due_at": [
            entry.at + HOUR_IS_OVER if entry.hides_its_minute else entry.at for entry in entries
        ],
    }
    for entry in entries:
        for name, value in asdict(entry).items():
            columns.setdefault(name, []).append(value)
    await session.execute(text(INSERT_PENDING), {"region": region, **columns})


async def chain_pending(session: WriteSession, region: str, *, now: datetime) -> int:
    """Chain lines that are due, at most `CHAIN_BATCH_SIZE`, unless another process is doing so.

    Return how many.
    """
    if not await session.scalar(text(LOCK_CHAIN), {"region": region}):
        return 0
    parameters = {"region": region, "now": now, "limit": CHAIN_BATCH_SIZE}
    pending = (await session.execute(text(SELECT_DUE), parameters)).mappings().all()
    if not pending:
        return 0
    ids = [row["id"] for row in pending]
    entries = (_to_entry(row, apart=("id",)) for row in pending)
    lines = list(chain_entries(region, await read_head(session, region), entries))
    await session.execute(
        text(CHAIN_LINES),
        {
            "region": region,
            "ids": ids,
            "numbers": [line.number for line in lines],
            "previous": [line.previous for line in lines],
            "hashes": [line.hash for line in lines],
        },
    )
    return len(lines)


async def read_head(session: ReadSession | WriteSession, region: str) -> Head:
    """Return the end of the chain."""
    row = (await session.execute(text(SELECT_HEAD), {"region": region})).one_or_none()
    return NO_LINE if row is None else Head(row.number, row.hash)


async def count_pending(session: ReadSession, region: str) -> int:
    """Return how many lines are stored and not chained."""
    return await session.scalar(text(COUNT_PENDING), {"region": region}) or 0


async def iter_entries(
    session: ReadSession, region: str, *, after: int = 0
) -> AsyncIterator[ChainedEntry]:
    """Yield the chain from its first line; `after` is the number of the last pruned line."""
    # A line with a number before the first one was inserted, and is yielded too.
    last: int | None = -(2**62) if after == 0 else after
    while last is not None:
        rows = await session.execute(
            text(SELECT_AFTER), {"region": region, "after": last, "limit": BATCH_SIZE}
        )
        lines = [to_chained_entry(row) for row in rows.mappings()]
        for line in lines:
            yield line
        last = lines[-1].number if lines else None


@dataclass(frozen=True)
class AuditFilter:
    """Which lines are searched for; None: whatever."""

    agency: str | None = None
    key_id: str | None = None
    """Of a key, a person, or `command-line`, `hub`, `anonymous`."""
    action: str | None = None
    """Method of the request, or the command."""
    target: str | None = None
    """A part of the path, or of the command's argument."""
    since: datetime | None = None
    until: datetime | None = None
    """The first moment that does not belong to it."""


async def list_latest(
    session: ReadSession, region: str, wanted: AuditFilter, *, before: int | None, limit: int
) -> list[ChainedEntry]:
    """Return chained lines before a number, newest first."""
    parameters = {"region": region, **asdict(wanted), "before": before, "limit": limit}
    rows = await session.execute(text(SELECT_BEFORE), parameters)
    return [to_chained_entry(row) for row in rows.mappings()]


def to_chained_entry(row: RowMapping) -> ChainedEntry:
    """Convert a row to an entry of the chain."""
    entry = _to_entry(row, apart=("number", "previous", "hash"))
    return ChainedEntry(row["number"], entry, row["previous"], row["hash"])


def _to_entry(row: RowMapping, *, apart: Sequence[str]) -> AuditEntry:
    """Return the entry in a row, which has these columns beside it."""
    columns = dict(row)
    for name in apart:
        del columns[name]
    return AuditEntry(**columns)
