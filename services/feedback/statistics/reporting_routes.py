"""Monthly reports over HTTP: template and upload, completeness, reminders, doubts."""

import asyncio
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy import text

from services.feedback.events.partitions import month_of, shift
from services.feedback.statistics import plausibility_flags
from services.feedback.statistics.calendar_feed import calendar_of
from services.feedback.statistics.obligations import closed_months, months_between, months_of
from services.feedback.statistics.reporting_schemas import (
    FlagCount,
    FlagExplanation,
    FlagState,
    ReportingCalendar,
    ReportingMonth,
    StatisticFlag,
    StatisticFlags,
    StatisticsUploaded,
)
from services.feedback.statistics.revisions import first_day
from services.feedback.statistics.schemas import MAX_STATISTICS, ChannelKind, Measure
from services.feedback.statistics.spreadsheet import (
    OwnService,
    TemplateRow,
    read_filled,
    template_csv,
    template_xlsx,
)
from services.feedback.statistics.upload import (
    in_words,
    newest_month,
    open_file,
    own_services,
    receive_file,
    rows_around,
)
from services.platform.database import ReadSession, ReadSessionDep, WriteSessionDep
from services.platform.identity import Caller, CurrentCaller, UsageWriter
from services.platform.parameters import AgencyQuery, LanguageQuery
from services.platform.problems import (
    Conflict,
    FieldError,
    Invalid,
    NotAllowed,
    NotFound,
    TooLarge,
    problem_responses,
)
from services.platform.service import API, get_region
from services.platform.settings import Settings
from services.platform.spreadsheets import CSV, XLSX, Sheet, SpreadsheetError
from services.platform.types import Slug, YearMonth

router = APIRouter(prefix=f"{API}/usage", tags=["usage"], responses=problem_responses(401, 422))

MONTHS_OWED = 12
MOST_MONTHS = 60
MAX_FILE = 2 * 1024 * 1024
FIRST_MONTH = date(2000, 1, 1)
"""Of the months that can be written."""
AHEAD = 2
"""Months to come that a feed tells of."""

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_TABLE: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {XLSX: _BINARY, CSV: {"schema": {"type": "string"}}},
        "description": "An XLSX workbook, or CSV in UTF-8 with semicolons.",
    }
}

OfAgency = Annotated[
    Slug | None, Query(description="Default: the key's agency; another one is an administrator's.")
]
FirstMonth = Annotated[YearMonth | None, Query(alias="from", description="First month.")]
LastMonth = Annotated[YearMonth | None, Query(alias="to", description="Last month.")]
FlagPath = Annotated[UUID, Path(description="Id of the doubt.")]

FIGURES = """
-- The standing figures of an agency in a span of months.
SELECT service, channel, period, measure, value FROM feedback.statistic
WHERE region = :region AND agency = :agency AND is_current
  AND period BETWEEN :first AND :last
"""


@router.get(
    "/statistics/template",
    operation_id="get_statistics_template",
    response_class=Response,
    responses=_TABLE | problem_responses(403, 409),
)
async def get_statistics_template(
    request: Request,
    session: ReadSessionDep,
    caller: UsageWriter,
    *,
    form: Annotated[
        Literal["xlsx", "csv"], Query(alias="format", description="Kind of file.")
    ] = "xlsx",
    agency: OfAgency = None,
    first: FirstMonth = None,
    last: LastMonth = None,
) -> Response:
    """The table to fill in: a row for each service, channel and month that the agency owes.

    Without a span, the months among the last twelve that are not complete; with one, all of its
    months with the figures that are known, so that they can be corrected.
    """
    region, now = get_region(request), datetime.now(UTC)
    agency = agency_of(caller, agency)
    services = await own_services(session, region, agency)
    if not services:
        raise Conflict(f"{agency} has no service to report on; the pack says which agencies do.")
    if first is None and last is None:
        rows = await _owed_rows(session, region, agency, services, now=now)
    else:
        begin, end = _span(first, last, now=now)
        rows = await _known_rows(session, region, agency, services, first=begin, last=end)
    if len(rows) > MAX_STATISTICS:
        parameter = FieldError(pointer=None, parameter="from", detail="take a shorter span")
        detail = f"The table would have {len(rows)} rows; {MAX_STATISTICS} are taken at a time."
        raise Conflict(detail, errors=[parameter])
    make = template_xlsx if form == "xlsx" else template_csv
    content = await asyncio.to_thread(make, services, rows)
    name = f"statistik-{agency}-{now:%Y-%m-%d}.{form}"
    return Response(
        content,
        media_type=XLSX if form == "xlsx" else f"{CSV}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _owed_rows(
    session: ReadSession, region: str, agency: str, services: list[OwnService], *, now: datetime
) -> list[TemplateRow]:
    first, last = closed_months(now, count=MONTHS_OWED)
    owed = await months_of(session, region, first=first, last=last, agency=agency)
    rows: list[TemplateRow] = []
    # Whole months, the newest first, as many as one upload takes.
    for month in reversed(owed):
        more = [
            TemplateRow(service, channel, month.month)
            for service in services
            if service.slug in month.missing
            for channel in service.channels
        ]
        if len(rows) + len(more) > MAX_STATISTICS:
            break
        rows = more + rows
    return rows


