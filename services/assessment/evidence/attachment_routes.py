"""Routes of files attached to evidence: `/api/v1/evidence/{kind}/{id}/attachments`."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import StringConstraints
from sqlalchemy import text

from services.assessment.evidence.api_models import RecordId
from services.assessment.evidence.attached_files import (
    ENDINGS,
    MAX_BYTES,
    PDF,
    FileTooLargeError,
    UnacceptedFileError,
    check_file,
)
from services.assessment.evidence.attachment_schemas import (
    AttachmentOfKind,
    EvidenceAttachment,
    EvidenceAttachments,
)
from services.assessment.evidence.attachments import (
    CONTENT,
    RecordOfFiles,
    StoredAttachment,
    attach,
    attachments_of,
    attachments_of_kind,
    check_may_attach,
    file_not_found,
    remove,
)
from services.assessment.evidence.confirmation_routes import Kind, check_kind
from services.platform.bounded_process import Limits, call_bounded
from services.platform.database import ReadSessionDep, WriteSessionDep
from services.platform.file_upload import file_body, read_file
from services.platform.identity import EvidenceReader, EvidenceWriter
from services.platform.paging import Page, next_page_url
from services.platform.parameters import Limit
from services.platform.problems import FieldError, Invalid, TooLarge, problem_responses
from services.platform.router import Router
from services.platform.security_headers import DATA_POLICY
from services.platform.service import API, get_region
from services.platform.translation import N_, localized

router = Router(
    prefix=f"{API}/evidence", tags=["evidence"], responses=problem_responses(401, 403, 404, 422)
)

Sha256Path = Annotated[
    str,
    Path(pattern="^[0-9a-f]{64}$", description="SHA-256 of the file, in hexadecimal digits."),
]
FileName = Annotated[
    Annotated[str, StringConstraints(pattern=r'^[^\x00-\x1F\x7F-\x9F"/\\]+$', max_length=120)]
    | None,
    Query(
        description="Name of the file, which readers of the evidence see: no names of people. "
        "Its ending is that of the type. Default: `lampiran`."
    ),
]
BINARY: Mapping[str, Any] = {"schema": {"type": "string", "format": "binary"}}

REJECTED = N_("Berkas ini tidak dapat dilampirkan.")


@router.post(
    "/{kind}/{id}/attachments",
    operation_id="post_evidence_attachment",
    status_code=201,
    responses=problem_responses(400, 409, 413, 415, 503),
    openapi_extra=file_body(*ENDINGS),
)
async def post_evidence_attachment(  # noqa: PLR0917 - FastAPI passes by name
    request: Request,
    response: Response,
    caller: EvidenceWriter,
    kind: Kind,
    id: RecordId,
    name: FileName = None,
) -> EvidenceAttachment:
    """Attach a file to a record: PDF, DOCX, JPEG, PNG or WebP, up to 6 MiB, 20 to a record.

    Its type is detected from its content. An image is encoded anew without metadata, so that its
    hash is another one than that of the file sent; a document is stored as it is, if it is not
    damaged and has neither a password nor macros. A file that the record has already changes
    nothing. Only the agency that keeps the record attaches files, up to 256 MiB in all.
    """
    check_kind(kind)
    record = RecordOfFiles(get_region(request), kind, id)
    body = await read_file(request, media_type_to_send=PDF, max_bytes=MAX_BYTES)
    # Who may attach is checked before decoding, which is expensive.
    async with request.app.state.database.read_session() as session:
        await check_may_attach(session, record, caller)
    try:
        file = await call_bounded(Limits(), check_file, body)
    except FileTooLargeError as error:
        raise TooLarge(localized(error.reason)) from None
    except UnacceptedFileError as error:
        fault = FieldError.at("#", localized(error.reason))
        raise Invalid(localized(REJECTED), errors=[fault]) from None
    async with request.app.state.database.write_session() as session:
        stored = await attach(
            session,
            record,
            file,
            sha256=hashlib.sha256(file.content).hexdigest(),
            name=_with_ending(name, file.media_type),
            caller=caller,
            now=datetime.now(UTC),
        )
    item = _item(record, stored)
    response.headers["Location"] = item.href
    return item


@router.get("/{kind}/attachments", operation_id="list_attachments_of_kind")
async def list_attachments_of_kind(
    request: Request,
    session: ReadSessionDep,
    caller: EvidenceReader,
    kind: Kind,
    *,
    cursor: Annotated[UUID | None, Query(description="From `next`.")] = None,
    limit: Limit = 50,
) -> Page[AttachmentOfKind]:
    """List the files of all records of a kind, the oldest first: for who reads those of one."""
    check_kind(kind)
    region = get_region(request)
    found = await attachments_of_kind(session, region, kind, cursor=cursor, limit=limit + 1)
    items = [
        AttachmentOfKind(
            **dict(_item(RecordOfFiles(region, kind, one.record), one.file)), record=one.record
        )
        for one in found[:limit]
    ]
    more = str(found[limit - 1].id) if len(found) > limit else None
    return Page(items=items, next=next_page_url(request, more))


@router.get("/{kind}/{id}/attachments", operation_id="list_evidence_attachments")
async def list_evidence_attachments(
    request: Request, session: ReadSessionDep, caller: EvidenceReader, kind: Kind, id: RecordId
) -> EvidenceAttachments:
    """List the files of a record, the oldest first: for those who record or confirm evidence."""
    check_kind(kind)
    record = RecordOfFiles(get_region(request), kind, id)
    files = await attachments_of(session, record)
    return EvidenceAttachments(items=[_item(record, one) for one in files])


@router.get(
    "/{kind}/{id}/attachments/{sha256}",
    operation_id="get_evidence_attachment",
    response_class=Response,
    responses={
        200: {
            "description": "The file, to download. Its ETag is its SHA-256.",
            "content": dict.fromkeys(ENDINGS, BINARY),
        }
    },
)
async def get_evidence_attachment(  # noqa: PLR0917 - FastAPI passes by name
    request: Request,
    session: ReadSessionDep,
    caller: EvidenceReader,
    kind: Kind,
    id: RecordId,
    sha256: Sha256Path,
) -> Response:
    """Return a file of a record: for those who record or confirm evidence.

    Minutes and photographs show people, so they are not public as the record is.
    """
    check_kind(kind)
    record = RecordOfFiles(get_region(request), kind, id)
    row = (await session.execute(text(CONTENT), record.names | {"sha256": sha256})).one_or_none()
    if row is None:
        raise file_not_found(sha256)
    return Response(
        row.content,
        media_type=row.media_type,
        headers={
            "Cache-Control": "private, no-cache",
            "Content-Disposition": _disposition(row.name, sha256),
            "Content-Security-Policy": f"{DATA_POLICY}; sandbox",
            "ETag": f'"{sha256}"',
            "X-Content-Type-Options": "nosniff",
        },
    )


@router.delete(
    "/{kind}/{id}/attachments/{sha256}",
    operation_id="delete_evidence_attachment",
    status_code=204,
    responses=problem_responses(409),
)
async def delete_evidence_attachment(  # noqa: PLR0917 - FastAPI passes by name
    request: Request,
    session: WriteSessionDep,
    caller: EvidenceWriter,
    kind: Kind,
    id: RecordId,
    sha256: Sha256Path,
) -> None:
    """Delete a file of a record, as long as nobody has confirmed the record with it (409).

    An administrator deletes any, such as one with personal data. Hash, size and dates remain.
    """
    check_kind(kind)
    record = RecordOfFiles(get_region(request), kind, id)
    await remove(session, record, sha256, caller=caller, now=datetime.now(UTC))


def _item(record: RecordOfFiles, stored: StoredAttachment) -> EvidenceAttachment:
    return EvidenceAttachment(
        sha256=stored.sha256,
        name=stored.name,
        media_type=stored.media_type,
        size=stored.size,
        added_at=stored.added_at,
        added_by=stored.added_by,
        confirmed_at=stored.confirmed_at,
        href=f"{API}/evidence/{record.kind}/{record.id}/attachments/{stored.sha256}",
    )


def _with_ending(name: str | None, media_type: str) -> str:
    """Return the name with the ending of its type, which a program that opens it goes by."""
    ending = f".{ENDINGS[media_type]}"
    stem = (name or "lampiran").strip(". ") or "lampiran"
    if stem.lower().endswith((ending, ".jpeg") if ending == ".jpg" else ending):
        return stem
    return stem + ending


def _disposition(name: str, sha256: str) -> str:
    """Return the header for a download, with a name that every program can read (RFC 6266)."""
    plain = f"lampiran-{sha256[:8]}.{name.rpartition('.')[2]}"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
