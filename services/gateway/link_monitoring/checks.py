"""Results of checks: stored as history, as the link's status, and as seconds per state and day."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, Field
from sqlalchemy import text

from services.gateway.link_monitoring.classify import (
    HUB_REASONS,
    Classification,
    ProbeResult,
    Reason,
    State,
    classify,
)
from services.gateway.link_monitoring.domain_expiry import find_registration
from services.gateway.link_monitoring.incidents import (
    close_automatic_incident,
    open_automatic_incident,
)
from services.gateway.link_monitoring.leases import Claim, release
from services.gateway.link_monitoring.status import LinkStatus, apply_check, covered_seconds
from services.gateway.webhooks.outbox import record_link_event
from services.platform.api_model import ApiModel
from services.platform.database import ReadSession, WriteSession
from services.platform.ids import new_id

COVERAGE_INTERVALS = 3
"""A check covers the time until the next one, at most this many check intervals."""

LOCK_STATUS = """
-- Lock and read the status of a link.
SELECT state, reason, detail, since, checked_at, in_maintenance, consecutive_failures,
    consecutive_successes, down_since
FROM gateway.link_status WHERE region = :region AND slug = :slug FOR UPDATE
"""

IN_MAINTENANCE = """
-- Whether the link is in a maintenance window now.
SELECT EXISTS (SELECT 1 FROM gateway.maintenance
    WHERE region = :region AND slug = :slug AND starts_at <= :now AND :now < ends_at)
"""

STORE_CHECK = """
-- Append a check to the history.
INSERT INTO gateway.link_check (region, slug, id, checked_at, state, reason, detail, status,
    response_ms, final_url, in_maintenance)
VALUES (:region, :slug, :id, :checked_at, :state, :reason, :detail, :status, :response_ms,
    :final_url, :in_maintenance)
"""

STORE_STATUS = """
-- Store the status of a link and schedule its next check.
UPDATE gateway.link_status SET state = :state, reason = :reason, detail = :detail, since = :since,
    checked_at = :checked_at, in_maintenance = :in_maintenance,
    consecutive_failures = :consecutive_failures, consecutive_successes = :consecutive_successes,
    down_since = :down_since, reachable = :reachable, response_ms = :response_ms,
    certificate_expires_at = coalesce(:certificate_expires_at, certificate_expires_at),
    due_at = :due_at
