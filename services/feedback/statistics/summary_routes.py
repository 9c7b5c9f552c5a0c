"""Sums of events and statistics over HTTP: `/api/v1/usage/summary`."""

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import Query, Request
from sqlalchemy import text

from services.feedback.statistics import summary_queries as queries
from services.feedback.statistics.paged_query import (
    MAX_ROWS,
    CursorQuery,
    KeyType,
    LimitQuery,
    fetch_page,
)
from services.feedback.statistics.summary_schemas import (
    DIMENSIONS,
    MAX_RETRACTIONS,
    Dimension,
    GroupBy,
    Retracted,
    RetractedUse,
    UsageCount,
    UsageSummary,
)
from services.platform.database import ReadSession, ReadSessionDep
from services.platform.local_time import ZoneDep, start_of_day
from services.platform.months import add_months
from services.platform.paging import next_page_url
from services.platform.parameters import AgencyQuery, ServiceQuery
from services.platform.problems import FieldError, Invalid, problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.types import IsoDate

FIRST_DAY, LAST_DAY = date(2020, 1, 1), date(2199, 12, 31)
"""Range of days for which there can be events."""

MAX_DAYS: Mapping[Dimension, int] = {"hour": 31, "day": 366}
"""Maximum days of a span by its finest dimension."""

RETRACTED = text(queries.RETRACTED)

router = Router(prefix=f"{API}/usage", tags=["usage"], responses=problem_responses(401, 422))


@router.get("/summary", operation_id="get_usage_summary")
async def get_usage_summary(
    request: Request,
    session: ReadSessionDep,
    zone: ZoneDep,
    *,
    first: Annotated[
        IsoDate | None,
        Query(
            alias="from",
            description="First day; default: 1 January of this year, by `hour` the last day.",
        ),
    ] = None,
    last: Annotated[
        IsoDate | None, Query(alias="to", description="Last day; default: today.")
    ] = None,
    group_by: Annotated[
        GroupBy, Query(description="Dimensions to group by.", max_length=len(DIMENSIONS))
    ] = [],  # noqa: B006 - FastAPI copies it
    agency: AgencyQuery = None,
    service: ServiceQuery = None,
    cursor: CursorQuery = None,
    limit: LimitQuery = MAX_ROWS,
) -> UsageSummary:
    """Return sums of events and of current statistics.

    More than 10,000 sums are on several pages: `next` is null on the last one.

    Statistics are monthly: a month counts if it begins in the span or contains its first day. By
    `day` (at most 366) and by `hour` (at most 31 days) only events are counted, in the
    region's time zone.

    By `district`, so that no person can be identified in a small district: only whole months, only
    together with `month`, `agency` and `service`, and in multiples of five for each of these; the
    remainders count where `district` is null.
    """
    today = datetime.now(zone).date()
    dimensions = [name for name in DIMENSIONS if name in group_by]
    if first is None:
        first = last or today
        first = first if "hour" in dimensions else first.replace(month=1, day=1)
    last = last or max(today, first)
    check_span(dimensions, first, last, today=today)
    parameters: dict[str, Any] = {
        "region": get_region(request),
        "first": first,
        "last": last,
        "agency": agency,
        "service": service,
    } | span_parameters(first, last, zone)
    if "district" in dimensions:
        statement = queries.district_summary
        parameters["months_from"] = first
        parameters["months_until"] = add_months(min(last, LAST_DAY), 1)
    else:
        parameters["zone"] = zone.key
        is_hourly = not queries.HOURLY_DIMENSIONS.isdisjoint(dimensions)
        if "hour" in dimensions:
            # The zones of Indonesia have no summer time: every hour has the same offset.
            parameters["utc_offset"] = datetime.now(zone).isoformat()[-6:]
        statement = queries.hourly_summary if is_hourly else queries.summary
    keys: dict[str, KeyType] = {name: "date" if name == "day" else "text" for name in dimensions}
    rows, next_cursor = await fetch_page(
        session,
        statement(list(dimensions)),
        parameters,
        keys={**keys, "measure": "text"},
        cursor=cursor,
        limit=limit,
    )
    return UsageSummary(
        items=[
            UsageCount.model_validate(
                {name: None if value == "" else value for name, value in row.items()}
            )
            for row in rows
        ],
        next=next_page_url(request, next_cursor),
        retracted=await _read_retracted(
            session,
            # Sums by day or hour contain no statistics.
            parameters | {"with_statistics": queries.HOURLY_DIMENSIONS.isdisjoint(dimensions)},
        ),
    )


async def _read_retracted(session: ReadSession, parameters: Mapping[str, Any]) -> RetractedUse:
    """Return what was struck out of a span."""
    rows = await session.execute(RETRACTED, {**parameters, "limit": MAX_RETRACTIONS})
    found = rows.mappings().all()
    if not found:
        return RetractedUse()
    return RetractedUse(
        events=found[0]["all_events"],
        statistics=found[0]["all_statistics"],
        retractions=[
            Retracted(
                retraction=row["id"],
                reason=row["reason"],
                retracted_at=row["retracted_at"],
                events=row["events"],
                statistics=row["statistics"],
            )
            for row in found
        ],
    )


def check_span(dimensions: Collection[str], first: date, last: date, *, today: date) -> None:
    """Raise `Invalid` for a span that is too long, or too fine for districts."""
    for name, limit in MAX_DAYS.items():
        if name in dimensions and (last - first).days >= limit:
            detail = f"by {name}, a span may have {limit} days; it has {(last - first).days + 1}"
            error = FieldError(pointer=None, parameter="from", detail=detail)
            raise Invalid(
                "The span is too long; choose a shorter one, or group by month.", errors=[error]
            )
    if "district" in dimensions:
        _check_districts(dimensions, first, last, today=today)


def _check_districts(dimensions: Collection[str], first: date, last: date, *, today: date) -> None:
    """Raise `Invalid` for parts of districts in which a person could be identified."""
    errors = [
        FieldError(pointer=None, parameter="group_by", detail=f"combines district and {name}")
        for name in dimensions
        if name not in queries.DISTRICT_COMPATIBLE
    ]
    if first.day > 1:
        detail = "is not the first day of a month"
        errors.append(FieldError(pointer=None, parameter="from", detail=detail))
    if last < today and (last + timedelta(days=1)).day > 1:
        detail = "is neither the last day of a month nor today"
        errors.append(FieldError(pointer=None, parameter="to", detail=detail))
    if errors:
        others = ", ".join(name for name in queries.DISTRICT_COMPATIBLE if name != "district")
        raise Invalid(
            f"By district, only whole months and only together with {others}: smaller groups could "
            "identify people.",
            errors=errors,
        )


def span_parameters(first: date, last: date, zone: ZoneInfo) -> dict[str, date | datetime]:
    """Return query parameters for a span of days: whole months, and the hours around them."""
    first = min(max(first, FIRST_DAY), LAST_DAY)
    end = min(max(last, FIRST_DAY - timedelta(days=1)), LAST_DAY) + timedelta(days=1)
    months_from = first if first.day == 1 else add_months(first, 1)
    months_until = end.replace(day=1)
    begin, until = start_of_day(first, zone), start_of_day(end, zone)
    if last < first or months_from >= months_until:  # no whole month
        head_until = tail_from = until
    else:
        head_until, tail_from = start_of_day(months_from, zone), start_of_day(months_until, zone)
    return {
        "months_from": months_from,
        "months_until": months_until,
        "begin": begin,
        "head_until": head_until,
        "tail_from": tail_from,
        "until": until,
    }
