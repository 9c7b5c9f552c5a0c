"""What a check found: kept as history, as the link's standing, and as seconds of its day."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, Field
from sqlalchemy import RowMapping, text

from services.gateway.link_monitoring.classify import (
    HUB_OFFLINE,
    UNREACHED,
    Outcome,
    Reason,
    State,
    Verdict,
    classify,
)
from services.gateway.link_monitoring.domain_expiry import registration_of
from services.gateway.link_monitoring.incidents import close_by_rule, open_by_rule
from services.gateway.link_monitoring.leases import Claim, release
from services.gateway.link_monitoring.status import Standing, after, held
from services.gateway.webhooks.outbox import keep_change
from services.platform.api_model import ApiModel
from services.platform.database import ReadSession, WriteSession
from services.platform.ids import new_id

HOSTS_TO_TELL = 3
"""So many hosts must fail alike before the hub doubts its own network."""

HOLDS = 3
"""A check speaks for the time until the next one, at most for so many intervals."""

STANDING = """
-- What is known of a link, for whoever has claimed its host.
SELECT state, reason, detail, since, checked_at, in_maintenance, failing, good, broken_since
FROM gateway.link_health WHERE region = :region AND slug = :slug FOR UPDATE
"""

OTHERS = """
-- Of the other hosts: how many were checked lately, and how many of them answered.
SELECT count(DISTINCT host) AS checked, count(*) FILTER (WHERE reached) AS answered
FROM gateway.link_health
WHERE region = :region AND host <> :host AND checked_at > :lately
"""

IN_MAINTENANCE = """
-- Whether maintenance of the link is announced for now.
SELECT EXISTS (SELECT 1 FROM gateway.maintenance
    WHERE region = :region AND slug = :slug AND starts_at <= :now AND :now < ends_at)
"""

STORE_CHECK = """
-- A check, as history.
INSERT INTO gateway.link_check (region, slug, id, checked_at, state, reason, detail, status,
    response_ms, final_url, in_maintenance)
VALUES (:region, :slug, :id, :checked_at, :state, :reason, :detail, :status, :response_ms,
    :final_url, :in_maintenance)
"""

STORE_STANDING = """
-- What is known of the link now, and when it is checked next.
UPDATE gateway.link_health SET state = :state, reason = :reason, detail = :detail, since = :since,
    checked_at = :checked_at, in_maintenance = :in_maintenance, failing = :failing, good = :good,
    broken_since = :broken_since, reached = :reached, response_ms = :response_ms,
    certificate_expires_at = coalesce(:certificate_expires_at, certificate_expires_at),
    due_at = :due_at
