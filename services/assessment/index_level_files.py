"""The levels of an index as files for the assessor (pure), with Indonesian headings."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from services.assessment.index_level_schemas import IndexLevels, IndicatorLevel, RecordedLevel
from services.assessment.scoring.results import LevelScores
from services.platform.spreadsheets.csv_export import Delimiter, write_csv
from services.platform.spreadsheets.model import Cell
from services.platform.spreadsheets.writing import Column, write_xlsx

SUMMARY = (Column("Perihal", width=44), Column("Isi", width=44))
COLUMNS = (
    Column("Nomor"),
    Column("Domain", width=28),
    Column("Aspek", width=28),
    Column("Indikator", width=40),
    Column("Bobot (%)"),
    Column("Tingkat"),
    Column("Keadaan", width=16),
    Column("Penjelasan", width=40),
    Column("Dokumen bukti", width=30),
    Column("Alamat dokumen", width=30),
    Column("SHA-256 dokumen", width=20),
    Column("Lampiran", width=30),
    Column("SHA-256 lampiran", width=20),
    Column("Sumber", width=30),
    Column("Alamat sumber", width=30),
    Column("Tempat dalam sumber", width=30),
    Column("Dicatat oleh"),
    Column("Dicatat pada"),
    Column("Catatan asesor internal", width=40),
    Column("Asesor internal"),
    Column("Dinilai pada"),
    Column("Tingkat terkonfirmasi"),
    Column("Tingkat rencana"),
    Column("Penjelasan rencana", width=40),
    Column("Tingkat berikutnya"),
    Column("Kriteria tingkat berikutnya", width=40),
    Column("Tambahan indeks"),
)
STATES = {
    "proposed": "Usulan",
    "confirmed": "Terkonfirmasi",
    "disputed": "Dibantah",
    "withdrawn": "Ditarik",
}


@dataclass(frozen=True)
class LevelFiles:
    """The files attached to levels: hashes for everybody, names for those who may read them."""

    hashes: Mapping[UUID, Sequence[str]]
    """By the id of the level's record."""
    names: Mapping[UUID, Sequence[str]]


def levels_xlsx(levels: IndexLevels, files: LevelFiles, zone: ZoneInfo) -> bytes:
    """Return a workbook: what the index is by its levels, and a row for each indicator."""
    names = [column.name for column in COLUMNS]
    rows = [dict(zip(names, _row(one, files, zone), strict=True)) for one in levels.indicators]
    heads = [column.name for column in SUMMARY]
    summary = [dict(zip(heads, line, strict=True)) for line in _summary(levels)]
    return write_xlsx({"Indeks": (SUMMARY, summary), "Indikator": (COLUMNS, rows)})


def levels_csv(
    levels: IndexLevels, files: LevelFiles, zone: ZoneInfo, *, delimiter: Delimiter
) -> bytes:
    """Return a row for each indicator."""
    rows = [_row(one, files, zone) for one in levels.indicators]
    return write_csv([column.name for column in COLUMNS], rows, delimiter=delimiter)


def _summary(levels: IndexLevels) -> Iterator[tuple[str, Cell]]:
    yield "Indeks", levels.name
    yield "Tahun", levels.year
    if levels.provisional:
        yield "Keterangan", "Bobot sementara, dari sumber sekunder"
    known = len(levels.indicators) - len(levels.declared.missing)
    yield "Indikator dengan tingkat", known
    yield "Indikator seluruhnya", len(levels.indicators)
    yield from _score("Indeks menurut tingkat yang dicatat", levels.declared)
    yield from _score("Indeks menurut tingkat terkonfirmasi", levels.confirmed)
    yield from _score("Indeks menurut rencana", levels.planned)
    published = levels.published
    yield "Indeks terbit", None if published is None else published.value
    yield "Predikat terbit", None if published is None else published.predicate_published
    yield "Selisih dari indeks terbit", levels.difference
    yield "Target", None if levels.target is None else levels.target.value
    for group in levels.declared.domains or levels.declared.aspects:
        yield f"Rata-rata tingkat: {group.name}", group.value


def _score(name: str, score: LevelScores) -> Iterator[tuple[str, Cell]]:
    """Yield the index, or its bounds while levels are missing."""
    if score.value is not None:
        yield name, score.value
        yield f"{name}: predikat", score.predicate
    else:
        yield f"{name}: paling rendah", score.low
        yield f"{name}: paling tinggi", score.high


def _row(one: IndicatorLevel, files: LevelFiles, zone: ZoneInfo) -> Sequence[Cell]:
    declared, planned = one.declared, one.planned
    return [
        one.number,
        one.domain,
        one.aspect,
        one.name,
        one.weight,
        *_recorded(declared, files, zone),
        planned and planned.level,
        planned and planned.note,
        one.next_level,
        one.next_criteria,
        one.gain,
    ]


def _recorded(level: RecordedLevel | None, files: LevelFiles, zone: ZoneInfo) -> Sequence[Cell]:
    if level is None:
        return [None] * 17
    document, assessed = level.document, level.assessed
    return [
        level.level,
        STATES[level.state],
        level.note,
        document and document.name,
        document and document.url,
        document and document.sha256,
        "; ".join(files.names.get(level.id, ())),
        "; ".join(files.hashes.get(level.id, ())),
        "; ".join(source.title for source in level.sources),
        "; ".join(source.url for source in level.sources if source.url),
        level.passage,
        level.recorded_by,
        level.recorded_at.astimezone(zone).date(),
        assessed and assessed.reason,
        assessed and assessed.by,
        assessed and assessed.at.astimezone(zone).date(),
        level.confirmed_level,
    ]
