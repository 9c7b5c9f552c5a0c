"""Queries and messages to OSS, with the last known answer if OSS is unavailable."""

import hashlib
import hmac
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.gateway.connectors.oss.client import OssClient, OssRejectedError, is_failure
from services.gateway.connectors.oss.messages import Outbound
from services.gateway.outbound.circuit_breaker import BreakerPolicy, CircuitBreaker
from services.gateway.outbound.client import Connector, ConnectorError, TimeoutPolicy
from services.gateway.outbound.json_body import MAX_BYTES
from services.gateway.outbound.last_known import CachedAnswer, LastKnownStore
from services.platform.database import DATABASE_ERRORS, Database
from services.platform.derived_keys import derived_key
from services.platform.problems import NotFound, Unavailable
from services.platform.settings import Settings


@dataclass(frozen=True)
class OssAnswer:
    """An answer of OSS, and whether OSS gave it now."""

    content: Any
    fetched_at: datetime
    fresh: bool

    @property
    def fields(self) -> dict[str, Any]:
        """Return the fields by the names of the guide; empty if the content is not an object."""
        return self.content if isinstance(self.content, dict) else {}

    @property
    def age_seconds(self) -> int:
        """Return the age of the answer."""
        return max(round((datetime.now(UTC) - self.fetched_at).total_seconds()), 0)


class OssService:
    """OSS as the hub's routes use it."""

    def __init__(self, client: OssClient, last_known: LastKnownStore, key: bytes) -> None:
        self.client = client
        self.last_known = last_known
        self._key = key

    async def query(
        self,
        message: Outbound,
        fields: dict[str, Any],
        *,
        select: tuple[str, ...],
        store: bool = True,
    ) -> OssAnswer:
        """Return OSS's answer, or the last known one if OSS is unavailable.

        Args:
            message: The query.
            fields: Its fields.
            select: Fields of the answer to return and to store; the others are dropped.
            store: Whether the answer may be stored; if not, there is no last known answer.

        Raises:
            NotFound: OSS does not know the subject of the query.
            Unavailable: OSS gave no usable answer, and none is stored.
        """
        question = self._question(message, fields)
        try:
            content = await self.client.send(message, fields)
        except OssRejectedError as error:
            if error.code == "400":
                raise NotFound(f"OSS does not know it: {error.description}") from None
            raise oss_unavailable(str(error), reason="rejected", kode=error.code) from None
        except ConnectorError as error:
            cached = await self._last_known(question) if store else None
            if cached is None:
                raise oss_unavailable(error.detail, reason=error.reason) from None
            return OssAnswer(cached.content, cached.fetched_at, fresh=False)
        data = next((part for part in content.values() if isinstance(part, dict | list)), {})
        selected = {name: data.get(name) for name in select} if isinstance(data, dict) else data
        now = datetime.now(UTC)
        if store:
            # The answer is returned even if it cannot be stored.
            with suppress(*DATABASE_ERRORS):
                await self.last_known.put(question, selected, now=now)
        return OssAnswer(selected, now, fresh=True)

    async def submit(self, message: Outbound, fields: dict[str, Any]) -> dict[str, Any]:
        """Send a message once: a lost one may have arrived, so it is not repeated.

        Raises:
            Unavailable: OSS rejected the message, or gave no usable answer.
        """
        try:
            return await self.client.send(message, fields)
        except OssRejectedError as error:
            raise oss_unavailable(str(error), reason="rejected", kode=error.code) from None
        except ConnectorError as error:
            detail = f"{error.detail}; OSS may have received it, query the status first"
            raise oss_unavailable(detail, reason=error.reason) from None

    async def _last_known(self, question: str) -> CachedAnswer | None:
        try:
            return await self.last_known.get(question)
        except DATABASE_ERRORS:
            return None

    def _question(self, message: str, fields: dict[str, Any]) -> str:
        """Return a name for a query that does not reveal the number of a business."""
        plain = "|".join(f"{name}={fields[name]}" for name in sorted(fields))
        digest = hmac.new(self._key, plain.encode("utf-8", "replace"), hashlib.sha256)
        return f"{message}:{digest.hexdigest()}"


def oss_unavailable(detail: str, *, reason: str, kode: str | None = None) -> Unavailable:
    """Return the problem of an unusable answer of OSS."""
    extra = {"portal": "oss", "reason": reason} | ({"kode": kode} if kode else {})
    return Unavailable(f"OSS gave no usable answer: {detail}", retry_after=30, extra=extra)


def create_oss_service(
    settings: Settings, database: Database, key: Ed25519PrivateKey
) -> OssService | None:
    """Return the service of OSS; None if `EMALL_OSS_URL` is not set."""
    if settings.oss_url is None:
        return None
    last_known = LastKnownStore(database, settings.region, "oss")
    connector = Connector(
        "oss",
        str(settings.oss_url).rstrip("/"),
        CircuitBreaker(BreakerPolicy(), time.monotonic),
        timeouts=TimeoutPolicy(total=settings.connector_timeout_seconds),
        is_failure=is_failure,
        load_override=last_known.override,
        max_response_bytes=MAX_BYTES,
    )
    user_key = settings.oss_user_key.get_secret_value() if settings.oss_user_key else ""
    client = OssClient(connector, user_key=user_key)
    return OssService(client, last_known, derived_key(key, b"emall oss"))
