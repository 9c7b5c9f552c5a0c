"""Delivers events to webhooks, signed according to Standard Webhooks."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from services.gateway.outbound.failures import summarise_error
from services.gateway.outbound.ssrf_guard import PrivateAddressError, SsrfGuard, pin_address
from services.platform.database import Database
from services.platform.derived_keys import derived_key
from services.platform.jobs import LeaseTable, RefusedItems
from services.platform.tls import default_ssl_context
from services.platform.version import VERSION

BATCH = 10
LEASE = timedelta(minutes=1)
"""How long a delivery may take before another replica may repeat it."""
POLL_INTERVAL = timedelta(seconds=2)
TIMEOUT_SECONDS = 10.0

# Standard Webhooks recommends retries over several days.
BACKOFF = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)

DUE_DELIVERIES = LeaseTable(
    "gateway.webhook_delivery",
    ("webhook", "event"),
    lease=LEASE,
    set_also="attempts = t.attempts + 1",
)

PENDING_DELIVERIES = """
-- Deliveries that wait for their next attempt.
SELECT count(*) AS items, min(event.occurred_at) AS oldest
FROM gateway.webhook_delivery delivery
JOIN gateway.webhook_event event ON event.region = :region AND event.id = delivery.event
WHERE delivery.region = :region AND delivery.due_at IS NOT NULL
"""

GIVEN_UP_DELIVERIES = RefusedItems(
    listing="""
    SELECT delivery.webhook || '/' || delivery.event AS item, delivery.given_up_at AS refused_at,
        event.event_type || ': ' || delivery.last_error AS reason
    FROM gateway.webhook_delivery delivery
    JOIN gateway.webhook ON webhook.region = :region AND webhook.id = delivery.webhook
        AND webhook.disabled_at IS NULL
    JOIN gateway.webhook_event event ON event.region = :region AND event.id = delivery.event
    WHERE delivery.region = :region AND delivery.given_up_at IS NOT NULL
    """,
    retry="""
    UPDATE gateway.webhook_delivery SET due_at = now(), attempts = 0, given_up_at = NULL
    WHERE region = :region AND given_up_at IS NOT NULL
        AND webhook || '/' || event = ANY(CAST(:items AS text[]))
    RETURNING webhook || '/' || event AS item
    """,
    discard="""
    DELETE FROM gateway.webhook_delivery
    WHERE region = :region AND given_up_at IS NOT NULL
        AND webhook || '/' || event = ANY(CAST(:items AS text[]))
    RETURNING webhook || '/' || event AS item
    """,
)
"""Deliveries to active webhooks whose last attempt failed, each named `<webhook>/<event>`."""

LOAD_DELIVERIES = """
-- What is delivered, and where to, for deliveries that this process has leased.
SELECT delivery.webhook, webhook.url, webhook.disabled_at IS NOT NULL AS disabled, delivery.event,
    delivery.attempts, event.occurred_at, event.event_type, event.data
FROM unnest(CAST(:webhooks AS uuid[]), CAST(:events AS uuid[])) AS leased (webhook, event)
JOIN gateway.webhook_delivery delivery
    ON delivery.region = :region AND delivery.webhook = leased.webhook
    AND delivery.event = leased.event
JOIN gateway.webhook ON webhook.region = :region AND webhook.id = leased.webhook
JOIN gateway.webhook_event event ON event.region = :region AND event.id = leased.event
"""

MARK_DELIVERED = """
-- Mark a delivery as done.
UPDATE gateway.webhook_delivery SET delivered_at = now(), due_at = NULL, last_error = NULL
WHERE region = :region AND webhook = :webhook AND event = :event
"""

MARK_FAILED = """
-- Schedule the next attempt of a delivery, or give it up if there is no wait.
UPDATE gateway.webhook_delivery SET due_at = now() + CAST(:wait AS interval), last_error = :error,
    given_up_at = CASE WHEN CAST(:wait AS interval) IS NULL THEN now() END
