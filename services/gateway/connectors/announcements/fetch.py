"""Visits a website: finds its feed, reads it, and keeps what it announces."""

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
MOST_SERVICES = 2_000


async def fetch_items(
    ways: SourceClients, claim: SourceLease
) -> tuple[list[FeedItem], dict[str, str]] | None:
    """The items of a feed with the validators of the answer; None where nothing changed."""
    url = str(claim.content["url"])
    # Validators belong to the feed; where a page leads to it, the page is asked for whole.
    validators = dict(claim.validators)
    found_at = validators.pop("feed", None)
    try:
        answer = await ways.fetch(claim.slug, found_at or url, accept=ACCEPT, validators=validators)
    except ConnectorError as error:
        if found_at is None or error.reason != "status":
            raise
        # The site may have been rebuilt: look for its feed again.
        found_at = None
        answer = await ways.fetch(claim.slug, url, accept=ACCEPT, validators={})
    if answer is None:
        return None
    if found_at is None and (feed := find_feed_url(answer.body, url=answer.url)) is not None:
        found_at = feed
        answer = await ways.fetch(claim.slug, feed, accept=ACCEPT, validators={})
        if answer is None:
            raise ConnectorError(
                claim.slug, "invalid_response", "it says 304 to what was not asked before"
            )
    try:
        items = await asyncio.to_thread(parse_feed, answer.body, url=answer.url)
    except FeedParseError as error:
        raise ConnectorError(claim.slug, "invalid_response", str(error)) from None
    return items, cache_validators(answer) | ({"feed": found_at} if found_at else {})


class ServiceVocabulary:
    """What the catalogue calls its services; a service is read again when it has a new version."""

    def __init__(self, catalog: httpx.AsyncClient) -> None:
        self._catalog = catalog
        self._known: dict[str, tuple[str, ServiceNames]] = {}

    async def matcher(self) -> ServiceMatcher:
        """The words by now; those known before where the catalogue does not answer."""
        with suppress(httpx.HTTPError, ValueError, KeyError):
            await self._refresh()
        return ServiceMatcher(named for _, named in self._known.values())

    async def _refresh(self) -> None:
        listed: dict[str, dict[str, Any]] = {}
        address: str | None = f"{API}/services?limit=100"
        while address is not None and len(listed) < MOST_SERVICES:
            page = (await self._catalog.get(address)).raise_for_status().json()
            listed |= {item["slug"]: item for item in page["items"]}
            address = page["next"]
        for slug, item in listed.items():
            if slug not in self._known or self._known[slug][0] != item["modified_at"]:
                answer = await self._catalog.get(f"{API}/services/{slug}")
                words = answer.raise_for_status().json()["service"].get("common_names", [])
                named = ServiceNames(slug, item["name"], item["name_en"], tuple(words))
                self._known[slug] = (item["modified_at"], named)
        self._known = {slug: self._known[slug] for slug in listed}
