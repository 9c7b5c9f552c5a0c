"""HTTP probe of a link.

HEAD first, which spares the portal a body; GET if HEAD is not conclusive. At every redirect the
host is resolved once, checked, and connected to at the checked address.
"""

import asyncio
import ssl
import time
import zlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import httpx

from services.gateway.link_monitoring.classify import ProbeResult
from services.gateway.outbound.failures import classify_error, summarise_error
from services.gateway.outbound.ssrf_guard import PrivateAddressError, SsrfGuard, pin_address
from services.platform.tls import default_ssl_context
from services.platform.version import VERSION

MAX_REDIRECTS = 8
MAX_BODY_BYTES = 64 * 1024
USER_AGENT = f"Mozilla/5.0 (compatible; emall-hub/{VERSION}; link check)"


@dataclass(frozen=True)
class ProbeTimeouts:
    """Timeouts of a probe, in seconds."""

    connect: float = 8
    read: float = 15
    head: float = 10
    """Limit of the HEAD request, redirects included."""
    total: float = 25


class Prober:
    """Probes URLs without connection reuse or cookies."""

    def __init__(
        self,
        guard: SsrfGuard,
        *,
        timeouts: ProbeTimeouts | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._guard = guard
        self._timeouts = timeouts or ProbeTimeouts()
        self._ssl_context = ssl_context or default_ssl_context()

    async def probe(self, url: str) -> ProbeResult:
        """Probe a URL; failures of the other side are part of the result, never raised."""
        timeouts = self._timeouts
        result = await self._attempt(timeouts.head, "HEAD", url)
        if result.failure in {
            "dns",
            "tls",
            "tls_chain",
            "connection_refused",
            "private_address",
            "blocked_port",
        }:
            return result
        if _is_conclusive(result):
            return result
        # GET starts at the original URL: some portals redirect HEAD and GET differently.
        remaining = max(timeouts.total - result.elapsed.total_seconds(), timeouts.connect)
        return await self._attempt(remaining, "GET", url)

    async def _attempt(self, seconds: float, method: str, url: str) -> ProbeResult:
        started_at = time.perf_counter()
        try:
            async with asyncio.timeout(seconds):
                result = await self._follow_redirects(method, url)
        except TimeoutError:
            detail = f"No complete response within {seconds:.0f} s."
            result = ProbeResult(url, url, failure="timeout", detail=detail)
        return replace(result, elapsed=timedelta(seconds=time.perf_counter() - started_at))

    async def _follow_redirects(self, method: str, url: str) -> ProbeResult:
        timeout = httpx.Timeout(self._timeouts.read, connect=self._timeouts.connect)
        current = url
        visited: set[str] = set()
        async with httpx.AsyncClient(
            verify=self._ssl_context, timeout=timeout, trust_env=False, follow_redirects=False
        ) as client:
            while True:
                if current in visited or len(visited) > MAX_REDIRECTS:
                    detail = f"Redirect loop, or more than {MAX_REDIRECTS} redirects."
                    return ProbeResult(url, current, failure="redirect_loop", detail=detail)
                visited.add(current)
                try:
                    result = await self._request(client, method, current)
                    location = result.headers.get("location")
                    if result.status not in {301, 302, 303, 307, 308} or location is None:
                        return replace(result, url=url)
                    current = str(httpx.URL(current).join(location).copy_with(fragment=None))
                except PrivateAddressError as error:
                    return ProbeResult(url, current, failure=error.failure, detail=str(error))
                except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
                    failure, detail = classify_error(error), summarise_error(error)
                    return ProbeResult(url, current, failure=failure, detail=detail)

    async def _request(self, client: httpx.AsyncClient, method: str, url: str) -> ProbeResult:
        """Send one request to the first checked address that accepts the connection."""
        target = httpx.URL(url)
        addresses = await self._guard.resolve(target)
        if not addresses:
            raise OSError("the host has no address")
        request = httpx.Request(
            method,
            target,
            headers={
                "User-Agent": USER_AGENT,
                "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
                "Accept-Encoding": "identity",
                "Accept-Language": "id,en;q=0.5",
                "Connection": "close",
            },
            extensions={"timeout": client.timeout.as_dict()},
        )
        for address in addresses[:-1]:
            try:
                return await _send(client, pin_address(request, address), url)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                if classify_error(error) in {"tls", "tls_chain"}:
                    raise
        return await _send(client, pin_address(request, addresses[-1]), url)


async def _send(client: httpx.AsyncClient, request: httpx.Request, url: str) -> ProbeResult:
    response = await client.send(request, stream=True)
    try:
        expires_at = _certificate_expiry(response)
        body = await _read_prefix(response) if request.method == "GET" else b""
    finally:
        await response.aclose()
    return ProbeResult(
        url,
        url,
        status=response.status_code,
        headers={name.lower(): value for name, value in response.headers.items()},
        body=body.decode("utf-8", "replace"),
        certificate_expires_at=expires_at,
    )


async def _read_prefix(response: httpx.Response) -> bytes:
    """Return at most `MAX_BODY_BYTES` of the body, before and after decompression."""
    received = bytearray()
    async for chunk in response.aiter_raw():
        received += chunk
        if len(received) >= MAX_BODY_BYTES:
            break
    raw = bytes(received[:MAX_BODY_BYTES])
    if response.headers.get("content-encoding", "identity").lower() in {"gzip", "deflate"}:
        try:
            return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(raw, MAX_BODY_BYTES)
        except zlib.error:
            return b""
    return raw


def _certificate_expiry(response: httpx.Response) -> datetime | None:
    stream = response.extensions.get("network_stream")
    tls = stream.get_extra_info("ssl_object") if stream is not None else None
    certificate = tls.getpeercert() if tls is not None else None
    if not certificate or "notAfter" not in certificate:
        return None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)


def _is_conclusive(result: ProbeResult) -> bool:
    """Return whether HEAD suffices: a success with a known content type that is not HTML."""
    content_type = result.headers.get("content-type", "")
    return result.status in {200, 206} and content_type != "" and "html" not in content_type
