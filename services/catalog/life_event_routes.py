"""Life events over HTTP: `/api/v1/life-events`."""

from fastapi import Request, Response
from sqlalchemy import text

from services.catalog import reference_queries as queries
from services.catalog.conditional_writes import Representation, delete_record, put_record
from services.catalog.records import LifeEvent
from services.catalog.reference_records import LIFE_EVENTS, get_record
from services.catalog.schemas import LifeEventDetail, LifeEventItem
from services.platform.conditional_writes import CatalogPut, CatalogWrite, version_tag
from services.platform.database import ReadSession, ReadSessionDep, WriteSession
from services.platform.paging import Page
from services.platform.parameters import SlugPath
from services.platform.problems import problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region

router = Router(prefix=API, tags=["catalog"], responses=problem_responses(401, 422))


@router.get("/life-events", operation_id="list_life_events")
async def list_life_events(request: Request, session: ReadSessionDep) -> Page[LifeEventItem]:
    """List the life events in their order, each with its number of services.

    Those of the pack come in its order, then those that were added over HTTP.
    """
    rows = (await session.execute(text(queries.LIFE_EVENTS), {"region": get_region(request)})).all()
    items = [
        LifeEventItem(
            **row.content,
            services=row.services,
            href=f"{API}/services?life_event={row.content['slug']}",
        )
        for row in rows
    ]
    return Page(items=items, next=None)


@router.get("/life-events/{slug}", operation_id="get_life_event", responses=problem_responses(404))
async def get_life_event(
    request: Request, response: Response, session: ReadSessionDep, slug: SlugPath
) -> LifeEventDetail:
    """Return one life event with its services."""
    shown = await _show(session, get_region(request), slug)
    response.headers["ETag"] = shown.tag
    return shown.detail


@router.put(
    "/life-events/{slug}",
    operation_id="put_life_event",
    responses={201: {"model": LifeEventDetail}} | problem_responses(403, 409, 412, 413, 428),
)
async def put_life_event(
    write: CatalogPut, slug: SlugPath, life_event: LifeEvent
) -> LifeEventDetail:
    """Create a life event, or publish a change of one; earlier versions remain.

    Only for keys of the lead agency that the pack names, and of an administrator. Services name
    their life events.
    """
    return await put_record(
        write,
        LIFE_EVENTS,
        life_event,
        slug,
        agency=None,
        references=(),
        show=lambda: _show(write.session, write.region, slug),
    )


@router.delete(
    "/life-events/{slug}",
    operation_id="delete_life_event",
    status_code=204,
    responses=problem_responses(403, 404, 409, 412, 428),
)
async def delete_life_event(write: CatalogWrite, slug: SlugPath) -> None:
    """Withdraw a life event that no service names any more; its versions remain."""
    await delete_record(
        write, LIFE_EVENTS, slug, show=lambda: _show(write.session, write.region, slug)
    )


async def _show(
    session: ReadSession | WriteSession, region: str, slug: str
) -> Representation[LifeEventDetail]:
    stored = await get_record(session, region, LIFE_EVENTS, slug)
    parameters = {"region": region, "slug": slug}
    services = await session.scalar(text(queries.LIFE_EVENT_SERVICES), parameters)
    detail = LifeEventDetail(
        life_event=stored.record,
        services=services or [],
        version=stored.version,
        modified_at=stored.modified_at,
        href=f"{API}/life-events/{slug}",
    )
    return Representation(detail, version_tag(stored.version, detail))
