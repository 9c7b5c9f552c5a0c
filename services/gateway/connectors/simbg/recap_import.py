"""The regional recap of SIMBG, as a table that feedback takes.

Pure. No description of the export is published, so headings are known by many names. Rows and
columns stay where they are: what feedback says of a cell is true of the file that was sent.
"""

import re
from collections.abc import Mapping, Sequence

from services.platform.spreadsheets import (
    Cell,
    Column,
    Sheet,
    SheetIssue,
    SpreadsheetError,
    write_xlsx,
)

KIND, CHANNEL = "layanan", "kanal"

HEADS: Mapping[str, str] = {
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
"""What a heading of the recap means, in the words of the hub's own table."""

PASSED_OVER = frozenset(
    {"no", "no.", "nomor", "provinsi", "kabupaten", "kabupaten/kota", "kab/kota", "keterangan"}
)
KINDS: Mapping[str, str] = {
    "pbg": "PBG",
    "persetujuan bangunan gedung": "PBG",
    "slf": "SLF",
    "sertifikat laik fungsi": "SLF",
}


def convert_recap(sheets: Sequence[Sheet], *, services: Mapping[str, str]) -> bytes:
    """A workbook of statistics from a recap; `SpreadsheetError` with every wrong cell.

    `services` are the slugs of PBG and SLF in the catalogue.
    """
    tables = {sheet.name: heads for sheet in sheets if KIND in (heads := _heads(sheet)).values()}
    if not tables:
        name = sheets[0].name if sheets else "(file)"
        message = (
            "no table was found: its first row needs the headings jenis, bulan and at least one "
            "of masuk, proses, selesai, ditolak, dikembalikan"
        )
        raise SpreadsheetError([SheetIssue(name, "A1", message)])
    written: dict[str, tuple[list[Column], list[Mapping[str, Cell]]]] = {}
    faults: list[SheetIssue] = []
    for sheet in sheets:
        if (heads := tables.get(sheet.name)) is not None:
            written[sheet.name] = _table(sheet, heads, services, faults)
    if faults:
        raise SpreadsheetError(faults[:100])
    return write_xlsx(written)


def _heads(sheet: Sheet) -> dict[str, str]:
    """What each heading means; as it stands where nobody knows, so that it is named as wrong."""
    meant: dict[str, str] = {}
    for head in sheet.columns:
        word = re.sub(r"[\s_]+", " ", head).strip().lower()
        if head and word not in PASSED_OVER:
            meant[head] = HEADS.get(word, head)
    return meant


def _table(
    sheet: Sheet,
    heads: Mapping[str, str],
    services: Mapping[str, str],
    faults: list[SheetIssue],
) -> tuple[list[Column], list[Mapping[str, Cell]]]:
    columns = [
        Column(heads[head]) if head in heads else Column(" " * (place + 1))
        for place, head in enumerate(sheet.columns)
    ]
    # All that SIMBG counts came through SIMBG.
    columns.append(Column(CHANNEL))
    last = max((row.number for row in sheet.rows), default=1)
    rows: list[Mapping[str, Cell]] = [{} for _ in range(2, last + 1)]
    for row in sheet.rows:
        cells: dict[str, Cell] = {
            heads[head]: value for head, value in row.cells.items() if head in heads
        }
        if (said := cells.get(KIND)) is None:
            continue
        kind = KINDS.get(" ".join(str(said).split()).lower())
        if kind is None or kind not in services:
            head = next(head for head, meaning in heads.items() if meaning == KIND)
            message = f"{str(said)[:100]!r} is no kind of permit; known: PBG, SLF"
            faults.append(sheet.issue(row.number, head, message))
            continue
        rows[row.number - 2] = cells | {KIND: services[kind], CHANNEL: "daring"}
    return columns, rows
