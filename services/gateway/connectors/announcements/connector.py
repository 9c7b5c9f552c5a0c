"""The connector that reads announcements of websites."""

from datetime import UTC, datetime

from pydantic import Field

from services.gateway.connectors.announcements.announcement import read_announcements
from services.gateway.connectors.announcements.fetch import ServiceVocabulary, fetch_feed
from services.gateway.connectors.announcements.item import FeedParseError
from services.gateway.connectors.announcements.readable_part import readable_part
from services.gateway.connectors.announcements.store import delete_announcements, store_items
from services.gateway.connectors.base import (
    ConnectorContext,
    FetchResult,
    SourceConfig,
    SourceConnector,
)
from services.gateway.connectors.source_leases import SourceLease
from services.gateway.outbound.bounded_reading import read_bounded
from services.gateway.outbound.client import ConnectorError
from services.platform.database import WriteSession
from services.platform.types import HttpsUrl

MAX_NOTICES = 5


class WebsiteConfig(SourceConfig):
    """A website whose announcements the hub shows."""

    url: HttpsUrl = Field(
        description="A feed (RSS, Atom, WordPress JSON), or a page that links to one in its head."
    )


class WebsiteConnector(SourceConnector):
    """Fetches feeds of websites and stores their items as announcements."""

    kind = "feed"
    section = "feeds"
    config = WebsiteConfig

    def __init__(self, context: ConnectorContext) -> None:
        self._clients = context.source_clients
        self._region = context.settings.region
        self._local_time = context.local_time
        self._vocabulary = ServiceVocabulary(context.catalog)

    async def fetch(self, lease: SourceLease) -> FetchResult:
        """Fetch a feed, and match its items with the catalogue's services."""
        fetched = await fetch_feed(self._clients, lease)
        if fetched is None:
            return FetchResult("not modified", lease.validators)
        response, validators = fetched
        part = readable_part(response.body, is_cut=response.is_cut)
        try:
            feed = await read_bounded(
                lease.slug,
                read_announcements,
                part,
                url=response.url,
                zone=self._local_time.zone,
                matcher=await self._vocabulary.matcher(),
                now=datetime.now(UTC),
            )
        except FeedParseError as error:
            # Of a feed that is larger than the hub reads, no item may be whole.
            reason = "too_large" if part.notices else "invalid_response"
            raise ConnectorError(lease.slug, reason, str(error)) from None

        async def store(session: WriteSession, now: datetime) -> None:
            await store_items(session, self._region, lease.slug, feed.announcements, now=now)

        detail = "; ".join([f"{len(feed.announcements)} items", *feed.notices[:MAX_NOTICES]])
        return FetchResult(detail, validators, store)

    @classmethod
    async def delete_content(cls, session: WriteSession, region: str, slug: str) -> None:
        """Delete the announcements of a website that left the pack."""
        await delete_announcements(session, region, slug)
