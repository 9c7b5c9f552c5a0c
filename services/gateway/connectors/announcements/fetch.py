"""Fetches a website's feed, and loads the names of services that announcements are matched with."""

from contextlib import suppress
from datetime import datetime

import httpx

from services.catalog.client import CatalogClient
from services.gateway.connectors.announcements.feed_parser import find_feed_url, is_page
from services.gateway.connectors.announcements.readable_part import MAX_BYTES
from services.gateway.connectors.announcements.service_matching import ServiceMatcher, ServiceNames
from services.gateway.connectors.source_leases import SourceLease
from services.gateway.outbound.bounded_reading import read_bounded
from services.gateway.outbound.client import ConnectorError, ConnectorResponse
from services.gateway.outbound.response_body import BodyLimit
from services.gateway.outbound.source_clients import SourceClients, cache_validators

ACCEPT = (
    "application/rss+xml, application/atom+xml, application/json;q=0.9, "
    "application/xml;q=0.9, text/xml;q=0.8, text/html;q=0.5"
)
MAX_SERVICES = 2_000
LIMIT = BodyLimit(8 * 1024 * 1024, keeps_beginning=True)
"""Of a feed as received; without pictures `MAX_BYTES` of it are read."""


async def fetch_feed(
    clients: SourceClients, lease: SourceLease
) -> tuple[ConnectorResponse, dict[str, str]] | None:
    """Return a feed with the response's validators; None if it was not modified."""
    url = str(lease.content["url"])
    # Validators belong to the feed. A page that links to it is requested without them.
    validators = dict(lease.validators)
    feed_url = validators.pop("feed", None)
    try:
        response = await clients.fetch(
            lease.slug, feed_url or url, accept=ACCEPT, validators=validators, limit=LIMIT
        )
    except ConnectorError as error:
        if feed_url is None or error.reason != "status":
            raise
        # The site may have been rebuilt: discover its feed again.
        feed_url = None
        response = await clients.fetch(lease.slug, url, accept=ACCEPT, validators={}, limit=LIMIT)
    if response is None:
        return None
    if feed_url is None and is_page(response.body):
        feed_url = await read_bounded(
            lease.slug, find_feed_url, response.body[:MAX_BYTES], url=response.url
        )
        if feed_url is not None:
            response = await clients.fetch(
                lease.slug, feed_url, accept=ACCEPT, validators={}, limit=LIMIT
            )
    if response is None:
        detail = "status 304 to a request without validators"
        raise ConnectorError(lease.slug, "invalid_response", detail)
    return response, cache_validators(response) | ({"feed": feed_url} if feed_url else {})


class ServiceVocabulary:
    """Cached names of the catalogue's services; a service is read again when it was modified."""

    def __init__(self, catalog: httpx.AsyncClient) -> None:
        self._catalog = CatalogClient(catalog)
        self._services: dict[str, tuple[datetime, ServiceNames]] = {}

    async def matcher(self) -> ServiceMatcher:
        """Return a matcher with current names; with cached ones if the catalogue is unavailable."""
        with suppress(httpx.HTTPError):
            await self._refresh()
        return ServiceMatcher(names for _, names in self._services.values())

    async def _refresh(self) -> None:
        current: dict[str, tuple[datetime, ServiceNames]] = {}
        for item in await self._catalog.list_all_services(most=MAX_SERVICES):
            cached = self._services.get(item.slug)
            if cached is None or cached[0] != item.modified_at:
                detail = await self._catalog.find_service(item.slug)
                if detail is None:
                    continue  # withdrawn since the list was read
                common_names = tuple(detail.service.common_names)
                names = ServiceNames(item.slug, item.name, item.name_en, common_names)
                cached = (item.modified_at, names)
            current[item.slug] = self._services[item.slug] = cached
        self._services = current
