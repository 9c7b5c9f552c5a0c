"""Template and upload of monthly statistics over HTTP."""

import asyncio
from datetime import UTC, date, datetime
from functools import partial
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import Query, Request, Response
from sqlalchemy import text

from services.feedback.channels import ChannelKind
from services.feedback.statistics.counters import Measure
from services.feedback.statistics.obligations import (
    ReportedService,
    last_closed_months,
    obligations_between,
    reported_services,
)
from services.feedback.statistics.parameters import (
    DEFAULT_MONTHS,
    FirstMonthQuery,
    LastMonthQuery,
    OwnAgencyQuery,
    resolve_agency,
    resolve_months,
)
from services.feedback.statistics.schemas import UploadReceipt
from services.feedback.statistics.spreadsheet import MAX_ROWS, read_statistics
from services.feedback.statistics.template import SHEET, TemplateRow, template_csv, template_xlsx
from services.feedback.statistics.upload import (
    rows_with_errors,
    store_upload,
)
from services.platform.bounded_process import Limits, call_bounded
from services.platform.database import ReadSession, ReadSessionDep, WriteSessionDep
from services.platform.file_upload import file_body, read_file
from services.platform.identity import UsageWriter
from services.platform.languages import Language
from services.platform.local_time import ZoneDep, month_of
from services.platform.months import months_between
from services.platform.parameters import DelimiterQuery, LanguageQuery
from services.platform.problems import (
    Conflict,
    FieldError,
    Invalid,
    TooLarge,
    problem_responses,
)
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.spreadsheets.model import (
    CSV,
    ODS,
    XLSX,
    Sheet,
    SpreadsheetError,
    reading_issue,
)
from services.platform.spreadsheets.problems import field_errors
from services.platform.spreadsheets.reading import read_sheets
from services.platform.translation import N_, localized

router = Router(prefix=f"{API}/usage", tags=["usage"], responses=problem_responses(401, 422))

MAX_FILE_BYTES = 2 * 1024 * 1024

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_TABLE: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {XLSX: _BINARY, CSV: {"schema": {"type": "string"}}},
        "description": "An XLSX workbook, or CSV in UTF-8.",
    }
}

