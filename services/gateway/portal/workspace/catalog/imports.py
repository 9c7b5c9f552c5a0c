"""`/kelola/impor`: the catalogue as a spreadsheet, checked before it is stored."""

from collections.abc import Sequence
from typing import Annotated

import httpx
from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, Response

from services.catalog.spreadsheet.client import CatalogSpreadsheetClient
from services.gateway.portal.service_clients import catalog_spreadsheet_client
from services.gateway.portal.workspace.access import NOT_STORED, Enter, Workspace
from services.gateway.portal.workspace.catalog.service_records import SERVICES
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
from services.platform.translation import N_, Message

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

IMPORT = "/kelola/impor"
Writer = Annotated[Workspace, Depends(Enter("editor", "lead"))]

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
    content = await read_upload(request)
    if not content or len(content) > MAX_FILE_BYTES:
        return _page(workspace, error=TOO_LARGE if content else NO_FILE, status=422)
    return await _import(workspace, content, dry_run=True)


@router.post(f"{IMPORT}/simpan")
async def store_file(workspace: Writer) -> Response:
    """Store a file that was checked. Doing so again changes nothing."""
    content = read_carried(workspace.fields)
    if not content:
        return _page(workspace, error=NO_FILE, status=422)
    return await _import(workspace, content, dry_run=False)


async def _import(workspace: Workspace, content: bytes, *, dry_run: bool) -> Response:
    client: CatalogSpreadsheetClient = catalog_spreadsheet_client(
        workspace.page.request, auth=workspace.auth, language=workspace.page.language
    )
    try:
        result = await client.import_catalog(content, dry_run=dry_run)
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
        cells=[(name_cell(each.pointer), each.detail) for each in result.notices],
        content=write_carried(content) if dry_run else None,
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
        faults=[(name_cell(each.pointer), each.detail) for each in faults],
        told=told,
        agency=workspace.agency,
    )
