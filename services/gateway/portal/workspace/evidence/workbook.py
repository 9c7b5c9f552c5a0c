"""`/kelola/bukti/impor`: evidence as a workbook, checked before it is stored."""

import base64
from collections.abc import Sequence

import httpx
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import UploadFile

from services.gateway.portal.workspace.access import NOT_STORED, Workspace
from services.gateway.portal.workspace.evidence.found_records import Recorder
from services.gateway.portal.workspace.evidence.record_kind import EVIDENCE
from services.platform.problems import FieldError
from services.platform.service_client import RequestRejectedError
from services.platform.translation import N_, NC_, Message

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

IMPORT = f"{EVIDENCE}/impor"
MAX_FILE_BYTES = 2 * 1024 * 1024
"""Also what the page that asks for confirmation carries."""

NO_FILE = N_("Pilih berkas lembar kerja.")
TOO_LARGE = N_("Berkas ini terlalu besar; paling besar 2 MB. Bagi menurut lembarnya.")
KINDS = {
    "stakeholders": NC_("register", "Pemangku kepentingan"),
    "meetings": NC_("register", "Rapat"),
    "agreements": NC_("register", "Perjanjian"),
    "decisions": NC_("register", "Keputusan"),
    "programmes": NC_("register", "Program dan pelatihan"),
    "risks": NC_("register", "Risiko"),
    "recognitions": NC_("register", "Penghargaan"),
    "observations": N_("Pengamatan"),
    "index-values": NC_("register", "Nilai indeks"),
    "index-levels": N_("Tingkat indikator"),
    "verdicts": N_("Penilaian studi"),
    "declarations": N_("Pernyataan kelengkapan"),
}


@router.get(IMPORT)
async def show_import(workspace: Recorder) -> Response:
    """Show the files to fill in, and the field for a filled one."""
    return _page(workspace)


@router.post(IMPORT)
async def check_file(request: Request, workspace: Recorder) -> Response:
    """Check a file, and show what it would change or each error by its cell."""
    upload = (await request.form()).get("berkas")
    content = await upload.read() if isinstance(upload, UploadFile) else b""
    if not content or len(content) > MAX_FILE_BYTES:
        return _page(workspace, error=TOO_LARGE if content else NO_FILE, status=422)
    return await _import(workspace, content, dry_run=True)


@router.post(f"{IMPORT}/simpan")
async def store_file(workspace: Recorder) -> Response:
    """Store a file that was checked. Doing so again changes nothing."""
    try:
        content = base64.urlsafe_b64decode(workspace.fields.get("isi", "").encode())
    except ValueError:
        content = b""
    if not content:
        return _page(workspace, error=NO_FILE, status=422)
    return await _import(workspace, content, dry_run=False)


async def _import(workspace: Workspace, content: bytes, *, dry_run: bool) -> Response:
    messages = workspace.page.messages
    try:
        result = await workspace.assessment.import_evidence(
            content, dry_run=dry_run, language=workspace.page.language
        )
    except RequestRejectedError as error:
        problem = error.problem
        return _page(workspace, faults=problem.errors, told=problem.detail, status=error.status)
    except httpx.HTTPError:
        return _page(workspace, error=NOT_STORED, status=503)
    return workspace.render(
        "workspace/evidence-import-result.html",
        result=result,
        kinds=messages.labels(KINDS),
        content=base64.urlsafe_b64encode(content).decode() if dry_run else None,
    )


def _page(
    workspace: Workspace,
    *,
    error: Message | None = None,
    faults: Sequence[FieldError] = (),
    told: str | None = None,
    status: int = 200,
) -> Response:
    messages = workspace.page.messages
    return workspace.render(
        "workspace/evidence-import.html",
        status=status,
        errors={"berkas": messages.translate(error)} if error else {},
        faults=[(_cell(each.pointer or ""), each.detail) for each in faults],
        told=told,
    )


def _cell(pointer: str) -> str:
    """Return the sheet and the cell that a pointer names."""
    return pointer.removeprefix("#/").replace("/", ", ")
