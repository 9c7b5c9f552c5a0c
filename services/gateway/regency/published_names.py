"""Names of services, agencies and links for those who keep a copy of them.

Services and agencies are published over the catalogue's API too, not only with a pack. Click-outs,
posters and feedback check names against copies, so that they work while the catalogue is away.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta

import httpx

from services.catalog.client import CatalogClient, LinkName, LinkNames, is_reported
from services.feedback.client import FeedbackClient, OfferedService, PublishedNames
from services.gateway.regency.link_names import find_link_names, lock_links
from services.gateway.regency.services import store_services
from services.platform.database import Database, WriteSession

REFRESH_INTERVAL = timedelta(minutes=1)
"""Pause between two readings without a notification, which a lost connection may miss."""
AREAS = frozenset({"catalog", "gateway"})
"""What is published there may have other names."""

StorePosters = Callable[[WriteSession, Sequence[str], Sequence[str]], Awaitable[object]]
"""Gives services and agencies their posters."""


class NameDistribution:
    """Reads the names that are published now, and stores them wherever there is a copy."""

    def __init__(
        self,
        database: Database,
        region: str,
        *,
        catalog: httpx.AsyncClient,
        feedback: httpx.AsyncClient,
        auth: httpx.Auth,
        store_posters: StorePosters,
    ) -> None:
        self._database = database
        self._region = region
        self._catalog = CatalogClient(catalog, auth=auth)
        self._feedback = FeedbackClient(feedback)
        self._store_posters = store_posters
        self._distributed: tuple[PublishedNames, dict[str, bool]] | None = None
        self.changed = asyncio.Event()

    def mark_changed(self, area: str) -> None:
        """Note that something was published in an area."""
        if area in AREAS:
            self.changed.set()

    async def distribute(self) -> None:
        """Store the names if they have changed; those of an empty catalogue are not stored."""
        async with self._database.read_session() as session:
            links = await find_link_names(session, self._region)
        names = await self._read(list(links))
        if (names, links) == self._distributed or not names.services:
            return
        services = sorted({offered.service for offered in names.services})
        async with self._database.write_session() as session:
            await store_services(session, self._region, services)
            await self._store_posters(session, services, names.agencies)
        await self._feedback.put_names(names)
        await self._pass_links_on()
        self._distributed = names, links

    async def _pass_links_on(self) -> None:
        """Store the links in the catalogue, locked: a link withdrawn meanwhile must not return."""
        async with self._database.write_session() as session:
            await lock_links(session, self._region)
            links = await find_link_names(session, self._region)
            await self._catalog.put_links(to_link_names(links))

    async def _read(self, links: list[str]) -> PublishedNames:
        services = await self._catalog.list_all_services()
        agencies = await self._catalog.list_agencies()
        kinds = {agency.slug: agency.kind for agency in agencies}
        return PublishedNames(
            services=[
                OfferedService(
                    agency=service.agency.slug,
                    service=service.slug,
                    name=service.name,
                    channels=list(service.channels),
                    is_owed=is_reported(service.status, kinds.get(service.agency.slug)),
                )
                for service in services
            ],
            agencies=[agency.slug for agency in agencies],
            links=links,
        )


def to_link_names(links: Mapping[str, bool]) -> LinkNames:
    """Return links as the catalogue takes them; the value says whether one is national."""
    return LinkNames(
        links=[LinkName(slug=slug, national=national) for slug, national in links.items()]
    )
