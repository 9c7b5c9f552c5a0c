"""`GET /api/v1/comments/summary`: how agencies keep their promises to those who write."""

from collections import defaultdict
from datetime import UTC, date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import Field
from sqlalchemy import text

from services.feedback.comments.cases import day_of
from services.feedback.comments.statistics import (
    GIVEN_UP,
    Dimension,
    Outcome,
    Sealed,
    Tally,
    bundles_of,
    cell_of,
    outcome_of,
    tally_of,
)
from services.feedback.surveys.k_anonymity import SMALLEST_GROUP, Bundle, Cell
from services.feedback.surveys.periods import Period, PeriodText, parse_period
from services.platform.api_model import ApiModel
from services.platform.database import WriteSession, WriteSessionDep
from services.platform.ids import new_id
from services.platform.parameters import AgencyQuery, ServiceQuery
from services.platform.problems import problem_responses
from services.platform.service import API, get_region

router = APIRouter(
    prefix=f"{API}/comments", tags=["comments"], responses=problem_responses(401, 422)
)

SETTLED = """
-- Comments that are settled and in no bundle yet. What is held, or was closed as what it was held
-- for, counts nowhere, and a duplicate counts as the comment it went into.
SELECT id, service, agency, kind, category, received_on, answer_by,
       least(answered_at, forwarded_at, closed_at) AS settled_at
FROM feedback.comment
WHERE region = :region AND bundle IS NULL AND cardinality(held) = 0 AND state <> 'merged'
  AND (least(answered_at, forwarded_at, closed_at) IS NOT NULL OR answer_by < :given_up)
"""

ALONE = """
-- One process at a time makes bundles of a region's comments.
SELECT pg_advisory_xact_lock(hashtextextended('comment bundles ' || :region, 0))
"""

STORE = """
-- A sealed bundle; it never changes.
INSERT INTO feedback.comment_bundle
    (region, id, sealed_on, n, first_day, last_day, service, agency, kind, category, tally)
VALUES (:region, :id, :today, :n, :first_day, :last_day, :service, :agency, :kind, :category,
        CAST(:tally AS jsonb))
"""

JOIN = """
-- Comments that wait no longer.
UPDATE feedback.comment SET bundle = :bundle
WHERE region = :region AND id = ANY(CAST(:comments AS uuid[]))
"""

BUNDLES = """
-- The bundles of a span of time whose comments all have what is asked for.
SELECT first_day, last_day, service, agency, kind, category, tally
FROM feedback.comment_bundle
WHERE region = :region AND first_day >= :first AND last_day <= :last
  AND (CAST(:agency AS text) IS NULL OR agency = :agency)
  AND (CAST(:service AS text) IS NULL OR service = :service)
ORDER BY first_day, id
"""


class CommentGroup(ApiModel):
    """A group of at least five comments."""

    value: str | None = Field(
        description="Of the dimension; empty where it was not said, null where groups too small "
        "to be published by themselves are pooled."
    )
    n: int = Field(ge=SMALLEST_GROUP)
    answered: int = Field(description="Answered, closed or forwarded.")
    in_time: int = Field(description="Of all: answered within their promise.")
    median_working_days: float | None = Field(
        description="Until the answer; null where fewer than five were answered."
    )


class CommentSummary(ApiModel):
    """How comments of a period were answered.

    A comment counts once it is settled: answered, closed or forwarded, or 30 days past its
    promise. Figures grow by bundles of at least five, so the newest may still wait.
    """

    span: str
    by: Dimension
    agency: str | None
    service: str | None
    n: int = Field(description="Comments in these figures.")
    items: list[CommentGroup]


