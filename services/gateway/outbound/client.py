"""HTTP client for other systems, with deadline, circuit breaker and retries."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from services.gateway.outbound.circuit_breaker import CircuitBreaker, ManualOverride
from services.gateway.outbound.failures import classify_error, summarise_error
from services.gateway.outbound.response_body import (
    ACCEPT_ENCODING,
    BodyLimit,
    BodyTooLargeError,
    ContentCodingError,
    read_body,
)
from services.gateway.outbound.ssrf_guard import PrivateAddressError, SsrfGuard, pin_address
from services.platform.tls import default_ssl_context

MAX_RESPONSE_BYTES = 4 * 1024 * 1024
MAX_REDIRECTS = 5
FORWARDED_HEADERS = {"accept", "user-agent", "accept-encoding"}
"""Request headers that a redirect to another host keeps; credentials are not among them."""

Reason = Literal[
    "breaker_open",
    "dns",
    "tls",
    "timeout",
    "connection_refused",
    "connection_reset",
    "too_large",
    "status",
    "invalid_response",
    "private_address",
    "blocked_port",
    "redirect_loop",
    "bad_redirect",
]


class ConnectorError(Exception):
    """The other system gave no usable response."""

    def __init__(self, connector: str, reason: Reason, detail: str) -> None:
        super().__init__(f"{connector}: {detail}")
        self.connector = connector
        self.reason: Reason = reason
        self.detail = detail


@dataclass(frozen=True)
class ConnectorResponse:
    """A response with its complete body."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Names in lower case."""
    url: str = ""
    """Address after redirects."""
    is_cut: bool = False
    """Whether the end of the body was left out, as the request's limit allows."""


@dataclass(frozen=True)
class TimeoutPolicy:
    """Timeouts in seconds, and how often an idempotent request is attempted."""

    total: float = 10
    """Limit of a request with all its attempts."""
    connect: float = 3
    attempts: int = 3
    backoff: float = 0.2
    """Upper bound of the first random delay between attempts; it doubles with each attempt."""


def is_server_error(response: ConnectorResponse) -> bool:
    """Return whether a response has a status of 500 or above."""
    return response.status >= 500


