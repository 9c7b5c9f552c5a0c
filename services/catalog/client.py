"""Client of the catalogue, for the gateway."""

from typing import Literal

from services.catalog.editing_client import CatalogEditingClient, Content, service_content
from services.catalog.link_names_schemas import LINK_NAMES, LinkName, LinkNames, LinksInUse
from services.catalog.opening_hours import OpeningRule
from services.catalog.records import (
    REGENCY_AGENCY_KINDS,
    ChannelKind,
    Place,
    ProcessingTime,
    Requirement,
    Service,
    ServiceStep,
    Tariff,
    is_reported,
)
from services.catalog.schemas import (
    AgencyDetail,
    AgencyItem,
    DocumentTypeItem,
    DraftItem,
    DraftSaved,
    LifeEventDetail,
    LifeEventItem,
    Opening,
    PlaceDetail,
    PlaceItem,
    PlaceOpening,
    SearchFacets,
    SearchTerms,
    ServiceDetail,
    ServiceDraft,
    ServiceFreshness,
    ServiceName,
    ServicePage,
    ServiceSummary,
    SourceItem,
)
from services.platform.differences import Difference
from services.platform.packs import Source
from services.platform.paging import CountedPage, Page
from services.platform.service import API
from services.platform.service_client import parse

__all__ = [
    "REGENCY_AGENCY_KINDS",
    "AgencyDetail",
    "AgencyItem",
    "CatalogClient",
    "ChannelKind",
    "Content",
    "Difference",
    "DraftItem",
    "DraftSaved",
    "LifeEventDetail",
    "LifeEventItem",
    "LinkName",
    "LinkNames",
    "LinksInUse",
    "Opening",
    "OpeningRule",
    "Place",
    "PlaceDetail",
    "PlaceItem",
    "ProcessingTime",
    "Requirement",
    "SearchFacets",
    "SearchTerms",
    "Service",
    "ServiceDetail",
    "ServiceDraft",
    "ServiceFreshness",
    "ServiceName",
    "ServicePage",
    "ServiceStep",
    "ServiceSummary",
    "Tariff",
    "is_reported",
    "service_content",
]

PAGE_SIZE = 100
"""The largest page of a list."""


