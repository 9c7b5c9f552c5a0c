"""What the forms of the catalogue offer to choose from, by names in the page's language."""

import asyncio
from collections.abc import Iterable, Mapping

from services.gateway.link_monitoring.link_versions import find_links
from services.gateway.portal.workspace.access import Workspace, database_of
from services.gateway.portal.workspace.catalog.fields import Tables
from services.gateway.regency.districts import list_districts
from services.platform.service import get_region


async def read_tables(workspace: Workspace, *, agency: str | None) -> Tables:
    """Return the tables; places are those of the agency first."""
    page, catalog = workspace.page, workspace.catalog
    sources, documents, places, events, agencies, (links, districts) = await asyncio.gather(
        catalog.list_sources(),
        catalog.list_document_types(),
        catalog.list_all_places(),
        catalog.list_life_events(),
        catalog.list_agencies(),
        _own_tables(workspace),
    )

    def name(item: object, key: str) -> tuple[str, str]:
        return key, page.in_language(item, "name") or key

    return {
        "sources": _distinct((each.id, each.title) for each in sources),
        "documents": _distinct(name(each, each.slug) for each in documents),
        "places": _distinct(
            name(each, each.slug) for each in sorted(places, key=lambda one: one.agency != agency)
        ),
        "life_events": _distinct(name(each, each.slug) for each in events),
        "agencies": _distinct(name(each, each.slug) for each in agencies),
        "links": links,
        "districts": districts,
    }


async def _own_tables(workspace: Workspace) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return what the gateway has itself: links and districts."""
    request = workspace.page.request
    region = get_region(request)
    async with database_of(request).read_session() as session:
        links = await find_links(session, region)
        districts = await list_districts(session, region)
    titled = (
        (each.slug, workspace.page.in_language(each, "title") or each.title) for each in links
    )
    return _distinct(titled), _distinct(districts)


def _distinct(named: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return names by key; of those with one name, each but the first with its key."""
    table: dict[str, str] = {}
    taken: set[str] = set()
    for key, name in named:
        table[key] = name if name not in taken else f"{name} ({key})"
        taken.add(table[key])
    return table
