"""Exchange of evidence as files: workbook template, export and import, calendar feed."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Query, Request, Response

from services.assessment.evidence.attachments import hashes_in_force
from services.assessment.evidence.calendar import calendar_of
from services.assessment.evidence.exchange_schemas import (
    EvidenceImportResult,
    ImportedCellChange,
    ImportedRecordChange,
)
from services.assessment.evidence.source_register import SourceRegister, copy_cited_sources
from services.assessment.evidence.workbook import cells_of, from_workbook, to_workbook
from services.assessment.evidence.workbook_headings import COLUMNS, Headings
from services.assessment.evidence.workbook_import import (
    RecordChange,
    current_evidence,
    import_records,
)
from services.platform.bounded_process import Limits, call_bounded
from services.platform.computing_slots import computing_slot
from services.platform.database import ReadSessionDep, WriteSessionDep
from services.platform.file_upload import file_body, read_file
from services.platform.identity import EvidenceWriter
from services.platform.problems import Invalid, problem_responses
from services.platform.reader_language import reader_language
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.spreadsheets.model import ODS, XLSX, SpreadsheetError
from services.platform.spreadsheets.problems import field_errors
from services.platform.spreadsheets.reading import read_workbook
from services.platform.translation import N_, localized

router = Router(prefix=f"{API}/evidence", tags=["evidence"], responses=problem_responses(401, 422))

HeadingsQuery = Annotated[
    Headings,
    Query(description="Names of sheets and columns: those of the API, or Indonesian ones."),
]
MAX_CHANGES = 200
MAX_SHOWN = 300
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_WORKBOOK: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {XLSX: _BINARY},
        "description": "An XLSX workbook with a sheet for each register.",
    }
}


@router.get(
    "/template.xlsx",
    operation_id="get_evidence_template",
    response_class=Response,
    responses=_WORKBOOK,
)
async def get_evidence_template(headings: HeadingsQuery = "names") -> Response:
    """Return the workbook to fill in: a sheet per kind of evidence, with column notes."""
    content = await asyncio.to_thread(to_workbook, {}, headings=headings)
    return _workbook(content, name="bukti-templat.xlsx")


@router.get(
    "/export.xlsx",
    operation_id="export_evidence",
    response_class=Response,
    responses=_WORKBOOK | problem_responses(503),
)
async def export_evidence(
    request: Request, session: ReadSessionDep, headings: HeadingsQuery = "names"
) -> Response:
    """Return all evidence in force, in the form of the template.

    Each record has its state, and the SHA-256 of each file attached to it.
    """
    region = get_region(request)
    async with computing_slot():
        found = await current_evidence(session, region)
        attachments = await hashes_in_force(session, region)
        content = await asyncio.to_thread(
            to_workbook, found.records, found.states, attachments, headings=headings
        )
    return _workbook(content, name="bukti.xlsx")


@router.post(
    "/import",
    operation_id="import_evidence",
    responses=problem_responses(400, 403, 409, 413, 415, 503),
    openapi_extra=file_body(XLSX, ODS),
)
async def import_evidence(
    request: Request,
    session: WriteSessionDep,
    caller: EvidenceWriter,
    dry_run: Annotated[bool, Query(description="Check everything and store nothing.")] = False,
) -> EvidenceImportResult:
    """Import a filled template atomically: new keys are proposed, corrections of others too.

    Sheets and columns have the names of the API or the Indonesian ones of the template. The column
    `state` of an export is not read: another organisation confirms what was imported.

    Every invalid cell is named in `errors[]` as `#/<sheet>/<cell>`.
    """
    language, region = reader_language(request), get_region(request)
    content = await read_file(
        request, media_type_to_send=XLSX, max_bytes=request.app.state.settings.max_body_bytes
    )
    try:
        sheets = await call_bounded(Limits(), read_workbook, content)
        records = await asyncio.to_thread(from_workbook, sheets, language)
        cited = {source for _, record, _, _ in records for source in record.sources}
        await copy_cited_sources(session, region, SourceRegister(request), cited)
        done = await import_records(session, region, records, caller=caller, now=datetime.now(UTC))
    except SpreadsheetError as error:
        raise Invalid(
            localized(N_("Buku kerja ini ditolak; tidak ada yang disimpan.")),
            errors=field_errors(error, language),
        ) from None
    if dry_run:
        await session.rollback()
    return EvidenceImportResult(
        added=done.added,
        corrected=done.corrected,
        unchanged=done.unchanged,
        changes=[_change(one) for one in done.changes[:MAX_CHANGES]],
        dry_run=dry_run,
    )


def _change(change: RecordChange) -> ImportedRecordChange:
    before = {} if change.before is None else cells_of(change.before)
    after = cells_of(change.record)
    return ImportedRecordChange(
        pointer=f"#/{change.sheet}/{change.cell}",
        kind=change.kind,
        key=change.record.key,
        is_new=change.before is None,
        cells=[
            ImportedCellChange(
                field=name,
                heading=COLUMNS[name],
                before=_short(before.get(name)),
                after=_short(after.get(name)),
            )
            for name in dict.fromkeys([*before, *after])
            if before.get(name) != after.get(name)
        ],
    )


def _short(text: str | None) -> str | None:
    return text if text is None or len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"


@router.get(
    "/calendar.ics",
    operation_id="get_evidence_calendar",
    response_class=Response,
    responses={
        200: {
            "content": {"text/calendar": {"schema": {"type": "string"}}},
            "description": "An iCalendar feed (RFC 5545).",
        }
    },
)
async def get_evidence_calendar(request: Request, session: ReadSessionDep) -> Response:
    """Return meetings, open action items, ends of agreements and reviews of risks as a feed.

    What is not confirmed is `TENTATIVE` in it.
    """
    region = get_region(request)
    found = await current_evidence(session, region)
    # Stamped with the day, so that an unchanged feed has the same ETag.
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    feed = calendar_of(found.records, found.states, region=region, now=today)
    return Response(feed, media_type="text/calendar")


def _workbook(content: bytes, *, name: str) -> Response:
    return Response(
        content,
        media_type=XLSX,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