class CatalogClient(CatalogEditingClient):
    """Requests to the catalogue."""

    async def list_services(
        self,
        *,
        agency: str | None = None,
        life_event: str | None = None,
        cursor: str | None = None,
        limit: int = PAGE_SIZE,
    ) -> CountedPage[ServiceSummary]:
        """Return a page of the services by name."""
        query = {"agency": agency, "life_event": life_event, "cursor": cursor, "limit": limit}
        return await self._get(CountedPage[ServiceSummary], f"{API}/services", query=query)

    async def search_services(
        self,
        text: str,
        *,
        agency: str | None = None,
        life_event: str | None = None,
        channel: ChannelKind | None = None,
        place: str | None = None,
        district: str | None = None,
        open_now: Literal["true"] | None = None,
        cursor: str | None = None,
        limit: int = PAGE_SIZE,
    ) -> ServicePage:
        """Return a page of the services that `text` asks for, best first."""
        query = {
            "query": text,
            "agency": agency,
            "life_event": life_event,
            "channel": channel,
            "place": place,
            "district": district,
            "open_now": open_now,
            "cursor": cursor,
            "limit": limit,
        }
        return await self._get(ServicePage, f"{API}/services", query=query)

    async def get_search_terms(self) -> SearchTerms | None:
        """Return what each word scores; None of a catalogue with too many services for that."""
        return await self._find(SearchTerms, f"{API}/catalog/search-terms", absent=(409,))

    async def list_all_services(self, *, most: int | None = None) -> list[ServiceSummary]:
        """Return the services of all pages; at most about `most` services."""
        query = {"limit": PAGE_SIZE}
        return await self._list(
            CountedPage[ServiceSummary], f"{API}/services", query=query, most=most
        )

    async def list_service_names(self, *, most: int | None = None) -> list[ServiceName]:
        """Return the same as names, which take a fraction of the time to read."""
        query = {"limit": PAGE_SIZE}
        return await self._list(CountedPage[ServiceName], f"{API}/services", query=query, most=most)

    async def list_services_to_check(
        self, *, agency: str | None, limit: int
    ) -> list[ServiceFreshness]:
        """Return the first services whose record nobody assures any more, of one agency or all."""
        query = {"agency": agency, "is_due": True, "limit": limit}
        path = f"{API}/catalog/freshness"
        return (await self._get(Page[ServiceFreshness], path, query=query)).items

    async def find_service(self, slug: str) -> ServiceDetail | None:
        """Return a service with its details; None if there is no such service."""
        return await self._find(ServiceDetail, f"{API}/services/{slug}", absent=(404, 410))

    async def list_places(
        self, *, service: str | None = None, agency: str | None = None
    ) -> list[PlaceItem]:
        """Return the places that give a service or that an agency runs, with their opening."""
        query = {"service": service, "agency": agency, "limit": PAGE_SIZE}
        return await self._list(Page[PlaceItem], f"{API}/places", query=query, most=None)

    async def find_place(self, slug: str) -> PlaceDetail | None:
        """Return a place with its details; None if there is no such place."""
        return await self._find(PlaceDetail, f"{API}/places/{slug}")

    async def find_opening(self, slug: str) -> Opening | None:
        """Return whether a place is open now; None if there is no such place."""
        return await self._find(PlaceOpening, f"{API}/places/{slug}/opening")

    async def list_agencies(self) -> list[AgencyItem]:
        """Return all agencies."""
        query = {"limit": PAGE_SIZE}
        return await self._list(Page[AgencyItem], f"{API}/agencies", query=query, most=None)

    async def find_agency(self, slug: str) -> AgencyItem | None:
        """Return an agency; None if there is no such agency."""
        return next((item for item in await self.list_agencies() if item.slug == slug), None)

    async def find_agency_detail(self, slug: str) -> AgencyDetail | None:
        """Return an agency with its services and sources; None if there is no such agency."""
        return await self._find(AgencyDetail, f"{API}/agencies/{slug}")

    async def list_life_events(self) -> list[LifeEventItem]:
        """Return the life events in their order."""
        return (await self._get(Page[LifeEventItem], f"{API}/life-events")).items

    async def find_life_event(self, slug: str) -> LifeEventDetail | None:
        """Return a life event with its services; None if there is no such life event."""
        return await self._find(LifeEventDetail, f"{API}/life-events/{slug}")

    async def list_all_places(self) -> list[PlaceItem]:
        """Return all places."""
        query = {"limit": PAGE_SIZE}
        return await self._list(Page[PlaceItem], f"{API}/places", query=query, most=None)

    async def list_sources(self) -> list[SourceItem]:
        """Return the register of sources."""
        query = {"limit": PAGE_SIZE}
        return await self._list(Page[SourceItem], f"{API}/sources", query=query, most=None)

    async def list_document_types(self) -> list[DocumentTypeItem]:
        """Return the types of document that services require or issue."""
        query = {"limit": PAGE_SIZE}
        path = f"{API}/document-types"
        return await self._list(Page[DocumentTypeItem], path, query=query, most=None)

    async def has_source(self, id: str) -> bool:
        """Return whether the register has a source."""
        return await self._find(SourceItem, f"{API}/sources/{id}") is not None

    async def put_links(self, names: LinkNames) -> LinksInUse:
        """Replace the links that channels may name; return those that stay, as services do."""
        response = await self._request("PUT", LINK_NAMES, json=names.model_dump(mode="json"))
        return parse(LinksInUse, response)

    async def add_source(self, source: Source) -> None:
        """Add a source to the register; nothing changes if it is there already."""
        await self._request("POST", f"{API}/sources", json=source.model_dump(mode="json"))
