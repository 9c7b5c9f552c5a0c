"""Asks sources of the pack: each through a connector of its own, whole or only what changed."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from services.gateway.outbound.circuit_breaker import Breaker, Rule
from services.gateway.outbound.client import Answer, Connector, ConnectorError, Patience
from services.gateway.outbound.last_known import Memory
from services.gateway.outbound.ssrf_guard import Guard
from services.platform.database import Database
from services.platform.settings import Settings
from services.platform.version import VERSION

MOST_BYTES = 2 * 1024 * 1024
RULE = Rule(window=3600, minimum=5, ratio=0.5, rest=60)
"""A source is asked a few times an hour: the window of a breaker for it is longer than OSS's."""
AGENT = f"emall-hub/{VERSION} (announcements and statistics)"
VALIDATORS = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}


@dataclass(frozen=True)
class Way:
    """The connector of a source and what all replicas know of it."""

    connector: Connector
    memory: Memory


class Ways:
    """The ways to all sources, each made when it is first used."""

    def __init__(self, settings: Settings, database: Database, guard: Guard) -> None:
        self._settings = settings
        self._database = database
        self._guard = guard
        self._ways: dict[str, Way] = {}

    def to(self, slug: str) -> Way:
        """The way to a source; its address is asked for anew each time, for a pack may change."""
        if slug not in self._ways:
            memory = Memory(self._database, self._settings.region, slug)
            connector = Connector(
                slug,
                "",
                Breaker(RULE, time.monotonic),
                patience=Patience(whole=self._settings.connector_timeout_seconds),
                switched=memory.switched,
                guard=self._guard,
                most_bytes=MOST_BYTES,
            )
            self._ways[slug] = Way(connector, memory)
        return self._ways[slug]

    async def close(self) -> None:
        for way in self._ways.values():
            await way.connector.close()

    async def ask(
        self,
        slug: str,
        url: str,
        *,
        accept: str,
        validators: Mapping[str, str],
        header: str | None = None,
    ) -> Answer | None:
        """The whole answer; None where nothing changed since the answer known last."""
        headers = {
            "User-Agent": AGENT,
            "Accept": accept,
            **{asked: validators[said] for said, asked in VALIDATORS.items() if said in validators},
        }
        secrets = self._settings.source_secrets or {}
        if header is not None and slug in secrets:
            headers[header] = secrets[slug].get_secret_value()
        answer = await self.to(slug).connector.ask("GET", url, idempotent=True, headers=headers)
        if answer.status == 304:
            return None
        if answer.status != 200:
            raise ConnectorError(slug, "status", f"status {answer.status}")
        return answer


def validators_of(answer: Answer) -> dict[str, str]:
    """By what the next question may say that this answer is known."""
    return {
        name: value
        for name in VALIDATORS
        if (value := answer.headers.get(name)) and len(value) <= 200 and value.isprintable()
    }