WHERE region = :region AND slug = :slug
"""

ADD_SECONDS = """
-- Seconds that a link spent in a state on a day.
INSERT INTO gateway.link_day (region, slug, day, {column}) VALUES (:region, :slug, :day, :seconds)
ON CONFLICT (region, slug, day) DO UPDATE SET {column} = link_day.{column} + excluded.{column}
"""

LIST_CHECKS = """
-- The checks of a link, newest first, from a cursor on.
SELECT id, checked_at, state, reason, detail, status, response_ms, final_url, in_maintenance
FROM gateway.link_check
WHERE region = :region AND slug = :slug AND (CAST(:cursor AS uuid) IS NULL OR id < :cursor)
ORDER BY id DESC LIMIT :limit
"""


class Check(ApiModel):
    """One look at a link."""

    id: UUID
    checked_at: AwareDatetime
    state: State
    reason: Reason | None = Field(description="Why it is not ok.")
    detail: str = Field(description="For the operator: what was seen.")
    status: int | None = Field(description="HTTP status of the last answer, if there was one.")
    response_ms: int | None = Field(description="Milliseconds until the answer was there.")
    final_url: str = Field(description="Where the redirects ended.")
    in_maintenance: bool = Field(description="Whether maintenance was announced for then.")


async def record(
    session: WriteSession,
    region: str,
    claim: Claim,
    outcome: Outcome,
    *,
    now: datetime,
    next_at: datetime,
    interval: timedelta,
) -> Check | None:
    """Keeps what a check found and what follows from it; None where the claim had ended."""
    if not await release(session, region, claim):
        return None
    of_link = {"region": region, "slug": claim.slug}
    row = (await session.execute(text(STANDING), of_link)).mappings().one_or_none()
    if row is None:
        return None
    before = Standing(**row)
    registration = await registration_of(session, region, claim.host, now=now)
    verdict = classify(outcome, now=now, registration=registration)
    reached = verdict.reason not in UNREACHED
    if not reached and await _hub_is_offline(session, region, claim, since=now - 2 * interval):
        verdict = HUB_OFFLINE
    in_maintenance = bool(await session.scalar(text(IN_MAINTENANCE), of_link | {"now": now}))
    standing = after(before, verdict, now=now, in_maintenance=in_maintenance)

    check = _check(outcome, verdict, now=now, in_maintenance=in_maintenance)
    await session.execute(text(STORE_CHECK), of_link | check.model_dump())
    await session.execute(
        text(STORE_STANDING),
        of_link
        | vars(standing)
        | {
            "reached": reached,
            "response_ms": check.response_ms,
            "certificate_expires_at": outcome.certificate_expires_at,
            "due_at": next_at,
        },
    )
    await _add_seconds(session, of_link, before, now=now, longest=HOLDS * interval)
    if before.state != standing.state and before.checked_at is not None:
        await keep_change(
            session,
            region,
            kind="link.state",
            slug=claim.slug,
            content={
                "url": claim.url,
                "state": standing.state,
                "reason": standing.reason,
                "detail": standing.detail,
                "previous": before.state,
            },
            now=now,
        )
    if standing.incident == "open":
        since = standing.broken_since or now
        await open_by_rule(
            session, region, claim.slug, reason=standing.reason, since=since, now=now
        )
    elif standing.incident == "close":
        await close_by_rule(session, region, claim.slug, now=now)
    return check


async def _hub_is_offline(
    session: WriteSession, region: str, claim: Claim, *, since: datetime
) -> bool:
    """Whether nothing else answers either, so that the fault is near and not at the portal."""
    parameters = {"region": region, "host": claim.host, "lately": since}
    others = (await session.execute(text(OTHERS), parameters)).one()
    return others.checked >= HOSTS_TO_TELL - 1 and others.answered == 0


def _check(outcome: Outcome, verdict: Verdict, *, now: datetime, in_maintenance: bool) -> Check:
    answered = outcome.failure is None
    return Check(
        id=new_id(),
        checked_at=now,
        state=verdict.state,
        reason=verdict.reason,
        detail=verdict.detail,
        status=outcome.status,
        response_ms=round(outcome.elapsed.total_seconds() * 1000) if answered else None,
        final_url=outcome.final_url[:2000],
        in_maintenance=in_maintenance,
    )


async def _add_seconds(
    session: WriteSession,
    of_link: dict[str, Any],
    before: Standing,
    *,
    now: datetime,
    longest: timedelta,
) -> None:
    if before.state == "pending":
        return
    spent = "maintenance" if before.in_maintenance else before.state
    statement = text(ADD_SECONDS.format(column=f"{spent}_seconds"))
    for day, seconds in held(before, now=now, longest=longest):
        await session.execute(statement, of_link | {"day": day, "seconds": seconds})


async def list_checks(
    session: ReadSession, region: str, slug: str, *, cursor: UUID | None, limit: int
) -> list[Check]:
    """Checks of a link, newest first."""
    rows = await session.execute(
        text(LIST_CHECKS), {"region": region, "slug": slug, "cursor": cursor, "limit": limit}
    )
    return [check_of(row) for row in rows.mappings()]


def check_of(row: RowMapping) -> Check:
    return Check.model_validate(dict(row))
