"""Workbook rendering of a report: summary, scores, evidence, method and goalposts."""

from collections.abc import Iterator, Mapping, Sequence

from services.assessment.assessments.score_table import COLUMNS, score_rows
from services.assessment.reports.annexes import KIND_NAMES
from services.assessment.reports.document import Bullets, Definitions, Document, Paragraph, Section
from services.assessment.reports.report import Report
from services.platform.spreadsheets.model import Cell
from services.platform.spreadsheets.writing import Column, write_xlsx

SUMMARY = (Column("Bagian", width=32), Column("Isi", width=110))
EVIDENCE = (
    Column("Jenis", width=26),
    Column("Kunci", width=34),
    Column("Versi"),
    Column("Bukti", width=60),
    Column("Catatan", width=60),
    Column("Indikator", width=48),
    Column("Sumber", width=34),
    Column("Alamat", width=60),
)
METHOD = (Column("Hal", width=32), Column("Isi", width=110))
GOALPOSTS = (
    Column("Kode", width=34),
    Column("Indikator", width=60),
    Column("Tonggak terendah"),
    Column("Tonggak tertinggi"),
    Column("Arah"),
    Column("Penormalan"),
    Column("Bobot"),
)

Table = tuple[Sequence[Column], Sequence[Mapping[str, Cell]]]


def to_xlsx(report: Report, document: Document) -> bytes:
    """Return the workbook, with the sheets Ringkasan, Skor, Bukti, Metode and Tonggak."""
    tables: dict[str, Table] = {
        "Ringkasan": (SUMMARY, _pairs(SUMMARY, _summary(document))),
        "Skor": (
            COLUMNS,
            score_rows(
                report.scores,
                region=report.regency.region,
                period=report.period,
                spread=report.sensitivity.spread,
            ),
        ),
        "Bukti": (EVIDENCE, _evidence(report)),
        "Metode": (METHOD, _pairs(METHOD, _method(document))),
        "Tonggak": (GOALPOSTS, _goalposts(report)),
    }
    return write_xlsx(tables)


def _pairs(columns: Sequence[Column], rows: Iterator[tuple[str, str]]) -> list[Mapping[str, Cell]]:
    first, second = columns
    return [{first.name: name, second.name: text} for name, text in rows]


def _summary(document: Document) -> Iterator[tuple[str, str]]:
    yield "Laporan", f"{document.title}, {document.regency}"
    yield from document.facts
    for section in document.sections:
        if not section.appendix:
            yield from _words(section)


def _method(document: Document) -> Iterator[tuple[str, str]]:
    for section in document.sections:
        if section.appendix:
            yield from _words(section)


def _words(section: Section) -> Iterator[tuple[str, str]]:
    """Yield the sentences of a section; tables have sheets of their own."""
    for block in section.blocks:
        match block:
            case Paragraph():
                yield section.title, block.text
            case Bullets():
                yield from ((section.title, item) for item in block.items)
            case Definitions():
                yield from block.items
            case _:
                pass


def _evidence(report: Report) -> list[Mapping[str, Cell]]:
    titles = {source.id: source.title for source in report.sources}
    return [
        {
            "Jenis": KIND_NAMES.get(one.kind, one.kind),
            "Kunci": one.key,
            "Versi": one.version,
            "Bukti": one.title,
            "Catatan": one.note,
            "Indikator": ", ".join(one.indicators),
            "Sumber": "; ".join(titles.get(key, key) for key in one.sources),
            "Alamat": one.href,
        }
        for one in report.evidence
    ]


def _goalposts(report: Report) -> list[Mapping[str, Cell]]:
    return [
        {
            "Kode": one.code,
            "Indikator": one.name,
            "Tonggak terendah": one.goalposts.min,
            "Tonggak tertinggi": one.goalposts.max,
            "Arah": "lebih tinggi lebih baik"
            if one.goalposts.direction == "higher"
            else "lebih rendah lebih baik",
            "Penormalan": one.normalisation.kind,
            "Bobot": one.weight,
        }
        for one in report.method.indicators()
    ]
