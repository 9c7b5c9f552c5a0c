"""`/kelola/impor`: the catalogue as a spreadsheet, checked before it is stored."""

import base64
from collections.abc import Sequence
from typing import Annotated

import httpx
from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import UploadFile

from services.catalog.spreadsheet.client import CatalogSpreadsheetClient
from services.gateway.portal.service_clients import catalog_spreadsheet_client
from services.gateway.portal.workspace.access import NOT_STORED, Enter, Workspace
from services.gateway.portal.workspace.catalog.service_records import SERVICES
from services.platform.problems import FieldError
from services.platform.service_client import RequestRejectedError
from services.platform.translation import N_, Message

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

IMPORT = "/kelola/impor"
MAX_FILE_BYTES = 2 * 1024 * 1024
"""Also what the page that asks for confirmation carries."""

Writer = Annotated[Workspace, Depends(Enter("editor", "lead"))]

NO_FILE = N_("Pilih berkas lembar kerja.")
TOO_LARGE = N_("Berkas ini terlalu besar; paling besar 2 MB. Bagi menurut instansi.")
KINDS = {
    "service": N_("layanan"),
    "place": N_("tempat"),
    "document_type": N_("jenis dokumen"),
    "source": N_("sumber"),
}


@router.get(IMPORT)
async def show_import(workspace: Writer) -> Response:
    """Show the files to fill in, and the field for a filled one."""
    return _page(workspace)


@router.post(IMPORT)
async def check_file(request: Request, workspace: Writer) -> Response:
    """Check a file, and show what it would change or each error by its cell."""
    upload = (await request.form()).get("berkas")
    content = await upload.read() if isinstance(upload, UploadFile) else b""
    if not content or len(content) > MAX_FILE_BYTES:
        return _page(workspace, error=TOO_LARGE if content else NO_FILE, status=422)
    return await _import(workspace, content, dry_run=True)


@router.post(f"{IMPORT}/simpan")
async def store_file(workspace: Writer) -> Response:
    """Store a file that was checked. Doing so again changes nothing."""
    try:
        content = base64.urlsafe_b64decode(workspace.fields.get("isi", "").encode())
    except ValueError:
        content = b""
    if not content:
        return _page(workspace, error=NO_FILE, status=422)
    return await _import(workspace, content, dry_run=False)


async def _import(workspace: Workspace, content: bytes, *, dry_run: bool) -> Response:
    client: CatalogSpreadsheetClient = catalog_spreadsheet_client(
        workspace.page.request, auth=workspace.auth
    )
    try:
        result = await client.import_catalog(
            content, dry_run=dry_run, language=workspace.page.language
        )
    except RequestRejectedError as error:
        problem = error.problem
        return _page(workspace, faults=problem.errors, told=problem.detail, status=error.status)
    except httpx.HTTPError:
        return _page(workspace, error=NOT_STORED, status=503)
    messages = workspace.page.messages
    return workspace.render(
        "workspace/import-result.html",
        result=result,
        kinds=messages.labels(KINDS),
        cells=[(_cell(each.pointer), each.detail) for each in result.notices],
        content=base64.urlsafe_b64encode(content).decode() if dry_run else None,
        services=SERVICES,
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
        "workspace/import.html",
        status=status,
        errors={"berkas": messages.translate(error)} if error else {},
        faults=[(_cell(each.pointer or ""), each.detail) for each in faults],
        told=told,
        agency=workspace.agency,
    )


def _cell(pointer: str) -> str:
    """Return the sheet and the cell that a pointer names."""
    return pointer.removeprefix("#/").replace("/", ", ")
