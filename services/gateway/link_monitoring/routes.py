"""Links over HTTP: `/api/v1/links`, and `/go/{link}`, which counts the click and redirects."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import Field
from sqlmodel import col, select

from services.gateway.link_monitoring.clicks.outbox import ClickOutbox
from services.gateway.link_monitoring.health import LinkHealth, read_link_health
from services.gateway.link_monitoring.link_directory import LinkDirectory
from services.gateway.link_monitoring.records import Link, LinkRecord
from services.platform.conditional_writes import version_tag
from services.platform.database import ReadSession, ReadSessionDep, WriteSession
from services.platform.paging import Page, paginate
from services.platform.parameters import SlugCursor, SlugPath
from services.platform.problems import NotFound, problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.types import Href, Slug

router = Router(responses=problem_responses(401, 422))

MAX_LINKS = 100


class LinkItem(Link):
    """A link with its health and its addresses at this hub."""

    version: int = Field(description="Number of its present version.")
    health: LinkHealth = Field(description="What the last checks found.")
    href: Href
    go: Href = Field(description="Address that counts the click and redirects.")


@router.get(f"{API}/links", operation_id="list_links", tags=["links"])
async def list_links(
    request: Request,
    session: ReadSessionDep,
    cursor: SlugCursor = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LINKS, description="Items on a page.")] = MAX_LINKS,
) -> Page[LinkItem]:
    """List the portals and applications that the hub links to, with their health."""
    query = select(LinkRecord).where(LinkRecord.region == get_region(request))
    if cursor is not None:
        query = query.where(LinkRecord.slug > cursor)
    rows = (
        (await session.execute(query.order_by(col(LinkRecord.slug)).limit(limit + 1)))
        .scalars()
        .all()
    )
    health = await read_link_health(session, get_region(request), now=datetime.now(UTC))
    items = [to_link_item(row, health[row.slug]) for row in rows]
    return paginate(request, items, limit=limit, cursor_of=lambda item: item.slug)


@router.get(
    f"{API}/links/{{slug}}",
    operation_id="get_link",
    tags=["links"],
    responses=problem_responses(404),
)
async def get_link(
    request: Request, response: Response, session: ReadSessionDep, slug: SlugPath
) -> LinkItem:
    """Return a link with its operator, URL and health."""
    item = await read_link(session, get_region(request), slug)
    response.headers["ETag"] = version_tag(item.version, item)
    return item


@router.get(
    "/go/{slug}",
    operation_id="go_to_link",
    tags=["links"],
    status_code=302,
    response_class=RedirectResponse,
    responses=problem_responses(404, 503)
    | {
        302: {
            "description": "Redirect to the portal; the click is counted.",
            "headers": {"Location": {"schema": {"type": "string", "format": "uri"}}},
        }
    },
)
async def go_to_link(
    request: Request,
    slug: SlugPath,
    service: Annotated[
        Slug | None,
        Query(description="The service it is about; one that does not exist is not counted."),
    ] = None,
) -> RedirectResponse:
    """Count the click and redirect to the portal; no cookie, no data about the visitor."""
    directory: LinkDirectory = request.app.state.link_directory
    url = await directory.find(slug)
    if service is not None and not directory.has_service(service):
        service = None
    outbox: ClickOutbox = request.app.state.click_outbox
    await outbox.record_click(link=slug, service=service, headers=request.headers)
    return redirect_to(url)


@router.head("/go/{slug}", include_in_schema=False)
async def head_link(request: Request, slug: SlugPath) -> RedirectResponse:
    """Return the redirect without counting a click."""
    directory: LinkDirectory = request.app.state.link_directory
    return redirect_to(await directory.find(slug))


def redirect_to(url: str) -> RedirectResponse:
    """Return the redirect to a link's URL."""
    return RedirectResponse(
        url,
        status_code=302,
        headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"},
    )


def to_link_item(row: LinkRecord, health: LinkHealth) -> LinkItem:
    """Return the API representation of a link."""
    addresses: dict[str, Any] = {"href": f"{API}/links/{row.slug}", "go": f"/go/{row.slug}"}
    return LinkItem(**row.content, version=row.version, health=health, **addresses)


async def read_link(session: ReadSession | WriteSession, region: str, slug: str) -> LinkItem:
    """Return a link with its health; raise `NotFound` if there is none."""
    link = await find_link(session, region, slug)
    health = await read_link_health(session, region, now=datetime.now(UTC), slug=slug)
    return to_link_item(link, health[slug])


async def find_link(session: ReadSession | WriteSession, region: str, slug: str) -> LinkRecord:
    """Return a link; raise `NotFound` if there is none."""

    link = await session.get(LinkRecord, (region, slug))
    if link is None:
        raise NotFound(f"There is no link {slug!r}; {API}/links lists all of them.")
    return link
