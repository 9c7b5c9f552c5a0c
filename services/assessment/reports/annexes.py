"""Annexes of a report: method, indicators, evidence and sources."""

from collections.abc import Iterator

from services.assessment.methods.definition import (
    CompositeMethod,
    IndicatorDefinition,
    TreeMethod,
)
from services.assessment.methods.rules import Goalposts
from services.assessment.reports.cells import BOUNDS_HEAD, score_cells
from services.assessment.reports.document import (
    AnyBlock,
    Bullets,
    Cell,
    Column,
    Definitions,
    Paragraph,
    Row,
    Section,
    Table,
)
from services.assessment.reports.gaps import indicators_of
from services.assessment.reports.report import Report, UsedEvidence
from services.assessment.reports.wording import (
    BANDS,
    MEANS,
    NO_INTERVALS,
    NO_VALUE,
    ORIGINS,
    compact_number,
    date_text,
    join_words,
    lower_first,
    number,
    percent,
    weights_in_words,
)
from services.assessment.scoring.scores import EvidenceLink, IndicatorScore, Node, Scores
from services.assessment.scoring.tree import branches_of
from services.platform.packs import Source
from services.platform.service import API

KIND_NAMES = {
    "stakeholders": "Pemangku kepentingan",
    "meetings": "Rapat",
    "agreements": "Perjanjian",
    "decisions": "Keputusan dan peraturan",
    "programmes": "Program",
    "risks": "Risiko",
    "recognitions": "Penghargaan",
    "observations": "Pengamatan",
    "index-values": "Nilai indeks",
    "index-levels": "Tingkat indikator indeks",
    "verdicts": "Putusan studi",
    "declarations": "Pernyataan kelengkapan",
    "survey": "Hasil survei",
    "ties": "Ikatan yang dilaporkan",
    "usage": "Ringkasan penggunaan",
    "reporting": "Kelengkapan statistik",
    "comments": "Ringkasan aduan",
    "catalog": "Ringkasan katalog",
}

HUB_REPORT_TITLES = {
    ("usage", "channel"): "Pemakaian layanan menurut kanal",
    ("reporting", "reporting"): "Statistik bulanan yang wajib disampaikan",
    ("catalog", "summary"): "Komponen standar pelayanan semua layanan",
}
"""Titles of the reports of the hub's other services, by kind and key."""


def annexes(report: Report) -> list[Section]:
    return [_method(report), _indicators(report), _evidence(report), _sources(report)]


def _method(report: Report) -> Section:
    method = report.method
    return Section(
        title="Metode",
        appendix=True,
        blocks=[
            Paragraph(text=method.description),
            Definitions(
                items=[
                    ("Metode", f"{method.id} versi {method.version}: {method.name}"),
                    ("Sidik metode (SHA-256)", report.method_hash),
                    ("Sidik bukti (SHA-256)", report.evidence_hash),
                    ("Nomor penilaian", report.id),
                    (
                        "Disimpan",
                        f"{date_text(report.recorded_at, report.regency.timezone)} oleh "
                        f"{report.recorded_by}",
                    ),
                    (
                        "Simulasi",
                        f"{number(report.draws, 0)} undian dengan benih {report.seed}",
                    ),
                    ("Bobot", _weights(method)),
                    *_aggregation(method),
                ]
            ),
            Bullets(
                items=[
                    "Yang belum tercatat tidak dianggap nol; ketiadaan yang diketahui adalah bukti "
                    "dan bernilai nol.",
                    "Kisaran dari sumber tetap kisaran: tengahnya memberi nilai, ujungnya memberi "
                    "rentang.",
                    f"Golongan {_bands()}. Golongan hanyalah cara membaca nilai dan tidak ikut "
                    "dihitung.",
                    f"Penilaian ini dapat dihitung ulang oleh siapa pun dari berkas {API}"
                    f"/assessments/{report.id}/bundle dengan perintah emall verify.",
                ]
            ),
            Paragraph(text="Rujukan metode:"),
            Bullets(items=list(method.sources)),
        ],
    )


