"""Reads the published data of one hub over HTTP, within bounds of time and size."""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from typing import Annotated, TypeVar
from urllib.parse import quote, urlencode
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from services.gateway.outbound.circuit_breaker import BreakerPolicy, CircuitBreaker
from services.gateway.outbound.client import (
    Connector,
    ConnectorError,
    ConnectorResponse,
    TimeoutPolicy,
)
from services.gateway.outbound.json_body import parse_json
from services.gateway.outbound.response_body import BodyLimit
from services.gateway.outbound.ssrf_guard import SsrfGuard
from services.platform.types import RegionCode, Sha256, ShortText, Slug, Text, Year

API = "/api/v1"
PAGE = 100
MAX_PAGES = 60
"""Pages of one list: 6,000 services, thirty times those of a large regency."""
MAX_BUNDLE_BYTES = 16 * 1024 * 1024
TIMEOUTS = TimeoutPolicy(total=30, connect=5, attempts=3, backoff=1.0)
NEVER_OPENS = BreakerPolicy(min_calls=10_000)
"""A round asks a hub few things once, and stops at the first that it does not answer."""

EntityTags = dict[str, str]
"""The entity tag of each list as it was read last, by path."""


class HubModel(BaseModel):
    """What is read of a hub's answer; hubs of other versions may say more."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False, defer_build=True)


class HubState(HubModel):
    """Of `status`."""

    region: RegionCode
    version: Annotated[str, Field(max_length=100)]


class HubKey(HubModel):
    """Of `metrics/publishing-key`."""

    fingerprint: Sha256


class MethodName(HubModel):
    """The method of a listed assessment."""

    id: Slug


class ListedAssessment(HubModel):
    """An item of `assessments`."""

    id: UUID
    period: Year
    method: MethodName


class Assessments(HubModel):
    """A page of `assessments`."""

    items: Annotated[list[ListedAssessment], Field(max_length=PAGE)]
    next: Annotated[str, Field(max_length=4000)] | None = None


class HubReporting(HubModel):
    """Of `usage/reporting`: monthly reports that agencies owe, and those received."""

    period: Year
    expected: Annotated[int, Field(ge=0)]
    on_time: Annotated[int, Field(ge=0)]
    late: Annotated[int, Field(ge=0)]


class LinkHealth(HubModel):
    """The health of a link."""

    state: Annotated[str, Field(max_length=40)]
    since: AwareDatetime | None = None
    incident_since: AwareDatetime | None = None
    checked_at: AwareDatetime | None = None


class HubLink(HubModel):
    """An item of `links`."""

    slug: Slug
    title: ShortText
    title_en: ShortText
    url: Annotated[str, Field(max_length=2000)]
    national: bool = False
    health: LinkHealth


class Links(HubModel):
    """A page of `links`."""

    items: Annotated[list[HubLink], Field(max_length=PAGE)]


class AgencyName(HubModel):
    """The agency of a listed service."""

    name: ShortText
    short_name: ShortText | None = None


class HubService(HubModel):
    """An item of `services`."""

    slug: Slug
    name: ShortText
    name_en: ShortText
    summary: Text
    summary_en: Text
    agency: AgencyName
    status: Annotated[str, Field(max_length=40)]
    digital: bool
    channels: Annotated[list[Slug], Field(max_length=20)]
    modified_at: AwareDatetime


class Services(HubModel):
    """A page of `services`."""

    items: Annotated[list[HubService], Field(max_length=PAGE)]
    next: Annotated[str, Field(max_length=4000)] | None = None


ModelT = TypeVar("ModelT", bound=HubModel)


class HubError(Exception):
    """A hub gave no usable answer to one question; the message is the reason."""


class HubClient:
    """Asks one hub; every method raises `HubError` if there is no usable answer."""

    def __init__(
        self,
        code: str,
        address: str,
        *,
        guard: SsrfGuard,
        clock: Callable[[], float],
        tags: Mapping[str, str],
        timeouts: TimeoutPolicy = TIMEOUTS,
    ) -> None:
        breaker = CircuitBreaker(NEVER_OPENS, clock)
        self._connector = Connector(
            code, address.rstrip("/"), breaker, timeouts=timeouts, guard=guard
        )
        self.tags: EntityTags = dict(tags)

    async def close(self) -> None:
        """Close the connections."""
        await self._connector.close()

    async def state(self) -> HubState:
        """Return what the hub says of itself."""
        return self._read(await self._get(f"{API}/status"), HubState)

    async def key(self) -> HubKey:
        """Return the key that signs its bundles, as the hub shows it."""
        return self._read(await self._get(f"{API}/metrics/publishing-key"), HubKey)

    async def assessments(self, method: str) -> Assessments:
        """Return its newest assessments by a method, the newest first, up to a page of them."""
        query = urlencode({"method": method, "limit": PAGE})
        return self._read(await self._get(f"{API}/assessments?{query}"), Assessments)

    async def bundle(self, assessment: UUID) -> bytes:
        """Return the bundle of an assessment."""
        path = f"{API}/assessments/{assessment}/bundle"
        return (await self._get(path, limit=BodyLimit(MAX_BUNDLE_BYTES))).body

    async def reporting(self, year: int) -> HubReporting | None:
        """Return how completely agencies report; None if it is as it was read last."""
        return await self._changed(f"{API}/usage/reporting?period={year}", HubReporting)

    async def links(self) -> list[HubLink] | None:
        """Return its links with their health; None if they are as they were read last."""
        found = await self._changed(f"{API}/links?limit={PAGE}", Links)
        return None if found is None else found.items

    async def changed_services(self, after: datetime) -> AsyncIterator[HubService]:
        """Yield services that changed after a moment in the order of their changes.

        Withdrawn ones are among them.
        """
        query = urlencode({"modified_after": after.isoformat(), "limit": PAGE})
        path: str | None = f"{API}/services?{query}"
        for _ in range(MAX_PAGES):
            page = self._read(await self._get(path), Services)
            for service in page.items:
                yield service
            # The hub names a path of its own; any other address is not asked.
            path = page.next
            if path is None or not path.startswith(f"{API}/services?"):
                return

    async def _changed(self, path: str, model: type[ModelT]) -> ModelT | None:
        """Return an answer; None if its entity tag is that of the last one."""
        response = await self._get(path, tag=self.tags.get(path))
        if response.status == 304:
            return None
        found = self._read(response, model)
        tag = response.headers.get("etag", "")
        if tag and len(tag) < 200:
            self.tags[path] = tag
        return found

    async def _get(
        self, path: str, *, tag: str | None = None, limit: BodyLimit | None = None
    ) -> ConnectorResponse:
        headers = {"Accept": "application/json"} if limit is None else {}
        if tag is not None:
            headers["If-None-Match"] = tag
        try:
            response = await self._connector.request(
                "GET", path, idempotent=True, headers=headers, limit=limit
            )
        except ConnectorError as error:
            raise HubError(f"{error.detail} ({_shown(path)})") from None
        if response.status not in ({200, 304} if tag is not None else {200}):
            raise HubError(f"status {response.status} ({_shown(path)})")
        return response

    @staticmethod
    def _read(response: ConnectorResponse, model: type[ModelT]) -> ModelT:
        try:
            return model.model_validate(parse_json(response.body))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise HubError(f"{model.__doc__ or model.__name__}: {place} {first['msg']}") from None
        except ValueError as error:
            raise HubError(str(error)) from None


def _shown(path: str) -> str:
    return quote(path.partition("?")[0], safe="/:")
