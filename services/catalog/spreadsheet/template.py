"""The spreadsheet to fill in: the catalogue, or one agency's part of it."""

import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.catalog.spreadsheet.rows import CellRow, Stored, to_rows
from services.catalog.spreadsheet.sheets import (
    CONTAINERS,
    KINDS,
    OWNER,
    SHEETS,
    VERSION,
    Field,
    Kind,
    SheetSpec,
)
from services.platform.spreadsheets.csv_export import Delimiter, write_csv
from services.platform.spreadsheets.grid import MAX_CELL_LENGTH, MAX_ROWS
from services.platform.spreadsheets.writing import Column, write_xlsx

CHOICES, HELP = "Pilihan", "Petunjuk"
"""Sheets that are not read."""
MAX_WIDTH = 40
FIXED_DATE = (1980, 1, 1, 0, 0, 0)
"""Of the files in an archive, so that the same catalogue is the same file."""

StoredCatalogue = Mapping[Kind, Sequence[Stored]]

INSTRUCTIONS = (
    ("Satu baris di lembar Layanan, Tempat, Dokumen, atau Sumber adalah satu data; lembar lain "
     "berisi daftarnya, satu isi tiap baris, dengan kode data itu di kolom pertama.",
     "A row of the sheets Layanan, Tempat, Dokumen or Sumber is a record; the other sheets hold "
     "its lists, a row per entry, with the record's key in the first column."),
    ("Judul kolom dan nama lembar jangan diubah. Judul berwarna wajib diisi.",
     "Leave headings and names of sheets as they are. Coloured headings are required."),
    ("Kolom versi jangan diubah; kosongkan untuk data baru.",
     "Leave the column versi as it is; empty for a new record."),
    ("Data yang barisnya dihapus tetap ada di katalog: impor tidak menarik data.",
     "A record whose row is deleted stays in the catalogue: an import withdraws nothing."),
    ("Sel kosong berarti tidak dipublikasikan: isi yang dikosongkan hilang dari katalog.",
     "An empty cell means not published: what is emptied leaves the catalogue."),
    ("Kolom kasus dan kanal ke menyebut kasus (kode) atau kanal (nomor) yang punya isi itu; "
     "kosong berarti layanannya sendiri.",
     "The columns kasus and kanal ke name the case (key) or channel (number) that has an entry; "
     "empty means the service itself."),
)  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """A record that others may name."""

    key: str
    name: str


Choices = Mapping[str, Sequence[Choice]]
"""What may be named, by the heading of its list: agencies, life events, links."""


class TooLargeForSheetError(Exception):
    """The catalogue does not fit into a spreadsheet; says what does not."""


def template_xlsx(stored: StoredCatalogue, choices: Choices) -> bytes:
    """Return the workbook, with instructions and lists of what may be named."""
    tables = {
        sheet.name: ([_column(sheet, heading) for heading in sheet.headings], rows)
        for sheet, rows in _tables(stored)
    }
    return write_xlsx(tables | {CHOICES: _choices(choices), HELP: _help()})


def template_csv(stored: StoredCatalogue, *, delimiter: Delimiter) -> bytes:
    """Return an archive (ZIP) with a CSV file per sheet."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for sheet, rows in _tables(stored):
            cells = ([row.get(heading) for heading in sheet.headings] for row in rows)
            entry = zipfile.ZipInfo(f"{sheet.name}.csv", FIXED_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, write_csv(sheet.headings, cells, delimiter=delimiter))
    return stream.getvalue()


def _tables(stored: StoredCatalogue) -> Iterable[tuple[SheetSpec, list[CellRow]]]:
    rows: dict[str, list[CellRow]] = {sheet.name: [] for sheet in SHEETS}
    for kind in KINDS:
        for record in stored.get(kind, ()):
            for sheet, row in to_rows(kind, json.loads(record.content), version=record.version):
                _check(sheet, record.key, row)
                rows[sheet.name].append(row)
    for sheet in SHEETS:
        if len(rows[sheet.name]) >= MAX_ROWS:
            raise TooLargeForSheetError(f"{sheet.name} has {len(rows[sheet.name])} rows")
        yield sheet, rows[sheet.name]


def _check(sheet: SheetSpec, key: str, row: CellRow) -> None:
    for heading, cell in row.items():
        if isinstance(cell, str) and len(cell) > MAX_CELL_LENGTH:
            raise TooLargeForSheetError(f"{heading} of {key} in {sheet.name} is too long")


def _column(sheet: SheetSpec, heading: str) -> Column:
    if heading == VERSION:
        return Column(VERSION, "Jangan diubah; kosong untuk data baru.")
    if heading in sheet.position:
        required = heading == OWNER[sheet.kind] or sheet.list_field == "channels"
        note = "Nomor kanal di lembar Kanal." if heading == CONTAINERS["channel"] else ""
        return Column(heading, note, required=required)
    if sheet.key is not None and heading == sheet.key.heading:
        return _of(sheet.key)
    return _of(next(field for field in sheet.fields if field.heading == heading))


def _of(field: Field) -> Column:
    choices = ("ya", "tidak") if field.form == "yes_no" else tuple(field.labels.values())
    if field.form == "keys":
        choices = ()
    note = field.note
    if field.labels and field.form == "keys":
        note = f"{note} Pilihan: {', '.join(field.labels.values())}."
    is_long = field.form in ("lines", "articles") or field.heading.startswith(
        ("isi", "ringkasan", "syarat", "langkah")
    )
    return Column(
        field.heading,
        note.strip(),
        choices,
        required=field.required,
        width=MAX_WIDTH if is_long else None,
    )


def _choices(choices: Choices) -> tuple[list[Column], list[CellRow]]:
    rows: list[CellRow] = [{} for _ in range(max(map(len, choices.values()), default=0))]
    columns: list[Column] = []
    for heading, listed in choices.items():
        name = f"nama {heading}"
        columns += [Column(heading, width=24), Column(name, width=MAX_WIDTH)]
        for row, choice in zip(rows, listed, strict=False):
            row |= {heading: choice.key, name: choice.name}
    return columns, rows


def _help() -> tuple[list[Column], list[CellRow]]:
    columns = [Column("petunjuk", width=90), Column("instructions", width=90)]
    return columns, [{"petunjuk": text, "instructions": english} for text, english in INSTRUCTIONS]
