"""Measure how old the newest backup is."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from services.gateway.hub_status.backups import last_backup
from services.platform.database import DATABASE_ERRORS, Database
from services.platform.health import rules
from services.platform.health.findings import HealthCheck, Result
from services.platform.settings import Settings

INSTALLED_AT = """
-- When the gateway first used a key, which is when the hub first ran on this database.
SELECT min(accepted_at) FROM gateway.key_fingerprint WHERE region = :region
"""


async def check_backup(database: Database, settings: Settings) -> Result:
    """Find that `emall backup` wrote no archive for too long, counted from the first start."""
    try:
        async with database.read_session() as session:
            backup = await last_backup(session, settings.region)
            installed_at: datetime | None = await session.scalar(
                text(INSTALLED_AT), {"region": settings.region}
            )
    except DATABASE_ERRORS:  # which the check of the database tells
        return Result(unknown=frozenset({HealthCheck.backup}))
    found = rules.judge_backup(
        backup.made_at if backup else None,
        installed_at=installed_at,
        now=datetime.now(UTC),
        limit=timedelta(hours=settings.backup_warning_hours),
    )
    return Result((found,) if found else ())
