"""Where the hub deals with OSS: asks it, and falls back on the answer known last."""

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
from services.gateway.outbound.last_known import CachedAnswer, LastKnownStore
from services.platform.database import DATABASE_ERRORS, Database
from services.platform.derived_keys import derived_key
from services.platform.problems import NotFound, Unavailable
from services.platform.settings import Settings


@dataclass(frozen=True)
class OssAnswer:
    """What OSS said, and whether it said it now."""

    content: Any
    at: datetime
    fresh: bool

    @property
    def fields(self) -> dict[str, Any]:
        """What it said, by the names of the guide; nothing where it said something else."""
        return self.content if isinstance(self.content, dict) else {}

    @property
    def age_seconds(self) -> int:
        return max(round((datetime.now(UTC) - self.at).total_seconds()), 0)


class OssService:
    """OSS as the hub's routes use it."""

    def __init__(self, oss: OssClient, memory: LastKnownStore, key: bytes) -> None:
        self.oss = oss
        self.memory = memory
        self._key = key

    async def query(
        self,
        message: Outbound,
        fields: dict[str, Any],
        *,
        keep: tuple[str, ...],
        remember: bool = True,
    ) -> OssAnswer:
        """OSS's answer, or the one known last; of an answer only the fields in `keep` are kept.

        What is not to be remembered is not answered from memory.
        """
        question = self._question(message, fields)
        try:
            content = await self.oss.send(message, fields)
        except OssRejectedError as error:
            if error.code == "400":
                raise NotFound(f"OSS does not know it: {error.said}") from None
            raise unavailable(str(error), reason="refused_by_oss", kode=error.code) from None
        except ConnectorError as error:
            known = await self._recall(question) if remember else None
            if known is None:
                raise unavailable(error.detail, reason=error.reason) from None
            return OssAnswer(known.content, known.fetched_at, fresh=False)
        data = next((part for part in content.values() if isinstance(part, dict | list)), {})
        kept = {name: data.get(name) for name in keep} if isinstance(data, dict) else data
        now = datetime.now(UTC)
        if remember:
            # The answer is there, whatever becomes of its memory.
            with suppress(*DATABASE_ERRORS):
                await self.memory.put(question, kept, now=now)
        return OssAnswer(kept, now, fresh=True)

    async def submit(self, message: Outbound, fields: dict[str, Any]) -> dict[str, Any]:
        """Sends a message once: nobody knows whether a lost one arrived."""
        try:
            return await self.oss.send(message, fields)
        except OssRejectedError as error:
            raise unavailable(str(error), reason="refused_by_oss", kode=error.code) from None
        except ConnectorError as error:
            detail = f"{error.detail}; OSS may have it all the same, ask for its status first"
            raise unavailable(detail, reason=error.reason) from None

    async def _recall(self, question: str) -> CachedAnswer | None:
        try:
            return await self.memory.get(question)
        except DATABASE_ERRORS:
            return None

    def _question(self, message: str, fields: dict[str, Any]) -> str:
        """A name for a question from which nobody reads a number of a business."""
        asked = "|".join(f"{name}={fields[name]}" for name in sorted(fields))
        digest = hmac.new(self._key, asked.encode("utf-8", "replace"), hashlib.sha256)
        return f"{message}:{digest.hexdigest()}"


def unavailable(detail: str, *, reason: str, kode: str | None = None) -> Unavailable:
    extra = {"portal": "oss", "reason": reason} | ({"kode": kode} if kode else {})
    return Unavailable(
        f"OSS gives no answer that can be used: {detail}",
        retry_after=30,
        extra=extra,
    )


def create_oss_service(
    settings: Settings, database: Database, key: Ed25519PrivateKey
) -> OssService | None:
    """The way to OSS; None where it is not connected."""
    if settings.oss_url is None:
        return None
    memory = LastKnownStore(database, settings.region, "oss")
    connector = Connector(
        "oss",
        str(settings.oss_url).rstrip("/"),
        CircuitBreaker(BreakerPolicy(), time.monotonic),
        timeouts=TimeoutPolicy(total=settings.connector_timeout_seconds),
        is_failure=is_failure,
        load_override=memory.override,
    )
    user_key = settings.oss_user_key.get_secret_value() if settings.oss_user_key else ""
    return OssService(
        OssClient(connector, user_key=user_key), memory, derived_key(key, b"emall oss")
    )
