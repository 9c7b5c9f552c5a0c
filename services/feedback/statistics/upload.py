"""Store monthly statistics from JSON or a file, and check their plausibility at once."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from services.feedback.statistics.flag_schemas import StatisticFlag
from services.feedback.statistics.messages import error_text
from services.feedback.statistics.plausibility_flags import ReportedMonth, update_flags
from services.feedback.statistics.revisions import (
    FigureChange,
    compare_figures,
    figures_of,
    store_changes,
    store_statistics,
    summarise,
)
from services.feedback.statistics.schemas import (
    Statistic,
    StatisticsReceipt,
    UploadCell,
    UploadedFigure,
    UploadReceipt,
    UploadRow,
)
from services.feedback.statistics.spreadsheet import MAX_ERRORS, FilledRow, statistics_tables
from services.platform.database import WriteSession
from services.platform.identity import Caller
from services.platform.languages import Language
from services.platform.months import parse_period
from services.platform.spreadsheets.model import Sheet, SheetIssue, SpreadsheetError
from services.platform.spreadsheets.problems import MAX_LISTED


async def store_and_check(
    session: WriteSession,
    region: str,
    statistics: Sequence[Statistic],
    *,
    caller: Caller,
    now: datetime,
    zone: ZoneInfo,
) -> StatisticsReceipt:
    """Store a batch as a whole and update the flags on its figures."""
    stored = await store_statistics(session, region, statistics, caller=caller, now=now, zone=zone)
    flags: list[StatisticFlag] = []
    for agency in sorted({item.agency for item in statistics if item.counters.recorded()}):
        own = [item for item in statistics if item.agency == agency]
        flags += await update_flags(session, region, agency, _reported_months(own), now=now)
    return StatisticsReceipt(**stored.model_dump(), flags=flags)


def _reported_months(statistics: Sequence[Statistic]) -> list[ReportedMonth]:
    return sorted(
        {
            ReportedMonth(item.service, item.channel, parse_period(item.period))
            for item in statistics
            if item.counters.recorded()
        }
    )


def rows_with_errors(
    sheets: Sequence[Sheet], error: SpreadsheetError, *, language: Language
) -> list[UploadRow]:
    """Return the rows that have errors, with all of their cells."""
    messages = {
        (issue.sheet, issue.cell): issue.text(language) for issue in error.issues[:MAX_LISTED]
    }
    return [
        UploadRow(
            sheet=table.name,
            row=row.number,
            cells=[
                UploadCell(
                    cell=(cell := table.cell(row.number, header)),
                    column=header,
                    value=str(row.cells.get(header, ""))[:100],
                    error=messages.get((table.name, cell)),
                )
                for header in table.columns
                if header
            ],
        )
        for table in statistics_tables(sheets)
        for row in table.rows
        if any((table.name, table.cell(row.number, header)) in messages for header in table.columns)
    ]


async def store_upload(
    session: WriteSession,
    region: str,
    rows: Sequence[FilledRow],
    *,
    agency: str,
    caller: Caller,
    now: datetime,
    zone: ZoneInfo,
    language: Language,
    dry_run: bool,
) -> UploadReceipt:
    """Store the rows of a file as a whole; raise `SpreadsheetError` if a correction has no reason.

    `dry_run` is only reported; the caller rolls back.
    """
    statistics = [row.statistic for row in rows]
    figures = figures_of(statistics, caller, now=now, zone=zone)
    changes = await compare_figures(session, region, figures)
    _require_reasons(rows, changes, language)
    await store_changes(session, region, changes, caller=caller, now=now)
    flags = await update_flags(session, region, agency, _reported_months(statistics), now=now)
    return UploadReceipt(
        **summarise(changes).model_dump(),
        flags=flags,
        agency=agency,
        dry_run=dry_run,
        items=[_uploaded_figure(rows[change.figure.item], change) for change in changes],
    )


def _uploaded_figure(row: FilledRow, change: FigureChange) -> UploadedFigure:
    figure = change.figure
    return UploadedFigure(
        sheet=row.sheet,
        cell=row.cells[figure.measure],
        service=figure.service,
        channel=row.statistic.channel,
        period=row.statistic.period,
        measure=figure.measure,
        value=figure.value,
        previous=change.previous,
        result=change.result,
    )


def _require_reasons(
    rows: Sequence[FilledRow], changes: Sequence[FigureChange], language: Language
) -> None:
    """Require a reason for corrections: in a sheet a figure is easily overwritten by mistake."""
    unexplained: dict[int, list[str]] = {}
    for change in changes:
        figure = change.figure
        if change.result == "revised" and rows[figure.item].statistic.reason is None:
            text = f"{figure.measure} {change.previous} → {figure.value}"
            unexplained.setdefault(figure.item, []).append(text)
    if unexplained:
        raise SpreadsheetError(
            [
                SheetIssue(
                    rows[item].sheet,
                    rows[item].reason_cell,
                    error_text(language, "missing_reason", changes=", ".join(texts)),
                )
                for item, texts in sorted(unexplained.items())[:MAX_ERRORS]
            ]
        )
