"""Sources of evidence over HTTP: `/api/v1/sources`."""

from fastapi import APIRouter, Request, Response
from sqlalchemy import text

from services.assessment.evidence.api_models import SourceItem, source_item
from services.platform.database import ReadSessionDep, WriteSessionDep
from services.platform.identity import EvidenceWriter
from services.platform.packs import Source
from services.platform.paging import Page, paginate
from services.platform.parameters import Limit, SlugCursor, SlugPath
from services.platform.problems import Conflict, FieldError, NotFound, problem_responses
from services.platform.service import API, get_region

router = APIRouter(prefix=API, tags=["evidence"], responses=problem_responses(401, 422))

SOURCES = """
-- A page of the sources of a region.
SELECT id, content FROM assessment.source
WHERE region = :region AND (CAST(:cursor AS text) IS NULL OR id > :cursor)
ORDER BY id LIMIT :limit
"""

SOURCE = """
-- One source.
SELECT id, content FROM assessment.source WHERE region = :region AND id = :id
"""

STORE_SOURCE = """
-- Adds a source, unless its id exists.
INSERT INTO assessment.source (region, id, origin, content)
VALUES (:region, :id, 'api', CAST(:content AS jsonb))
ON CONFLICT (region, id) DO NOTHING
RETURNING id
"""


@router.get("/sources", operation_id="list_sources")
async def list_sources(
    request: Request, session: ReadSessionDep, cursor: SlugCursor = None, limit: Limit = 50
) -> Page[SourceItem]:
    """List the studies, regulations and sites that evidence cites."""
    parameters = {"region": get_region(request), "cursor": cursor, "limit": limit + 1}
    rows = (await session.execute(text(SOURCES), parameters)).all()
    items = [source_item(row.content) for row in rows]
    return paginate(request, items, limit=limit, cursor_of=lambda item: item.id)


@router.get("/sources/{id}", operation_id="get_source", responses=problem_responses(404))
async def get_source(request: Request, session: ReadSessionDep, id: SlugPath) -> SourceItem:
    """Return one source: title, kind, publisher, place and date."""
    parameters = {"region": get_region(request), "id": id}
    row = (await session.execute(text(SOURCE), parameters)).one_or_none()
    if row is None:
        raise NotFound(f"There is no source {id!r}; {API}/sources lists all of them.")
    return source_item(row.content)


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
    caller: EvidenceWriter,
    source: Source,
) -> SourceItem:
    """Add a source that evidence can cite. Requests are idempotent."""
    parameters = {"region": get_region(request), "id": source.id}
    content = source.model_dump_json()
    if await session.scalar(text(STORE_SOURCE), parameters | {"content": content}) is None:
        before = (await session.execute(text(SOURCE), parameters)).one()
        if Source.model_validate(before.content) != source:
            error = FieldError(pointer="#/id", parameter=None, detail="belongs to another source")
            raise Conflict(f"A source {source.id!r} exists already.", errors=[error])
    item = source_item(source.model_dump())
    response.headers["Location"] = item.href
    return item