@router.get("/summary", operation_id="get_comment_summary")
async def get_comment_summary(
    request: Request,
    session: WriteSessionDep,
    *,
    period: Annotated[
        PeriodText | None,
        Query(description="`2026`, `2026-S1`, `2026-Q3` or `2026-07`; default: this year."),
    ] = None,
    by: Annotated[Dimension, Query(description="What the figures are divided by.")] = "agency",
    agency: AgencyQuery = None,
    service: ServiceQuery = None,
) -> CommentSummary:
    """Comments of a period by agency, service, kind, category or part of the year: how many, how
    many in time, and the median of working days to the answer. Groups under five are hidden."""
    region, today = get_region(request), day_of(datetime.now(UTC))
    wanted = parse_period(period or str(today.year))
    await seal_settled(session, region, today=today)
    bundles = await sealed_bundles(session, region, wanted, agency=agency, service=service)
    groups: defaultdict[str | None, Tally] = defaultdict(Tally)
    for bundle in bundles:
        groups[bundle.value(by)] += bundle.tally
    return CommentSummary(
        span=str(wanted),
        by=by,
        agency=agency,
        service=service,
        n=sum(tally.n for tally in groups.values()),
        items=[
            _group(value, groups[value])
            for value in sorted(groups, key=lambda value: (value is None, value or ""))
        ],
    )


def _group(value: str | None, tally: Tally) -> CommentGroup:
    enough = tally.answered >= SMALLEST_GROUP
    return CommentGroup(
        value=value,
        n=tally.n,
        answered=tally.answered,
        in_time=tally.in_time,
        median_working_days=tally.median_days() if enough else None,
    )


async def seal_settled(session: WriteSession, region: str, *, today: date) -> None:
    """Seals what can be sealed of the settled comments."""
    if not bundles_of(_counts(await _settled(session, region, today=today)), today=today):
        return
    await session.execute(text(ALONE), {"region": region})
    waiting = await _settled(session, region, today=today)
    for bundle in bundles_of(_counts(waiting), today=today):
        members = [member for cell in bundle.cells for member in waiting[cell]]
        await _store(session, region, bundle, members, today=today)


async def sealed_bundles(
    session: WriteSession,
    region: str,
    period: Period,
    *,
    agency: str | None,
    service: str | None,
) -> list[Sealed]:
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
        Sealed(
            Period(row.first_day, row.last_day),
            row.service,
            row.agency,
            row.kind,
            row.category,
            Tally.model_validate(row.tally),
        )
        for row in rows
    ]


Waiting = dict[Cell, list[tuple[UUID, Outcome]]]


async def _settled(session: WriteSession, region: str, *, today: date) -> Waiting:
    found: Waiting = defaultdict(list)
    rows = await session.execute(text(SETTLED), {"region": region, "given_up": today - GIVEN_UP})
    for row in rows:
        outcome = outcome_of(
            received=row.received_on,
            answer_by=row.answer_by,
            settled=None if row.settled_at is None else day_of(row.settled_at),
            today=today,
        )
        cell = cell_of(
            received=row.received_on,
            service=row.service,
            agency=row.agency,
            kind=row.kind,
            category=row.category,
        )
        if outcome is not None:
            found[cell].append((row.id, outcome))
    return found


def _counts(waiting: Waiting) -> dict[Cell, int]:
    return {cell: len(members) for cell, members in waiting.items()}


async def _store(
    session: WriteSession,
    region: str,
    bundle: Bundle,
    members: list[tuple[UUID, Outcome]],
    *,
    today: date,
) -> None:
    bundle_id, label = new_id(), bundle.label
    await session.execute(
        text(STORE),
        {
            "region": region,
            "id": bundle_id,
            "today": today,
            "n": len(members),
            "first_day": label.period.first,
            "last_day": label.period.last,
            "service": label.service,
            "agency": label.agency,
            "kind": label.district,
            "category": label.channel,
            "tally": tally_of(outcome for _, outcome in members).model_dump_json(),
        },
    )
    await session.execute(
        text(JOIN),
        {"region": region, "bundle": bundle_id, "comments": [member for member, _ in members]},
    )
