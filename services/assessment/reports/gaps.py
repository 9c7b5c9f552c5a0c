"""Missing evidence and its possible sources, derived from what an indicator measures.

The mapping depends on kinds of measures, not on single indicators, so that it serves every method.
"""

from collections.abc import Iterator
from typing import NamedTuple

from services.assessment.methods import measure_definitions as m
from services.assessment.methods.definition import TreeMethod
from services.assessment.reports.wording import lower_first
from services.assessment.scoring.scores import IndicatorScore, Node, ScoreModel, Scores

SECRETARIAT = "Sekretariat tim atau forum"
COMMUNICATIONS = "Dinas komunikasi dan informatika"
PROVIDERS = "Perangkat daerah penyelenggara layanan"


class EvidenceNeed(NamedTuple):
    """Evidence that is missing, and who can provide it."""

    needed: str
    source: str


VIEWS: dict[m.View, EvidenceNeed] = {
    "stakeholders": EvidenceNeed(
        "Daftar pemangku kepentingan yang aktif beserta dasar perannya", SECRETARIAT
    ),
    "meetings": EvidenceNeed(
        "Catatan rapat: tanggal, pemimpin, rumusan masalah, dan notula", SECRETARIAT
    ),
    "action_items": EvidenceNeed("Tindak lanjut rapat dengan tenggat dan hasilnya", SECRETARIAT),
    "attendance": EvidenceNeed(
        "Daftar hadir rapat per nama: siapa diundang, hadir, dan berbicara", SECRETARIAT
    ),
    "agreements_in_force": EvidenceNeed(
        "Perjanjian kerja sama dengan tanggal mulai dan berakhir",
        "Bagian kerja sama pada sekretariat daerah",
    ),
    "agreements_ended": EvidenceNeed(
        "Perjanjian yang berakhir pada tahun itu dan keterangan perpanjangannya",
        "Bagian kerja sama pada sekretariat daerah",
    ),
    "decisions_in_force": EvidenceNeed(
        "Keputusan dan peraturan yang berlaku", "Bagian hukum pada sekretariat daerah"
    ),
    "programmes": EvidenceNeed(
        "Rencana dan pelaksanaan program, termasuk sosialisasi dan pelatihan",
        "Perangkat daerah pelaksana program",
    ),
    "risks": EvidenceNeed("Daftar risiko dengan mitigasi dan penanggung jawabnya", SECRETARIAT),
    "recognitions_24_months": EvidenceNeed(
        "Penghargaan dari luar dalam 24 bulan terakhir", COMMUNICATIONS
    ),
}


class Gap(ScoreModel):
    """An indicator without evidence."""

    code: str
    name: str
    element: str
    element_is_null: bool
    needed: str
    source: str


def gaps_of(method: TreeMethod, scores: Scores) -> list[Gap]:
    """Return the indicators without evidence, first those whose element has no value."""
    measures = {one.code: one.measure for one in method.indicators()}
    found: list[Gap] = []
    for element, indicator in indicators_of(scores):
        if indicator.value is not None:
            continue
        needs = list(dict.fromkeys(_needs(measures[indicator.code], indicator)))
        needed = "; atau ".join(lower_first(need.needed) if n else need.needed
                                for n, need in enumerate(needs))  # fmt: skip
        found.append(
            Gap(
                code=indicator.code,
                name=indicator.name,
                element=element.name,
                element_is_null=element.value is None,
                needed=needed,
                source="; ".join(dict.fromkeys(need.source for need in needs)),
            )
        )
    return sorted(found, key=lambda gap: not gap.element_is_null)


def indicators_of(scores: Scores) -> Iterator[tuple[Node, IndicatorScore]]:
    """Yield every indicator with its element or driver, or the node of a composite index."""
    elements = [element for dimension in scores.dimensions for element in dimension.elements]
    for element in (*elements, *scores.drivers):
        for indicator in element.indicators:
            yield element, indicator
    above = {scores.index.code: scores.index}
    for node, parent in scores.composite_nodes():
        if isinstance(node, IndicatorScore):
            yield above[parent], node
        above[node.code] = node


def _needs(measure: m.Measure, indicator: IndicatorScore) -> Iterator[EvidenceNeed]:
    for part in m.nested_measures(measure):
        match part:
            case m.Count() | m.Share() | m.Attained() | m.AgenciesWith():
                yield VIEWS[part.of]
            case m.RequiredItems():
                yield VIEWS["decisions_in_force"]
            case m.Observed():
                yield EvidenceNeed(
                    f"Pengamatan bersumber, angka atau kisaran: {lower_first(indicator.name)}",
                    f"{COMMUNICATIONS} bersama perangkat daerah terkait",
                )
            case m.HeldOfPlanned():
                yield VIEWS["programmes"]
            case m.SectorsPresent() | m.Evenness() | m.Attending():
                yield VIEWS["attendance"]
            case m.Ties():
                yield from _needs_of_ties(part)
            case m.IndexProgress():
                yield EvidenceNeed(
                    "Nilai indeks yang terbit dan target dalam rencana", COMMUNICATIONS
                )
            case _:
                yield from _needs_of_reports(part)


def _needs_of_reports(part: m.Measure) -> Iterator[EvidenceNeed]:
    match part:
        case m.SurveyShare() | m.SurveyMean():
            yield EvidenceNeed(
                f"Jawaban survei ({part.survey}) dari sedikitnya lima responden",
                f"Responden, melalui {lower_first(COMMUNICATIONS)}",
            )
        case m.SatisfactionIndex():
            yield EvidenceNeed(
                f"Survei kepuasan masyarakat ({part.survey}) dengan jawaban atas semua unsur",
                PROVIDERS,
            )
        case m.Reported() | m.AgenciesReporting() | m.UsageShare():
            yield EvidenceNeed("Statistik layanan bulanan", PROVIDERS)
        case m.CommentsInTime():
            yield EvidenceNeed("Aduan yang diterima dan dijawab melalui e-Mall", PROVIDERS)
        case m.CatalogShare():
            yield EvidenceNeed("Katalog layanan dengan standar pelayanannya", PROVIDERS)
        case _:  # a composite measure, whose members are yielded separately
            pass


def _needs_of_ties(measure: m.Ties) -> Iterator[EvidenceNeed]:
    yield VIEWS["attendance"]
    yield VIEWS["agreements_in_force"]
    if measure.reported is not None:
        yield EvidenceNeed(
            f"Putaran survei hubungan ({measure.survey}) dengan undangan, yang sudah ditutup",
            SECRETARIAT,
        )
