"""Answers to "Membantu?" over HTTP: `/api/v1/usage/helpfulness`."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from fastapi import Query, Request
from sqlalchemy import text

from services.feedback.catalogue_lookup import find_agency
from services.feedback.comments.dependencies import Sender
from services.feedback.helpfulness.schemas import (
    Helpfulness,
    HelpfulnessAnswer,
    HelpfulnessCount,
    HelpfulnessCounted,
)
from services.feedback.senders import count_from_sender, hash_sender
from services.platform.database import ReadSessionDep, WriteSessionDep
from services.platform.local_time import ZoneDep, day_of
from services.platform.parameters import ServiceQuery
from services.platform.problems import Conflict, FieldError, Invalid, problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.types import IsoDate

router = Router(
    prefix=f"{API}/usage/helpfulness", tags=["usage"], responses=problem_responses(401, 422)
)

MAX_PER_ADDRESS_AND_DAY = 200
"""Answers of one address that count on a day; a whole office may share one."""
DEFAULT_DAYS = 90
MAX_DAYS = 366
MAX_ROWS = 10_000

COUNT = """
-- Counts one more answer about the page of a service.
INSERT INTO feedback.helpfulness AS h (region, service, day, helpful, answers)
VALUES (:region, :service, :day, :helpful, 1)
ON CONFLICT (region, service, day, helpful) DO UPDATE SET answers = h.answers + 1
"""

SUMS = """
-- Answers of a span of days by service, and by day if wanted.
SELECT service, CASE WHEN CAST(:by_day AS boolean) THEN day END AS day,
       CAST(coalesce(sum(answers) FILTER (WHERE helpful), 0) AS bigint) AS helpful,
       CAST(coalesce(sum(answers) FILTER (WHERE NOT helpful), 0) AS bigint) AS unhelpful
FROM feedback.helpfulness
WHERE region = :region AND day BETWEEN :first AND :last
  AND (CAST(:service AS text) IS NULL OR service = :service)
GROUP BY 1, 2
ORDER BY 1, 2
LIMIT :limit
"""


@router.post("", operation_id="post_helpfulness", responses=problem_responses(409, 413))
async def post_helpfulness(
    request: Request,
    session: WriteSessionDep,
    zone: ZoneDep,
    sender: Sender,
    answer: HelpfulnessAnswer,
) -> HelpfulnessCounted:
    """Say whether the page of a service helped, without key and name.

    Only sums are stored. A sender counts once a day for a service: it is recognised by a hash whose
    salt is deleted the next day.
    """
    region, today = get_region(request), day_of(datetime.now(UTC), zone)
    _, error = await find_agency(session, region, service=answer.service, agency="")
    if error is not None:
        raise Conflict("The hub does not know this service.", errors=[error])
    limits = (
        (f"helpfulness of {answer.service}", sender, 1),
        ("helpfulness of an address", sender[:1], MAX_PER_ADDRESS_AND_DAY),
    )
    for purpose, parts, limit in limits:
        hashed = await hash_sender(session, region, parts, purpose=purpose, today=today)
        if await count_from_sender(session, region, hashed, today=today) > limit:
            return HelpfulnessCounted(counted=False)
    await session.execute(
        text(COUNT),
        {"region": region, "service": answer.service, "day": today, "helpful": answer.helpful},
    )
    return HelpfulnessCounted(counted=True)


@router.get("", operation_id="get_helpfulness")
async def get_helpfulness(
    request: Request,
    session: ReadSessionDep,
    zone: ZoneDep,
    *,
    first: Annotated[
        IsoDate | None,
        Query(alias="from", description="First day; default: 90 days before the last."),
    ] = None,
    last: Annotated[
        IsoDate | None, Query(alias="to", description="Last day; default: today.")
    ] = None,
    service: ServiceQuery = None,
    by_day: Annotated[bool, Query(description="Each day by itself; needs `service`.")] = False,
) -> Helpfulness:
    """Return how often the pages of services helped, in at most 366 days."""
    last = last or day_of(datetime.now(UTC), zone)
    first = first or _days_before(last)
    if not 0 <= (last - first).days < MAX_DAYS:
        detail = f"must be a day at most {MAX_DAYS - 1} days before {last}"
        error = FieldError(pointer=None, parameter="from", detail=detail)
        raise Invalid("This span cannot be counted.", errors=[error])
    if by_day and service is None:
        error = FieldError(pointer=None, parameter="service", detail="is required with by_day")
        raise Invalid("Days are counted for one service.", errors=[error])
    rows = await session.execute(
        text(SUMS),
        {
            "region": get_region(request),
            "first": first,
            "last": last,
            "service": service,
            "by_day": by_day,
            "limit": MAX_ROWS,
        },
    )
    items = [HelpfulnessCount.model_validate(dict(row)) for row in rows.mappings()]
    return Helpfulness(first=first, last=last, items=items)


def _days_before(last: date) -> date:
    return max(date.min + timedelta(days=DEFAULT_DAYS), last) - timedelta(days=DEFAULT_DAYS)
