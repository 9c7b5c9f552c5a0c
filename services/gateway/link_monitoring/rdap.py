"""Asks the registry of a domain, by RDAP (RFC 9082, RFC 9083), until when it is registered."""

import json
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any, cast

import httpx

from services.gateway.link_monitoring.classify import Registration
from services.gateway.outbound.circuit_breaker import Breaker, Rule
from services.gateway.outbound.client import Connector, ConnectorError, Patience
from services.gateway.outbound.ssrf_guard import Guard
from services.platform.version import VERSION

ASKS = 3
"""So many names of a host are asked for at most."""

MOST_BYTES = 256 * 1024

SERVERS: Mapping[str, str] = {"id": "https://rdap.pandi.id/rdap/"}
"""By top-level domain, as in the bootstrap registry of IANA (RFC 9224); that of `.id` is PANDI."""

# Names are registered below these (the .id section of the Public Suffix List); what a registry
# would say of one of them itself is not about the portal. Were one missing here, it would be asked
# for only where every longer name is unknown.
SHARED = frozenset(
    {
        *("ac.id", "biz.id", "co.id", "desa.id", "go.id", "mil.id", "my.id", "net.id", "or.id"),
        *("ponpes.id", "sch.id", "web.id"),
    }
)

HEADERS = {
    "Accept": "application/rdap+json, application/json;q=0.9",
    "User-Agent": f"emall-hub/{VERSION}",
}


def names_to_ask(host: str) -> list[str]:
    """The names that may be the registered domain of a host, longest first.

    Of `simbg.pu.go.id:8443` these are `simbg.pu.go.id` and `pu.go.id`.
    """
    try:
        name = httpx.URL(f"https://{host}").raw_host.decode("ascii").lower().rstrip(".")
    except httpx.InvalidURL:
        return []
    labels = name.split(".")
    names = [".".join(labels[begin:]) for begin in range(len(labels) - 1)]
    return [name for name in names if name not in SHARED][-ASKS:]


def expiration_in(body: bytes, name: str) -> datetime | None:
    """When the registration in an answer ends, None where it does not say.

    `ValueError` for what is no answer about this name.
    """
    try:
        found = json.loads(body)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")
    answer = cast("dict[str, Any]", found)
    told = str(answer.get("ldhName", name)).lower().rstrip(".")
    if told != name:
        raise ValueError(f"it speaks of {told[:100]!r}")
    events = answer.get("events")
    for event in cast("list[Any]", events) if isinstance(events, list) else []:
        if isinstance(event, dict):
            said = cast("dict[str, Any]", event)
            if said.get("eventAction") == "expiration":
                return _moment(said.get("eventDate"))
    return None


def _moment(written: object) -> datetime:
    try:
        moment = datetime.fromisoformat(str(written))
        if moment.tzinfo is None:
            raise ValueError
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{str(written)[:50]!r} is no time of RFC 3339") from None


class Registries:
    """The RDAP servers that the hub knows, by top-level domain."""

    def __init__(
        self, servers: Mapping[str, object], guard: Guard, *, patience: Patience | None = None
    ) -> None:
        self._connectors = {
            tld.lower().strip("."): Connector(
                f"rdap-{tld}",
                str(url),
                Breaker(Rule(), time.monotonic),
                # Tomorrow, or in an hour, is early enough for another attempt.
                patience=patience or Patience(attempts=1),
                guard=guard,
                most_bytes=MOST_BYTES,
            )
            for tld, url in servers.items()
        }

    async def close(self) -> None:
        async with AsyncExitStack() as stack:
            for connector in self._connectors.values():
                stack.push_async_callback(connector.close)

    async def registration_of(self, host: str) -> Registration | None:
        """The registration of the domain that a host lies in.

        None where no server is known for it, or its server knows no such domain or no end of it;
        `ConnectorError` where the server gives no answer that can be used.
        """
        for name in names_to_ask(host):
            connector = self._connectors.get(name.rpartition(".")[2])
            if connector is None:
                return None
            answer = await connector.ask("GET", f"domain/{name}", idempotent=True, headers=HEADERS)
            # Some servers call a name below a registered domain a bad question.
            if answer.status in {400, 404}:
                continue
            if answer.status != 200:
                raise ConnectorError(connector.name, "status", f"status {answer.status}")
            try:
                expires_at = expiration_in(answer.body, name)
            except ValueError as error:
                raise ConnectorError(connector.name, "nonsense", str(error)[:200]) from None
            return None if expires_at is None else Registration(name, expires_at)
        return None
