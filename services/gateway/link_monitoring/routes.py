"""Links over HTTP: `/api/v1/links`, and `/go/{link}`, which counts and redirects."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse
from pydantic import Field
from sqlmodel import col, select

from services.gateway.click_tracking import Clicks
from services.gateway.link_monitoring.health import LinkHealth, health_of_links
from services.gateway.link_monitoring.records import Link, LinkRecord
from services.platform.database import Database, ReadSession, ReadSessionDep
from services.platform.paging import Page, next_page_url
from services.platform.parameters import SlugCursor, SlugPath
from services.platform.problems import NotFound, problem_responses
from services.platform.service import API, get_region
from services.platform.types import Href, Slug

router = APIRouter(responses=problem_responses(401, 422))

MAX_LINKS = 100


class LinkItem(Link):
    """A link with its addresses at this hub."""

    health: LinkHealth
    href: Href
    go: Href = Field(description="Address that counts the visit and redirects.")


@router.get(f"{API}/links", operation_id="list_links", tags=["links"])
async def list_links(
    request: Request,
    session: ReadSessionDep,
    cursor: SlugCursor = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LINKS, description="Items on a page.")] = MAX_LINKS,
) -> Page[LinkItem]:
    """The portals and applications that the hub leads to."""
    wanted = select(LinkRecord).where(LinkRecord.region == get_region(request))
    if cursor is not None:
        wanted = wanted.where(LinkRecord.slug > cursor)
    rows = (
        (await session.execute(wanted.order_by(col(LinkRecord.slug)).limit(limit + 1)))
        .scalars()
        .all()
    )
    known = await health_of_links(session, get_region(request), now=datetime.now(UTC))
    items = [link_item(row, known[row.slug]) for row in rows[:limit]]
    more = items[-1].slug if len(rows) > limit else None
    return Page(items=items, next=next_page_url(request, more))


@router.get(
    f"{API}/links/{{slug}}",
    operation_id="get_link",
    tags=["links"],
    responses=problem_responses(404),
)
async def get_link(request: Request, session: ReadSessionDep, slug: SlugPath) -> LinkItem:
    """One link: who runs it, the address behind it, and whether it works."""
    link = await find_link(session, get_region(request), slug)
    known = await health_of_links(session, get_region(request), now=datetime.now(UTC), slug=slug)
    return link_item(link, known[slug])


@router.get(
    "/go/{slug}",
    operation_id="go_to_link",
    tags=["links"],
    status_code=302,
    response_class=RedirectResponse,
    responses=problem_responses(404)
    | {
        302: {
            "description": "To the portal.",
            "headers": {"Location": {"schema": {"type": "string", "format": "uri"}}},
        }
    },
)
async def go_to_link(
    request: Request,
    slug: SlugPath,
    service: Annotated[Slug | None, Query(description="The service it is about.")] = None,
) -> RedirectResponse:
    """Counts the visit and redirects to the portal. No cookie, nothing about the visitor."""
    database: Database = request.app.state.database
    # A visit takes one connection at a time: visitors who each hold one and wait for a second
    # would wait for each other.
    async with database.read_session() as session:
        link = await find_link(session, get_region(request), slug)
    clicks: Clicks = request.app.state.clicks
    await clicks.record(link=slug, service=service, at=datetime.now(UTC))
    return way_to(link)


@router.head("/go/{slug}", include_in_schema=False)
async def look_at_link(
    request: Request, session: ReadSessionDep, slug: SlugPath
) -> RedirectResponse:
    """Where the link leads. A program that only looks is no visit."""
    return way_to(await find_link(session, get_region(request), slug))


def way_to(link: LinkRecord) -> RedirectResponse:
    return RedirectResponse(
        link.url,
        status_code=302,
        headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"},
    )


def link_item(row: LinkRecord, health: LinkHealth) -> LinkItem:
    addresses: dict[str, Any] = {"href": f"{API}/links/{row.slug}", "go": f"/go/{row.slug}"}
    return LinkItem(**row.content, health=health, **addresses)


async def find_link(session: ReadSession, region: str, slug: str) -> LinkRecord:
    link = await session.get(LinkRecord, (region, slug))
    if link is None:
        raise NotFound(f"There is no link {slug!r}; {API}/links lists all of them.")
    return link
