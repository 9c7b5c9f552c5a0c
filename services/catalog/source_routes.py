"""The register of sources over HTTP: `/api/v1/sources`. Services and evidence cite the same."""

from datetime import UTC, datetime

from fastapi import Request, Response
from sqlalchemy import text

from services.catalog import reference_queries as queries
from services.catalog.conditional_writes import Representation, put_record
from services.catalog.editing import undefined_targets
from services.catalog.reference_records import (
    SOURCES,
    find_record,
    get_record,
    store_record,
)
from services.catalog.references import references_of_source
from services.catalog.schemas import SourceItem
from services.platform.conditional_writes import CatalogPut, version_tag
from services.platform.database import ReadSession, ReadSessionDep, WriteSession, WriteSessionDep
from services.platform.identity import EvidenceWriter
from services.platform.packs import Source
from services.platform.paging import Page, paginate
from services.platform.parameters import Limit, SlugCursor, SlugPath
from services.platform.problems import Conflict, FieldError, problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.stored import parse_stored
from services.platform.translation import N_, localized

router = Router(prefix=API, tags=["catalog"], responses=problem_responses(401, 422))


@router.get("/sources", operation_id="list_sources")
async def list_sources(
    request: Request, session: ReadSessionDep, cursor: SlugCursor = None, limit: Limit = 50
) -> Page[SourceItem]:
    """List the studies, regulations and sites that services and evidence cite."""
    parameters = {"region": get_region(request), "cursor": cursor, "limit": limit + 1}
    rows = (await session.execute(text(queries.SOURCES), parameters)).all()
    items = [_item(parse_stored(Source, row.content)) for row in rows]
    return paginate(request, items, limit=limit, cursor_of=lambda item: item.id)


@router.get("/sources/{id}", operation_id="get_source", responses=problem_responses(404))
async def get_source(
    request: Request, response: Response, session: ReadSessionDep, id: SlugPath
) -> SourceItem:
    """Return one source: title, kind, publisher, address, and when it is in force."""
    shown = await _show(session, get_region(request), id)
    response.headers["ETag"] = shown.tag
    return shown.detail


@router.post(
    "/sources",
    operation_id="post_source",
    status_code=201,
    responses=problem_responses(403, 409, 413),
)
async def post_source(
    request: Request,
    response: Response,
    session: WriteSessionDep,
    *,
    caller: EvidenceWriter,
    source: Source,
) -> SourceItem:
    """Add a source that services and evidence can cite. Requests are idempotent."""
    region = get_region(request)
    stored = await find_record(session, region, SOURCES, source.id, lock=True)
    if stored is not None and stored.record != source:
        error = FieldError.at("#/id", localized(N_("milik sumber lain")))
        exists = localized(N_("Sumber '%(id)s' sudah ada."), id=source.id)
        raise Conflict(exists, errors=[error])
    if stored is None:
        if errors := await undefined_targets(session, region, references_of_source(source)):
            raise Conflict(
                localized(N_("Sumber ini tidak ditambahkan; lihat errors[].")), errors=errors
            )
        await store_record(
            session,
            region,
            SOURCES,
            source,
            agency=caller.agency,
            origin="api",
            by=caller.actor,
            now=datetime.now(UTC),
        )
    item = _item(source)
    response.headers["Location"] = item.href
    return item


@router.put(
    "/sources/{id}",
    operation_id="put_source",
    responses={201: {"model": SourceItem}} | problem_responses(403, 409, 412, 413, 428),
)
async def put_source(write: CatalogPut, id: SlugPath, source: Source) -> SourceItem:
    """Add a source, or publish a change of one that the key's agency added; versions remain."""
    stored = await find_record(write.session, write.region, SOURCES, id)
    return await put_record(
        write,
        SOURCES,
        source,
        id,
        agency=write.caller.agency if stored is None else stored.agency,
        references=references_of_source(source),
        show=lambda: _show(write.session, write.region, id),
    )


async def _show(
    session: ReadSession | WriteSession, region: str, id: str
) -> Representation[SourceItem]:
    stored = await get_record(session, region, SOURCES, id)
    item = _item(stored.record)
    return Representation(item, version_tag(stored.version, item))


def _item(source: Source) -> SourceItem:
    return SourceItem(**source.model_dump(), href=f"{API}/sources/{source.id}")
