"""`/kelola/bukti/impor`: evidence as a workbook, checked before it is stored."""

from collections.abc import Sequence

import httpx
from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from services.gateway.portal.workspace.access import NOT_STORED, Workspace
from services.gateway.portal.workspace.evidence.found_records import Recorder
from services.gateway.portal.workspace.evidence.record_kind import EVIDENCE
from services.gateway.portal.workspace.workbook_upload import (
    MAX_FILE_BYTES,
    NO_FILE,
    name_cell,
    read_carried,
    read_upload,
    write_carried,
)
from services.platform.problems import FieldError
from services.platform.router import Router
from services.platform.service_client import RequestRejectedError
from services.platform.translation import N_, NC_, Message

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

IMPORT = f"{EVIDENCE}/impor"
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
    content = await read_upload(request)
    if not content or len(content) > MAX_FILE_BYTES:
        return _page(workspace, error=TOO_LARGE if content else NO_FILE, status=422)
    return await _import(workspace, content, dry_run=True)


@router.post(f"{IMPORT}/simpan")
async def store_file(workspace: Recorder) -> Response:
    """Store a file that was checked. Doing so again changes nothing."""
    content = read_carried(workspace.fields)
    if not content:
        return _page(workspace, error=NO_FILE, status=422)
    return await _import(workspace, content, dry_run=False)


async def _import(workspace: Workspace, content: bytes, *, dry_run: bool) -> Response:
    messages = workspace.page.messages
    try:
        result = await workspace.assessment.import_evidence(content, dry_run=dry_run)
    except RequestRejectedError as error:
        problem = error.problem
        return _page(workspace, faults=problem.errors, told=problem.detail, status=error.status)
    except httpx.HTTPError:
        return _page(workspace, error=NOT_STORED, status=503)
    return workspace.render(
        "workspace/evidence-import-result.html",
        result=result,
        kinds=messages.labels(KINDS),
        content=write_carried(content) if dry_run else None,
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
        faults=[(name_cell(each.pointer), each.detail) for each in faults],
        told=told,
    )
