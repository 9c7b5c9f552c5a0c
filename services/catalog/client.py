"""Client of the catalogue, for the gateway."""

from services.catalog.schemas import (
    AgencyItem,
    LifeEventItem,
    ServiceDetail,
    ServiceSummary,
)
from services.platform.paging import Page
from services.platform.service import API
from services.platform.service_client import ServiceClient

__all__ = ["AgencyItem", "CatalogClient", "LifeEventItem", "ServiceDetail", "ServiceSummary"]

PAGE_SIZE = 100
"""The largest page of a list."""


class CatalogClient(ServiceClient):
    """Requests to the catalogue."""

    async def list_services(
        self,
        *,
        text: str | None = None,
        agency: str | None = None,
        life_event: str | None = None,
        cursor: str | None = None,
        limit: int = PAGE_SIZE,
    ) -> Page[ServiceSummary]:
        """Return a page of the services by name, or of those that match `text`, best first."""
        query = {
            "query": text,
            "agency": agency,
            "life_event": life_event,
            "cursor": cursor,
            "limit": limit,
        }
        return await self._get(Page[ServiceSummary], f"{API}/services", query=query)

    async def list_all_services(self, *, most: int | None = None) -> list[ServiceSummary]:
        """Return the services of all pages; at most about `most` services."""
        query = {"limit": PAGE_SIZE}
        return await self._list(Page[ServiceSummary], f"{API}/services", query=query, most=most)

    async def find_service(self, slug: str) -> ServiceDetail | None:
        """Return a service with its details; None if there is no such service."""
        return await self._find(ServiceDetail, f"{API}/services/{slug}")

    async def list_agencies(self) -> list[AgencyItem]:
        """Return all agencies."""
        query = {"limit": PAGE_SIZE}
        return await self._list(Page[AgencyItem], f"{API}/agencies", query=query, most=None)

    async def find_agency(self, slug: str) -> AgencyItem | None:
        """Return an agency; None if there is no such agency."""
        return next((item for item in await self.list_agencies() if item.slug == slug), None)

    async def list_life_events(self) -> list[LifeEventItem]:
        """Return the life events in their order."""
        return (await self._get(Page[LifeEventItem], f"{API}/life-events")).items
