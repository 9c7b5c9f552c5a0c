"""Audit lines in the database: inserted and read in the order of the chain."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import RowMapping, text

from services.gateway.audit.chain import AuditEntry, ChainedEntry, chain_entries
from services.platform.database import ReadSession, WriteSession

LOCK_CHAIN = """
-- Serialise writers of a region's chain across replicas.
SELECT pg_advisory_xact_lock(hashtextextended('emall audit ' || CAST(:region AS text), 0))
"""

COLUMNS = """number, at, key_id, agency, action, target, status, problem, request_id, body_hash,
    previous, hash"""

SELECT_LAST = f"""
-- Select the last line.
SELECT {COLUMNS} FROM gateway.audit_line WHERE region = :region ORDER BY number DESC LIMIT 1
"""  # noqa: S608 - a constant

INSERT_LINES = f"""
-- Insert many lines at once.
INSERT INTO gateway.audit_line (region, {COLUMNS})
SELECT :region, * FROM unnest(
    CAST(:number AS bigint[]), CAST(:at AS timestamptz[]), CAST(:key_id AS text[]),
    CAST(:agency AS text[]), CAST(:action AS text[]), CAST(:target AS text[]),
    CAST(:status AS integer[]), CAST(:problem AS text[]), CAST(:request_id AS text[]),
    CAST(:body_hash AS text[]), CAST(:previous AS text[]), CAST(:hash AS text[]))
"""  # noqa: S608 - a constant

SELECT_AFTER = f"""
-- Select the lines after a number, in the order of the chain.
SELECT {COLUMNS} FROM gateway.audit_line WHERE region = :region AND number > :after
ORDER BY number LIMIT :limit
"""  # noqa: S608 - a constant

SELECT_BEFORE = f"""
-- Select lines before a number, newest first, of one agency or of all.
SELECT {COLUMNS} FROM gateway.audit_line
WHERE region = :region AND (CAST(:before AS bigint) IS NULL OR number < :before)
    AND (CAST(:agency AS text) IS NULL OR agency = :agency)
ORDER BY number DESC LIMIT :limit
"""  # noqa: S608 - a constant

BATCH_SIZE = 5000


async def insert_entries(session: WriteSession, region: str, entries: Sequence[AuditEntry]) -> None:
    """Append these entries to the chain, in this transaction."""
    await session.execute(text(LOCK_CHAIN), {"region": region})
    row = (await session.execute(text(SELECT_LAST), {"region": region})).mappings().one_or_none()
    lines = list(chain_entries(region, None if row is None else to_chained_entry(row), entries))
    columns: dict[str, list[Any]] = {}
    for line in lines:
        row_values = asdict(line.entry) | {
            "number": line.number,
            "previous": line.previous,
            "hash": line.hash,
        }
        for name, value in row_values.items():
            columns.setdefault(name, []).append(value)
    await session.execute(text(INSERT_LINES), {"region": region, **columns})


async def iter_entries(session: ReadSession, region: str) -> AsyncIterator[ChainedEntry]:
    """Yield the whole chain from its first line."""
    after: int | None = -(2**62)
    while after is not None:
        rows = await session.execute(
            text(SELECT_AFTER), {"region": region, "after": after, "limit": BATCH_SIZE}
        )
        lines = [to_chained_entry(row) for row in rows.mappings()]
        for line in lines:
            yield line
        after = lines[-1].number if lines else None


async def list_latest(
    session: ReadSession, region: str, *, agency: str | None, before: int | None, limit: int
) -> list[ChainedEntry]:
    """Return lines before a number, newest first."""
    parameters = {"region": region, "agency": agency, "before": before, "limit": limit}
    rows = await session.execute(text(SELECT_BEFORE), parameters)
    return [to_chained_entry(row) for row in rows.mappings()]


def to_chained_entry(row: RowMapping) -> ChainedEntry:
    """Convert a row to an entry of the chain."""
    columns = dict(row)
    number, previous, own_hash = (columns.pop(name) for name in ("number", "previous", "hash"))
    return ChainedEntry(number, AuditEntry(**columns), previous, own_hash)
