"""Document types over HTTP: `/api/v1/document-types`."""

from fastapi import Request, Response
from sqlalchemy import text

from services.catalog import reference_queries as queries
from services.catalog.conditional_writes import Representation, put_record
from services.catalog.records import DocumentType
from services.catalog.reference_records import DOCUMENT_TYPES, find_record, get_record
from services.catalog.references import references_of_document_type
from services.catalog.schemas import DocumentTypeDetail, DocumentTypeItem
from services.platform.conditional_writes import CatalogPut, version_tag
from services.platform.database import ReadSession, ReadSessionDep, WriteSession
from services.platform.paging import Page, paginate
from services.platform.parameters import Limit, SlugCursor, SlugPath
from services.platform.problems import problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.stored import parse_stored

router = Router(prefix=API, tags=["catalog"], responses=problem_responses(401, 422))


@router.get("/document-types", operation_id="list_document_types")
async def list_document_types(
    request: Request, session: ReadSessionDep, cursor: SlugCursor = None, limit: Limit = 50
) -> Page[DocumentTypeItem]:
    """List the types of document that services require or issue."""
    parameters = {"region": get_region(request), "cursor": cursor, "limit": limit + 1}
    rows = (await session.execute(text(queries.DOCUMENT_TYPES), parameters)).all()
    items = [
        DocumentTypeItem(
            **parse_stored(DocumentType, row.content).model_dump(),
            href=f"{API}/document-types/{row.slug}",
        )
        for row in rows
    ]
    return paginate(request, items, limit=limit, cursor_of=lambda item: item.slug)


@router.get(
    "/document-types/{slug}", operation_id="get_document_type", responses=problem_responses(404)
)
async def get_document_type(
    request: Request, response: Response, session: ReadSessionDep, slug: SlugPath
) -> DocumentTypeDetail:
    """Return one document type: who issues it, and the services that require it."""
    shown = await _show(session, get_region(request), slug)
    response.headers["ETag"] = shown.tag
    return shown.detail


@router.put(
    "/document-types/{slug}",
    operation_id="put_document_type",
    responses={201: {"model": DocumentTypeDetail}} | problem_responses(403, 409, 412, 413, 428),
)
async def put_document_type(
    write: CatalogPut, slug: SlugPath, document_type: DocumentType
) -> DocumentTypeDetail:
    """Create a document type, or publish a change of it; earlier versions remain.

    It is kept by the agency that created it; one of the pack by the agency that issues it.
    """
    stored = await find_record(write.session, write.region, DOCUMENT_TYPES, slug)
    return await put_record(
        write,
        DOCUMENT_TYPES,
        document_type,
        slug,
        agency=write.caller.agency if stored is None else stored.agency,
        references=references_of_document_type(document_type),
        show=lambda: _show(write.session, write.region, slug),
    )


async def _show(
    session: ReadSession | WriteSession, region: str, slug: str
) -> Representation[DocumentTypeDetail]:
    stored = await get_record(session, region, DOCUMENT_TYPES, slug)
    parameters = {"region": region, "slug": slug}
    row = (await session.execute(text(queries.DOCUMENT_TYPE_DETAIL), parameters)).one()
    detail = DocumentTypeDetail(
        document_type=stored.record,
        issued_by=row.issued_by,
        required_by=row.required_by,
        sources=row.sources,
        version=stored.version,
        modified_at=stored.modified_at,
        href=f"{API}/document-types/{slug}",
    )
    return Representation(detail, version_tag(stored.version, detail))
