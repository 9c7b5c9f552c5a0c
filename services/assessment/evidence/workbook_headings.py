"""Headings and words of the evidence workbook as Indonesian offices write them (pure).

A workbook has either these or the names of the API; an import reads both.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Literal

from services.platform.spreadsheets.model import Row, Sheet, Table

Headings = Literal["names", "indonesian"]

SHEETS: Mapping[str, str] = {
    "stakeholders": "Pemangku kepentingan",
    "meetings": "Rapat",
    "agreements": "Perjanjian",
    "decisions": "Keputusan",
    "programmes": "Program",
    "risks": "Risiko",
    "recognitions": "Penghargaan",
    "observations": "Pengamatan",
    "index-values": "Nilai indeks",
    "index-levels": "Tingkat indikator",
    "verdicts": "Penilaian studi",
    "declarations": "Kelengkapan daftar",
    "attendance": "Kehadiran",
    "action_items": "Tindak lanjut",
}
COLUMNS: Mapping[str, str] = {
    "key": "kunci",
    "sources": "sumber",
    "passage": "tempat dalam sumber",
    "note": "catatan",
    "document.name": "dokumen: judul",
    "document.url": "dokumen: alamat",
    "document.sha256": "dokumen: sidik SHA-256",
    "absent_fields": "isian yang dinyatakan tidak ada",
    "valid_from": "berlaku sejak",
    "valid_to": "berlaku sampai",
    "precision": "ketelitian tanggal",
    "attested_in": "tahun menurut sumber",
    "name": "nama",
    "name_en": "nama dalam bahasa Inggris",
    "sector": "sektor",
    "agency": "instansi",
    "role": "peran",
    "role_decision": "keputusan yang menetapkan peran",
    "leading": "jabatan pimpinan",
    "filled": "jabatan terisi",
    "kind": "jenis",
    "held_on": "tanggal",
    "place": "tempat",
    "agenda": "agenda",
    "problem_statement": "pokok masalah",
    "decisions": "keputusan rapat",
    "minutes": "ada notulensi",
    "minutes_file.name": "berkas notulensi: judul",
    "minutes_file.sha256": "berkas notulensi: sidik SHA-256",
    "minutes_file.url": "berkas notulensi: alamat",
    "discussion": "ada pembahasan",
    "led_by": "dipimpin oleh",
    "sectors_present": "sektor yang hadir",
    "parties": "pihak",
    "partner_sector": "sektor mitra",
    "scope": "isi perjanjian",
    "signed_on": "ditandatangani pada",
    "renewed": "diperpanjang",
    "renews": "meneruskan perjanjian",
    "number": "nomor",
    "subject": "pokok",
    "requires": "kewajiban",
    "instruments": "dasar kerja sama",
    "procedures": "prosedur",
    "names_lead_agency": "menetapkan instansi pengampu",
    "lead_reports_to_head": "pengampu di bawah kepala daerah",
    "dimension": "dimensi kota cerdas",
    "owner": "penanggung jawab",
    "partners": "mitra",
    "plan": "rencana",
    "budget_idr": "anggaran (rupiah)",
    "staff": "jumlah pegawai",
    "running": "berjalan",
    "held": "terlaksana",
    "likelihood": "kemungkinan",
    "impact": "dampak",
    "mitigation": "mitigasi",
    "mitigation_under_way": "mitigasi berjalan",
    "review_on": "ditinjau lagi pada",
    "given_by": "pemberi",
    "given_on": "tanggal diberikan",
    "unit": "satuan",
    "statement": "pernyataan sumber",
    "value": "nilai",
    "low": "paling rendah",
    "high": "paling tinggi",
    "numerator": "pembilang",
    "denominator": "penyebut",
    "per": "per",
    "numerator_of": "arti pembilang",
    "denominator_of": "arti penyebut",
    "known_absence": "dinyatakan tidak ada",
    "index": "indeks",
    "year": "tahun",
    "predicate": "predikat",
    "indicator": "nomor indikator",
    "level": "tingkat",
    "element": "unsur",
    "word": "kata studi",
    "register_name": "daftar",
    "entries": "jumlah catatan",
    "meeting": "kunci rapat",
    "stakeholder": "pemangku kepentingan",
    "invited": "diundang",
    "present": "hadir",
    "spoke": "berbicara",
    "task": "tindak lanjut",
    "due": "batas waktu",
    "done": "selesai",
    "outcome": "hasil",
    "state": "keadaan",
    "attachments": "lampiran: sidik SHA-256",
    "attendance": "kehadiran",
    "action_items": "tindak lanjut",
}
WORDS: Mapping[str, str] = {
    "day": "hari",
    "month": "bulan",
    "year": "tahun",
    "government": "pemerintah",
    "private": "swasta",
    "community": "komunitas",
    "forum": "forum",
    "coordination": "koordinasi",
    "team": "tim",
    "desk": "desk",
    "training": "pelatihan",
    "outreach": "sosialisasi",
    "programme": "program",
    "published": "terbit",
    "target": "target",
    "national_minimum": "batas nasional",
    "declared": "dicapai",
    "planned": "direncanakan",
    "share": "bagian",
    "level": "tingkat",
    "count": "jumlah",
    "agreements": "perjanjian",
    "decisions": "keputusan",
    "index-values": "nilai indeks",
    "meetings": "rapat",
    "programmes": "program dan pelatihan",
    "recognitions": "penghargaan",
    "reporting": "pemberitahuan kewajiban lapor",
    "risks": "risiko",
    "stakeholders": "pemangku kepentingan",
    "proposed": "usulan",
    "confirmed": "terkonfirmasi",
    "disputed": "dibantah",
    "withdrawn": "ditarik",
}
"""Words for the codes of columns that have a few; units of UCUM stay as they are."""

_SHEETS: Mapping[str, str] = {name.casefold(): code for code, name in SHEETS.items()}
_INNER = frozenset({"attendance", "action_items"})
_COLUMNS: Mapping[str, str] = {
    name.casefold(): code for code, name in COLUMNS.items() if code not in _INNER
}
_WORDS: Mapping[str, str] = {name: code for code, name in WORDS.items()}


def kind_of_sheet(name: str) -> str:
    """Return the name that the API has for a sheet; the same name if it has none."""
    return _SHEETS.get(name.strip().casefold(), name)


def code_of_word(word: str) -> str:
    """Return the code of a word of a column that has a few; the same word if it is none."""
    return _WORDS.get(word.strip().casefold(), word)


def code_of_heading(heading: str) -> str:
    """Return the name that the API has for a column; the same heading if it has none."""
    return _COLUMNS.get(" ".join(heading.split()).casefold(), heading)


def codes_of_headings(headings: Iterable[str]) -> list[str]:
    """Return the names that the API has for the columns of a sheet."""
    return [code_of_heading(heading) for heading in headings]


def table_of(sheet: Sheet) -> Table | None:
    """Return the table of a sheet with the names of the API; its cells stay where they are."""
    table = sheet.table(_is_header)
    if table is None:
        return None
    return replace(
        table,
        columns=tuple(codes_of_headings(table.columns)),
        rows=tuple(
            Row(row.number, {code_of_heading(name): cell for name, cell in row.cells.items()})
            for row in table.rows
        ),
    )


def _is_header(columns: Iterable[str]) -> bool:
    return not {"key", "meeting"}.isdisjoint(codes_of_headings(columns))
