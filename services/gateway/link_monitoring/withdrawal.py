"""Withdraws verdicts that were recorded while the hub's own network was down."""

from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text

from services.gateway.link_monitoring.classify import HUB_OFFLINE, HUB_REASONS
from services.gateway.link_monitoring.incidents import withdraw_automatic_incidents
from services.gateway.link_monitoring.status import LinkStatus, covered_seconds
from services.gateway.webhooks.outbox import record_link_event
from services.platform.database import WriteSession

LOCK_STATUSES = """
-- Lock the statuses of all links, in one order.
SELECT slug, checked_at, since, consecutive_failures FROM gateway.link_status
WHERE region = :region ORDER BY slug FOR UPDATE
"""

FIND_VERDICTS = """
-- Failures since any host was reached last, each with the time of the link's next check.
WITH recent AS (
    SELECT slug, id, checked_at, state, reason, in_maintenance,
        lead(checked_at) OVER (PARTITION BY slug ORDER BY checked_at) AS next_at
    FROM gateway.link_check
    WHERE region = :region AND checked_at > :oldest
)
SELECT slug, id, checked_at, in_maintenance, next_at FROM recent
WHERE state = 'broken' AND reason = ANY(:reasons) AND checked_at > (
    SELECT coalesce(max(checked_at), :oldest) FROM recent
    WHERE state <> 'pending' AND (reason IS NULL OR reason <> ALL(:reasons)))
ORDER BY slug, checked_at
"""

WITHDRAW_CHECKS = """
-- State that the hub was offline in place of a verdict.
UPDATE gateway.link_check SET state = :state, reason = :reason, detail = :detail
WHERE region = :region AND id = ANY(:ids)
"""

WITHDRAW_STATUS = """
-- Take back failures from a link's status; its state too, if it rests on one of them.
UPDATE gateway.link_status SET
    consecutive_failures = greatest(consecutive_failures - :count, 0),
    down_since = CASE WHEN consecutive_failures > :count THEN down_since END,
    state = CASE WHEN checked_at = :last THEN :state ELSE state END,
    reason = CASE WHEN checked_at = :last THEN :reason ELSE reason END,
    detail = CASE WHEN checked_at = :last THEN :detail ELSE detail END,
    since = CASE WHEN checked_at = :last THEN :first ELSE since END
FROM gateway.link
WHERE link_status.region = :region AND link_status.slug = :slug
    AND link.region = :region AND link.slug = :slug
RETURNING url, checked_at = :last AS is_state_withdrawn
"""

SUBTRACT_SECONDS = """
-- Take back seconds that counted as down.
UPDATE gateway.link_uptime_day SET broken_seconds = greatest(broken_seconds - :seconds, 0)
WHERE region = :region AND slug = :slug AND day = :day
"""


async def withdraw_verdicts(
    session: WriteSession, region: str, *, now: datetime, zone: ZoneInfo, max_coverage: timedelta
) -> int:
    """Withdraw the failures since any host was reached last; return their number.

    No further back than `max_coverage`. They stay in the history as checks without a result; the
    time that they covered is unknown, and incidents that rest on them are removed.
    """
    await session.execute(text(LOCK_STATUSES), {"region": region})
    parameters = {"region": region, "oldest": now - max_coverage, "reasons": [*HUB_REASONS]}
    verdicts = (await session.execute(text(FIND_VERDICTS), parameters)).all()
    replaced = dict(vars(HUB_OFFLINE))
    for slug, of_link in groupby(verdicts, key=lambda verdict: str(verdict.slug)):
        withdrawn = list(of_link)
        link_key: dict[str, Any] = {"region": region, "slug": slug}
        times = {"first": withdrawn[0].checked_at, "last": withdrawn[-1].checked_at}
        await session.execute(
            text(WITHDRAW_CHECKS),
            {"region": region, "ids": [verdict.id for verdict in withdrawn]} | replaced,
        )
        status = (
            await session.execute(
                text(WITHDRAW_STATUS), link_key | times | replaced | {"count": len(withdrawn)}
            )
        ).one()
        if status.is_state_withdrawn:
            data = replaced | {"url": status.url, "previous": "broken"}
            await record_link_event(
                session, region, event_type="link.state", slug=slug, data=data, now=now
            )
        for verdict in withdrawn:
            if verdict.next_at is None or verdict.in_maintenance:
                continue
            checked = LinkStatus("broken", None, "", verdict.checked_at, verdict.checked_at)
            covered = covered_seconds(
                checked, now=verdict.next_at, zone=zone, max_coverage=max_coverage
            )
            for day, seconds in covered:
                values = {"day": day, "seconds": seconds}
                await session.execute(text(SUBTRACT_SECONDS), link_key | values)
        await withdraw_automatic_incidents(session, region, slug, since=times["first"], now=now)
    return len(verdicts)
