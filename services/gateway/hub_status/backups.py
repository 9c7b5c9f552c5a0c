"""When `emall backup` wrote complete archives."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from services.platform.database import ReadSession, WriteSession

_LAST = """
-- The newest backup of the region.
SELECT made_at, size, encrypted FROM gateway.backup
WHERE region = :region ORDER BY made_at DESC LIMIT 1
"""

_LIST = """
-- The backups of the region before a moment, newest first.
SELECT made_at, size, encrypted FROM gateway.backup
WHERE region = :region
    AND (CAST(:before AS timestamptz) IS NULL OR made_at < :before)
ORDER BY made_at DESC LIMIT :limit
"""

_RECORD = """
INSERT INTO gateway.backup (region, made_at, size, encrypted)
VALUES (:region, :made_at, :size, :encrypted)
"""


@dataclass(frozen=True)
class Backup:
    """A complete archive; where it is, and whether it still exists, the hub does not know."""

    made_at: datetime
    """The moment whose data it contains."""
    size: int
    """Bytes of the archive."""
    encrypted: bool


async def last_backup(session: ReadSession | WriteSession, region: str) -> Backup | None:
    """Return the newest backup; None if there never was one."""
    row = (await session.execute(text(_LAST), {"region": region})).one_or_none()
    return None if row is None else Backup(row.made_at, row.size, row.encrypted)


async def list_backups(
    session: ReadSession, region: str, *, before: datetime | None = None, limit: int
) -> list[Backup]:
    """Return the backups before a moment, newest first."""
    parameters = {"region": region, "before": before, "limit": limit}
    rows = await session.execute(text(_LIST), parameters)
    return [Backup(row.made_at, row.size, row.encrypted) for row in rows]


async def record_backup(session: WriteSession, region: str, backup: Backup) -> None:
    """Record a complete archive."""
    await session.execute(
        text(_RECORD),
        {
            "region": region,
            "made_at": backup.made_at,
            "size": backup.size,
            "encrypted": backup.encrypted,
        },
    )