def _aggregation(method: TreeMethod) -> list[tuple[str, str]]:
    """Return how scores are combined, and how much evidence that needs."""
    if isinstance(method, CompositeMethod):
        nodes = "; ".join(
            f"{node.name}: {MEANS[node.mean]}"
            + ("" if node.goalposts is None else f", diskalakan {_ends(node.goalposts)}")
            for node in method.nodes()
        )
        return [("Penggabungan", nodes)]
    return [
        (
            "Penggabungan",
            f"{MEANS[method.aggregation.element]} dari indikator dalam unsur, "
            f"{MEANS[method.aggregation.dimension]} dari unsur dalam dimensi, "
            f"{MEANS[method.aggregation.index]} dari dimensi",
        ),
        (
            "Cakupan terendah",
            f"unsur dengan bukti di bawah {percent(method.minimum_coverage)} dari "
            "indikatornya tidak bernilai",
        ),
    ]


def _ends(posts: Goalposts) -> str:
    ends = (posts.min, posts.max) if posts.direction == "higher" else (posts.max, posts.min)
    return "–".join(compact_number(end) for end in ends)


def _weights(method: TreeMethod) -> str:
    words = weights_in_words(method.weights)
    given = [
        f"{part.name} {compact_number(part.weight)}"
        for branch in branches_of(method)
        for part in branch.definitions()
        if part.weight != 1
    ]
    return f"{words} ({'; '.join(given)})" if given else words


def _bands() -> str:
    ends = [*(low for low, _ in BANDS[1:]), None]
    bands: list[str] = []
    for (low, word), end in zip(BANDS, ends, strict=True):
        if end is None:
            bands.append(f"{lower_first(word)} mulai {number(low, 0)}")
        elif low == 0:
            bands.append(f"{lower_first(word)} di bawah {number(end, 0)}")
        else:
            bands.append(
                f"{lower_first(word)} dari {number(low, 0)} sampai di bawah {number(end, 0)}"
            )
    return join_words(bands)


def _indicators(report: Report) -> Section:
    definitions = {one.code: one for one in report.method.indicators()}
    rows: list[Row] = []
    element_code = None
    for element, indicator in indicators_of(report.scores):
        if element.code != element_code:
            element_code = element.code
            rows.append(
                Row(
                    cells=[
                        Cell(text=element.name),
                        Cell(text=""),
                        Cell(text=""),
                        *score_cells(element),
                        Cell(text=""),
                    ],
                    strong=True,
                )
            )
        rows.append(_indicator_row(indicator, definitions[indicator.code]))
    return Section(
        title="Indikator",
        appendix=True,
        blocks=[
            Table(
                caption="Setiap indikator: tonggak nilai 0 dan 100, nilai mentah, dan nilainya",
                columns=[
                    Column(head="Unsur dan indikator", width=3.6),
                    Column(head="Tonggak", width=1.2, align="right"),
                    Column(head="Nilai mentah", width=1.1, align="right"),
                    Column(head="Perkiraan", width=1.1, align="right"),
                    Column(head="Rentang", width=1.4, align="right"),
                    Column(head=BOUNDS_HEAD, width=1.4, align="right"),
                    Column(head="Asal rentang", width=1.5),
                ],
                rows=rows,
            )
        ],
    )


def _indicator_row(indicator: IndicatorScore, definition: IndicatorDefinition) -> Row:
    scale = _ends(definition.goalposts)
    if definition.normalisation.kind == "log":
        scale += " (logaritma)"
    elif definition.normalisation.kind != "minmax":
        scale = definition.normalisation.kind
    if indicator.value is None:
        origin = "tanpa bukti"
    elif indicator.interval is not None:
        origin = ORIGINS[indicator.interval.by]
    else:
        origin = NO_INTERVALS[indicator.no_interval_because]
    return Row(
        cells=[
            Cell(text=indicator.name),
            Cell(text=scale),
            Cell(
                text=NO_VALUE if indicator.raw is None else compact_number(indicator.raw),
                code=indicator.code,
                field="raw",
            ),
            *score_cells(indicator),
            Cell(text=origin),
        ]
    )


