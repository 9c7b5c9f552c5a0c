"""The services behind the door: in this process over raw ASGI, elsewhere over HTTP."""

from collections.abc import AsyncIterator

import aiohttp
from starlette.types import Receive, Scope, Send
from yarl import URL

from services.platform.guards import answer_problem
from services.platform.problems import Unavailable
from services.platform.settings import Service

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


class RemoteService:
    """A service in another process: requests and answers are streamed, nothing is kept."""

    def __init__(self, service: Service, url: str, *, timeout: float) -> None:
        self._service = service
        self._url = url
        self._timeout = aiohttp.ClientTimeout(total=timeout, connect=5)
        self._session: aiohttp.ClientSession | None = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=self._timeout,
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                connector=aiohttp.TCPConnector(limit=200),
            )
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False
        try:
            async with self._open().request(
                scope["method"],
                self._target(scope),
                headers=_passed_on(scope["headers"]),
                data=_body(receive) if _has_body(scope["headers"]) else None,
                allow_redirects=False,
            ) as answer:
                headers = [
                    (name.lower(), value)
                    for name, value in answer.raw_headers
                    if name.lower() not in HOP_BY_HOP
                ]
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
            problem = Unavailable(
                f"The {self._service.value} service does not answer now; try again shortly.",
                headers={"Retry-After": "5"},
                extra={"service": self._service.value, "reason": type(error).__name__},
            )
            await answer_problem(problem, scope, receive, send)

    def _target(self, scope: Scope) -> URL:
        raw_path = scope.get("raw_path") or scope["path"].encode()
        query = scope["query_string"]
        target = raw_path.decode("latin-1") + (f"?{query.decode('latin-1')}" if query else "")
        return URL(self._url + target, encoded=True)


def _passed_on(headers: list[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    named = {
        token.strip().lower()
        for name, value in headers
        if name == b"connection"
        for token in value.split(b",")
    }
    return [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in headers
        if name not in HOP_BY_HOP and name not in named and name != b"host"
    ]


def _has_body(headers: list[tuple[bytes, bytes]]) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in headers
    )


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError("the client went away")
        if chunk := message.get("body", b""):
            yield chunk
        if not message.get("more_body"):
            return
