"""Section on verdicts of studies beside the scores, with their agreement."""

from collections.abc import Iterator

from services.assessment.methods.definition import CollaborationMethod
from services.assessment.reports.cells import text_cells
from services.assessment.reports.document import AnyBlock, Column, Paragraph, Section, Table
from services.assessment.reports.report import Report
from services.assessment.reports.wording import NO_VALUE, number, number_or_dash
from services.assessment.scoring.scores import VerdictAgreement


def verdicts(report: Report) -> list[Section]:
    """Return the section; none without a verdict on the year."""
    agreement = report.scores.agreement
    if agreement is None:
        return []
    return [Section(title="Putusan studi di samping skor", blocks=list(_blocks(report, agreement)))]


def _blocks(report: Report, agreement: VerdictAgreement) -> Iterator[AnyBlock]:
    names = _names_of_bands(report)
    yield Table(
        caption="Putusan studi dan skor menurut unsur dan pendorong",
        columns=[
            Column(head="Unsur atau pendorong", width=2),
            Column(head="Kata studi", width=1.2),
            Column(head="Golongannya", width=1.2),
            Column(head="Skor", width=0.7, align="right"),
            Column(head="Golongan skor", width=1.2),
            Column(head="Letak dalam sumber", width=2.6),
        ],
        rows=text_cells(
            (
                element.name,
                one.word,
                names.get(one.band or "", NO_VALUE),
                number_or_dash(element.value),
                names.get(one.score_band or "", NO_VALUE),
                one.passage,
            )
            for element in (*report.elements, *report.scores.drivers)
            for one in element.verdicts
        ),
    )
    yield Paragraph(text=_agreement(agreement))


def _names_of_bands(report: Report) -> dict[str, str]:
    scale = report.method.verdicts if isinstance(report.method, CollaborationMethod) else None
    return {} if scale is None else {band.code: band.name for band in scale.bands}


def _agreement(agreement: VerdictAgreement) -> str:
    compared = (
        f"Dari {agreement.verdicts} putusan {agreement.compared} dapat dibandingkan dengan skor; "
        f"{agreement.equal} di antaranya segolongan."
    )
    if agreement.kappa is None or agreement.low is None or agreement.high is None:
        return f"{compared} Kesesuaiannya tidak dapat dihitung."
    return (
        f"{compared} Kesesuaian (kappa Cohen berbobot linear) {number(agreement.kappa, 2)}, dengan "
        f"rentang 95% {number(agreement.low, 2)} sampai {number(agreement.high, 2)}: 1 berarti "
        "sepenuhnya sesuai, 0 tidak lebih daripada kebetulan."
    )
