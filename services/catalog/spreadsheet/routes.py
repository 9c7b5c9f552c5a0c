"""The catalogue as a spreadsheet over HTTP: `/api/v1/catalog/template.xlsx` and `/import`."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Query, Request, Response

from services.catalog.exports.routes import export_slot
from services.catalog.spreadsheet.importing import read_choices, read_stored, store_plan
from services.catalog.spreadsheet.planning import (
    ImportPlan,
    ImportRefusedError,
    ImportRequest,
    plan_import,
)
from services.catalog.spreadsheet.schemas import CatalogImportResult, import_result
from services.catalog.spreadsheet.template import (
    TooLargeForSheetError,
    template_csv,
    template_xlsx,
)
from services.platform.bounded_process import Limits, call_bounded
from services.platform.database import Database, ReadSessionDep, WriteSessionDep
from services.platform.file_upload import file_body, read_file
from services.platform.identity import CatalogWriter
from services.platform.languages import Language
from services.platform.parameters import AgencyQuery, DelimiterQuery
from services.platform.problems import (
    Conflict,
    FieldError,
    Invalid,
    NotAllowed,
    PreconditionFailed,
    ProblemError,
    problem_responses,
)
from services.platform.reader_language import reader_language
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.spreadsheets.model import CSV, ODS, XLSX, SpreadsheetError
from services.platform.spreadsheets.problems import field_errors
from services.platform.translation import N_, translator

router = Router(prefix=f"{API}/catalog", tags=["catalog"], responses=problem_responses(401, 422))

ZIP = "application/zip"
LIMITS = Limits(memory_bytes=384 * 1024 * 1024, cpu_seconds=12)

REFUSED = N_(
    "Berkas ditolak; tidak ada yang disimpan. Lihat errors[]: lembar, sel, dan perbaikannya."
)


def _file(media_type: str) -> dict[int | str, dict[str, Any]]:
    described = {
        "description": "A file with a sheet per kind of record and list.",
        "content": {media_type: {"schema": {"type": "string", "format": "binary"}}},
    }
    return {200: described} | problem_responses(409, 503)


@router.get(
    "/template.xlsx",
    operation_id="get_catalog_template",
    response_class=Response,
    responses=_file(XLSX),
)
async def get_catalog_template(
    request: Request, session: ReadSessionDep, agency: AgencyQuery = None
) -> Response:
    """Return the catalogue as a workbook to fill in, or the part that an agency keeps.

    A sheet per kind of record, and per kind of list in them; headings are in Indonesian.
    """
    region = get_region(request)
    async with export_slot():
        stored = await read_stored(session, region, agency=agency)
        choices = await read_choices(session, region)
        content = await _make(lambda: template_xlsx(stored, choices))
    return _download(content, XLSX, f"katalog-{agency or region}.xlsx")


@router.get(
    "/template.zip",
    operation_id="get_catalog_template_csv",
    response_class=Response,
    responses=_file(ZIP),
)
async def get_catalog_template_csv(
    request: Request,
    session: ReadSessionDep,
    agency: AgencyQuery = None,
    delimiter: DelimiterQuery = "semicolon",
) -> Response:
    """Return the same as an archive with a CSV file per sheet."""
    region = get_region(request)
    async with export_slot():
        stored = await read_stored(session, region, agency=agency)
        content = await _make(lambda: template_csv(stored, delimiter=delimiter))
    return _download(content, ZIP, f"katalog-{agency or region}.zip")


@router.post(
    "/import",
    operation_id="import_catalog",
    responses=problem_responses(400, 403, 412, 413, 415, 503),
    openapi_extra=file_body(XLSX, ODS, ZIP, CSV),
)
async def import_catalog(
    request: Request,
    session: WriteSessionDep,
    caller: CatalogWriter,
    dry_run: Annotated[bool, Query(description="Check everything and store nothing.")] = False,
) -> CatalogImportResult:
    """Store a filled template (XLSX, ODS, CSV) as a whole or not at all.

    Every invalid cell is named in `errors[]` as `#/<sheet>/<cell>`, with the remedy; 403 if the
    file changes records of others and is otherwise right, 412 if records have changed since it was
    made. Rows that change nothing are no new version, so imports are idempotent. A record that is
    not in the file stays as it is.
    """
    language, region = reader_language(request), get_region(request)
    content = await read_file(
        request, media_type_to_send=XLSX, max_bytes=request.app.state.settings.max_body_bytes
    )
    importer = ImportRequest(
        region=region,
        agency=caller.agency,
        is_administrator="admin" in caller.scopes,
        language=language,
    )
    try:
        plan = await _plan(request, content, importer)
        await store_plan(
            session, region, plan, caller=caller, now=datetime.now(UTC), language=language
        )
    except SpreadsheetError as error:
        raise Invalid(_refused(language), errors=field_errors(error, language)) from None
    except ImportRefusedError as error:
        raise _problem(error, language) from None
    if dry_run:
        await session.rollback()
    return import_result(plan, dry_run=dry_run)


async def _plan(request: Request, content: bytes, importer: ImportRequest) -> ImportPlan:
    """Return what the file changes. The write has no connection meanwhile."""
    database: Database = request.app.state.database
    async with database.read_session() as session:
        stored = await read_stored(session, importer.region)
    return await call_bounded(LIMITS, plan_import, content, stored, importer)


async def _make(make: Callable[[], bytes]) -> bytes:
    """Return a file that is made in a thread; raise `Conflict` if a sheet cannot hold it."""
    try:
        return await asyncio.to_thread(make)
    except TooLargeForSheetError as error:
        parameter = FieldError(pointer=None, parameter="agency", detail="choose one agency")
        raise Conflict(
            f"The catalogue does not fit into a spreadsheet: {error}.", errors=[parameter]
        ) from None


def _problem(error: ImportRefusedError, language: Language) -> ProblemError:
    listed = field_errors(SpreadsheetError(error.issues), language)
    kind = Invalid if error.invalid else NotAllowed if error.foreign else PreconditionFailed
    return kind(_refused(language), errors=listed)


def _refused(language: Language) -> str:
    return translator(language).translate(REFUSED)


def _download(content: bytes, media_type: str, name: str) -> Response:
    return Response(
        content,
        media_type=media_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
