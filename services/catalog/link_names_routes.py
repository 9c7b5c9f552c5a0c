"""The links that the gateway passes on when they change: no part of the public API."""

from datetime import UTC, datetime

from fastapi import Request

from services.catalog.editing import lock_publishing
from services.catalog.link_names import replace_links
from services.catalog.link_names_schemas import LINK_NAMES, LinkInUse, LinkNames, LinksInUse
from services.platform.database import WriteSessionDep
from services.platform.identity import CurrentCaller
from services.platform.problems import NotAllowed
from services.platform.router import Router
from services.platform.service import get_region

router = Router(include_in_schema=False)


@router.put(LINK_NAMES)
async def put_link_names(
    request: Request, session: WriteSessionDep, caller: CurrentCaller, names: LinkNames
) -> LinksInUse:
    """Replace the links that channels may name; return those that stay, as services name them."""
    if not caller.is_gateway:
        raise NotAllowed("Only the gateway passes links on.")
    region = get_region(request)
    await lock_publishing(session, region, datetime.now(UTC))
    in_use = await replace_links(
        session, region, {link.slug: link.national for link in names.links}
    )
    return LinksInUse(
        links=[LinkInUse(slug=slug, services=services) for slug, services in in_use.items()]
    )