WHERE region = :region AND webhook = :webhook AND event = :event
"""

DISABLE_WEBHOOK = """
-- Disable a webhook and give up its pending deliveries.
WITH disabled AS (
    UPDATE gateway.webhook SET disabled_at = now()
    WHERE region = :region AND id = :webhook AND disabled_at IS NULL RETURNING region, id
), given_up AS (
    UPDATE gateway.webhook_delivery SET due_at = NULL
    FROM disabled WHERE webhook_delivery.region = disabled.region AND webhook = disabled.id
        AND due_at IS NOT NULL
)
SELECT id FROM disabled
"""


@dataclass(frozen=True)
class Delivery:
    """An attempt to deliver an event to a webhook."""

    webhook: UUID
    url: str
    disabled: bool
    event: UUID
    attempts: int
    occurred_at: datetime
    event_type: str
    data: Mapping[str, Any]

    @property
    def payload(self) -> bytes:
        """The request body, in the format of Standard Webhooks."""
        message = {
            "type": self.event_type,
            "timestamp": self.occurred_at.isoformat(),
            "data": self.data,
        }
        return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()


def derive_secret(key: Ed25519PrivateKey, webhook: UUID) -> str:
    """Derive a webhook's secret from the key of secrets, so that no table stores it."""
    derived = derived_key(key, b"emall webhook " + webhook.bytes)
    return "whsec_" + base64.b64encode(derived).decode()


def sign(secret: str, message_id: str, timestamp: int, payload: bytes) -> str:
    """Return the `webhook-signature` header: `v1,` and the base64 HMAC-SHA256 of the message."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + payload
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


DELIVERY_ERRORS = (
    httpx.HTTPError,
    httpx.InvalidURL,  # httpx refuses some host names that the URL model accepts
    PrivateAddressError,
    OSError,
    ValueError,
    TimeoutError,
)


class WebhookDispatcher:
    """Runs due deliveries; each is claimed by one replica through the database."""

    def __init__(
        self,
        database: Database,
        region: str,
        guard: SsrfGuard,
        key: Ed25519PrivateKey,
    ) -> None:
        self._database = database
        self._region = region
        self._guard = guard
        self._key = key

    async def deliver_all_due(self) -> None:
        """Attempt all due deliveries, a batch at a time."""
        while await self.deliver_due() == BATCH:
            pass

    async def deliver_due(self) -> int:
        """Attempt one batch of due deliveries and return its size."""
        async with self._database.write_session() as session:
            leased = await DUE_DELIVERIES.claim(session, self._region, limit=BATCH)
            if not leased:
                return 0
            rows = await session.execute(
                text(LOAD_DELIVERIES),
                {
                    "region": self._region,
                    "webhooks": [row.webhook for row in leased],
                    "events": [row.event for row in leased],
                },
            )
            deliveries = [Delivery(**row) for row in rows.mappings()]
        await asyncio.gather(*(self._deliver(delivery) for delivery in deliveries))
        return len(deliveries)

    async def _deliver(self, delivery: Delivery) -> None:
        status, error = (410, "") if delivery.disabled else await self._send(delivery)
        webhook_key: dict[str, Any] = {"region": self._region, "webhook": delivery.webhook}
        delivery_key = webhook_key | {"event": delivery.event}
        async with self._database.write_session() as session:
            if status is not None and 200 <= status < 300:
                await session.execute(text(MARK_DELIVERED), delivery_key)
                return
            wait = BACKOFF[delivery.attempts - 1] if delivery.attempts <= len(BACKOFF) else None
            # 410 Gone: the receiver asks not to be called again (Standard Webhooks).
            is_gone = status == 410
            values = {
                "wait": None if is_gone else wait,
                "error": f"status {status}" if status is not None else error,
            }
            await session.execute(text(MARK_FAILED), delivery_key | values)
            if is_gone:
                await session.execute(text(DISABLE_WEBHOOK), webhook_key)

    async def _send(self, delivery: Delivery) -> tuple[int | None, str]:
        """Send a delivery; return the response's status, or None and the error."""
        payload, timestamp = delivery.payload, int(datetime.now(UTC).timestamp())
        message_id = str(delivery.event)
        secret = derive_secret(self._key, delivery.webhook)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"emall-hub/{VERSION}",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(secret, message_id, timestamp, payload),
            "Connection": "close",
        }
        timeout = {"timeout": httpx.Timeout(TIMEOUT_SECONDS).as_dict()}
        try:
            request = httpx.Request(
                "POST", delivery.url, content=payload, headers=headers, extensions=timeout
            )
            async with (
                asyncio.timeout(2 * TIMEOUT_SECONDS),
                httpx.AsyncClient(
                    verify=default_ssl_context(), trust_env=False, follow_redirects=False
                ) as client,
            ):
                [address, *_] = await self._guard.resolve(request.url)
                response = await client.send(pin_address(request, address), stream=True)
                await response.aclose()
                return response.status_code, ""
        except DELIVERY_ERRORS as error:
            return None, summarise_error(error)
