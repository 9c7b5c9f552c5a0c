"""Evidence over HTTP: `/api/v1/stakeholders`, `meetings`, ... and the sources they rest on."""

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import text

from services.assessment.evidence import store
from services.assessment.evidence.records import (
    Agreement,
    Decision,
    Evidence,
    Meeting,
    Observation,
    Programme,
    Recognition,
    Risk,
    Stakeholder,
)
from services.platform.database import Reading
from services.platform.packs import Source
from services.platform.paging import Page, next_address
from services.platform.parameters import Limit, SlugCursor, SlugPath
from services.platform.problems import NotFound, problem_responses
from services.platform.service import API, region_of

router = APIRouter(prefix=API, tags=["evidence"], responses=problem_responses(401, 422))

Kind = TypeVar("Kind", bound=Evidence)


class SourceItem(Source):
    """A source with its address."""

    href: str


class Record(BaseModel, Generic[Kind]):
    """A piece of evidence in one version, with its sources in full."""

    model_config = ConfigDict(extra="forbid")

    id: UUID
    version: int
    recorded_at: AwareDatetime
    content: Kind | None
    """Null in the version that withdrew it."""
    sources: list[SourceItem]
    href: str


def add_kind(kind: str, model: type[Kind], *, singular: str) -> None:
    """The addresses of one kind of evidence."""

    async def list_records(
        request: Request, session: Reading, cursor: SlugCursor = None, limit: Limit = 50
    ) -> Page[Record[Kind]]:
        parameters = {
            "region": region_of(request),
            "kind": kind,
            "cursor": cursor,
            "limit": limit + 1,
        }
        rows = (await session.execute(text(store.PAGE), parameters)).all()
        items = [record_of(kind, model, row) for row in rows[:limit]]
        more = rows[limit - 1].key if len(rows) > limit else None
        return Page[Record[model]](items=items, next=next_address(request, more))

    async def get_record(
        request: Request,
        session: Reading,
        id: Annotated[UUID, Path()],
        version: Annotated[
            int | None, Query(ge=1, le=1_000_000, description="Default: the newest.")
        ] = None,
    ) -> Record[Kind]:
        parameters = {"region": region_of(request), "kind": kind, "id": id, "version": version}
        row = (await session.execute(text(store.ONE), parameters)).one_or_none()
        if row is None:
            raise NotFound(f"There is no {singular} {id} in that version; see {API}/{kind}.")
        return record_of(kind, model, row)

    router.add_api_route(
        f"/{kind}",
        list_records,
        operation_id=f"list_{kind}",
        summary=f"The {kind} on record, by key",
        response_model=Page[Record[model]],
    )
    router.add_api_route(
        f"/{kind}/{{id}}",
        get_record,
        operation_id=f"get_{singular}",
        summary=f"One {singular}, in its newest or an earlier version",
        response_model=Record[model],
        responses=problem_responses(404),
    )


def record_of(kind: str, model: type[Kind], row: Any) -> Record[Kind]:
    """A record from a row of the store."""
    recorded_at: datetime = row.recorded_at
    return Record[model](
        id=row.id,
        version=row.version,
        recorded_at=recorded_at,
        content=None if row.content is None else model.model_validate(row.content),
        sources=[source_item(content) for content in row.sources],
        href=f"{API}/{kind}/{row.id}?version={row.version}",
    )


def source_item(content: dict[str, Any]) -> SourceItem:
    return SourceItem(**content, href=f"{API}/sources/{content['id']}")


add_kind("stakeholders", Stakeholder, singular="stakeholder")
add_kind("meetings", Meeting, singular="meeting")
add_kind("agreements", Agreement, singular="agreement")
add_kind("decisions", Decision, singular="decision")
add_kind("programmes", Programme, singular="programme")
add_kind("risks", Risk, singular="risk")
add_kind("recognitions", Recognition, singular="recognition")
add_kind("observations", Observation, singular="observation")

SOURCES = """
-- A page of the sources that evidence may cite.
SELECT id, content FROM assessment.source
WHERE region = :region AND (CAST(:cursor AS text) IS NULL OR id > :cursor)
ORDER BY id LIMIT :limit
"""

SOURCE = """
-- One source.
SELECT id, content FROM assessment.source WHERE region = :region AND id = :id
"""


@router.get("/sources", operation_id="list_sources")
async def list_sources(
    request: Request, session: Reading, cursor: SlugCursor = None, limit: Limit = 50
) -> Page[SourceItem]:
    """The studies, regulations and sites that the hub's facts rest on."""
    parameters = {"region": region_of(request), "cursor": cursor, "limit": limit + 1}
    rows = (await session.execute(text(SOURCES), parameters)).all()
    items = [source_item(row.content) for row in rows[:limit]]
    more = items[-1].id if len(rows) > limit else None
    return Page(items=items, next=next_address(request, more))


@router.get("/sources/{id}", operation_id="get_source", responses=problem_responses(404))
async def get_source(request: Request, session: Reading, id: SlugPath) -> SourceItem:
    """One source."""
    parameters = {"region": region_of(request), "id": id}
    row = (await session.execute(text(SOURCE), parameters)).one_or_none()
    if row is None:
        raise NotFound(f"There is no source {id!r}; {API}/sources lists all of them.")
    return source_item(row.content)
