"""The services behind the door: in this process over raw ASGI, elsewhere over HTTP."""

from collections.abc import AsyncIterator

import aiohttp
from starlette.types import Receive, Scope, Send
from yarl import URL

from services.platform.middleware import send_problem
from services.platform.problems import Unavailable
from services.platform.settings import Service

RawHeaders = list[tuple[bytes, bytes]]

CONNECT_SECONDS = 5

# RFC 9110, 7.6.1: these speak about one connection and are never passed on.
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
# The door's own server has answered an expectation and writes the date; who the client is, the
# door says itself.
OWN_REQUEST = HOP_BY_HOP | {
    b"host",
    b"expect",
    b"forwarded",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-port",
    b"x-forwarded-prefix",
    b"x-forwarded-proto",
    b"x-real-ip",
}
OWN_ANSWER = HOP_BY_HOP | {b"date", b"server"}


class RemoteService:
    """A service in another process: requests and answers are streamed, nothing is kept."""

    def __init__(self, service: Service, url: str, *, timeout: float) -> None:
        self._service = service
        self._url = url
        # Of silence, not of the whole exchange: a citizen's slow line is no fault of the service.
        self._timeout = aiohttp.ClientTimeout(
            total=None, connect=min(timeout, CONNECT_SECONDS), sock_read=timeout
        )
        self._session: aiohttp.ClientSession | None = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=self._timeout,
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                connector=aiohttp.TCPConnector(limit=200),
                # What the client did not say, the door does not say for it.
                skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            )
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False
        body = _Body(receive)
        try:
            async with self._open().request(
                scope["method"],
                self._target(scope),
                headers=_passed_on(scope),
                data=aiter(body) if _has_body(scope["headers"]) else None,
                allow_redirects=False,
            ) as answer:
                headers = self._passed_back(answer)
                started = True
                await send(
                    {"type": "http.response.start", "status": answer.status, "headers": headers}
                )
                async for chunk in answer.content.iter_any():
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                await send({"type": "http.response.body", "body": b""})
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if started:
                raise
            if body.error is not None:
                raise body.error from None
            problem = Unavailable(
                f"The {self._service.value} service does not answer now; try again shortly.",
                extra={"service": self._service.value, "reason": type(error).__name__},
            )
            await send_problem(problem, scope, receive, send)

    def _target(self, scope: Scope) -> URL:
        raw_path = scope.get("raw_path") or scope["path"].encode()
        query = scope["query_string"]
        target = raw_path.decode("latin-1") + (f"?{query.decode('latin-1')}" if query else "")
        return URL(self._url + target, encoded=True)

    def _passed_back(self, answer: aiohttp.ClientResponse) -> RawHeaders:
        """The answer's headers; a redirect to the service's own address stays at the door."""
        headers = [(name.lower(), value) for name, value in answer.raw_headers]
        dropped = OWN_ANSWER | named_by_connection(headers)
        own = f"{self._url}/".encode()
        return [
            (
                name,
                value[len(own) - 1 :] if name == b"location" and value.startswith(own) else value,
            )
            for name, value in headers
            if name not in dropped
        ]


def _passed_on(scope: Scope) -> list[tuple[str, str]]:
    """The request's headers, and whom the door sees at the other end."""
    headers: RawHeaders = scope["headers"]
    passed = [
        (name.decode("latin-1"), value.decode("utf-8", "replace"))
        for name, value in headers
        if name not in OWN_REQUEST
    ]
    scheme = scope.get("scheme", "http")
    client = scope["client"][0] if scope.get("client") else None
    if client is not None:
        passed.append(("x-forwarded-for", client))
    return [*passed, ("x-forwarded-proto", scheme), ("forwarded", _forwarded(client, scheme))]


def _forwarded(client: str | None, scheme: str) -> str:
    """Who asked, and how (RFC 7239); an address of IPv6 stands in brackets and quotes."""
    node = "unknown" if client is None else f'"[{client}]"' if ":" in client else client
    return f"for={node};proto={scheme}"


def named_by_connection(headers: RawHeaders) -> set[bytes]:
    """The fields that speak about one connection because it says so (RFC 9110, 7.6.1)."""
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


class _Body:
    """The request's body as it comes; keeps the error that ended it, which aiohttp would hide."""

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
                raise ConnectionResetError("the client went away")
            if chunk := message.get("body", b""):
                yield chunk
            if not message.get("more_body"):
                return
