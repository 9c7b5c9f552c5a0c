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
        self._max_response_bytes = max_response_bytes
        self._rng = rng or random.Random()  # noqa: S311 - jitter
        self._client = httpx.AsyncClient(
            base_url=url,
            headers={"Accept-Encoding": ACCEPT_ENCODING},
            timeout=httpx.Timeout(self._timeouts.total, connect=self._timeouts.connect),
            verify=default_ssl_context(),
            trust_env=False,
            follow_redirects=False,
        )

    async def close(self) -> None:
        """Close the client's connections."""
        await self._client.aclose()

    async def request(
        self,
        method: str,
        path: str,
        *,
        idempotent: bool,
        headers: dict[str, str] | None = None,
        json: Any = None,
    ) -> ConnectorResponse:
        """Send a request and return its response, whatever its status below 500.

        Only an idempotent request is retried. Raises `ConnectorError` if there is no usable
        response.
        """
        if self._load_override is not None:
            self.breaker.override = await self._load_override()
        request = self._client.build_request(method, path, headers=headers, json=json)
        attempts = self._timeouts.attempts if idempotent else 1
        try:
            async with asyncio.timeout(self._timeouts.total):
                for attempt in range(attempts):
                    if attempt:
                        max_delay = self._timeouts.backoff * 2 ** (attempt - 1)
                        await asyncio.sleep(self._rng.uniform(0, max_delay))
                    try:
                        return await self._attempt(request)
                    except ConnectorError as error:
                        if attempt == attempts - 1 or error.reason == "breaker_open":
                            raise
        except TimeoutError:
            detail = f"no complete response within {self._timeouts.total:g} s"
            raise ConnectorError(self.name, "timeout", detail) from None
        raise AssertionError("the last attempt returns or raises")

    async def _attempt(self, request: httpx.Request) -> ConnectorResponse:
        permit = self.breaker.acquire()
        if permit is None:
            raise ConnectorError(self.name, "breaker_open", "circuit breaker open")
        # A call cancelled by the deadline counts as failed too.
        failed = True
        try:
            response = await self._send(request)
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

    async def _send(self, request: httpx.Request) -> ConnectorResponse:
        if self._guard is None:
            return await self._read(request, request.url)
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
            response = await self._read(pin_address(request, address), url)
            location = response.headers.get("location")
            if response.status not in {301, 302, 303, 307, 308} or location is None:
                return response
            request = self._redirected_request(request, url.join(location).copy_with(fragment=None))

    def _redirected_request(self, request: httpx.Request, url: httpx.URL) -> httpx.Request:
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
        return self._client.build_request(request.method, url, headers=headers)

    async def _read(self, request: httpx.Request, url: httpx.URL) -> ConnectorResponse:
        response = await self._client.send(request, stream=True)
        try:
            body = await read_body(
                response.aiter_raw(),
                response.headers.get_list("content-encoding"),
                max_bytes=self._max_response_bytes,
            )
        except BodyTooLargeError:
            detail = f"the response is over {self._max_response_bytes} bytes"
            raise ConnectorError(self.name, "too_large", detail) from None
        except ContentCodingError as error:
            raise ConnectorError(self.name, "invalid_response", str(error)) from None
        finally:
            await response.aclose()
        headers = {name.lower(): value for name, value in response.headers.items()}
        return ConnectorResponse(response.status_code, body, headers, str(url))