async def _known_rows(
    session: ReadSession,
    region: str,
    agency: str,
    services: list[OwnService],
    *,
    first: date,
    last: date,
) -> list[TemplateRow]:
    stored = await session.execute(
        text(FIGURES), {"region": region, "agency": agency, "first": first, "last": last}
    )
    known: dict[tuple[str, ChannelKind, date], dict[Measure, int]] = {}
    for row in stored:
        known.setdefault((row.service, row.channel, row.period), {})[row.measure] = row.value
    rows: list[TemplateRow] = []
    for month in months_between(first, last):
        for service in services:
            # Those of the catalogue, and any other for which figures came.
            channels: list[ChannelKind] = list(service.channels)
            for slug, channel, period in known:
                if slug == service.slug and period == month:
                    channels.append(channel)
            rows += [
                TemplateRow(service, channel, month, known.get((service.slug, channel, month), {}))
                for place, channel in enumerate(channels)
                if channel not in channels[:place]
            ]
    return rows


@router.post(
    "/statistics/upload",
    operation_id="upload_usage_statistics",
    responses=problem_responses(403, 409, 413),
    openapi_extra={
        "requestBody": {"required": True, "content": {XLSX: _BINARY, CSV: _BINARY}},
    },
)
async def upload_usage_statistics(
    request: Request,
    session: WriteSessionDep,
    caller: UsageWriter,
    *,
    dry_run: Annotated[bool, Query(description="Check everything and store nothing.")] = False,
    agency: OfAgency = None,
    language: LanguageQuery = "id",
) -> StatisticsUploaded:
    """Takes a filled template (XLSX, or CSV as spreadsheets save it), whole or not at all.

    Every cell that is wrong is named in `errors[]` as `#/<sheet>/<cell>`, with what would be right.
    A figure that differs from the one that stands is a correction and needs a reason in its row.
    The rows around what is wrong come in `rows`.
    The same file again changes nothing.
    """
    region, now = get_region(request), datetime.now(UTC)
    agency = agency_of(caller, agency)
    content = await request.body()
    if len(content) > MAX_FILE:
        raise TooLarge(f"A file of statistics may have {MAX_FILE} bytes; send fewer rows.")
    services = await own_services(session, region, agency)
    sheets: list[Sheet] = []
    try:
        sheets = await asyncio.to_thread(open_file, content)
        filled = await asyncio.to_thread(
            read_filled,
            sheets,
            agency=agency,
            services=services,
            newest=newest_month(now),
            language=language,
        )
        received = await receive_file(
            session,
            region,
            filled,
            agency=agency,
            caller=caller,
            now=now,
            language=language,
            dry_run=dry_run,
        )
    except SpreadsheetError as error:
        faults = in_words(error, language)[:100]
        raise Invalid(
            "The file was not taken; nothing was stored.",
            errors=[
                FieldError(pointer=f"#/{f.sheet}/{f.cell}", parameter=None, detail=f.message)
                for f in faults
            ],
            extra={"rows": rows_around(sheets, faults)},
        ) from None
    if dry_run:
        await session.rollback()
    return received


@router.get(
    "/completeness", operation_id="get_usage_completeness", responses=problem_responses(409)
)
async def get_usage_completeness(
    request: Request,
    session: ReadSessionDep,
    *,
    agency: AgencyQuery = None,
    first: FirstMonth = None,
    last: LastMonth = None,
) -> ReportingCalendar:
    """Who owes which month: services reported of those owed, on time, late or missing.

    Default: the twelve newest months that are over. `usage/reporting` and the assessment count
    from the same months.
    """
    settings: Settings = request.app.state.settings
    now, due_day = datetime.now(UTC), settings.reporting_due_day
    begin, end = _span(first, last, now=now)
    months = await months_of(session, settings.region, first=begin, last=end, agency=agency)
    return ReportingCalendar(
        items=[
            ReportingMonth(
                agency=month.agency,
                period=f"{month.month:%Y-%m}",
                due_on=month.due_on(due_day),
                state=month.state(now=now, due_day=due_day),
                complete=month.is_complete,
                services_owed=month.services_owed,
                services_reported=month.services_reported,
                received_at=month.received_at,
                completed_at=month.completed_at,
            )
            for month in months
        ]
    )


