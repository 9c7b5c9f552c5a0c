"""Tells webhooks of changes: signed as Standard Webhooks has it, kept until delivered."""

import asyncio
import base64
import hashlib
import hmac
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from services.gateway.outbound.failures import reason_of
from services.gateway.outbound.ssrf_guard import Guard, PrivateAddressError, to_address
from services.platform.database import DATABASE_ERRORS, Database
from services.platform.derived_keys import derived_key
from services.platform.jobs import BackgroundJob
from services.platform.version import VERSION

log = logging.getLogger(__name__)

BATCH = 10
LEASE = timedelta(minutes=1)
PAUSE_SECONDS = 2.0
WAIT_SECONDS = 10.0

# Standard Webhooks suggests a few days of patience.
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

TAKE = """
-- Deliveries that are due, for this process alone until their lease ends. Materialized, for a plan
-- may ask a subquery twice, and each time other rows are the first that are not locked.
WITH due AS MATERIALIZED (
    SELECT webhook, change FROM gateway.webhook_delivery
    WHERE region = :region AND due_at <= now()
    ORDER BY due_at LIMIT :batch FOR UPDATE SKIP LOCKED
)
UPDATE gateway.webhook_delivery SET attempts = attempts + 1, due_at = now() + :lease
FROM due
JOIN gateway.webhook ON webhook.region = :region AND webhook.id = due.webhook
JOIN gateway.link_change change ON change.region = :region AND change.id = due.change
WHERE webhook_delivery.region = :region AND webhook_delivery.webhook = due.webhook
    AND webhook_delivery.change = due.change
RETURNING due.webhook, webhook.url, webhook.ended_at IS NOT NULL AS ended, due.change,
    webhook_delivery.attempts, change.at, change.kind, change.content
"""

DELIVERED = """
-- A delivery that arrived.
UPDATE gateway.webhook_delivery SET delivered_at = now(), due_at = NULL, last_error = NULL
WHERE region = :region AND webhook = :webhook AND change = :change
"""

FAILED = """
-- A delivery that did not arrive; it is tried again, or given up.
UPDATE gateway.webhook_delivery SET due_at = now() + CAST(:wait AS interval), last_error = :error
WHERE region = :region AND webhook = :webhook AND change = :change
"""

END = """
-- Ends a webhook; what waits for it is dropped.
WITH ended AS (
    UPDATE gateway.webhook SET ended_at = now()
    WHERE region = :region AND id = :webhook AND ended_at IS NULL RETURNING region, id
), dropped AS (
    UPDATE gateway.webhook_delivery SET due_at = NULL
    FROM ended WHERE webhook_delivery.region = ended.region AND webhook = ended.id
        AND due_at IS NOT NULL
)
SELECT id FROM ended
"""


@dataclass(frozen=True)
class Delivery:
    """A change on its way to a webhook."""

    webhook: UUID
    url: str
    ended: bool
    change: UUID
    attempts: int
    at: datetime
    kind: str
    content: Mapping[str, Any]

    @property
    def payload(self) -> bytes:
        message = {"type": self.kind, "timestamp": self.at.isoformat(), "data": self.content}
        return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()


def secret_of(key: Ed25519PrivateKey, webhook: UUID) -> str:
    """The secret of a webhook, derived from the gateway's key so that no table holds it."""
    derived = derived_key(key, b"emall webhook " + webhook.bytes)
    return "whsec_" + base64.b64encode(derived).decode()


def signature(secret: str, message_id: str, at: int, payload: bytes) -> str:
    """`v1,<base64>` over id, time and payload, as Standard Webhooks has it."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{at}.".encode() + payload
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


class Messenger(BackgroundJob):
    """Delivers changes to webhooks; any number of replicas share the work."""

    name = "deliver webhooks"

    def __init__(
        self,
        database: Database,
        region: str,
        guard: Guard,
        key: Ed25519PrivateKey,
        *,
        pause: float = PAUSE_SECONDS,
    ) -> None:
        self._database = database
        self._region = region
        self._guard = guard
        self._key = key
        self._pause = pause

    async def run(self) -> None:
        while True:
            try:
                while await self.deliver() == BATCH:
                    pass
            except DATABASE_ERRORS as error:
                log.warning("webhooks wait: the database does not answer: %s", error)
            await asyncio.sleep(self._pause)

    async def deliver(self) -> int:
        """Tries what is due, a batch at a time; how many there were."""
        async with self._database.write_session() as session:
            rows = await session.execute(
                text(TAKE), {"region": self._region, "batch": BATCH, "lease": LEASE}
            )
            taken = [Delivery(**row) for row in rows.mappings()]
        await asyncio.gather(*(self._deliver_one(delivery) for delivery in taken))
        return len(taken)

    async def _deliver_one(self, delivery: Delivery) -> None:
        status, error = (410, "") if delivery.ended else await self._send(delivery)
        of_delivery: dict[str, Any] = {
            "region": self._region,
            "webhook": delivery.webhook,
            "change": delivery.change,
        }
        async with self._database.write_session() as session:
            if status is not None and 200 <= status < 300:
                await session.execute(text(DELIVERED), of_delivery)
                return
            wait = BACKOFF[delivery.attempts - 1] if delivery.attempts <= len(BACKOFF) else None
            gone = status == 410
            said = f"status {status}" if status is not None else error
            await session.execute(
                text(FAILED), of_delivery | {"wait": None if gone else wait, "error": said}
            )
            if gone:
                # The receiver says so for good (Standard Webhooks, "deliverability").
                ended = {"region": self._region, "webhook": delivery.webhook}
                await session.execute(text(END), ended)

    async def _send(self, delivery: Delivery) -> tuple[int | None, str]:
        """The status of the answer, or why there was none."""
        payload, at = delivery.payload, int(datetime.now(UTC).timestamp())
        message_id = str(delivery.change)
        secret = secret_of(self._key, delivery.webhook)
        request = httpx.Request(
            "POST",
            delivery.url,
            content=payload,
            headers={
                "Content-Type": "application/json",
                "User-Agent": f"emall-hub/{VERSION}",
                "webhook-id": message_id,
                "webhook-timestamp": str(at),
                "webhook-signature": signature(secret, message_id, at, payload),
                "Connection": "close",
            },
            extensions={"timeout": httpx.Timeout(WAIT_SECONDS).as_dict()},
        )
        try:
            async with (
                asyncio.timeout(2 * WAIT_SECONDS),
                httpx.AsyncClient(trust_env=False, follow_redirects=False) as client,
            ):
                [address, *_] = await self._guard.addresses_of(request.url)
                answer = await client.send(to_address(request, address), stream=True)
                await answer.aclose()
                return answer.status_code, ""
        except (httpx.HTTPError, PrivateAddressError, OSError, ValueError, TimeoutError) as error:
            return None, reason_of(error)
