"""Composition of the Indonesian report from its sections."""

from services.assessment.methods.definition import CompositeMethod
from services.assessment.reports.annexes import annexes
from services.assessment.reports.composite_section import composite_parts, composite_summary
from services.assessment.reports.document import Document, Section
from services.assessment.reports.gaps_section import missing_evidence
from services.assessment.reports.indices_section import published_indices
from services.assessment.reports.levers_section import what_to_do
from services.assessment.reports.network_section import network
from services.assessment.reports.report import Report
from services.assessment.reports.scores_section import drivers, elements, extremes, summary
from services.assessment.reports.sensitivity_section import movers
from services.assessment.reports.trend_section import trend
from services.assessment.reports.verdicts_section import verdicts
from services.assessment.reports.wording import (
    as_title,
    date_text,
)


def _body(report: Report) -> list[Section]:
    if isinstance(report.method, CompositeMethod):
        return [composite_summary(report), composite_parts(report)]
    return [
        summary(report),
        elements(report),
        drivers(report),
        extremes(report),
        *verdicts(report),
        what_to_do(report),
        movers(report),
        trend(report),
        network(report),
        published_indices(report),
    ]


def compose(report: Report) -> Document:
    """Return the report as a document."""
    made_on = date_text(report.recorded_at, report.regency.timezone)
    return Document(
        title=f"Laporan {as_title(report.method.index.name)} Tahun {report.period}",
        subtitle="e-Mall Pelayanan Publik",
        regency=report.regency.name,
        author=f"Pemerintah {report.regency.name}",
        made_on=made_on,
        year=report.recorded_at.year,
        month=report.recorded_at.month,
        day=report.recorded_at.day,
        facts=[
            ("Tahun yang dinilai", str(report.period)),
            ("Tanggal penilaian", made_on),
            ("Metode", f"{report.method.id} versi {report.method.version}"),
            ("Nomor penilaian", report.id),
        ],
        sections=[*_body(report), missing_evidence(report), *annexes(report)],
    )
