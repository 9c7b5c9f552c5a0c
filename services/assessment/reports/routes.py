"""Reports over HTTP: `/api/v1/assessments/{id}/report` as HTML, PDF or a workbook."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Annotated, Any, Literal

import anyio.to_thread
from anyio import CapacityLimiter
from fastapi import APIRouter, Query, Request, Response

from services.assessment.assessments.analysis import sensitivity_of
from services.assessment.assessments.operations import find_whole
from services.assessment.assessments.schemas import AssessmentId
from services.assessment.methods.definition import LevelsMethod
from services.assessment.methods.library import read_methods
from services.assessment.reports.composition import write
from services.assessment.reports.document import Document
from services.assessment.reports.html import CONTENT_SECURITY_POLICY, to_html
from services.assessment.reports.pdf import to_pdf
from services.assessment.reports.queries import read_place, read_sources, read_trend
from services.assessment.reports.report import Report, make_report
from services.assessment.reports.workbook import to_xlsx
from services.platform.content_negotiation import negotiate_format
from services.platform.database import ReadSessionDep
from services.platform.problems import problem_responses
from services.platform.service import API, get_region
from services.platform.spreadsheets import XLSX

router = APIRouter(prefix=API, tags=["metrics"], responses=problem_responses(401, 422))

ReportForm = Literal["html", "pdf", "xlsx"]
HTML, PDF = "text/html", "application/pdf"
FORMS: dict[ReportForm, str] = {"html": HTML, "pdf": PDF, "xlsx": XLSX}

AT_ONCE = 2
"""Reports that are made at the same time: each takes a processor for a moment."""

REMEMBERED = 64

_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The report.",
        "content": {
            HTML: {"schema": {"type": "string"}},
            PDF: {"schema": {"type": "string", "format": "binary"}},
            XLSX: {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


class ReportPress:
    """Makes reports off the event loop, a few at a time, and remembers the last ones."""

    def __init__(self) -> None:
        self._limiter = CapacityLimiter(AT_ONCE)
        self._made: OrderedDict[tuple[str, ReportForm], bytes] = OrderedDict()

    async def make(
        self, work: Callable[[], Report], form: ReportForm, *, files: dict[str, str]
    ) -> bytes:
        """The report in a form; what differs in a single word is made anew."""
        report, document = await self._off_loop(lambda: _written(work))
        digest = hashlib.sha256(report.model_dump_json().encode()).hexdigest()
        known = self._made.get((digest, form))
        if known is None:
            known = await self._off_loop(lambda: _rendered(report, document, form, files))
            self._made[digest, form] = known
            while len(self._made) > REMEMBERED:
                self._made.popitem(last=False)
        return known

    async def _off_loop(self, work: Callable[[], Any]) -> Any:
        return await anyio.to_thread.run_sync(work, limiter=self._limiter)


def _written(work: Callable[[], Report]) -> tuple[Report, Document]:
    report = work()
    return report, write(report)


def _rendered(report: Report, document: Document, form: ReportForm, files: dict[str, str]) -> bytes:
    match form:
        case "html":
            return to_html(document, files=files).encode()
        case "pdf":
            return to_pdf(document)
        case "xlsx":
            return to_xlsx(report, document)


@router.get(
    "/assessments/{id}/report",
    operation_id="get_assessment_report",
    response_class=Response,
    responses=_ANSWER | problem_responses(404, 409),
)
async def get_assessment_report(
    request: Request,
    session: ReadSessionDep,
    id: AssessmentId,
    format: Annotated[
        ReportForm | None, Query(description="The form; without it `Accept` chooses, else HTML.")
    ] = None,
) -> Response:
    """What an assessment found, in Indonesian, with charts and a method annex.

    It rests on the stored assessment alone, and on those that were stored before it.
    """
    region = get_region(request)
    form = negotiate_format(request, format, FORMS)
    stored = await find_whole(session, region, id)
    place = await read_place(session, region)
    trend = await read_trend(session, region, stored)
    sources = await read_sources(session, region, stored)
    sensitivity = await sensitivity_of(request.app, stored)

    def work() -> Report:
        return make_report(
            stored,
            place=place,
            sensitivity=sensitivity,
            trend=trend,
            indices=[one for one in read_methods().values() if isinstance(one, LevelsMethod)],
            sources=sources,
        )

    base = f"{API}/assessments/{id}"
    files = {
        "PDF": f"{base}/report?format=pdf",
        "Buku kerja (XLSX)": f"{base}/report?format=xlsx",
        "Nilai (CSV)": f"{base}/scores?format=csv",
        "Berkas untuk dihitung ulang (ZIP)": f"{base}/bundle",
    }
    press: ReportPress = request.app.state.press
    content = await press.make(work, form, files=files)
    headers = {"Vary": "Accept", "Content-Language": "id"}
    if form == "html":
        headers |= {
            "Content-Security-Policy": CONTENT_SECURITY_POLICY,
            "X-Content-Type-Options": "nosniff",
        }
    else:
        shown = "inline" if form == "pdf" else "attachment"
        name = f"laporan-{stored.method.id}-{stored.facts.period}-{region}.{form}"
        headers["Content-Disposition"] = f'{shown}; filename="{name}"'
    media_type = f"{HTML}; charset=utf-8" if form == "html" else FORMS[form]
    return Response(content, media_type=media_type, headers=headers)
