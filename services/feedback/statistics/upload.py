"""Takes monthly statistics in, as JSON or as a file, and says at once what is hard to believe."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import text

from services.feedback.events.partitions import month_of
from services.feedback.statistics.messages import error_text
from services.feedback.statistics.plausibility_flags import Touched, review
from services.feedback.statistics.reporting_schemas import (
    FigureReceived,
    StatisticFlag,
    StatisticsReceived,
    StatisticsUploaded,
)
from services.feedback.statistics.revisions import (
    Outcome,
    compare_figures,
    figures_of,
    first_day,
    store_outcomes,
    store_statistics,
    stored_of,
)
from services.feedback.statistics.schemas import Statistic
from services.feedback.statistics.spreadsheet import MAX_FAULTS, SHEET, Filled, OwnService
from services.platform.database import ReadSession, WriteSession
from services.platform.identity import Caller
from services.platform.languages import Language
from services.platform.spreadsheets import (
    Sheet,
    SheetIssue,
    SpreadsheetError,
    read_csv,
    read_xlsx,
)

MAX_UNPACKED = 16 * 1024 * 1024
"""2,000 rows take less than 2 MiB."""
ZIP, OLD_EXCEL = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"

OWN_SERVICES = """
-- The services on which an agency reports.
SELECT service, name, channels FROM feedback.expected_report
WHERE region = :region AND agency = :agency
ORDER BY service
"""


async def own_services(
    session: ReadSession | WriteSession, region: str, agency: str
) -> list[OwnService]:
    """The services on which an agency reports; one without a channel has a counter at least."""
    rows = await session.execute(text(OWN_SERVICES), {"region": region, "agency": agency})
    return [OwnService(row.service, row.name, tuple(row.channels) or ("counter",)) for row in rows]


async def receive_statistics(
    session: WriteSession,
    region: str,
    statistics: Sequence[Statistic],
    *,
    caller: Caller,
    now: datetime,
) -> StatisticsReceived:
    """Stores a batch whole, and looks at its figures."""
    stored = await store_statistics(session, region, statistics, caller=caller, now=now)
    flags: list[StatisticFlag] = []
    for agency in sorted({item.agency for item in statistics if item.counters.given()}):
        own = [item for item in statistics if item.agency == agency]
        flags += await review(session, region, agency, _touched(own), now=now)
    return StatisticsReceived(**stored.model_dump(), flags=flags)


def _touched(statistics: Sequence[Statistic]) -> list[Touched]:
    return sorted(
        {
            Touched(item.service, item.channel, first_day(item.period))
            for item in statistics
            if item.counters.given()
        }
    )


def in_words(error: SpreadsheetError, language: Language) -> list[SheetIssue]:
    """The faults of a file, those of the reader itself in the words of the one who sent it."""
    return [
        SheetIssue(f.sheet, f.cell, error_text(language, f.code) if f.code else f.message)
        for f in error.issues
    ]


def rows_around(
    sheets: Sequence[Sheet], faults: Sequence[SheetIssue]
) -> list[dict[str, str | int | list[dict[str, str | None]]]]:
    """The rows in which something is wrong, each cell with its fault, to be shown to a person."""
    wrong = {(fault.sheet, fault.cell): fault.message for fault in faults}
    return [
        {
            "sheet": sheet.name,
            "row": row.number,
            "cells": [
                {
                    "cell": (cell := sheet.cell(row.number, head)),
                    "column": head,
                    "value": str(row.cells.get(head, ""))[:100],
                    "fault": wrong.get((sheet.name, cell)),
                }
                for head in sheet.columns
                if head
            ],
        }
        for sheet in sheets
        for row in sheet.rows
        if any((sheet.name, sheet.cell(row.number, head)) in wrong for head in sheet.columns)
    ]


def open_file(content: bytes) -> list[Sheet]:
    """The sheets of a file, whichever kind it is."""
    if not content.strip():
        raise SpreadsheetError([SheetIssue("(file)", "A1", "is empty", "nothing")])
    if content.startswith(OLD_EXCEL):
        raise SpreadsheetError([SheetIssue("(file)", "A1", "is an old workbook", "old_workbook")])
    if content.startswith(ZIP):
        return read_xlsx(content, max_unpacked=MAX_UNPACKED)
    return [read_csv(content, name=SHEET)]


async def receive_file(
    session: WriteSession,
    region: str,
    filled: Sequence[Filled],
    *,
    agency: str,
    caller: Caller,
    now: datetime,
    language: Language,
    dry_run: bool,
) -> StatisticsUploaded:
    """Stores the rows of a file whole; `SpreadsheetError` where a correction has no reason."""
    statistics = [row.statistic for row in filled]
    figures = figures_of(statistics, caller, now=now)
    outcomes = await compare_figures(session, region, figures)
    _demand_reasons(filled, outcomes, language)
    await store_outcomes(session, region, outcomes, caller=caller, now=now)
    flags = await review(session, region, agency, _touched(statistics), now=now)
    received = [_received(filled[outcome.figure.item], outcome) for outcome in outcomes]
    return StatisticsUploaded(
        **stored_of(outcomes).model_dump(),
        flags=flags,
        agency=agency,
        dry_run=dry_run,
        items=received,
    )


def _received(row: Filled, outcome: Outcome) -> FigureReceived:
    figure = outcome.figure
    return FigureReceived(
        sheet=row.sheet,
        cell=row.cells[figure.measure],
        service=figure.service,
        channel=row.statistic.channel,
        period=row.statistic.period,
        measure=figure.measure,
        value=figure.value,
        before=outcome.before,
        result=outcome.result,
    )


def _demand_reasons(
    filled: Sequence[Filled], outcomes: Sequence[Outcome], language: Language
) -> None:
    """Whoever corrects in a sheet says why: there a figure is quickly overwritten by mistake."""
    changes: dict[int, list[str]] = {}
    for outcome in outcomes:
        row = filled[outcome.figure.item]
        if outcome.result == "revised" and row.statistic.reason is None:
            said = f"{outcome.figure.measure} {outcome.before} → {outcome.figure.value}"
            changes.setdefault(outcome.figure.item, []).append(said)
    if changes:
        raise SpreadsheetError(
            [
                SheetIssue(
                    filled[item].sheet,
                    filled[item].reason_cell,
                    error_text(language, "no_reason", changes=", ".join(said)),
                )
                for item, said in sorted(changes.items())[:MAX_FAULTS]
            ]
        )


def newest_month(now: datetime) -> date:
    """The newest month for which figures can come: the present one."""
    return month_of(now)
