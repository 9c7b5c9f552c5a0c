"""API keys, what they consumed and the audit log as the gateway stores them."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg

from services.gateway.audit.records import chain_pending, count_pending
from services.platform.database import Database
from services.platform.settings import Service, Settings
from tests.rows import rows


def stored_keys(settings: Settings) -> list[Any]:
    """Return each key with all of its columns; `as_text` is all of them together."""
    return rows(settings, "SELECT k.*, k::text AS as_text FROM gateway.api_key k ORDER BY k.id")


def last_use(settings: Settings) -> datetime | None:
    """Return when the only key was used last, as far as it is recorded."""
    [key] = stored_keys(settings)
    return key["last_used_at"]


def set_monthly_quota(settings: Settings, quota: int) -> None:
    """Give every key this quota of requests per month."""
    rows(settings, "UPDATE gateway.api_key SET monthly_quota = $1", quota)


def join_families(settings: Settings, family: str) -> None:
    """Make every key one of this family."""
    rows(settings, "UPDATE gateway.api_key SET family = $1", family)


def set_expiry(settings: Settings, key_id: str, expires_at: datetime) -> None:
    """Set when a key expires, outside every replica."""
    rows(settings, "UPDATE gateway.api_key SET expires_at = $2 WHERE id = $1", key_id, expires_at)


def turn_into_upload_links(settings: Settings, *, all_but: str) -> None:
    """Make every key but this one the key of an upload link."""
    rows(settings, "UPDATE gateway.api_key SET is_link = true WHERE id <> $1", all_but)


def set_last_use(settings: Settings) -> None:
    """Record a use of every key, in a statement that also writes its agency again."""
    rows(settings, "UPDATE gateway.api_key SET last_used_at = now(), agency = agency")


def revoke_keys(settings: Settings) -> None:
    """Revoke every key, outside every replica."""
    rows(settings, "UPDATE gateway.api_key SET revoked_at = now()")


def stored_buckets(settings: Settings) -> list[str]:
    """Return the names of the rate limit buckets that replicas share."""
    query = "SELECT bucket FROM gateway.rate_limit_bucket ORDER BY 1"
    return [row[0] for row in rows(settings, query)]


def consumption_by_key(settings: Settings) -> list[tuple[Any, ...]]:
    """Return key, agency, area, status class and requests, summed over hours."""
    found = rows(
        settings,
        "SELECT key_id, agency, area, status, sum(requests)::int FROM gateway.consumption "
        "GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
    )
    return [tuple(row) for row in found]


def consumption_by_agency(settings: Settings) -> list[tuple[Any, ...]]:
    """Return agency, area, status class and requests, summed over keys and hours."""
    found = rows(
        settings,
        "SELECT agency, area, status, sum(requests)::int FROM gateway.consumption "
        "GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
    )
    return [tuple(row) for row in found]


def metered_hours(settings: Settings) -> list[datetime]:
    """Return the hours of which consumption is stored."""
    return [row[0] for row in rows(settings, "SELECT hour FROM gateway.consumption ORDER BY 1")]


def chain_audit_log(settings: Settings) -> None:
    """Chain all stored lines of the audit log, as if the hour of each were over."""

    async def work() -> None:
        database = Database(settings, Service.gateway)
        pending = 1
        while pending:
            async with database.write_session() as session:
                later = datetime.now(UTC) + timedelta(hours=2)
                await chain_pending(session, settings.region, now=later)
            async with database.read_session() as session:
                pending = await count_pending(session, settings.region)
        await database.close()

    asyncio.run(work())


def past_triggers(settings: Settings, statement: str) -> None:
    """Execute a statement that no trigger sees, as a superuser can."""

    async def work() -> None:
        assert settings.database_url is not None
        connection = await asyncpg.connect(settings.database_url.get_secret_value())
        await connection.execute(f"SET session_replication_role = replica; {statement}")
        await connection.close()

    asyncio.run(work())


def move_newest_lines(settings: Settings, lines: int, month: date) -> None:
    """Move the newest lines of the audit log to another month, as if they were chained then."""
    rows(settings, "SELECT gateway.create_audit_partition($1)", month)
    past_triggers(
        settings,
        f"UPDATE gateway.audit_line SET month = '{month}' WHERE number > "
        f"(SELECT max(number) - {lines} FROM gateway.audit_line)",
    )


def audit_partitions(settings: Settings) -> list[str]:
    """Return the names of the audit log's partitions."""
    found = rows(
        settings,
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
        "WHERE i.inhparent = 'gateway.audit_line'::regclass ORDER BY 1",
    )
    return [row[0] for row in found]


def audited_actions(settings: Settings) -> list[tuple[str, str | None]]:
    """Return action and target of each line of the audit log, oldest first."""
    found = rows(settings, "SELECT action, target FROM gateway.audit_line ORDER BY number")
    return [tuple(row) for row in found]


def disable_audit_triggers(settings: Settings) -> None:
    """Let statements change the audit log, as somebody with the owner's rights can."""
    rows(settings, "ALTER TABLE gateway.audit_line DISABLE TRIGGER reject_audit_change")


def delete_audit_line(settings: Settings, hash_: str) -> None:
    rows(settings, "DELETE FROM gateway.audit_line WHERE hash = $1", hash_)


def truncate_audit_log(settings: Settings) -> None:
    """Delete all lines but the first."""
    rows(
        settings,
        "DELETE FROM gateway.audit_line "
        "WHERE number > (SELECT min(number) FROM gateway.audit_line)",
    )


def upload_sessions(settings: Settings) -> list[str]:
    """Return each session of the upload page as text, with all of its columns."""
    query = "SELECT s::text FROM gateway.key_session s"
    return [row[0] for row in rows(settings, query)]


def expire_upload_sessions(settings: Settings) -> None:
    """Let the half hour of every session be over."""
    rows(settings, "UPDATE gateway.key_session SET expires_at = now()")


def anonymous_audit_targets(settings: Settings) -> list[str]:
    """Return the targets of the audit lines of callers without a key, oldest first."""
    query = "SELECT target FROM gateway.audit_line WHERE key_id = 'anonymous' ORDER BY number"
    return [row[0] for row in rows(settings, query)]