def _evidence(report: Report) -> Section:
    numbers = {source.id: f"[{n}]" for n, source in enumerate(report.sources, start=1)}
    names = {one.code: one.name for one in report.method.indicators()}
    alike: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[UsedEvidence]] = {}
    for one in report.evidence:
        alike.setdefault((one.kind, tuple(one.indicators), tuple(one.sources)), []).append(one)
    rows = [
        Row(
            cells=[
                Cell(text=KIND_NAMES.get(kind, kind)),
                Cell(
                    text="; ".join(_named(one) for one in group),
                    href=group[0].href if len(group) == 1 else None,
                ),
                Cell(text="; ".join(names.get(code, code) for code in indicators)),
                Cell(text=" ".join(numbers.get(key, key) for key in sources) or NO_VALUE),
            ]
        )
        for (kind, indicators, sources), group in alike.items()
    ]
    return Section(
        title="Bukti yang dibaca",
        appendix=True,
        blocks=[
            Paragraph(
                text="Setiap nilai dapat ditelusuri sampai ke buktinya. Angka dalam kurung siku "
                "menunjuk ke daftar sumber pada lampiran berikut; bukti tanpa sumber dihitung dari "
                "catatan pusat layanan ini sendiri."
            ),
            Table(
                caption="Bukti yang menjadi dasar suatu nilai; yang serupa disatukan",
                columns=[
                    Column(head="Jenis", width=1.4),
                    Column(head="Bukti", width=4.2),
                    Column(head="Dipakai oleh indikator", width=3),
                    Column(head="Sumber", width=0.9),
                ],
                rows=rows,
            )
            if rows
            else Paragraph(text="Tidak ada bukti yang dibaca."),
            *_confirmation(report.scores),
        ],
    )


def _confirmation(scores: Scores) -> Iterator[AnyBlock]:
    """Yield what is not confirmed, what no longer counts, and what agencies say of themselves."""
    text = "Nilai resmi hanya membaca bukti yang dikonfirmasi oleh pihak lain daripada pencatatnya."
    own, proposed = scores.self_reports, scores.with_proposals
    if own is not None:
        text += (
            f" Dari {number(own.evidence, 0)} bukti yang dibaca indeks, "
            f"{number(own.self_reported, 0)} ({percent(own.share)}) dicatat perangkat daerah "
            "tentang dirinya sendiri atau tentang pemerintah."
        )
    if proposed is not None:
        text += (
            f" Usulan yang belum dikonfirmasi: {number(proposed.proposals, 0)}. Bila semuanya "
            f"dikonfirmasi, {_index_in_words(proposed.nodes[0])}."
        )
    yield Paragraph(text=text)
    changes = [
        f"Tidak lagi dihitung: {_change_in_words(one)}; bila masih dihitung, "
        f"{_index_in_words(one.index)}."
        for one in scores.former_evidence
    ] + [
        f"Ditambahkan setelah daftarnya dinyatakan lengkap: {_change_in_words(one)}; tanpa itu, "
        f"{_index_in_words(one.index)}."
        for one in scores.late_entries
    ]
    if changes:
        yield Bullets(items=changes)


def _change_in_words(link: EvidenceLink) -> str:
    return f"{lower_first(KIND_NAMES.get(link.kind, link.kind))} {link.key} (versi {link.version})"


def _index_in_words(index: Node | None) -> str:
    """Return the index of other evidence, with its bounds where it has some."""
    if index is None:
        return "indeksnya tidak dihitung"
    value = "tidak bernilai" if index.value is None else number(index.value, 1)
    if index.proven is None or index.possible is None:
        return f"indeksnya {value}"
    bounds = f"terbukti {number(index.proven, 1)}, mungkin {number(index.possible, 1)}"
    return f"indeksnya {value} ({bounds})"


def _named(one: UsedEvidence) -> str:
    version = f" (versi {one.version})" if one.version is not None and one.version > 1 else ""
    note = "" if one.note is None else f" ({one.note.rstrip('.')})"
    return f"{HUB_REPORT_TITLES.get((one.kind, one.title), one.title)}{version}{note}"


def _sources(report: Report) -> Section:
    blocks: list[AnyBlock] = [Paragraph(text="Tidak ada sumber yang dirujuk.")]
    if report.sources:
        citations = [
            f"[{n}] {'. '.join(_citation(source))}."
            for n, source in enumerate(report.sources, start=1)
        ]
        blocks = [Bullets(items=citations)]
    return Section(title="Sumber", appendix=True, blocks=blocks)


def _citation(source: Source) -> Iterator[str]:
    yield source.title.rstrip(".")
    if source.publisher:
        yield source.publisher.rstrip(".")
    if source.year:
        yield str(source.year)
    if source.note:
        yield source.note.rstrip(".")
    if source.url:
        yield str(source.url)