class Connector:
    """HTTP client of one system.

    With a guard it connects to public addresses only and follows up to `MAX_REDIRECTS` redirects.
    """

    def __init__(
        self,
        name: str,
        url: str,
        breaker: CircuitBreaker,
        *,
        timeouts: TimeoutPolicy | None = None,
        is_failure: Callable[[ConnectorResponse], bool] = is_server_error,
        load_override: Callable[[], Awaitable[ManualOverride]] | None = None,
        guard: SsrfGuard | None = None,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
        rng: random.Random | None = None,
    ) -> None:
        self.name = name
        self.breaker = breaker
        self._timeouts = timeouts or TimeoutPolicy()
        self._is_failure = is_failure
        self._load_override = load_override
        self._guard = guard
        self._limit = BodyLimit(max_response_bytes)
        self._rng = rng or random.Random()  # noqa: S311 - jitter
        self._url = url
        self._client: httpx.AsyncClient | None = None

    async def close(self) -> None:
        """Close the client's connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _open_client(self) -> httpx.AsyncClient:
        """Return the client, which the first request creates: the trusted roots take 2 MiB."""
        if self._client is None:
            context = await asyncio.to_thread(default_ssl_context)
            # Another request may have created it meanwhile.
            self._client = self._client or httpx.AsyncClient(
                base_url=self._url,
                headers={"Accept-Encoding": ACCEPT_ENCODING},
                timeout=httpx.Timeout(self._timeouts.total, connect=self._timeouts.connect),
                verify=context,
                trust_env=False,
                follow_redirects=False,
            )
        return self._client

    async def request(
        self,
        method: str,
        path: str,
        *,
        idempotent: bool,
        headers: dict[str, str] | None = None,
        json: Any = None,
        limit: BodyLimit | None = None,
    ) -> ConnectorResponse:
        """Send a request and return its response, whatever its status below 500.

        `limit` is that of the response's body, if not the client's. Only an idempotent request is
        retried. Raises `ConnectorError` if there is no usable response.
        """
        if self._load_override is not None:
            self.breaker.override = await self._load_override()
        client = await self._open_client()
        request = client.build_request(method, path, headers=headers, json=json)
        attempts = self._timeouts.attempts if idempotent else 1
        try:
            async with asyncio.timeout(self._timeouts.total):
                for attempt in range(attempts):
                    if attempt:
                        max_delay = self._timeouts.backoff * 2 ** (attempt - 1)
                        await asyncio.sleep(self._rng.uniform(0, max_delay))
                    try:
                        return await self._attempt(client, request, limit or self._limit)
                    except ConnectorError as error:
                        if attempt == attempts - 1 or error.reason == "breaker_open":
                            raise
        except TimeoutError:
            detail = f"no complete response within {self._timeouts.total:g} s"
            raise ConnectorError(self.name, "timeout", detail) from None
        raise AssertionError("the last attempt returns or raises")

    async def _attempt(
        self, client: httpx.AsyncClient, request: httpx.Request, limit: BodyLimit
    ) -> ConnectorResponse:
        permit = self.breaker.acquire()
        if permit is None:
            raise ConnectorError(self.name, "breaker_open", "circuit breaker open")
        # A call cancelled by the deadline counts as failed too.
        failed = True
        try:
            response = await self._send(client, request, limit)
            failed = self._is_failure(response)
        except PrivateAddressError as error:
            raise ConnectorError(self.name, error.failure, str(error)) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            failure = classify_error(error)
            reason: Reason = "tls" if failure == "tls_chain" else failure  # pyright: ignore[reportAssignmentType]
            raise ConnectorError(self.name, reason, summarise_error(error)) from None
        finally:
            self.breaker.record(permit, failed=failed)
        if response.status >= 500:
            raise ConnectorError(self.name, "status", f"status {response.status}")
        return response

    async def _send(
        self, client: httpx.AsyncClient, request: httpx.Request, limit: BodyLimit
    ) -> ConnectorResponse:
        if self._guard is None:
            return await self._read(client, request, request.url, limit)
        visited: set[httpx.URL] = set()
        while True:
            url = request.url
            if url in visited or len(visited) > MAX_REDIRECTS:
                detail = f"redirect loop, or more than {MAX_REDIRECTS} redirects"
                raise ConnectorError(self.name, "redirect_loop", detail)
            visited.add(url)
            [address, *_] = await self._guard.resolve(url) or [""]
            if not address:
                raise OSError("the host has no address")
            response = await self._read(client, pin_address(request, address), url, limit)
            location = response.headers.get("location")
            if response.status not in {301, 302, 303, 307, 308} or location is None:
                return response
            target = url.join(location).copy_with(fragment=None)
            request = self._redirected_request(client, request, target)

    @staticmethod
    def _redirected_request(
        client: httpx.AsyncClient, request: httpx.Request, url: httpx.URL
    ) -> httpx.Request:
        """Return the request for a redirect; credentials are not sent to another origin."""
        is_same_origin = (url.scheme, url.host, url.port) == (
            request.url.scheme,
            request.url.host,
            request.url.port,
        )
        headers = {
            name: value
            for name, value in request.headers.items()
            if name != "host" and (is_same_origin or name in FORWARDED_HEADERS)
        }
        return client.build_request(request.method, url, headers=headers)

    async def _read(
        self, client: httpx.AsyncClient, request: httpx.Request, url: httpx.URL, limit: BodyLimit
    ) -> ConnectorResponse:
        response = await client.send(request, stream=True)
        try:
            body = await read_body(
                response.aiter_raw(),
                response.headers.get_list("content-encoding"),
                limit,
            )
        except BodyTooLargeError:
            detail = f"the response is over {limit.max_bytes} bytes"
            raise ConnectorError(self.name, "too_large", detail) from None
        except ContentCodingError as error:
            raise ConnectorError(self.name, "invalid_response", str(error)) from None
        finally:
            await response.aclose()
        headers = {name.lower(): value for name, value in response.headers.items()}
        return ConnectorResponse(
            response.status_code, body.content, headers, str(url), is_cut=body.is_cut
        )
