"""Fetches a website's feed, and loads the names of services that announcements are matched with."""

import asyncio
from contextlib import suppress
from typing import Any

import httpx

from services.gateway.connectors.announcements.feed_parser import (
    FeedItem,
    FeedParseError,
    find_feed_url,
    parse_feed,
)
from services.gateway.connectors.announcements.service_matching import ServiceMatcher, ServiceNames
from services.gateway.connectors.source_leases import SourceLease
from services.gateway.outbound.client import ConnectorError
from services.gateway.outbound.source_clients import SourceClients, cache_validators
from services.platform.service import API

ACCEPT = (
    "application/rss+xml, application/atom+xml, application/json;q=0.9, "
    "application/xml;q=0.9, text/xml;q=0.8, text/html;q=0.5"
)
MAX_SERVICES = 2_000


async def fetch_items(
    clients: SourceClients, lease: SourceLease
) -> tuple[list[FeedItem], dict[str, str]] | None:
    """Return the items of a feed with the response's validators; None if it was not modified."""
    url = str(lease.content["url"])
    # Validators belong to the feed. A page that links to it is requested without them.
    validators = dict(lease.validators)
    feed_url = validators.pop("feed", None)
    try:
        response = await clients.fetch(
            lease.slug, feed_url or url, accept=ACCEPT, validators=validators
        )
    except ConnectorError as error:
        if feed_url is None or error.reason != "status":
            raise
        # The site may have been rebuilt: discover its feed again.
        feed_url = None
        response = await clients.fetch(lease.slug, url, accept=ACCEPT, validators={})
    if response is None:
        return None
    if feed_url is None and (found := find_feed_url(response.body, url=response.url)) is not None:
        feed_url = found
        response = await clients.fetch(lease.slug, found, accept=ACCEPT, validators={})
        if response is None:
            detail = "status 304 to a request without validators"
            raise ConnectorError(lease.slug, "invalid_response", detail)
    try:
        items = await asyncio.to_thread(parse_feed, response.body, url=response.url)
    except FeedParseError as error:
        raise ConnectorError(lease.slug, "invalid_response", str(error)) from None
    return items, cache_validators(response) | ({"feed": feed_url} if feed_url else {})


class ServiceVocabulary:
    """Cached names of the catalogue's services; a service is read again when it was modified."""

    def __init__(self, catalog: httpx.AsyncClient) -> None:
        self._catalog = catalog
        self._services: dict[str, tuple[str, ServiceNames]] = {}

    async def matcher(self) -> ServiceMatcher:
        """Return a matcher with current names; with cached ones if the catalogue is unavailable."""
        with suppress(httpx.HTTPError, ValueError, KeyError):
            await self._refresh()
        return ServiceMatcher(names for _, names in self._services.values())

    async def _refresh(self) -> None:
        listed: dict[str, dict[str, Any]] = {}
        address: str | None = f"{API}/services?limit=100"
        while address is not None and len(listed) < MAX_SERVICES:
            page = (await self._catalog.get(address)).raise_for_status().json()
            listed |= {item["slug"]: item for item in page["items"]}
            address = page["next"]
        for slug, item in listed.items():
            if slug not in self._services or self._services[slug][0] != item["modified_at"]:
                response = await self._catalog.get(f"{API}/services/{slug}")
                service = response.raise_for_status().json()["service"]
                common_names = tuple(service.get("common_names", []))
                names = ServiceNames(slug, item["name"], item["name_en"], common_names)
                self._services[slug] = (item["modified_at"], names)
        self._services = {slug: self._services[slug] for slug in listed}
