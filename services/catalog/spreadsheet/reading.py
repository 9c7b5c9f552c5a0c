"""The rows of a spreadsheet, put together to records."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from services.catalog.spreadsheet.building import (
    REPEATED,
    REQUIRED,
    RecordBuilder,
    RowError,
)
from services.catalog.spreadsheet.sheets import (
    KEY_FIELD,
    LISTS,
    MAIN,
    OWNER,
    SHEETS,
    VERSION,
    Kind,
    SheetSpec,
)
from services.catalog.spreadsheet.template import CHOICES, HELP
from services.platform.languages import Language
from services.platform.packs import FieldPath
from services.platform.spreadsheets.model import (
    Cell,
    Row,
    Sheet,
    SheetIssue,
    Table,
    column_letters,
)
from services.platform.translation import N_, Message, translator

NO_SHEET = N_("lembar ini tidak ada di templat: %(names)s")
NO_HEADINGS = N_("tidak ada baris dengan judul kolom templat")
NO_COLUMN = N_("'%(column)s' bukan kolom lembar ini: %(names)s")
MISSING_COLUMNS = N_("tidak ada kolom %(names)s; tambahkan judul kolomnya seperti di templat")
SAME_COLUMN = N_("judul kolom ini ada dua kali; hapus salah satu")
MISSING_SHEETS = N_(
    "lembar %(names)s tidak ada; kirim semua lembar templat, atau hanya lembar %(main)s"
)
NO_MAIN_SHEET = N_("lembar ini hanya dibaca bersama lembar %(main)s")
NO_RECORD = N_("tidak ada '%(key)s' di lembar %(main)s")
IN_SHEET = N_("lembar %(sheet)s: %(detail)s")


@dataclass(frozen=True)
class SheetRow:
    """A row of a sheet in the file."""

    sheet: "FilledSheet"
    number: int


@dataclass(frozen=True)
class FilledSheet:
    """A sheet of the template as it was filled in."""

    spec: SheetSpec
    table: Table
    columns: Mapping[str, str]
    """Headings as they stand in the file, by those of the template."""

    def cells(self, row: Row) -> dict[str, Cell]:
        """Return the cells of a row by the headings of the template."""
        return {heading: row.cells.get(column) for heading, column in self.columns.items()}

    def issue(self, row: int, heading: str, message: str) -> SheetIssue:
        return self.table.issue(row, self.columns.get(heading, ""), message)


@dataclass(frozen=True)
class FilledRecord:
    """A record of the file."""

    key: str
    row: SheetRow
    builder: RecordBuilder[SheetRow]
    version: Cell
    has_lists: bool
    """Whether its lists are in the file too, or stay as they are."""

    @property
    def kind(self) -> Kind:
        return self.builder.kind

    def issue(self, heading: str, message: str) -> SheetIssue:
        """Return an issue of its row in the main sheet."""
        return self.row.sheet.issue(self.row.number, heading, message)

    def issue_at(self, path: FieldPath, message: str, language: Language) -> SheetIssue:
        """Return an issue of a field, at its cell."""
        places = self.builder.places
        for end in range(len(path), -1, -1):
            if path[:end] in places:
                break
        else:
            return self.issue(KEY_FIELD[self.kind].heading, message)
        place, rest = places[path[:end]], tuple(str(part) for part in path[end:])
        for field in place.sheet.spec.fields:
            common = min(len(field.path), len(rest))
            if common and field.path[:common] == rest[:common]:
                return place.sheet.issue(place.number, field.heading, message)
        for sheet in LISTS[self.kind]:
            if rest and sheet.list_field == rest[0]:
                told = translator(language).translate
                message = told(IN_SHEET, sheet=sheet.name, detail=message)
                break
        spec = place.sheet.spec
        heading = spec.headings[0] if spec.key is None else spec.key.heading
        return place.sheet.issue(place.number, heading, message)


class SpreadsheetReader:
    """Reads the records of a file, and collects what is wrong in it."""

    def __init__(self, language: Language) -> None:
        self._told: Callable[..., str] = translator(language).translate
        self.issues: list[SheetIssue] = []
        self.unreadable: set[tuple[Kind, str]] = set()
        """Records of which some row cannot be understood."""

    def read(self, sheets: Sequence[Sheet]) -> list[FilledRecord]:
        """Return the records that the file holds."""
        filled = {sheet.spec.name: sheet for sheet in self._filled(sheets)}
        records: list[FilledRecord] = []
        for kind, main in MAIN.items():
            lists = [sheet.name for sheet in LISTS[kind] if sheet.name in filled]
            missing = [sheet.name for sheet in LISTS[kind] if sheet.name not in filled]
            if main.name not in filled:
                for name in lists:
                    self._reject(filled[name], NO_MAIN_SHEET, main=main.name)
                continue
            if lists and missing:
                names = ", ".join(missing)
                self._reject(filled[main.name], MISSING_SHEETS, names=names, main=main.name)
                continue
            found = self._records(filled[main.name], has_lists=not missing)
            for name in lists:
                self._add_lists(filled[name], found)
            records += found.values()
        return records

    def _filled(self, sheets: Sequence[Sheet]) -> Iterator[FilledSheet]:
        for sheet in sheets:
            if not sheet.lines or sheet.name in (CHOICES, HELP):
                continue
            spec = _spec_of(sheet, is_only_one=len(sheets) == 1)
            if spec is None:
                names = ", ".join(each.name for each in SHEETS)
                self._add(SheetIssue(sheet.name, "A1", self._told(NO_SHEET, names=names)))
                continue
            named = replace(sheet, name=spec.name)
            table = named.table(lambda columns, spec=spec: _begins(columns, spec))
            if table is None:
                self._add(SheetIssue(sheet.name, "A1", self._told(NO_HEADINGS)))
                continue
            yield self._table(spec, table)

    def _table(self, spec: SheetSpec, table: Table) -> FilledSheet:
        self.issues += table.issues
        known = {heading.casefold(): heading for heading in spec.headings}
        columns: dict[str, str] = {}
        seen: set[str] = set()
        for place, column in enumerate(table.columns):
            heading = known.get(_plain(column))
            message = None
            if heading is not None:
                if heading in seen:
                    message = self._told(SAME_COLUMN)
                seen.add(heading)
                columns[heading] = column
            elif column:
                names = ", ".join(spec.headings)
                message = self._told(NO_COLUMN, column=column, names=names)
            if message is not None:
                address = f"{column_letters(place + 1)}{table.header}"
                self._add(SheetIssue(table.name, address, message))
        if missing := [heading for heading in spec.headings if heading not in seen]:
            message = self._told(MISSING_COLUMNS, names=", ".join(missing))
            self._add(table.issue(table.header, "", message))
        return FilledSheet(spec, table, columns)

    def _records(self, sheet: FilledSheet, *, has_lists: bool) -> dict[str, FilledRecord]:
        found: dict[str, FilledRecord] = {}
        kind, heading = sheet.spec.kind, sheet.spec.fields[0].heading
        for row in sheet.table.rows:
            cells = sheet.cells(row)
            key = cells.get(heading)
            if key is None:
                self._add(sheet.issue(row.number, heading, self._told(REQUIRED)))
                continue
            name = str(key)
            if name in found:
                self._add(sheet.issue(row.number, heading, self._told(REPEATED, key=name)))
                continue
            place = SheetRow(sheet, row.number)
            builder = RecordBuilder[SheetRow](kind)
            found[name] = FilledRecord(name, place, builder, cells.get(VERSION), has_lists)
            self._add_row(found[name], place, cells)
        return found

    def _add_lists(self, sheet: FilledSheet, records: Mapping[str, FilledRecord]) -> None:
        owner = OWNER[sheet.spec.kind]
        for row in sheet.table.rows:
            cells = sheet.cells(row)
            key = cells.get(owner)
            record = None if key is None else records.get(str(key))
            if record is None:
                main = MAIN[sheet.spec.kind].name
                message = (
                    self._told(REQUIRED)
                    if key is None
                    else self._told(NO_RECORD, key=key, main=main)
                )
                self._add(sheet.issue(row.number, owner, message))
                continue
            self._add_row(record, SheetRow(sheet, row.number), cells)

    def _add_row(self, record: FilledRecord, place: SheetRow, cells: Mapping[str, Cell]) -> None:
        try:
            record.builder.add(place.sheet.spec, cells, place)
        except RowError as error:
            self.unreadable.add((record.kind, record.key))
            for issue in error.issues:
                message = self._told(issue.message, **issue.values)
                self._add(place.sheet.issue(place.number, issue.heading, message))

    def _reject(self, sheet: FilledSheet, message: Message, **values: object) -> None:
        self._add(sheet.table.issue(sheet.table.header, "", self._told(message, **values)))

    def _add(self, issue: SheetIssue) -> None:
        self.issues.append(issue)


def _plain(heading: str) -> str:
    return " ".join(heading.split()).casefold()


def _begins(columns: Sequence[str], spec: SheetSpec) -> bool:
    """Return whether a row is the header of a sheet."""
    return spec.headings[0] in map(_plain, columns)


def _spec_of(sheet: Sheet, *, is_only_one: bool) -> SheetSpec | None:
    """Return the sheet of the template with this name; of a single CSV file that it looks like."""
    for spec in SHEETS:
        if spec.name.casefold() == _plain(sheet.name):
            return spec
    if not is_only_one:
        return None
    headings = {
        _plain(str(cell)) for line in sheet.lines[:1] for cell in line.cells if cell is not None
    }
    return max(
        (spec for spec in MAIN.values() if spec.headings[0] in headings),
        key=lambda spec: len(headings & {heading.casefold() for heading in spec.headings}),
        default=None,
    )
