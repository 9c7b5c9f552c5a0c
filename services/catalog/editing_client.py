"""Requests of people and programs that edit the catalogue, for the gateway."""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, JsonValue

from services.catalog.records import Service
from services.catalog.schemas import (
    AgencyDetail,
    CatalogVersion,
    CatalogVersions,
    DraftItem,
    DraftSaved,
    PlaceDetail,
    SearchDemandOfMonth,
    ServiceDetail,
    ServiceDraft,
    ServiceFreshness,
    SourceItem,
    VersionChanges,
)
from services.platform.paging import Page
from services.platform.service import API
from services.platform.service_client import RequestRejectedError, ServiceClient, parse

ModelT = TypeVar("ModelT", bound=BaseModel)
Content = Mapping[str, JsonValue]
"""A record as somebody typed it, which the catalogue has still to accept."""

PAGE_SIZE = 100


class CatalogEditingClient(ServiceClient):
    """Requests that read and change drafts and records.

    A record is found with its entity tag, which the request that changes it sends back.
    """

    async def list_freshness(self, *, agency: str | None) -> list[ServiceFreshness]:
        """Return the services, those whose record is to be checked first."""
        query = {"agency": agency, "limit": PAGE_SIZE}
        path = f"{API}/catalog/freshness"
        return await self._list(Page[ServiceFreshness], path, query=query, most=None)

    async def list_drafts(self, *, agency: str | None) -> list[DraftItem]:
        """Return the open drafts of an agency, or those that the caller may read."""
        query = {"agency": agency, "limit": PAGE_SIZE}
        return await self._list(Page[DraftItem], f"{API}/catalog/drafts", query=query, most=None)

    async def find_draft(self, slug: str) -> tuple[ServiceDraft, str] | None:
        """Return the open draft of a service with its entity tag; None if there is none."""
        return await self._find_tagged(ServiceDraft, f"{API}/services/{slug}/draft")

    async def save_draft(
        self,
        slug: str,
        service: Content,
        *,
        tag: str | None,
        base_version: int | None,
    ) -> DraftSaved:
        """Save the draft of a service; without `tag` it begins a new one."""
        response = await self._request(
            "PUT",
            f"{API}/services/{slug}/draft",
            query={"base_version": base_version},
            headers=_condition(tag),
            json=service,
        )
        return parse(DraftSaved, response)

    async def submit_draft(self, slug: str, *, tag: str) -> None:
        """Submit a draft for review."""
        path = f"{API}/services/{slug}/draft/review"
        await self._request("POST", path, headers=_condition(tag))

    async def refuse_draft(self, slug: str, reason: str, *, tag: str) -> None:
        """Refuse a draft that is in review."""
        path = f"{API}/services/{slug}/draft/refusal"
        await self._request("POST", path, headers=_condition(tag), json={"reason": reason})

    async def publish_draft(self, slug: str, *, tag: str) -> None:
        """Publish a draft that is in review."""
        path = f"{API}/services/{slug}/draft/publication"
        await self._request("POST", path, headers=_condition(tag))

    async def discard_draft(self, slug: str, *, tag: str) -> None:
        """Discard a draft."""
        await self._request("DELETE", f"{API}/services/{slug}/draft", headers=_condition(tag))

    async def get_search_demand(self, month: str | None) -> SearchDemandOfMonth:
        """Return the words of a month for which no service was found."""
        path = f"{API}/catalog/search-demand"
        return await self._get(SearchDemandOfMonth, path, query={"month": month})

    async def find_tagged_agency(self, slug: str) -> tuple[AgencyDetail, str] | None:
        """Return an agency with its entity tag; None if there is none."""
        return await self._find_tagged(AgencyDetail, f"{API}/agencies/{slug}")

    async def find_tagged_place(self, slug: str) -> tuple[PlaceDetail, str] | None:
        """Return a place with its entity tag; None if there is none."""
        return await self._find_tagged(PlaceDetail, f"{API}/places/{slug}")

    async def find_tagged_source(self, id: str) -> tuple[SourceItem, str] | None:
        """Return a source with its entity tag; None if there is none."""
        return await self._find_tagged(SourceItem, f"{API}/sources/{id}")

    async def put_record(self, kind: str, key: str, record: Content, *, tag: str | None) -> None:
        """Publish an agency, place or source; without `tag` a new one. `kind` is as in paths."""
        await self._request(
            "PUT",
            f"{API}/{kind}/{key}",
            headers=_condition(tag),
            json=record,
        )

    async def find_tagged_service(self, slug: str) -> tuple[ServiceDetail, str] | None:
        """Return a published service with its entity tag; None if there is none."""
        return await self._find_tagged(ServiceDetail, f"{API}/services/{slug}")

    async def withdraw_record(self, kind: str, key: str, *, tag: str) -> None:
        """Withdraw a service, agency or place that has this entity tag; `kind` is as in paths."""
        await self._request("DELETE", f"{API}/{kind}/{key}", headers=_condition(tag))

    async def list_versions(self, kind: str, key: str) -> list[CatalogVersion] | None:
        """Return the versions of a record, the newest first; None if there was none of the name."""
        found = await self._find(CatalogVersions, f"{API}/{kind}/{key}/versions")
        return None if found is None else found.items

    async def get_version_changes(self, kind: str, key: str, number: int) -> VersionChanges:
        """Return who published a version of a record, and what it changed."""
        return await self._get(VersionChanges, f"{API}/{kind}/{key}/versions/{number}")

    async def _find_tagged(self, model: type[ModelT], path: str) -> tuple[ModelT, str] | None:
        try:
            response = await self._request("GET", path)
        except RequestRejectedError as error:
            if error.status in (404, 410):
                return None
            raise
        return parse(model, response), response.headers["ETag"]


def service_content(service: Service) -> dict[str, JsonValue]:
    """Return a service as JSON."""
    return service.model_dump(mode="json")


def _condition(tag: str | None) -> dict[str, str]:
    return {"If-None-Match": "*"} if tag is None else {"If-Match": tag}
