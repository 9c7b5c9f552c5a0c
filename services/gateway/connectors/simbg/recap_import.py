"""Converts the regional recap of SIMBG to a workbook of statistics that feedback accepts.

Pure. No description of the export is published, so several names of each heading are accepted. Rows
and columns keep their positions, so that errors of feedback name cells of the uploaded file.
"""

import re
from collections.abc import Mapping, Sequence

from services.platform.spreadsheets.model import (
    WHOLE_FILE,
    Cell,
    Sheet,
    SheetIssue,
    SpreadsheetError,
    Table,
)
from services.platform.spreadsheets.writing import Column, write_xlsx

KIND, CHANNEL = "layanan", "kanal"

HEADINGS: Mapping[str, str] = {
    **dict.fromkeys(
        ("jenis", "jenis permohonan", "jenis izin", "jenis dokumen", "permohonan izin"), KIND
    ),
    **dict.fromkeys(("bulan", "periode", "month"), "bulan"),
    **dict.fromkeys(
        ("masuk", "permohonan", "jumlah permohonan", "permohonan masuk", "diajukan", "total"),
        "masuk",
    ),
    **dict.fromkeys(("proses", "dalam proses", "diproses", "verifikasi"), "proses"),
    **dict.fromkeys(("selesai", "terbit", "diterbitkan", "sk terbit", "jumlah terbit"), "selesai"),
    **dict.fromkeys(("ditolak", "tolak"), "ditolak"),
    **dict.fromkeys(("dikembalikan", "perbaikan", "dikembalikan untuk perbaikan"), "dikembalikan"),
    **dict.fromkeys(("alasan", "alasan perubahan"), "alasan"),
}
"""Headings of the recap, each with the heading of the hub's own table."""

IGNORED_HEADINGS = frozenset(
    {"no", "no.", "nomor", "provinsi", "kabupaten", "kabupaten/kota", "kab/kota", "keterangan"}
)
KINDS: Mapping[str, str] = {
    "pbg": "PBG",
    "persetujuan bangunan gedung": "PBG",
    "slf": "SLF",
    "sertifikat laik fungsi": "SLF",
}


def convert_recap(sheets: Sequence[Sheet], *, services: Mapping[str, str]) -> bytes:
    """Return a workbook of statistics.

    Args:
        sheets: The recap.
        services: Slugs of PBG and SLF in the catalogue.

    Raises:
        SpreadsheetError: No sheet has the headings, or cells are invalid; lists up to 100.
    """
    tables = [table for sheet in sheets if (table := sheet.table(_is_header)) is not None]
    if not tables:
        name = sheets[0].name if sheets else WHOLE_FILE
        message = (
            "no table was found: a row needs the headings jenis, bulan and at least one of masuk, "
            "proses, selesai, ditolak, dikembalikan"
        )
        raise SpreadsheetError([SheetIssue(name, "A1", message)])
    written: dict[str, tuple[list[Column], list[Mapping[str, Cell]]]] = {}
    issues = [issue for table in tables for issue in table.issues]
    for table in tables:
        written[table.name] = _table(table, _headings(table.columns), services, issues)
    if issues:
        raise SpreadsheetError(issues[:100])
    return write_xlsx(written)


def _is_header(columns: Sequence[str]) -> bool:
    return KIND in _headings(columns).values()


def _headings(columns: Sequence[str]) -> dict[str, str]:
    """Return each heading with its meaning; an unknown one unchanged, so that it is reported."""
    meanings: dict[str, str] = {}
    for heading in columns:
        normalised = re.sub(r"[\s_]+", " ", heading).strip().lower()
        if heading and normalised not in IGNORED_HEADINGS:
            meanings[heading] = HEADINGS.get(normalised, heading)
    return meanings


def _table(
    sheet: Table,
    headings: Mapping[str, str],
    services: Mapping[str, str],
    issues: list[SheetIssue],
) -> tuple[list[Column], list[Mapping[str, Cell]]]:
    columns = [
        Column(headings[name]) if name in headings else Column(" " * (position + 1))
        for position, name in enumerate(sheet.columns)
    ]
    # Every application in a recap was made online, in SIMBG.
    columns.append(Column(CHANNEL))
    last = max((row.number for row in sheet.rows), default=1)
    rows: list[Mapping[str, Cell]] = [{} for _ in range(2, last + 1)]
    for row in sheet.rows:
        cells: dict[str, Cell] = {
            headings[name]: value for name, value in row.cells.items() if name in headings
        }
        if (value := cells.get(KIND)) is None:
            continue
        kind = KINDS.get(" ".join(str(value).split()).lower())
        if kind is None or kind not in services:
            heading = next(name for name, meaning in headings.items() if meaning == KIND)
            message = f"{str(value)[:100]!r} is not a kind of permit; must be PBG or SLF"
            issues.append(sheet.issue(row.number, heading, message))
            continue
        rows[row.number - 2] = cells | {KIND: services[kind], CHANNEL: "daring"}
    return columns, rows
