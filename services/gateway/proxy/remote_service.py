"""Reverse proxy to a service in other processes: requests and responses are streamed over HTTP."""

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from starlette.types import Receive, Scope, Send

from services.gateway.rate_limits.client_address import is_forwarding_header
from services.platform.lazy_module import LazyModule
from services.platform.middleware import send_problem
from services.platform.problems import Unavailable
from services.platform.request_id import current_request_id, traceparent
from services.platform.service_line import SAFE_METHODS, FellSilentError, ServiceLine, ServiceLines
from services.platform.settings import Service
from services.platform.watch import AwayError

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
    """ASGI application that forwards requests to a service in other processes.

    Its processes take requests in turn. What one does not get, since it refuses connections or is
    silent, is sent to the next; a read also if the first one falls silent or hangs up before it
    answers. A write that may have been received is not sent again.
    """

    def __init__(
        self, service: Service, urls: Sequence[str], *, silence: float, timeout: float
    ) -> None:
        """After `timeout` seconds without data a request ends; after `silence` all those to a
        process do, if it does not even answer that it is there.
        """
        self.lines = ServiceLines(service, urls, silence=silence)
        self._service = service
        # Imports aiohttp before the first request comes, which would wait for it with all others.
        self._timeout = aiohttp.ClientTimeout(
            total=None,  # limits silence, not the whole exchange, which a slow client may delay
            connect=min(timeout, CONNECT_TIMEOUT_SECONDS),
            sock_read=timeout,
        )
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        """By whether connections are kept for the next request."""

    def _open(self, method: str) -> "aiohttp.ClientSession":
        """Return the session for a request.

        Where another process could take a write, it is sent on a connection of its own: one that is
        kept may be closed by a process that ends, unseen until the write is on its way.
        """
        is_kept = method in SAFE_METHODS or len(self.lines.lines) == 1
        if is_kept not in self._sessions:
            self._sessions[is_kept] = aiohttp.ClientSession(
                timeout=self._timeout,
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                connector=aiohttp.TCPConnector(limit=200, force_close=not is_kept),
                # Headers that the client did not send are not added.
                skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            )
        return self._sessions[is_kept]

    async def close(self) -> None:
        """Close the connections."""
        await self.lines.stop()
        while self._sessions:
            _, session = self._sessions.popitem()
            await session.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = _RequestBody(receive)
        try:
            line, response = await self._ask_in_turn(scope, body)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if body.error is not None:
                raise body.error from None
            problem = Unavailable(
                f"The {self._service.value} service does not answer now; try again shortly.",
                extra={"service": self._service.value, "reason": type(error).__name__},
            )
            await send_problem(problem, scope, receive, send)
            return
        async with response:
            headers = _response_headers(response, line.url)
            await send(
                {"type": "http.response.start", "status": response.status, "headers": headers}
            )
            chunks = response.content.iter_any()
            while True:
                async with line.wait():
                    chunk = await anext(chunks, None)
                if chunk is None:
                    break
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        line.succeeded()

    async def _ask_in_turn(
        self, scope: Scope, body: "_RequestBody"
    ) -> "tuple[ServiceLine, aiohttp.ClientResponse]":
        """Return the response of the first process that gives one, and the line to it."""
        *others, last = self.lines.in_turn()
        for line in others:
            try:
                return line, await self._ask(line, scope, body)
            except (aiohttp.ClientError, OSError) as error:
                if not _may_be_repeated(scope, body, error):
                    raise
        return last, await self._ask(last, scope, body)

    async def _ask(
        self, line: ServiceLine, scope: Scope, body: "_RequestBody"
    ) -> "aiohttp.ClientResponse":
        try:
            async with line.request():
                response = await self._open(scope["method"]).request(
                    scope["method"],
                    _target(line.url, scope),
                    headers=_request_headers(scope),
                    data=aiter(body) if _has_body(scope["headers"]) else None,
                    allow_redirects=False,
                )
            if response.status not in STATUSES:
                response.close()
                raise aiohttp.ClientPayloadError(f"status {response.status}")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if body.error is None and not body.is_gone:
                line.failed(error)
            raise
        return response


def _may_be_repeated(scope: Scope, body: "_RequestBody", error: Exception) -> bool:
    """Return whether another process may be asked after this error."""
    if body.is_begun:
        return False
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return True
    if isinstance(error, AwayError) and not isinstance(error, FellSilentError):
        return True
    is_lost = isinstance(error, aiohttp.ClientConnectionError | ConnectionError)
    is_late = isinstance(error, TimeoutError)
    return scope["method"] in SAFE_METHODS and is_lost and not is_late


def _target(url: str, scope: Scope) -> "yarl.URL":
    raw_path = scope.get("raw_path") or scope["path"].encode()
    query = scope["query_string"]
    target = raw_path.decode("latin-1") + (f"?{query.decode('latin-1')}" if query else "")
    return yarl.URL(url + target, encoded=True)


def _response_headers(response: "aiohttp.ClientResponse", url: str) -> RawHeaders:
    """Return the headers for the client; redirects to the service itself become relative."""
    headers = [(name.lower(), value) for name, value in response.raw_headers]
    dropped = OVERWRITTEN_RESPONSE_HEADERS | connection_headers(headers)
    prefix = f"{url}/".encode()
    return [
        (
            name,
            value[len(prefix) - 1 :] if name == b"location" and value.startswith(prefix) else value,
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
        self.is_begun = False
        """Whether some of the body was taken, which cannot be had again."""
        self.is_gone = False
        """Whether the client disconnected before the end of the body, which is no fault of the
        service."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.is_begun = True
        while True:
            try:
                message = await self._receive()
            except Exception as error:
                self.error = error
                raise
            if message["type"] == "http.disconnect":
                self.is_gone = True
                raise ConnectionResetError("the client disconnected")
            if chunk := message.get("body", b""):
                yield chunk
            if not message.get("more_body"):
                return
