"""Statistics as a table in a spreadsheet: the template of an agency, and the filled one read."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from services.feedback.statistics.messages import INSTRUCTIONS, error_text
from services.feedback.statistics.number_parsing import (
    CHANNELS,
    NotReadableError,
    channel_in,
    count_in,
    month_in,
)
from services.feedback.statistics.schemas import (
    MAX_COUNT,
    MAX_STATISTICS,
    MEASURES,
    ChannelKind,
    Counters,
    Measure,
    Statistic,
)
from services.platform.languages import Language
from services.platform.spreadsheets import (
    Cell,
    Column,
    Row,
    Sheet,
    SheetIssue,
    SpreadsheetError,
    write_csv,
    write_xlsx,
)
from services.platform.translation import translator
from services.platform.types import TEXT_PATTERN

SHEET, CHOICES, HELP = "Statistik", "Pilihan", "Petunjuk"
MAX_REASON = 300
MAX_FAULTS = 100
"""As many as a person mends at once; then the reading ends."""

_COUNTERS: Mapping[Measure, str] = {
    "submitted": "masuk",
    "in_review": "proses",
    "completed": "selesai",
    "rejected": "ditolak",
    "returned": "dikembalikan",
}
_HEADS: Mapping[str, str] = {
    **{head: field for field, head in _COUNTERS.items()},
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
"""Which column a heading means: those of the template, and those of the API."""
_NEEDED = ("service", "channel", "period")


@dataclass(frozen=True)
class OwnService:
    """A service on which an agency reports."""

    slug: str
    name: str
    channels: tuple[ChannelKind, ...]


@dataclass(frozen=True)
class TemplateRow:
    """A row to fill in, with the figures that are known."""

    service: OwnService
    channel: ChannelKind
    month: date
    known: Mapping[Measure, int] = field(default_factory=dict[Measure, int])


@dataclass(frozen=True)
class Filled:
    """A row that was filled in, and the cells that say its figures."""

    statistic: Statistic
    cells: Mapping[Measure, str]
    reason_cell: str
    sheet: str
    row: int


def columns_of(services: Sequence[OwnService]) -> list[Column]:
    """The columns of the template."""
    last = len(services) + 1
    counters = [
        Column(f"{head} ({measure})", _note(measure), max_value=MAX_COUNT, width=20)
        for measure, head in _COUNTERS.items()
    ]
    return [
        Column("layanan", required=True, choices_range=f"{CHOICES}!$A$2:$A${last}", width=30),
        Column("nama layanan", "Hanya untuk dibaca.", width=46),
        Column("kanal", required=True, choices_range=f"{CHOICES}!$C$2:$C${len(CHANNELS) + 1}"),
        Column("bulan", "Seperti 2024-03 atau Maret 2024.", required=True),
        *counters,
        Column("alasan", "Hanya bila membetulkan angka yang sudah dikirim.", width=40),
    ]


def _note(measure: Measure) -> str:
    return next(line for line in INSTRUCTIONS if f"({measure})" in line).partition(": ")[2]


def template_xlsx(services: Sequence[OwnService], rows: Sequence[TemplateRow]) -> bytes:
    """The workbook to fill in, with instructions and the values to choose from."""
    choices: list[dict[str, Cell]] = [
        {"layanan": service.slug, "nama layanan": service.name} for service in services
    ]
    for number, (code, word) in enumerate(CHANNELS.items()):
        if number == len(choices):
            choices.append({})
        choices[number] |= {"kanal": word, "artinya": code}
    return write_xlsx(
        {
            SHEET: (columns_of(services), [*map(_cells, rows)]),
            CHOICES: (
                [
                    Column("layanan", width=30),
                    Column("nama layanan", width=60),
                    Column("kanal"),
                    Column("artinya"),
                ],
                choices,
            ),
            HELP: ([Column("petunjuk", width=110)], [{"petunjuk": line} for line in INSTRUCTIONS]),
        }
    )


def template_csv(services: Sequence[OwnService], rows: Sequence[TemplateRow]) -> bytes:
    """The table to fill in as CSV."""
    return write_csv(columns_of(services), [*map(_cells, rows)])


def _cells(row: TemplateRow) -> dict[str, Cell]:
    return {
        "layanan": row.service.slug,
        "nama layanan": row.service.name,
        "kanal": CHANNELS[row.channel],
        # As a text: a date would be shown in whatever way the spreadsheet is set to.
        "bulan": f"{row.month:%Y-%m}",
        **{f"{_COUNTERS[measure]} ({measure})": value for measure, value in row.known.items()},
    }


def read_filled(
    sheets: Sequence[Sheet],
    *,
    agency: str,
    services: Sequence[OwnService],
    newest: date,
    language: Language,
) -> list[Filled]:
    """The rows that hold figures; `SpreadsheetError` with every cell that is wrong."""
    tables = [
        (sheet, columns)
        for sheet in sheets
        if (columns := _columns(sheet)) and all(name in columns for name in _NEEDED)
        if sheet.name not in {CHOICES, HELP}
    ]
    if not tables:
        name = sheets[0].name if sheets else SHEET
        raise SpreadsheetError([SheetIssue(name, "A1", error_text(language, "no_table"))])
    reader = _Reader(agency, services, newest, language)
    filled = [row for sheet, columns in tables for row in reader.rows(sheet, columns)]
    reader.check_repeated(filled)
    if not filled and not reader.faults:
        reader.faults.append(
            SheetIssue(tables[0][0].name, "A2", error_text(language, "no_figures"))
        )
    if len(filled) > MAX_STATISTICS:
        said = error_text(language, "too_many_statistics", most=MAX_STATISTICS)
        reader.faults.append(SheetIssue(tables[0][0].name, f"A{MAX_STATISTICS + 2}", said))
    if reader.faults:
        raise SpreadsheetError(reader.faults)
    return filled


def _columns(sheet: Sheet) -> dict[str, str]:
    """The heading of each column that is known, by what it means."""
    found: dict[str, str] = {}
    for head in sheet.columns:
        if meaning := _meaning(head):
            found.setdefault(meaning, head)
    return found


def _meaning(head: str) -> str | None:
    written = re.sub(r"\s+", " ", head).strip().lower()
    before, _, inside = written.partition("(")
    names = (written, before.strip(), inside.rstrip(" )"), written.replace("_", " "))
    return next((_HEADS[name] for name in names if name in _HEADS), None)


class _Reader:
    """Reads rows and gathers what is wrong with them."""

    def __init__(
        self, agency: str, services: Sequence[OwnService], newest: date, language: Language
    ) -> None:
        self.faults: list[SheetIssue] = []
        self._agency = agency
        self._services = {service.slug: service.slug for service in services} | {
            service.name.casefold(): service.slug for service in services if service.name
        }
        self._slugs = [service.slug for service in services]
        self._newest = newest
        self._language: Language = language

    def rows(self, sheet: Sheet, columns: Mapping[str, str]) -> Iterator[Filled]:
        self._check_heads(sheet, columns)
        for row in sheet.rows:
            if len(self.faults) >= MAX_FAULTS:
                return
            cells = {name: row.cells[head] for name, head in columns.items() if head in row.cells}
            if not any(measure in cells for measure in MEASURES):
                continue
            faults = len(self.faults)
            values = self._values(sheet, row, cells, columns)
            if len(self.faults) == faults:
                yield Filled(
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

    def check_repeated(self, filled: Sequence[Filled]) -> None:
        """Two rows may say the same figure, but not two figures of the same."""
        seen: dict[tuple[str, ...], tuple[int, str]] = {}
        for row in filled:
            said = row.statistic
            for measure, value in said.counters.given().items():
                cell = row.cells[measure]
                key = (said.service, said.channel, said.period, measure)
                before, other = seen.setdefault(key, (value, f"{row.sheet}!{cell}"))
                if before != value:
                    words = error_text(
                        self._language, "said_twice", value=value, other=other, before=before
                    )
                    self.faults.append(SheetIssue(row.sheet, cell, words))

    def _check_heads(self, sheet: Sheet, columns: Mapping[str, str]) -> None:
        known = ", ".join(["layanan", "kanal", "bulan", *_COUNTERS.values(), "alasan"])
        seen: set[str] = set()
        for place, head in enumerate(sheet.columns):
            if not head:
                continue
            meaning = _meaning(head)
            cell = Sheet(sheet.name, tuple(map(str, range(place + 1))), ()).cell(1, str(place))
            if meaning is None:
                words = error_text(self._language, "unknown_column", value=head, known=known)
            elif meaning in seen:
                words = error_text(
                    self._language, "column_twice", value=head, other=columns[meaning]
                )
            else:
                seen.add(meaning)
                continue
            self.faults.append(SheetIssue(sheet.name, cell, words))

    def _values(
        self, sheet: Sheet, row: Row, cells: Mapping[str, Cell], columns: Mapping[str, str]
    ) -> dict[str, Any]:
        def fault(name: str, code: str, **values: object) -> None:
            words = error_text(self._language, code, **values)
            self.faults.append(sheet.issue(row.number, columns[name], words))

        values: dict[str, Any] = {"agency": self._agency}
        agency = str(cells.get("agency", self._agency)).lower()
        if agency != self._agency:
            fault("agency", "other_agency", value=agency, agency=self._agency)
        named = cells.get("service", cells.get("name"))
        for name, cell in (("service", named), *((n, cells.get(n)) for n in _NEEDED[1:])):
            if cell is None:
                fault(name, "empty", column=columns[name])
                continue
            try:
                values[name] = self._read(name, cell)
            except NotReadableError as error:
                known = ", ".join(CHANNELS.values())
                fault(name, error.trouble, value=str(cell), known=known)
            except LookupError:
                fault("service", "not_a_service", **self._unknown(str(cell)))
        if (month := values.get("period")) is not None:
            if month > self._newest:
                newest = translator(self._language).month(self._newest)
                fault("period", "not_begun", newest=newest)
            values["period"] = f"{month:%Y-%m}"
        counters: dict[Measure, int] = {}
        for measure in MEASURES:
            if (cell := cells.get(measure)) is None:
                continue
            try:
                counters[measure] = count_in(cell)
            except NotReadableError as error:
                fault(measure, error.trouble, value=str(cell))
        values["counters"] = Counters(**counters)
        reason = str(cells["reason"]) if "reason" in cells else None
        if reason is not None and len(reason) > MAX_REASON:
            fault("reason", "reason_too_long")
        elif reason is not None and re.match(TEXT_PATTERN, reason) is None:
            fault("reason", "bad_reason")
        return values | {"reason": reason}

    def _read(self, name: str, cell: Cell) -> object:
        if name == "channel":
            return channel_in(cell)
        if name == "period":
            return month_in(cell)
        return self._services[re.sub(r"\s+", " ", str(cell)).strip().casefold()]

    def _unknown(self, value: str) -> dict[str, str]:
        close = difflib.get_close_matches(value.lower()[:80], self._slugs, n=3)
        hint = {"id": "; mungkin ", "en": "; perhaps "}[self._language] + ", ".join(close)
        return {"value": value, "agency": self._agency, "close": hint if close else ""}
