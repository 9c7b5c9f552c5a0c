"""API keys, what they consumed and the audit log as the gateway stores them."""

from datetime import datetime
from typing import Any

from services.platform.settings import Settings
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
