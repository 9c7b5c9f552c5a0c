"""Click statistics of redirects: an outbox table holds events until feedback has stored them.

While the database is away they wait on disk, and are counted as lost only where that fails too.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from pydantic import TypeAdapter, ValidationError

from services.feedback.client import FeedbackClient, UsageEvent
from services.gateway.link_monitoring.clicks.visit_identity import identify_visit
from services.platform.database import DATABASE_ERRORS, Database, is_connection_lost
from services.platform.disk_spool import DiskSpool
from services.platform.jobs import ItemRefusedError, Outbox
from services.platform.service_client import REFUSED, RequestRejectedError

BATCH_SIZE = 500
DELIVERY_INTERVAL = timedelta(seconds=5)
STORE_SECONDS = 0.5
"""How long a redirect waits for the database to store its event."""

EVENTS = TypeAdapter(list[UsageEvent])


class ClickOutbox:
    """Records clicks and delivers them to feedback; ids make deliveries idempotent."""

    def __init__(
        self, database: Database, region: str, feedback: httpx.AsyncClient, spool: DiskSpool
    ) -> None:
        self.spool = spool
        """Events that the database could not store."""
        self._feedback = FeedbackClient(feedback)
        self._database = database
        self.outbox = Outbox(
            database,
            region,
            table="gateway.click_outbox",
            column="event",
            batch=BATCH_SIZE,
            deliver=self._deliver,
        )

    async def record_click(
        self, *, link: str, service: str | None, headers: Mapping[str, str]
    ) -> None:
        """Record a click on a portal's link; `headers` are those of its request."""
        await self._store(
            headers,
            kind="click_out",
            source="gateway",
            link=link,
            service=service,
            channel="online",
        )

    async def record_poster_arrival(
        self, *, poster: str, service: str | None, agency: str | None, headers: Mapping[str, str]
    ) -> None:
        """Record a visit that came from the poster with this code."""
        await self._store(
            headers,
            kind="page_view",
            source="poster",
            link=f"poster-{poster}",
            service=service,
            agency=agency,
        )

    async def _store(self, headers: Mapping[str, str], **fields: str | None) -> None:
        """Store an event; if the database does not take it soon, it waits on disk.

        If that fails too, it is counted as lost, but the redirect works.
        """
        event_id, at = identify_visit(headers, *fields.values(), now=datetime.now(UTC))
        event = UsageEvent.model_validate({"id": event_id, "occurred_at": at, **fields})
        message = event.model_dump(mode="json")
        try:
            async with asyncio.timeout(STORE_SECONDS):
                await self.outbox.add(message)
        except DATABASE_ERRORS as error:
            if is_connection_lost(error) and not isinstance(error, TimeoutError):
                self._database.failed(error)
            await self.spool.add(message)

    async def store_spooled(self) -> None:
        """Store the events that wait on disk, also those of processes that have ended."""
        await self.spool.store_waiting(lambda events: self.outbox.add(*events), batch=BATCH_SIZE)

    async def _deliver(self, events: Sequence[Mapping[str, Any]]) -> None:
        try:
            await self._feedback.submit_events(EVENTS.validate_python(events))
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            place = "/".join(str(part) for part in first["loc"])
            raise ItemRefusedError(f"no usage event: {place}: {first['msg']}") from None
        except RequestRejectedError as error:
            if error.status not in REFUSED:
                raise
            raise ItemRefusedError(error.reasons) from None
