"""Read statistics from a filled template, with an error for every invalid cell."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from services.feedback.statistics.counters import MEASURES, Measure
from services.feedback.statistics.messages import error_text
from services.feedback.statistics.number_parsing import (
    CHANNEL_LABELS,
    CellValueError,
    parse_channel,
    parse_count,
    parse_month,
)
from services.feedback.statistics.obligations import ReportedService
from services.feedback.statistics.schemas import Counters, Statistic
from services.feedback.statistics.template import CHOICES, COUNTER_LABELS, HELP, SHEET
from services.platform.languages import Language
from services.platform.spreadsheets.model import (
    Cell,
    Row,
    Sheet,
    SheetIssue,
    SpreadsheetError,
    Table,
    column_letters,
)
from services.platform.translation import translator
from services.platform.types import TEXT_PATTERN, normalise_line_breaks

TOTAL = re.compile(r"(sub ?-?)?(total|jumlah)\b", re.IGNORECASE)
"""Beginning of a row of totals, which spreadsheets have below their figures."""
MAX_ROWS = 2_000
MAX_REASON = 300
MAX_ERRORS = 100
"""Reading stops after this many errors."""

_FIELDS: Mapping[str, str] = {
    **{label: measure for measure, label in COUNTER_LABELS.items()},
    **{measure: measure for measure in MEASURES},
    "diajukan": "submitted",
    "diterima": "submitted",
    "diproses": "in_review",
    "layanan": "service",
    "kode layanan": "service",
    "service": "service",
    "nama layanan": "name",
    "service_name": "name",
    "kanal": "channel",
    "channel": "channel",
    "bulan": "period",
    "periode": "period",
    "period": "period",
    "month": "period",
    "alasan": "reason",
    "alasan perubahan": "reason",
    "reason": "reason",
    "instansi": "agency",
    "opd": "agency",
    "agency": "agency",
}
"""The field that a column header stands for: headers of the template and names of the API."""
_REQUIRED = ("service", "channel", "period")


@dataclass(frozen=True)
class FilledRow:
    """A row with figures, and the cells that hold them."""

    statistic: Statistic
    cells: Mapping[Measure, str]
    reason_cell: str
    sheet: str
    row: int


def read_statistics(
    sheets: Sequence[Sheet],
    *,
    agency: str,
    services: Sequence[ReportedService],
    latest: date,
    language: Language,
) -> list[FilledRow]:
    """Return the rows with figures; raise `SpreadsheetError` with every invalid cell.

    `latest` is the latest month that may be reported.
    """
    tables = statistics_tables(sheets)
    if not tables:
        name = sheets[0].name if sheets else SHEET
        raise SpreadsheetError([SheetIssue(name, "A1", error_text(language, "no_table"))])
    reader = _Reader(agency, services, latest, language)
    reader.errors += [
        SheetIssue(sheet.name, "A1", error_text(language, "no_table_in_sheet"))
        for sheet in sheets
        if sheet.name not in {CHOICES, HELP, *(table.name for table in tables)}
        if sheet.has_figures and not sheet.is_hidden
    ]
    filled = [row for table in tables for row in reader.rows(table)]
    reader.check_conflicts(filled)
    if not filled and not reader.errors:
        reader.errors.append(
            SheetIssue(
                tables[0].name, f"A{tables[0].header + 1}", error_text(language, "no_figures")
            )
        )
    if len(filled) > MAX_ROWS:
        message = error_text(language, "too_many_statistics", limit=MAX_ROWS)
        reader.errors.append(SheetIssue(tables[0].name, f"A{MAX_ROWS + 2}", message))
    if reader.errors:
        # A cell that could not be read is not also empty.
        first = {(issue.sheet, issue.cell): issue for issue in reversed(reader.errors)}
        raise SpreadsheetError(list(reversed(first.values())))
    return filled


def statistics_tables(sheets: Sequence[Sheet]) -> list[Table]:
    """Return the tables of statistics: those with the columns service, channel and month."""
    return [
        table
        for sheet in sheets
        if sheet.name not in {CHOICES, HELP}
        if (table := sheet.table(_is_header)) is not None
    ]


def _is_header(columns: Sequence[str]) -> bool:
    return _columns_by_field(columns).keys() >= set(_REQUIRED)


def _columns_by_field(headers: Sequence[str]) -> dict[str, str]:
    """Return the header of the first column of each field."""
    columns: dict[str, str] = {}
    for header in headers:
        if field := _field_of(header):
            columns.setdefault(field, header)
    return columns


def _field_of(header: str) -> str | None:
    name = re.sub(r"\s+", " ", header).strip().lower()
    before, _, in_parentheses = name.partition("(")
    candidates = (name, before.strip(), in_parentheses.rstrip(" )"), name.replace("_", " "))
    return next((_FIELDS[each] for each in candidates if each in _FIELDS), None)


class _AddError(Protocol):
    def __call__(self, name: str, code: str, /, **values: object) -> None: ...


def _counts(cells: Mapping[Measure, Cell], add_error: _AddError) -> dict[Measure, int]:
    """Return the counts of a row; add an error for each cell that holds none."""
    counts: dict[Measure, int] = {}
    for measure, cell in cells.items():
        try:
            counts[measure] = parse_count(cell)
        except CellValueError as error:
            add_error(measure, error.code, value=str(cell))
    return counts


class _Reader:
    """Reads rows and collects their errors."""

    def __init__(
        self, agency: str, services: Sequence[ReportedService], latest: date, language: Language
    ) -> None:
        self.errors: list[SheetIssue] = []
        self._agency = agency
        self._services = {service.slug: service.slug for service in services} | {
            service.name.casefold(): service.slug for service in services if service.name
        }
        self._slugs = [service.slug for service in services]
        self._latest = latest
        self._language: Language = language

    def rows(self, sheet: Table) -> Iterator[FilledRow]:
        """Yield the valid rows with figures."""
        columns = _columns_by_field(sheet.columns)
        self.errors += sheet.issues[: MAX_ERRORS - len(self.errors)]
        self._check_headers(sheet, columns)
        for row in sheet.rows:
            if len(self.errors) >= MAX_ERRORS:
                return
            cells = {
                name: row.cells[header] for name, header in columns.items() if header in row.cells
            }
            if not any(measure in cells for measure in MEASURES):
                self._check_reason(sheet, row, cells, columns)
                continue
            count = len(self.errors)
            values = self._values(sheet, row, cells, columns)
            if len(self.errors) == count:
                yield FilledRow(
                    Statistic.model_validate(values),
                    {
                        measure: sheet.cell(row.number, columns[measure])
                        for measure in MEASURES
                        if measure in cells
                    },
                    sheet.cell(row.number, columns.get("reason", columns["period"])),
                    sheet.name,
                    row.number,
                )

    def _check_reason(
        self, sheet: Table, row: Row, cells: Mapping[str, Cell], columns: Mapping[str, str]
    ) -> None:
        """Report the reason of a row without figures; a signature stands beside no month."""
        if "reason" in cells and "period" in cells:
            message = error_text(self._language, "reason_without_figures")
            self.errors.append(sheet.issue(row.number, columns["reason"], message))

    def check_conflicts(self, filled: Sequence[FilledRow]) -> None:
        """Report different values for the same figure; equal ones are allowed."""
        seen: dict[tuple[str, ...], tuple[int, str]] = {}
        for row in filled:
            statistic = row.statistic
            for measure, value in statistic.counters.recorded().items():
                cell = row.cells[measure]
                key = (statistic.service, statistic.channel, statistic.period, measure)
                other_value, other = seen.setdefault(key, (value, f"{row.sheet}!{cell}"))
                if other_value != value:
                    message = error_text(
                        self._language,
                        "conflicting_values",
                        value=value,
                        other=other,
                        other_value=other_value,
                    )
                    self.errors.append(SheetIssue(row.sheet, cell, message))

    def _check_headers(self, sheet: Table, columns: Mapping[str, str]) -> None:
        known = ", ".join(["layanan", "kanal", "bulan", *COUNTER_LABELS.values(), "alasan"])
        seen: set[str] = set()
        for number, header in enumerate(sheet.columns, start=1):
            if not header:
                continue
            field = _field_of(header)
            cell = f"{column_letters(number)}{sheet.header}"
            if field is None:
                message = error_text(self._language, "unknown_column", value=header, known=known)
            elif field in seen:
                message = error_text(
                    self._language, "duplicate_column", value=header, other=columns[field]
                )
            else:
                seen.add(field)
                continue
            self.errors.append(SheetIssue(sheet.name, cell, message))

    def _values(
        self, sheet: Table, row: Row, cells: Mapping[str, Cell], columns: Mapping[str, str]
    ) -> dict[str, Any]:
        """Return the fields of a `Statistic`; collect errors for those that are invalid."""

        def add_error(name: str, code: str, /, **values: object) -> None:
            message = error_text(self._language, code, **values)
            self.errors.append(sheet.issue(row.number, columns[name], message))

        values: dict[str, Any] = {"agency": self._agency}
        agency = str(cells.get("agency", self._agency)).lower()
        if agency != self._agency:
            add_error("agency", "other_agency", value=agency, agency=self._agency)
        service = cells.get("service", cells.get("name"))
        required = {"service": service, **{name: cells.get(name) for name in _REQUIRED[1:]}}
        for name, cell in required.items():
            if cell is None:
                add_error(name, "empty", column=columns[name])
                continue
            try:
                values[name] = self._parse(name, cell)
            except CellValueError as error:
                known = ", ".join(CHANNEL_LABELS.values())
                add_error(name, error.code, value=str(cell), known=known)
            except LookupError:
                code = "total_row" if TOTAL.match(str(cell)) else "not_a_service"
                add_error(name, code, **self._suggestion(str(cell)))
        if (month := values.get("period")) is not None:
            if month > self._latest:
                latest = translator(self._language).month(self._latest)
                add_error("period", "not_begun", latest=latest)
            values["period"] = f"{month:%Y-%m}"
        counters: dict[Measure, Cell] = {name: cells[name] for name in MEASURES if name in cells}
        values["counters"] = Counters(**_counts(counters, add_error))
        reason = normalise_line_breaks(str(cells["reason"])) if "reason" in cells else None
        if reason is not None and len(reason) > MAX_REASON:
            add_error("reason", "reason_too_long")
        elif reason is not None and re.match(TEXT_PATTERN, reason) is None:
            add_error("reason", "invalid_reason")
        return values | {"reason": reason}

    def _parse(self, name: str, cell: Cell) -> object:
        if name == "channel":
            return parse_channel(cell)
        if name == "period":
            return parse_month(cell)
        return self._services[re.sub(r"\s+", " ", str(cell)).strip().casefold()]

    def _suggestion(self, value: str) -> dict[str, str]:
        close = difflib.get_close_matches(value.lower()[:80], self._slugs, n=3)
        hint = {"id": "; mungkin ", "en": "; perhaps "}[self._language] + ", ".join(close)
        return {"value": value, "agency": self._agency, "close": hint if close else ""}
