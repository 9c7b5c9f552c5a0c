"""Section on published indices: SPBE by year with its target, and satisfaction."""

import math
from collections.abc import Iterator

from services.assessment.reports.cells import text_cells
from services.assessment.reports.charts import Line, Point, lines
from services.assessment.reports.document import (
    AnyBlock,
    Column,
    Figure,
    Paragraph,
    Section,
    Table,
)
from services.assessment.reports.report import IndexSeries, IndexYear, Report
from services.assessment.reports.wording import NO_VALUE, compact_number, number, signed
from services.assessment.scoring.results import LevelSteps

ROLES = {
    "published": "terbit",
    "target": "target",
    "national_minimum": "batas bawah nasional",
}


def published_indices(report: Report) -> Section:
    """Return the section, with a statement if nothing is published."""
    blocks: list[AnyBlock] = []
    for series in report.indices:
        blocks += _series(series)
    blocks += _satisfaction(report)
    return Section(title="Indeks yang terbit", blocks=blocks)


def _series(series: IndexSeries) -> Iterator[AnyBlock]:
    provisional = " Metode ini masih sementara." if series.provisional else ""
    yield Paragraph(
        text=f"{series.name}: nilai menurut tahun sebagaimana terbit, dengan predikat yang "
        f"tercetak di samping predikat menurut rentang peraturan.{provisional}"
    )
    yield Table(
        caption=f"{series.name} menurut tahun",
        columns=[
            Column(head="Tahun", width=0.8),
            Column(head="Nilai", width=0.8, align="right"),
            Column(head="Jenis", width=1.3),
            Column(head="Predikat tercetak", width=1.3),
            Column(head="Predikat menurut rentang", width=1.4),
            Column(head="Catatan", width=3.4),
        ],
        rows=text_cells(
            (
                NO_VALUE if one.year is None else str(one.year),
                number(one.value, 2),
                ROLES[one.role],
                one.predicate or NO_VALUE,
                one.predicate_by_ranges,
                one.note or NO_VALUE,
            )
            for one in series.values
        ),
        note="Rentang: "
        + "; ".join(
            f"{predicate.name} mulai {number(predicate.low, 1)}" for predicate in series.predicates
        )
        + ".",
    )
    differing = [
        one
        for one in series.values
        if one.predicate is not None and one.predicate != one.predicate_by_ranges
    ]
    for one in differing:
        yield Paragraph(
            text=f"Nilai {number(one.value, 2)} tahun {one.year} tercetak sebagai "
            f"“{one.predicate}”, sedangkan menurut rentang peraturan termasuk "
            f"“{one.predicate_by_ranges}”. Keduanya ditunjukkan apa adanya."
        )
    yield from _path(series)
    yield _chart(series)


def _path(series: IndexSeries) -> Iterator[AnyBlock]:
    path = series.path
    if path is None:
        return
    way = (
        "Target itu sudah tercapai."
        if path.reached
        else f"Untuk mencapainya indeks perlu naik {compact_number(path.per_year)} setiap tahun."
    )
    yield Paragraph(
        text=f"Target {number(path.target_value, 2)} pada tahun {path.target_year}, dari "
        f"{number(path.first_value, 2)} pada tahun {path.first_year}. {way}"
    )
    if series.level_steps is not None and not path.reached:
        yield Paragraph(text=_steps(series.level_steps))
    yield Table(
        caption="Jalur menuju target",
        columns=[
            Column(head="Tahun"),
            Column(head="Nilai yang perlu dicapai", width=2, align="right"),
            Column(head="Selisih dari nilai terakhir", width=2, align="right"),
            Column(head="Predikat", width=2),
        ],
        rows=text_cells(
            (
                str(step.year),
                compact_number(step.value),
                signed(step.value - path.first_value, 3),
                step.predicate,
            )
            for step in path.steps
        ),
    )


def _steps(steps: LevelSteps) -> str:
    return (
        "Tingkat setiap indikator tidak diterbitkan. Menurut bobotnya, target itu memerlukan "
        f"sedikitnya {steps.least} kenaikan satu tingkat; {steps.enough_by_weight} cukup, berapa "
        "pun tingkatnya sekarang, jika indikator terberat yang dapat naik didahulukan, dan "
        f"{steps.most} cukup, indikator mana pun yang naik."
    )


def _chart(series: IndexSeries) -> Figure:
    published = [
        Point(one.year, one.value)
        for one in series.values
        if one.role == "published" and one.year is not None
    ]
    rows = [Line("Nilai terbit", published)]
    if series.path is not None:
        first = Point(series.path.first_year, series.path.first_value)
        steps = [Point(step.year, step.value) for step in series.path.steps]
        rows.append(Line("Jalur menuju target", [first, *steps], dashed=True, figures=False))
    values = [point.value for row in rows for point in row.points]
    minimum = next((one for one in series.values if one.role == "national_minimum"), None)
    return Figure(
        caption=f"{series.name}: nilai terbit dan jalur menuju target (garis putus-putus).",
        alt="Diagram garis menurut tahun; angkanya ada pada tabel di atas.",
        svg=lines(
            rows,
            alt=series.name,
            low=math.floor(min(values)),
            high=math.ceil(max(values)),
            step=0.5,
            digits=2,
            level=_level(minimum),
        ),
    )


def _level(minimum: IndexYear | None) -> tuple[float, str] | None:
    if minimum is None:
        return None
    return minimum.value, f"batas nasional {number(minimum.value, 1)}"


def _satisfaction(report: Report) -> Iterator[AnyBlock]:
    if not report.satisfaction:
        yield Paragraph(
            text="Indeks Kepuasan Masyarakat: belum ada hasil survei tahun ini yang dapat "
            "diterbitkan."
        )
    for one in report.satisfaction:
        start = (
            f"Indeks Kepuasan Masyarakat (survei {one.survey}): {number(one.ikm, 2)}, mutu "
            f"{one.grade},"
        )
        respondents = f"dari {number(one.respondents, 0)} responden"
        if one.low is None or one.high is None:
            yield Paragraph(text=f"{start} {respondents}; galatnya tidak diperkirakan.")
        else:
            ends = f"{number(one.low, 2)}–{number(one.high, 2)}"
            yield Paragraph(text=f"{start} dengan rentang 95% {ends} {respondents}.")
