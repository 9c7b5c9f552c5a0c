"""Forms bundles of settled comments, and reads the bundles that match a query."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text

from services.feedback.comments.statistics import (
    UNANSWERED_AFTER,
    Outcome,
    Tally,
    group_of,
    outcome_of,
    plan_comment_bundles,
    tally_of,
)
from services.feedback.comments.summary_schemas import Dimension
from services.feedback.periods import Period, Span
from services.feedback.small_groups import BundlePlan, Group, Person, period_within
from services.platform.database import ReadSession, WriteSession
from services.platform.ids import new_id
from services.platform.local_time import day_of
from services.platform.stored import parse_stored

SETTLED = """
-- Settled comments without a bundle. Those under review, or closed while under review, do not
-- count; a duplicate counts as the comment that it was merged into.
SELECT id, service, agency, kind, category, received_on, answer_by,
       least(answered_at, forwarded_at, closed_at) AS settled_at
FROM feedback.comment
WHERE region = :region AND bundle IS NULL AND cardinality(review_reasons) = 0
  AND state <> 'merged'
  AND (least(answered_at, forwarded_at, closed_at) IS NOT NULL OR answer_by < :unanswered_before)
"""

SETTLED_LOCKED = f"""{SETTLED}
-- Comments that a request is changing are bundled the next time.
FOR UPDATE SKIP LOCKED
"""

LOCK = """
-- Serialises the forming of a region's comment bundles until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('comment bundles ' || :region, 0))
"""

STORE = """
-- A bundle, which never changes.
INSERT INTO feedback.comment_bundle
    (region, id, formed_on, n, first_day, last_day, service, agency, kind, category, tally)
VALUES (:region, :id, :today, :n, :first_day, :last_day, :service, :agency, :kind, :category,
        CAST(:tally AS jsonb))
"""

ASSIGN = """
-- Assigns comments to their bundle.
UPDATE feedback.comment SET bundle = :bundle
WHERE region = :region AND id = ANY(CAST(:comments AS uuid[]))
"""

BUNDLES = """
-- The bundles within a period whose comments all match the filters.
SELECT first_day, last_day, service, agency, kind, category, tally
FROM feedback.comment_bundle
WHERE region = :region AND first_day >= :first AND last_day <= :last
  AND (CAST(:agency AS text) IS NULL OR agency = :agency)
  AND (CAST(:service AS text) IS NULL OR service = :service)
ORDER BY first_day, id
"""


@dataclass(frozen=True)
class Bundle:
    """A stored bundle; an attribute is None if its comments differ in it."""

    period: Period
    service: str | None
    agency: str | None
    kind: str | None
    category: str | None
    tally: Tally

    def value(self, dimension: Dimension) -> str | None:
        """Return the value of a dimension that the bundle counts under."""
        if dimension in ("agency", "service", "kind", "category"):
            return getattr(self, dimension)
        span: Span = dimension
        return period_within(self.period, span)


async def form_due_bundles(
    session: WriteSession, region: str, *, now: datetime, zone: ZoneInfo
) -> int:
    """Form the bundles that the settled comments of a region allow; return how many."""
    today = day_of(now, zone)
    pending = await _pending(session, region, SETTLED, today=today, zone=zone)
    if not plan_comment_bundles(_people(pending), today=today):
        return 0
    await session.execute(text(LOCK), {"region": region})
    pending = await _pending(session, region, SETTLED_LOCKED, today=today, zone=zone)
    plans = plan_comment_bundles(_people(pending), today=today)
    for plan in plans:
        members = [member for group in plan.groups for member in pending[group]]
        await _store(session, region, plan, members, today=today)
    return len(plans)


async def find_bundles(
    session: ReadSession,
    region: str,
    period: Period,
    *,
    agency: str | None,
    service: str | None,
) -> list[Bundle]:
    """Return the bundles within a period whose comments all match the filters."""
    rows = await session.execute(
        text(BUNDLES),
        {
            "region": region,
            "first": period.first,
            "last": period.last,
            "agency": agency,
            "service": service,
        },
    )
    return [
        Bundle(
            Period(row.first_day, row.last_day),
            row.service,
            row.agency,
            row.kind,
            row.category,
            parse_stored(Tally, row.tally),
        )
        for row in rows
    ]


Pending = dict[Group, list[tuple[UUID, Outcome]]]


async def _pending(
    session: WriteSession, region: str, query: str, *, today: date, zone: ZoneInfo
) -> Pending:
    pending: Pending = defaultdict(list)
    rows = await session.execute(
        text(query), {"region": region, "unanswered_before": today - UNANSWERED_AFTER}
    )
    for row in rows:
        outcome = outcome_of(
            received=row.received_on,
            answer_by=row.answer_by,
            settled=None if row.settled_at is None else day_of(row.settled_at, zone),
            today=today,
        )
        group = group_of(
            received=row.received_on,
            service=row.service,
            agency=row.agency,
            kind=row.kind,
            category=row.category,
        )
        if outcome is not None:
            pending[group].append((row.id, outcome))
    return pending


def _people(pending: Pending) -> dict[Group, list[Person]]:
    """Return each comment as a person of its own: nobody keeps who sent a settled comment."""
    return {
        group: [Person(str(comment)) for comment, _ in members]
        for group, members in pending.items()
    }


async def _store(
    session: WriteSession,
    region: str,
    plan: BundlePlan,
    members: list[tuple[UUID, Outcome]],
    *,
    today: date,
) -> None:
    bundle_id = new_id()
    await session.execute(
        text(STORE),
        {
            "region": region,
            "id": bundle_id,
            "today": today,
            "n": len(members),
            "first_day": plan.key.period.first,
            "last_day": plan.key.period.last,
            "service": plan.key.service,
            "agency": plan.key.agency,
            "kind": plan.key.fine_detail,
            "category": plan.key.detail,
            "tally": tally_of(outcome for _, outcome in members).model_dump_json(),
        },
    )
    await session.execute(
        text(ASSIGN),
        {"region": region, "bundle": bundle_id, "comments": [member for member, _ in members]},
    )
