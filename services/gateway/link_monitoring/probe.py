"""Reaches a portal as a citizen would, and says what came of it.

HEAD first, because it spares the portal a body; GET where HEAD says nothing certain. Every hop of a
redirect is resolved once, checked, and connected to at the address that was checked.
"""

import asyncio
import ssl
import time
import zlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import httpx

from services.gateway.link_monitoring.classify import Outcome
from services.gateway.outbound.failures import (
    failure_of,
    reason_of,
    trusted_roots,
)
from services.gateway.outbound.ssrf_guard import Guard, PrivateAddressError, to_address
from services.platform.version import VERSION

MAX_REDIRECTS = 8
BODY_BYTES = 64 * 1024
AGENT = f"Mozilla/5.0 (compatible; emall-hub/{VERSION}; link check)"


@dataclass(frozen=True)
class Patience:
    """How long each part of an attempt may take, in seconds."""

    connect: float = 8
    read: float = 15
    head: float = 10
    whole: float = 25


class Prober:
    """Reaches addresses; keeps no connection and no cookie between attempts."""

    def __init__(
        self,
        guard: Guard,
        *,
        patience: Patience | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._guard = guard
        self._patience = patience or Patience()
        self._trust = trust or trusted_roots()

    async def reach(self, url: str) -> Outcome:
        """Never raises for what the other side does."""
        patience = self._patience
        looked = await self._within(patience.head, "HEAD", url)
        if looked.failure in {"dns", "tls", "tls_chain", "refused", "private_address"}:
            return looked
        if _is_certain(looked):
            return looked
        # From the beginning: some portals answer HEAD on another way than GET.
        left = max(patience.whole - looked.elapsed.total_seconds(), patience.connect)
        return await self._within(left, "GET", url)

    async def _within(self, seconds: float, method: str, url: str) -> Outcome:
        began = time.perf_counter()
        try:
            async with asyncio.timeout(seconds):
                outcome = await self._follow(method, url)
        except TimeoutError:
            detail = f"No whole answer within {seconds:.0f} s."
            outcome = Outcome(url, url, failure="timeout", detail=detail)
        return replace(outcome, elapsed=timedelta(seconds=time.perf_counter() - began))

    async def _follow(self, method: str, url: str) -> Outcome:
        """The answer at the end of the redirects."""
        timeout = httpx.Timeout(self._patience.read, connect=self._patience.connect)
        current = url
        seen: set[str] = set()
        async with httpx.AsyncClient(
            verify=self._trust, timeout=timeout, trust_env=False, follow_redirects=False
        ) as client:
            while True:
                if current in seen or len(seen) > MAX_REDIRECTS:
                    detail = f"It redirects in a circle or more than {MAX_REDIRECTS} times."
                    return Outcome(url, current, failure="redirect_loop", detail=detail)
                seen.add(current)
                try:
                    answer = await self._ask(client, method, current)
                    location = answer.headers.get("location")
                    if answer.status not in {301, 302, 303, 307, 308} or location is None:
                        return replace(answer, url=url)
                    current = str(httpx.URL(current).join(location).copy_with(fragment=None))
                except PrivateAddressError as error:
                    return Outcome(url, current, failure="private_address", detail=str(error))
                except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
                    failure = failure_of(error)
                    return Outcome(url, current, failure=failure, detail=reason_of(error))

    async def _ask(self, client: httpx.AsyncClient, method: str, url: str) -> Outcome:
        """One request to the first checked address of the host that takes the connection."""
        target = httpx.URL(url)
        addresses = await self._guard.addresses_of(target)
        if not addresses:
            raise OSError("the host has no address")
        request = httpx.Request(
            method,
            target,
            headers={
                "User-Agent": AGENT,
                "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
                "Accept-Encoding": "identity",
                "Accept-Language": "id,en;q=0.5",
                "Connection": "close",
            },
            extensions={"timeout": client.timeout.as_dict()},
        )
        for address in addresses[:-1]:
            try:
                return await _exchange(client, to_address(request, address), url)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                if failure_of(error) in {"tls", "tls_chain"}:
                    raise
        return await _exchange(client, to_address(request, addresses[-1]), url)


async def _exchange(client: httpx.AsyncClient, request: httpx.Request, url: str) -> Outcome:
    answer = await client.send(request, stream=True)
    try:
        expires_at = _certificate_end(answer)
        body = await _beginning(answer) if request.method == "GET" else b""
    finally:
        await answer.aclose()
    return Outcome(
        url,
        url,
        status=answer.status_code,
        headers={name.lower(): value for name, value in answer.headers.items()},
        body=body.decode("utf-8", "replace"),
        certificate_expires_at=expires_at,
    )


async def _beginning(answer: httpx.Response) -> bytes:
    """The first part of a body; what is packed is unpacked no further than that size."""
    read = bytearray()
    async for chunk in answer.aiter_raw():
        read += chunk
        if len(read) >= BODY_BYTES:
            break
    raw = bytes(read[:BODY_BYTES])
    if answer.headers.get("content-encoding", "identity").lower() in {"gzip", "deflate"}:
        try:
            return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(raw, BODY_BYTES)
        except zlib.error:
            return b""
    return raw


def _certificate_end(answer: httpx.Response) -> datetime | None:
    stream = answer.extensions.get("network_stream")
    tls = stream.get_extra_info("ssl_object") if stream is not None else None
    shown = tls.getpeercert() if tls is not None else None
    if not shown or "notAfter" not in shown:
        return None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC)


def _is_certain(outcome: Outcome) -> bool:
    """Whether HEAD alone tells the state: a good answer that is no page to be looked into."""
    kind = outcome.headers.get("content-type", "")
    return outcome.status in {200, 206} and kind != "" and "html" not in kind
