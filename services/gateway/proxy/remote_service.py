"""Reverse proxy to a service in another process: requests and responses are streamed over HTTP."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from starlette.types import Receive, Scope, Send

from services.gateway.rate_limits.client_address import is_forwarding_header
from services.platform.lazy_module import LazyModule
from services.platform.middleware import send_problem
from services.platform.problems import Unavailable
from services.platform.request_id import current_request_id, traceparent
from services.platform.service_line import ServiceLine
from services.platform.settings import Service

if TYPE_CHECKING:
    import aiohttp
    import yarl
else:
    aiohttp = LazyModule("aiohttp")
    yarl = LazyModule("yarl")

RawHeaders = list[tuple[bytes, bytes]]

CONNECT_TIMEOUT_SECONDS = 5

# RFC 9110, 7.6.1: these describe one connection and are never forwarded.
HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
# The gateway's server has answered an expectation already.
OVERWRITTEN_REQUEST_HEADERS = HOP_BY_HOP | {b"host", b"expect"}
OVERWRITTEN_RESPONSE_HEADERS = HOP_BY_HOP | {b"server"}
STATUSES = range(200, 600)
"""Final statuses; RFC 9110, 15, has no others."""


class RemoteService:
    """ASGI application that forwards requests to a service in another process."""

    def __init__(self, service: Service, url: str, *, silence: float, timeout: float) -> None:
        """After `timeout` seconds without data a request ends; after `silence` all of them do, if
        the service does not even answer that it is there.
        """
        self.line = ServiceLine(service, url, silence=silence)
        self._service = service
        self._url = url
        # Imports aiohttp before the first request comes, which would wait for it with all others.
        self._timeout = aiohttp.ClientTimeout(
            total=None,  # limits silence, not the whole exchange, which a slow client may delay
            connect=min(timeout, CONNECT_TIMEOUT_SECONDS),
            sock_read=timeout,
        )
        self._session: aiohttp.ClientSession | None = None

    def _open(self) -> "aiohttp.ClientSession":
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=self._timeout,
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                connector=aiohttp.TCPConnector(limit=200),
                # Headers that the client did not send are not added.
                skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            )
        return self._session

    async def close(self) -> None:
        """Close the connections."""
        await self.line.stop()
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False
        body = _RequestBody(receive)
        try:
            async with self.line.request():
                response = await self._open().request(
                    scope["method"],
                    self._target(scope),
                    headers=_request_headers(scope),
                    data=aiter(body) if _has_body(scope["headers"]) else None,
                    allow_redirects=False,
                )
            async with response:
                if response.status not in STATUSES:
                    raise aiohttp.ClientPayloadError(f"status {response.status}")
                headers = self._response_headers(response)
                started = True
                await send(
                    {"type": "http.response.start", "status": response.status, "headers": headers}
                )
                chunks = response.content.iter_any()
                while True:
                    async with self.line.wait():
                        chunk = await anext(chunks, None)
                    if chunk is None:
                        break
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                await send({"type": "http.response.body", "body": b""})
            self.line.succeeded()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if started:
                raise
            if body.error is not None:
                raise body.error from None
            self.line.failed(error)
            problem = Unavailable(
                f"The {self._service.value} service does not answer now; try again shortly.",
                extra={"service": self._service.value, "reason": type(error).__name__},
            )
            await send_problem(problem, scope, receive, send)

    def _target(self, scope: Scope) -> "yarl.URL":
        raw_path = scope.get("raw_path") or scope["path"].encode()
        query = scope["query_string"]
        target = raw_path.decode("latin-1") + (f"?{query.decode('latin-1')}" if query else "")
        return yarl.URL(self._url + target, encoded=True)

    def _response_headers(self, response: "aiohttp.ClientResponse") -> RawHeaders:
        """Return the headers for the client; redirects to the service itself become relative."""
        headers = [(name.lower(), value) for name, value in response.raw_headers]
        dropped = OVERWRITTEN_RESPONSE_HEADERS | connection_headers(headers)
        prefix = f"{self._url}/".encode()
        return [
            (
                name,
                value[len(prefix) - 1 :]
                if name == b"location" and value.startswith(prefix)
                else value,
            )
            for name, value in headers
            if name not in dropped
        ]


def _request_headers(scope: Scope) -> list[tuple[str, str]]:
    """Return the headers for the service: also the client's address and scheme, and the trace."""
    headers: RawHeaders = scope["headers"]
    forwarded = [
        (name.decode("latin-1"), value.decode("utf-8", "replace"))
        for name, value in headers
        if name not in OVERWRITTEN_REQUEST_HEADERS and not is_forwarding_header(name)
    ]
    scheme = scope.get("scheme", "http")
    client = scope["client"][0] if scope.get("client") else None
    if client is not None:
        forwarded.append(("x-forwarded-for", client))
    if request_id := current_request_id():
        forwarded.append(("traceparent", traceparent(request_id).decode()))
    return [*forwarded, ("x-forwarded-proto", scheme), ("forwarded", _forwarded(client, scheme))]


def _forwarded(client: str | None, scheme: str) -> str:
    """Return a `Forwarded` value (RFC 7239); an IPv6 address is in brackets and quotes."""
    node = "unknown" if client is None else f'"[{client}]"' if ":" in client else client
    return f"for={node};proto={scheme}"


def connection_headers(headers: RawHeaders) -> set[bytes]:
    """Return the headers that `Connection` names as specific to it (RFC 9110, 7.6.1)."""
    return {
        token.strip().lower()
        for name, value in headers
        if name == b"connection"
        for token in value.split(b",")
    }


def _has_body(headers: RawHeaders) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in headers
    )


class _RequestBody:
    """The request body as an iterator that records the error that ended it, which aiohttp hides."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.error: Exception | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            try:
                message = await self._receive()
            except Exception as error:
                self.error = error
                raise
            if message["type"] == "http.disconnect":
                raise ConnectionResetError("the client disconnected")
            if chunk := message.get("body", b""):
                yield chunk
            if not message.get("more_body"):
                return