@router.get(
    "/reminders.ics",
    operation_id="get_usage_reminders",
    response_class=Response,
    responses={
        200: {
            "content": {"text/calendar": {"schema": {"type": "string"}}},
            "description": "An iCalendar feed (RFC 5545).",
        }
    },
)
async def get_usage_reminders(
    request: Request,
    session: ReadSessionDep,
    agency: Annotated[Slug, Query(description="Whose months.")],
) -> Response:
    """The due days of the months that an agency owes and of the next ones, to subscribe to."""
    settings: Settings = request.app.state.settings
    now = datetime.now(UTC)
    first, last = closed_months(now, count=MONTHS_OWED)
    months = await months_of(
        session, settings.region, first=first, last=shift(last, AHEAD), agency=agency
    )
    feed = calendar_of(
        months,
        region=settings.region,
        agency=agency,
        due_day=settings.reporting_due_day,
        # Stamped with the day, so that a feed without news keeps its ETag.
        now=now.replace(hour=0, minute=0, second=0, microsecond=0),
    )
    return Response(feed, media_type="text/calendar")


@router.get(
    "/statistics/flags", operation_id="list_statistic_flags", responses=problem_responses(403)
)
async def list_statistic_flags(
    request: Request,
    session: ReadSessionDep,
    caller: CurrentCaller,
    *,
    agency: OfAgency = None,
    state: Annotated[FlagState | None, Query(description="Those in this state alone.")] = None,
) -> StatisticFlags:
    """Figures that are hard to believe: with a key those of its agency, without one how many."""
    region = get_region(request)
    counts = await session.execute(text(plausibility_flags.COUNTS), {"region": region})
    items: list[StatisticFlag] = []
    if caller.has_scope("usage:write") and (caller.agency is not None or agency is not None):
        items = await plausibility_flags.list_flags(
            session, region, agency_of(caller, agency), state=state
        )
    return StatisticFlags(
        items=items, counts=[FlagCount.model_validate(dict(row)) for row in counts.mappings()]
    )


@router.post(
    "/statistics/flags/{flag}/explanation",
    operation_id="explain_statistic_flag",
    responses=problem_responses(403, 404, 409),
)
async def explain_statistic_flag(
    request: Request,
    session: WriteSessionDep,
    caller: UsageWriter,
    flag: FlagPath,
    said: FlagExplanation,
) -> StatisticFlag:
    """Explains why a figure is right; the doubt stays on record with it."""
    names = {"region": get_region(request), "id": flag}
    row = (await session.execute(text(plausibility_flags.BY_ID), names)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no doubt {flag}; {API}/usage/statistics/flags lists yours.")
    if not caller.can_write_for(row["agency"]):
        raise NotAllowed(f"This is about figures of {row['agency']}.")
    if row["resolved_at"] is not None:
        raise Conflict("The figure was corrected meanwhile; there is nothing left to explain.")
    if not said.explanation.strip():
        error = FieldError(pointer="#/explanation", parameter=None, detail="must hold words")
        raise Invalid("An explanation of spaces explains nothing.", errors=[error])
    explained = await session.execute(
        text(plausibility_flags.EXPLAIN),
        names | {"explanation": said.explanation, "now": datetime.now(UTC), "by": caller.subject},
    )
    return plausibility_flags.flag_of(explained.mappings().one())


def agency_of(caller: Caller, agency: str | None) -> str:
    """The agency that is meant; `NotAllowed` where it is not the caller's."""
    meant = agency or caller.agency
    if meant is None or not caller.can_write_for(meant):
        raise NotAllowed(f"This key is for {caller.agency or 'no agency'} alone.")
    return meant


def _span(first: str | None, last: str | None, *, now: datetime) -> tuple[date, date]:
    """The months that are meant: by default the twelve newest that are over."""
    end = first_day(last) if last else shift(month_of(now), -1)
    if first is not None and last is None:
        end = max(end, first_day(first))
    begin = first_day(first) if first else max(shift(end, 1 - MONTHS_OWED), FIRST_MONTH)
    months = (end.year - begin.year) * 12 + end.month - begin.month + 1
    if months < 1 or months > MOST_MONTHS:
        detail = f"a span has 1 to {MOST_MONTHS} months, not {months}"
        error = FieldError(pointer=None, parameter="from", detail=detail)
        raise Invalid("The span of months cannot be taken.", errors=[error])
    return begin, end