WHERE region = :region AND slug = :slug
"""

ADD_SECONDS = """
-- Add seconds in a state to a link's day.
INSERT INTO gateway.link_uptime_day AS d (region, slug, day, {column})
VALUES (:region, :slug, :day, :seconds)
ON CONFLICT (region, slug, day) DO UPDATE SET {column} = d.{column} + excluded.{column}
"""

LIST_CHECKS = """
-- The checks of a link, newest first, after a cursor.
SELECT id, checked_at, state, reason, detail, status, response_ms, final_url, in_maintenance
FROM gateway.link_check
WHERE region = :region AND slug = :slug AND (CAST(:cursor AS uuid) IS NULL OR id < :cursor)
ORDER BY id DESC LIMIT :limit
"""


class Check(ApiModel):
    """A check of a link."""

    id: UUID
    checked_at: AwareDatetime
    state: State = Field(description="Verdict of the check.")
    reason: Reason | None = Field(description="Reason code; null if the link is up.")
    detail: str = Field(description="Details for operators.")
    status: int | None = Field(description="HTTP status of the last response, if there was one.")
    response_ms: int | None = Field(description="Response time in milliseconds.")
    final_url: str = Field(description="URL after redirects.")
    in_maintenance: bool = Field(description="Whether the link was in a maintenance window.")


async def record_check(
    session: WriteSession,
    region: str,
    claim: Claim,
    result: ProbeResult,
    *,
    now: datetime,
    zone: ZoneInfo,
    next_check_at: datetime,
    interval: timedelta,
    hub_fault: Classification | None = None,
) -> Check | None:
    """Store a check with its effects on status, uptime, incidents and webhooks.

    `hub_fault` is what is recorded if the hub is to blame, not the portal. Returns None, and stores
    nothing, if the lease had expired.
    """
    if not await release(session, region, claim):
        return None
    link_key = {"region": region, "slug": claim.slug}
    row = (await session.execute(text(LOCK_STATUS), link_key)).mappings().one_or_none()
    if row is None:
        return None
    previous = LinkStatus(**row)
    registration = await find_registration(session, region, claim.host, now=now)
    # In a thread: a page of many elements takes as long as the event loop may be held.
    classification = await asyncio.to_thread(
        classify, result, now=now, registration=registration, expected_text=claim.expected_text
    )
    reachable = classification.reason not in HUB_REASONS
    classification = hub_fault or classification
    in_maintenance = bool(await session.scalar(text(IN_MAINTENANCE), link_key | {"now": now}))
    status = apply_check(previous, classification, now=now, in_maintenance=in_maintenance)

    check = _to_check(result, classification, now=now, in_maintenance=in_maintenance)
    await session.execute(text(STORE_CHECK), link_key | check.model_dump())
    await session.execute(
        text(STORE_STATUS),
        link_key
        | vars(status)
        | {
            "reachable": reachable,
            "response_ms": check.response_ms,
            "certificate_expires_at": result.certificate_expires_at,
            "due_at": next_check_at,
        },
    )
    max_coverage = COVERAGE_INTERVALS * interval
    await _add_seconds(session, link_key, previous, now=now, zone=zone, max_coverage=max_coverage)
    if previous.state != status.state and previous.checked_at is not None:
        await _record_state_event(session, region, claim, previous, status, now=now)
    if status.incident == "open":
        since = status.down_since or now
        await open_automatic_incident(
            session, region, claim.slug, reason=status.reason, since=since, now=now
        )
    elif status.incident == "close":
        await close_automatic_incident(session, region, claim.slug, now=now)
    return check


def _to_check(
    result: ProbeResult, classification: Classification, *, now: datetime, in_maintenance: bool
) -> Check:
    has_response = result.failure is None
    return Check(
        id=new_id(),
        checked_at=now,
        state=classification.state,
        reason=classification.reason,
        detail=classification.detail,
        status=result.status,
        response_ms=round(result.elapsed.total_seconds() * 1000) if has_response else None,
        final_url=result.final_url[:2000],
        in_maintenance=in_maintenance,
    )


async def _add_seconds(
    session: WriteSession,
    link_key: dict[str, Any],
    previous: LinkStatus,
    *,
    now: datetime,
    zone: ZoneInfo,
    max_coverage: timedelta,
) -> None:
    """Add the time since the previous check to the day's seconds in that check's state."""
    if previous.state == "pending":
        return
    state = "maintenance" if previous.in_maintenance else previous.state
    statement = text(ADD_SECONDS.format(column=f"{state}_seconds"))
    covered = covered_seconds(previous, now=now, zone=zone, max_coverage=max_coverage)
    for day, seconds in covered:
        await session.execute(statement, link_key | {"day": day, "seconds": seconds})


async def _record_state_event(
    session: WriteSession,
    region: str,
    claim: Claim,
    previous: LinkStatus,
    status: LinkStatus,
    *,
    now: datetime,
) -> None:
    data = {
        "url": claim.url,
        "state": status.state,
        "reason": status.reason,
        "detail": status.detail,
        "previous": previous.state,
    }
    await record_link_event(
        session, region, event_type="link.state", slug=claim.slug, data=data, now=now
    )


async def list_checks(
    session: ReadSession, region: str, slug: str, *, cursor: UUID | None, limit: int
) -> list[Check]:
    """Return checks of a link, newest first."""
    rows = await session.execute(
        text(LIST_CHECKS), {"region": region, "slug": slug, "cursor": cursor, "limit": limit}
    )
    return [Check.model_validate(dict(row)) for row in rows.mappings()]
