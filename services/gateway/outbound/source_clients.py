"""HTTP clients of the pack's sources, one per source, with conditional requests."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from services.gateway.outbound.circuit_breaker import BreakerPolicy, CircuitBreaker
from services.gateway.outbound.client import (
    Connector,
    ConnectorError,
    ConnectorResponse,
    TimeoutPolicy,
)
from services.gateway.outbound.last_known import LastKnownStore
from services.gateway.outbound.response_body import BodyLimit
from services.gateway.outbound.ssrf_guard import SsrfGuard
from services.platform.database import Database
from services.platform.settings import Settings
from services.platform.version import VERSION

MAX_RESPONSE_BYTES = 2 * 1024 * 1024
BREAKER_POLICY = BreakerPolicy(window=3600, min_calls=5, failure_ratio=0.5, reset_timeout=60)
"""A source is polled a few times an hour, so its window is longer than that of OSS."""
USER_AGENT = f"emall-hub/{VERSION} (announcements and statistics)"
VALIDATORS = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}
"""Response headers and the request headers that send them back."""


@dataclass(frozen=True)
class SourceClient:
    """The connector of a source and its shared state."""

    connector: Connector
    last_known: LastKnownStore


class SourceClients:
    """The clients of all sources, each created on first use."""

    def __init__(self, settings: Settings, database: Database, guard: SsrfGuard) -> None:
        self._settings = settings
        self._database = database
        self._guard = guard
        self._clients: dict[str, SourceClient] = {}

    def get(self, slug: str) -> SourceClient:
        """Return the client of a source.

        It has no base URL: `fetch` gets the URL each time, because loading a pack may change it.
        """
        if slug not in self._clients:
            last_known = LastKnownStore(self._database, self._settings.region, slug)
            connector = Connector(
                slug,
                "",
                CircuitBreaker(BREAKER_POLICY, time.monotonic),
                timeouts=TimeoutPolicy(total=self._settings.connector_timeout_seconds),
                load_override=last_known.override,
                guard=self._guard,
                max_response_bytes=MAX_RESPONSE_BYTES,
            )
            self._clients[slug] = SourceClient(connector, last_known)
        return self._clients[slug]

    def clients(self) -> dict[str, SourceClient]:
        """Return the clients of the sources used so far."""
        return dict(self._clients)

    async def close(self) -> None:
        """Close the connections of all clients."""
        for client in self._clients.values():
            await client.connector.close()

    async def fetch(
        self,
        slug: str,
        url: str,
        *,
        accept: str,
        validators: Mapping[str, str],
        header: str | None = None,
        limit: BodyLimit | None = None,
    ) -> ConnectorResponse | None:
        """Return the response of a source, or None if it has not changed (304).

        `limit` is that of its body, by default `MAX_RESPONSE_BYTES`; `validators` are those of the
        last response; `header` names the request header that carries the source's secret. Raises
        `ConnectorError` for a status other than 200 and 304.
        """
        headers = {
            "User-Agent": USER_AGENT,
            "Accept": accept,
            **{
                request_header: validators[response_header]
                for response_header, request_header in VALIDATORS.items()
                if response_header in validators
            },
        }
        secrets = self._settings.source_secrets or {}
        if header is not None and slug in secrets:
            headers[header] = secrets[slug].get_secret_value()
        connector = self.get(slug).connector
        response = await connector.request(
            "GET", url, idempotent=True, headers=headers, limit=limit
        )
        if response.status == 304:
            return None
        if response.status != 200:
            raise ConnectorError(slug, "status", f"status {response.status}")
        return response


def cache_validators(response: ConnectorResponse) -> dict[str, str]:
    """Return the validators of a response that the next request may send back (RFC 9110)."""
    return {
        name: value
        for name in VALIDATORS
        if (value := response.headers.get(name)) and len(value) <= 200 and value.isprintable()
    }
