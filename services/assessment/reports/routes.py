"""Reports over HTTP: `/api/v1/assessments/{id}/report` as HTML, PDF or a workbook."""

import hashlib
from collections.abc import Callable
from typing import Annotated, Any, Literal

import anyio.to_thread
from anyio import CapacityLimiter
from fastapi import Query, Request, Response

from services.assessment.assessments.analysis import sensitivity_of
from services.assessment.assessments.operations import load_assessment
from services.assessment.assessments.schemas import AssessmentId
from services.assessment.index_routes import index_methods
from services.assessment.reports.composition import compose
from services.assessment.reports.document import Document
from services.assessment.reports.pdf import to_pdf
from services.assessment.reports.queries import read_regency, read_sources, read_trend
from services.assessment.reports.report import Report, make_report
from services.assessment.reports.workbook import to_xlsx
from services.platform.content_negotiation import negotiate_format
from services.platform.database import ReadSessionDep
from services.platform.problems import problem_responses
from services.platform.recent_results import RecentResults
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.spreadsheets.model import XLSX

router = Router(prefix=API, tags=["metrics"], responses=problem_responses(401, 422))

ReportFormat = Literal["html", "pdf", "xlsx"]
HTML, PDF = "text/html", "application/pdf"
MEDIA_TYPES: dict[ReportFormat, str] = {"html": HTML, "pdf": PDF, "xlsx": XLSX}

MAX_CONCURRENT = 2
"""Reports rendered concurrently; each is CPU-bound."""

MAX_CACHED = 64

_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The report of the assessment, in the format that was asked for.",
        "content": {
            HTML: {"schema": {"type": "string"}},
            PDF: {"schema": {"type": "string", "format": "binary"}},
            XLSX: {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


class ReportRenderer:
    """Renders reports off the event loop with bounded concurrency, and caches the newest."""

    def __init__(self) -> None:
        self._limiter = CapacityLimiter(MAX_CONCURRENT)
        self._made = RecentResults[tuple[str, ReportFormat], bytes](MAX_CACHED)

    async def render(
        self, work: Callable[[], Report], form: ReportFormat, *, files: dict[str, str]
    ) -> bytes:
        """Return the report in a format; the cache is keyed by the report's content."""
        report, document = await self._off_loop(lambda: _compose(work))
        digest = hashlib.sha256(report.model_dump_json().encode()).hexdigest()
        return await self._made.get(
            (digest, form),
            lambda: self._off_loop(lambda: _render(report, document, form, files)),
        )

    async def _off_loop(self, work: Callable[[], Any]) -> Any:
        return await anyio.to_thread.run_sync(work, limiter=self._limiter)


def _compose(work: Callable[[], Report]) -> tuple[Report, Document]:
    report = work()
    return report, compose(report)


def _render(report: Report, document: Document, form: ReportFormat, files: dict[str, str]) -> bytes:
    match form:
        case "html":
            from services.assessment.reports.html import to_html  # noqa: PLC0415 - large

            return to_html(document, files=files).encode()
        case "pdf":
            return to_pdf(document)
        case "xlsx":
            return to_xlsx(report, document)


@router.get(
    "/assessments/{id}/report",
    operation_id="get_assessment_report",
    response_class=Response,
    responses=_RESPONSES | problem_responses(404, 409),
)
async def get_assessment_report(
    request: Request,
    session: ReadSessionDep,
    id: AssessmentId,
    format: Annotated[
        ReportFormat | None, Query(description="The format; default: by `Accept`, else HTML.")
    ] = None,
) -> Response:
    """Return the report of an assessment, in Indonesian, with charts and a method annex.

    It depends only on the stored assessment and on those stored before it.
    """
    region = get_region(request)
    form = negotiate_format(request, format, MEDIA_TYPES)
    stored = await load_assessment(session, region, id)
    regency = await read_regency(session, region)
    trend = await read_trend(session, region, stored)
    sources = await read_sources(session, region, stored)
    sensitivity = await sensitivity_of(request.app, stored)
    indices = await index_methods(session, region)

    def work() -> Report:
        return make_report(
            stored,
            regency=regency,
            sensitivity=sensitivity,
            trend=trend,
            indices=indices,
            sources=sources,
        )

    base = f"{API}/assessments/{id}"
    files = {
        "PDF": f"{base}/report?format=pdf",
        "Buku kerja (XLSX)": f"{base}/report?format=xlsx",
        "Nilai (CSV)": f"{base}/scores?format=csv",
        "Berkas untuk dihitung ulang (ZIP)": f"{base}/bundle",
    }
    renderer: ReportRenderer = request.app.state.report_renderer
    content = await renderer.render(work, form, files=files)
    headers = {"Vary": "Accept", "Content-Language": "id"}
    if form == "html":
        from services.assessment.reports.html import CONTENT_SECURITY_POLICY  # noqa: PLC0415

        headers |= {
            "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        }
    else:
        shown = "inline" if form == "pdf" else "attachment"
        name = f"laporan-{stored.method.id}-{stored.facts.period}-{region}.{form}"
        headers["Content-Disposition"] = f'{shown}; filename="{name}"'
    media_type = f"{HTML}; charset=utf-8" if form == "html" else MEDIA_TYPES[form]
    return Response(content, media_type=media_type, headers=headers)