FIGURES = """
-- The current figures of an agency in a span of months.
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
    zone: ZoneDep,
    *,
    file_format: Annotated[
        Literal["xlsx", "csv"], Query(alias="format", description="File format.")
    ] = "xlsx",
    delimiter: DelimiterQuery = "semicolon",
    agency: OwnAgencyQuery = None,
    first: FirstMonthQuery = None,
    last: LastMonthQuery = None,
) -> Response:
    """Return the table to fill in: a row for each service, channel and month to report.

    Without `from` and `to`, the incomplete months of the last twelve; with them, all months of the
    span with the stored figures, for corrections.
    """
    region, now = get_region(request), datetime.now(UTC)
    agency = resolve_agency(caller, agency)
    services = await reported_services(session, region, agency)
    if not services:
        raise Conflict(f"{agency} has no services to report on; the pack names those that do.")
    if first is None and last is None:
        rows = await _missing_rows(session, region, agency, services, now=now, zone=zone)
    else:
        begin, end = resolve_months(first, last, now=now, zone=zone)
        rows = await _stored_rows(session, region, agency, services, first=begin, last=end)
    if len(rows) > MAX_ROWS:
        parameter = FieldError(pointer=None, parameter="from", detail="choose a later month")
        detail = f"The table would have {len(rows)} rows; an upload may have {MAX_ROWS}."
        raise Conflict(detail, errors=[parameter])
    make = template_xlsx if file_format == "xlsx" else partial(template_csv, delimiter=delimiter)
    content = await asyncio.to_thread(make, services, rows)
    name = f"statistik-{agency}-{now.astimezone(zone):%Y-%m-%d}.{file_format}"
    return Response(
        content,
        media_type=XLSX if file_format == "xlsx" else f"{CSV}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _missing_rows(
    session: ReadSession,
    region: str,
    agency: str,
    services: list[ReportedService],
    *,
    now: datetime,
    zone: ZoneInfo,
) -> list[TemplateRow]:
    first, last = last_closed_months(now, zone, count=DEFAULT_MONTHS)
    obligations = await obligations_between(session, region, first=first, last=last, agency=agency)
    rows: list[TemplateRow] = []
    # Whole months, the latest first, as many as one upload may have.
    for obligation in reversed(obligations):
        more = [
            TemplateRow(service, channel, obligation.month)
            for service in services
            if service.slug in obligation.missing
            for channel in service.channels
        ]
        if len(rows) + len(more) > MAX_ROWS:
            break
        rows = more + rows
    return rows


async def _stored_rows(
    session: ReadSession,
    region: str,
    agency: str,
    services: list[ReportedService],
    *,
    first: date,
    last: date,
) -> list[TemplateRow]:
    stored = await session.execute(
        text(FIGURES), {"region": region, "agency": agency, "first": first, "last": last}
    )
    figures: dict[tuple[str, ChannelKind, date], dict[Measure, int]] = {}
    for row in stored:
        figures.setdefault((row.service, row.channel, row.period), {})[row.measure] = row.value
    rows: list[TemplateRow] = []
    for month in months_between(first, last):
        for service in services:
            # Those of the catalogue, and any other with stored figures.
            channels: list[ChannelKind] = list(service.channels)
            for slug, channel, period in figures:
                if slug == service.slug and period == month:
                    channels.append(channel)
            rows += [
                TemplateRow(
                    service, channel, month, figures.get((service.slug, channel, month), {})
                )
                for index, channel in enumerate(channels)
                if channel not in channels[:index]
            ]
    return rows


@router.post(
    "/statistics/upload",
    operation_id="upload_usage_statistics",
    responses=problem_responses(400, 403, 409, 413, 415, 503),
    openapi_extra=file_body(XLSX, ODS, CSV),
)
async def upload_usage_statistics(
    request: Request,
    session: WriteSessionDep,
    caller: UsageWriter,
    zone: ZoneDep,
    *,
    dry_run: Annotated[bool, Query(description="Check the file without storing it.")] = False,
    agency: OwnAgencyQuery = None,
    language: LanguageQuery = "id",
) -> UploadReceipt:
    """Store a filled template (XLSX, ODS, or CSV as spreadsheets save it) as a whole or not at all.

    Every invalid cell is reported in `errors[]` as `#/<sheet>/<cell>`, with the remedy, and `rows`
    holds the rows with errors. A figure that differs from the current one is a correction and needs
    a reason in its row. Uploads are idempotent.
    """
    region, now = get_region(request), datetime.now(UTC)
    agency = resolve_agency(caller, agency)
    content = await read_file(
        request, media_type_to_send=CSV, max_bytes=MAX_FILE_BYTES, language=language
    )
    sheets: list[Sheet] = []
    try:
        # Before the session is used: no connection is held while a file waits to be read.
        sheets = await _read(content, language)
        services = await reported_services(session, region, agency)
        rows = await asyncio.to_thread(
            read_statistics,
            sheets,
            agency=agency,
            services=services,
            latest=month_of(now, zone),
            language=language,
        )
        receipt = await store_upload(
            session,
            region,
            rows,
            agency=agency,
            caller=caller,
            now=now,
            zone=zone,
            language=language,
            dry_run=dry_run,
        )
    except SpreadsheetError as error:
        raise Invalid(
            localized(N_("Berkas ini ada salahnya; tidak ada yang disimpan.")),
            errors=field_errors(error, language),
            extra={
                "rows": [
                    row.model_dump() for row in rows_with_errors(sheets, error, language=language)
                ]
            },
        ) from None
    if dry_run:
        await session.rollback()
    return receipt


async def _read(content: bytes, language: Language) -> list[Sheet]:
    try:
        return await call_bounded(Limits(), read_sheets, content, name=SHEET)
    except TooLarge:
        raise TooLarge(reading_issue(SHEET, "A1", "too_large").text(language)) from None
