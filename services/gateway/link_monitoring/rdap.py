"""RDAP client (RFC 9082, RFC 9083) that looks up when a domain expires."""

import json
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any, cast

import httpx

from services.gateway.link_monitoring.classify import Registration
from services.gateway.outbound.circuit_breaker import BreakerPolicy, CircuitBreaker
from services.gateway.outbound.client import Connector, ConnectorError, TimeoutPolicy
from services.gateway.outbound.ssrf_guard import SsrfGuard
from services.platform.version import VERSION

MAX_QUERIES = 3
"""Maximum number of names queried for a host."""

MAX_RESPONSE_BYTES = 256 * 1024

SERVERS: Mapping[str, str] = {"id": "https://rdap.pandi.id/rdap/"}
"""Base URLs by top-level domain (IANA bootstrap registry, RFC 9224); `.id` is PANDI's."""

# Names are registered below these (the .id section of the Public Suffix List), so their own
# registration is not the portal's. One that is missing here is queried only if every longer name
# is unknown.
PUBLIC_SUFFIXES = frozenset(
    {
        *("ac.id", "biz.id", "co.id", "desa.id", "go.id", "mil.id", "my.id", "net.id", "or.id"),
        *("ponpes.id", "sch.id", "web.id"),
    }
)

HEADERS = {
    "Accept": "application/rdap+json, application/json;q=0.9",
    "User-Agent": f"emall-hub/{VERSION}",
}


def candidate_domains(host: str) -> list[str]:
    """Return the names that may be the registered domain of a host, longest first.

    For `simbg.pu.go.id:8443` these are `simbg.pu.go.id` and `pu.go.id`.
    """
    try:
        name = httpx.URL(f"https://{host}").raw_host.decode("ascii").lower().rstrip(".")
    except httpx.InvalidURL:
        return []
    labels = name.split(".")
    names = [".".join(labels[begin:]) for begin in range(len(labels) - 1)]
    return [name for name in names if name not in PUBLIC_SUFFIXES][-MAX_QUERIES:]


def parse_expiration(body: bytes, name: str) -> datetime | None:
    """Return the expiration date in an RDAP response; None if it contains none.

    Raises `ValueError` if the body is not a response about `name`.
    """
    try:
        parsed = json.loads(body)
    except RecursionError:
        raise ValueError("JSON nested too deeply") from None
    if not isinstance(parsed, dict):
        raise ValueError("not a JSON object")
    response = cast("dict[str, Any]", parsed)
    ldh_name = str(response.get("ldhName", name)).lower().rstrip(".")
    if ldh_name != name:
        raise ValueError(f"response is about {ldh_name[:100]!r}")
    events = response.get("events")
    for event in cast("list[Any]", events) if isinstance(events, list) else []:
        if isinstance(event, dict):
            fields = cast("dict[str, Any]", event)
            if fields.get("eventAction") == "expiration":
                return _parse_timestamp(fields.get("eventDate"))
    return None


def _parse_timestamp(value: object) -> datetime:
    try:
        timestamp = datetime.fromisoformat(str(value))
        if timestamp.tzinfo is None:
            raise ValueError
        return timestamp.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{str(value)[:50]!r} is not an RFC 3339 timestamp") from None


class RdapClient:
    """Client of the configured RDAP servers, one per top-level domain."""

    def __init__(
        self,
        servers: Mapping[str, object],
        guard: SsrfGuard,
        *,
        timeouts: TimeoutPolicy | None = None,
    ) -> None:
        self._connectors = {
            tld.lower().strip("."): Connector(
                f"rdap-{tld}",
                str(url),
                CircuitBreaker(BreakerPolicy(), time.monotonic),
                # No retries: the scheduler queries again in an hour.
                timeouts=timeouts or TimeoutPolicy(attempts=1),
                guard=guard,
                max_response_bytes=MAX_RESPONSE_BYTES,
            )
            for tld, url in servers.items()
        }

    async def close(self) -> None:
        """Close the connections to all servers."""
        async with AsyncExitStack() as stack:
            for connector in self._connectors.values():
                stack.push_async_callback(connector.close)

    async def look_up(self, host: str) -> Registration | None:
        """Return the registration of the domain of a host.

        None if no server is configured for its top-level domain, or if the server has no such
        domain or no expiration date for it. Raises `ConnectorError` if the server gives no usable
        response.
        """
        for name in candidate_domains(host):
            connector = self._connectors.get(name.rpartition(".")[2])
            if connector is None:
                return None
            response = await connector.request(
                "GET", f"domain/{name}", idempotent=True, headers=HEADERS
            )
            # Some servers answer 400 for a name below a registered domain.
            if response.status in {400, 404}:
                continue
            if response.status != 200:
                raise ConnectorError(connector.name, "status", f"status {response.status}")
            try:
                expires_at = parse_expiration(response.body, name)
            except ValueError as error:
                raise ConnectorError(connector.name, "invalid_response", str(error)[:200]) from None
            return None if expires_at is None else Registration(name, expires_at)
        return None
