"""Usage over HTTP: `/api/v1/usage/...`."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from sqlalchemy import RowMapping, text

from services.feedback.events.partitions import midnight, shift
from services.feedback.statistics import queries
from services.feedback.statistics.obligations import counts_of, months_of
from services.feedback.statistics.plausibility_flags import doubted_months
from services.feedback.statistics.reporting_schemas import StatisticsReceived
from services.feedback.statistics.revisions import first_day
from services.feedback.statistics.schemas import (
    DIMENSIONS,
    Dimension,
    GroupBy,
    Reporting,
    Revisions,
    StatisticBatch,
    StatisticRevision,
    UsageCell,
    UsageSummary,
)
from services.feedback.statistics.upload import receive_statistics
from services.platform.database import ReadSession, ReadSessionDep, WriteSessionDep
from services.platform.identity import UsageWriter
from services.platform.local_time import JAKARTA
from services.platform.parameters import AgencyQuery, ServiceQuery
from services.platform.problems import Conflict, FieldError, Invalid, problem_responses
from services.platform.service import API, get_region
from services.platform.settings import Settings
from services.platform.types import IsoDate, Year, YearMonth

FIRST_DAY, LAST_DAY = date(2020, 1, 1), date(2199, 12, 31)
"""Days that events can be of."""

MOST_DAYS: Mapping[Dimension, int] = {"hour": 31, "day": 366}
"""Days of a span by how finely it is told."""

router = APIRouter(prefix=f"{API}/usage", tags=["usage"], responses=problem_responses(401, 422))


@router.post(
    "/statistics", operation_id="post_usage_statistics", responses=problem_responses(403, 409, 413)
)
async def post_usage_statistics(
    request: Request, session: WriteSessionDep, caller: UsageWriter, batch: StatisticBatch
) -> StatisticsReceived:
    """Stores monthly statistics of the key's agency, whole or not at all.

    The key of a figure is agency, service, channel, month and counter: the same figure again
    changes nothing, another figure becomes a revision and both are kept. `flags` names what is hard
    to believe about these figures; they are stored all the same.
    """
    return await receive_statistics(
        session, get_region(request), batch.statistics, caller=caller, now=datetime.now(UTC)
    )


@router.get("/statistics", operation_id="list_usage_statistics", responses=problem_responses(409))
async def list_usage_statistics(
    request: Request,
    session: ReadSessionDep,
    period: Annotated[YearMonth, Query(description="The month.")],
    agency: AgencyQuery = None,
    service: ServiceQuery = None,
) -> Revisions:
    """The figures of a month with all their revisions.

    A month with more than 10,000 is refused (409): ask agency by agency, or service by service.
    """
    found = await rows_of(
        session,
        queries.REVISIONS,
        {
            "region": get_region(request),
            "period": first_day(period),
            "agency": agency,
            "service": service,
        },
        parameter="agency" if agency is None else "service",
        instead="ask for each agency, and each of its services, by itself",
    )
    return Revisions(items=[StatisticRevision.model_validate(dict(row)) for row in found])


@router.get("/summary", operation_id="get_usage_summary", responses=problem_responses(409))
async def get_usage_summary(
    request: Request,
    session: ReadSessionDep,
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
        GroupBy, Query(description="Dimensions to keep apart.", max_length=len(DIMENSIONS))
    ] = [],  # noqa: B006 - FastAPI copies it
    agency: AgencyQuery = None,
    service: ServiceQuery = None,
) -> UsageSummary:
    """Sums of events and of current statistics.

    More than 10,000 sums are refused (409): ask for a shorter span, for fewer dimensions, or for an
    agency or a service by itself.

    Statistics are monthly: a month counts when it begins in the span or holds its first day. By
    `day` (366 of them at most) and by `hour` (31 days at most) events alone are counted, in
    Jakarta's time.

    By `district`, so that nobody can be found in a small place: whole months, beside `month`,
    `agency` and `service` alone, and in steps of five of each of those; what is left of a step
    counts where `district` is null.
    """
    today = datetime.now(JAKARTA).date()
    dimensions = [name for name in DIMENSIONS if name in group_by]
    if first is None:
        first = last or today
        first = first if "hour" in dimensions else first.replace(month=1, day=1)
    last = last or max(today, first)
    check_span(dimensions, first, last)
    parameters: dict[str, Any] = {
        "region": get_region(request),
        "first": first,
        "last": last,
        "agency": agency,
        "service": service,
    } | counts_between(first, last)
    if "district" in dimensions:
        statement = queries.district_summary
        parameters["months_from"] = first
        parameters["months_until"] = shift(min(last, LAST_DAY), 1)
    else:
        fine = not queries.FINE.isdisjoint(dimensions)
        statement = queries.fine_summary if fine else queries.summary
    found = await rows_of(
        session,
        statement(list(dimensions)),
        parameters,
        parameter="group_by",
        instead="leave out a dimension, or ask for a shorter span, one agency or one service",
    )
    return UsageSummary(
        items=[
            UsageCell.model_validate(
                {name: None if value == "" else value for name, value in row.items()}
            )
            for row in found
        ]
    )


async def rows_of(
    session: ReadSession,
    statement: str,
    parameters: Mapping[str, Any],
    *,
    parameter: str,
    instead: str,
) -> Sequence[RowMapping]:
    """All rows that answer a question; `Conflict` where there are too many for one answer."""
    most = queries.MOST_ROWS
    rows = await session.execute(text(statement), {**parameters, "most": most + 1})
    found = rows.mappings().all()
    if len(found) > most:
        error = FieldError(
            pointer=None, parameter=parameter, detail=f"gives more than {most:,} rows; {instead}"
        )
        raise Conflict("This is too much for one answer; ask for parts of it.", errors=[error])
    return found


def check_span(dimensions: Collection[str], first: date, last: date) -> None:
    """Refuses what would answer too much, or tell of too few people."""
    for name, most in MOST_DAYS.items():
        if name in dimensions and (last - first).days >= most:
            detail = f"by {name}, a span may have {most} days; it has {(last - first).days + 1}"
            error = FieldError(pointer=None, parameter="from", detail=detail)
            raise Invalid("Ask for a shorter span, or for months.", errors=[error])
    if "district" in dimensions:
        _check_districts(dimensions, first, last)


def _check_districts(dimensions: Collection[str], first: date, last: date) -> None:
    """Refuses parts of districts in which a person could be found."""
    errors = [
        FieldError(pointer=None, parameter="group_by", detail=f"has both district and {name}")
        for name in dimensions
        if name not in queries.BESIDE_DISTRICT
    ]
    if first.day > 1:
        detail = "is not the first day of a month"
        errors.append(FieldError(pointer=None, parameter="from", detail=detail))
    today = datetime.now(JAKARTA).date()
    if last < today and (last + timedelta(days=1)).day > 1:
        detail = "is neither the last day of a month nor today"
        errors.append(FieldError(pointer=None, parameter="to", detail=detail))
    if errors:
        beside = ", ".join(name for name in queries.BESIDE_DISTRICT if name != "district")
        raise Invalid(
            f"Districts are told by whole months, and beside them {beside} alone: few people do "
            "something in less.",
            errors=errors,
        )


def counts_between(first: date, last: date) -> dict[str, date | datetime]:
    """Where the counts of a span of days stand: whole months, and the hours before and after."""
    first = min(max(first, FIRST_DAY), LAST_DAY)
    end = min(max(last, FIRST_DAY - timedelta(days=1)), LAST_DAY) + timedelta(days=1)
    months_from = first if first.day == 1 else shift(first, 1)
    months_until = end.replace(day=1)
    begin, until = midnight(first), midnight(end)
    if last < first or months_from >= months_until:  # no whole month
        head_until = tail_from = until
    else:
        head_until, tail_from = midnight(months_from), midnight(months_until)
    return {
        "months_from": months_from,
        "months_until": months_until,
        "begin": begin,
        "head_until": head_until,
        "tail_from": tail_from,
        "until": until,
    }


@router.get("/reporting", operation_id="get_usage_reporting")
async def get_usage_reporting(
    request: Request,
    session: ReadSessionDep,
    period: Annotated[Year, Query(description="The year.")],
) -> Reporting:
    """Which monthly statistics agencies owed in a year, and which came on time."""
    settings: Settings = request.app.state.settings
    first, last = date(period, 1, 1), date(period, 12, 1)
    months = await months_of(session, settings.region, first=first, last=last)
    agencies = counts_of(
        months,
        doubted=await doubted_months(session, settings.region, first=first, last=last),
        now=datetime.now(UTC),
        due_day=settings.reporting_due_day,
    )
    return Reporting(
        period=period,
        expected=sum(agency.expected for agency in agencies),
        on_time=sum(agency.on_time for agency in agencies),
        late=sum(agency.late for agency in agencies),
        on_time_doubted=sum(agency.on_time_doubted for agency in agencies),
        late_doubted=sum(agency.late_doubted for agency in agencies),
        agencies=agencies,
    )
