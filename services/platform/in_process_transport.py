"""Requests to a service in this process, as calls of its ASGI application."""

import asyncio
from contextlib import suppress
from typing import Any, cast

import httpx
from starlette.types import ASGIApp, Message

CLIENT = ("127.0.0.1", 0)
"""Who asks: this process, which has no port for it."""


class InProcessTransport(httpx.AsyncBaseTransport):
    """Calls an application; a crash becomes a 500, as it would over HTTP.

    `httpx.ASGITransport` does the same, but at each request it looks for the package of another
    event loop than asyncio's on the disk.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the application's response, read to its end."""
        exchange = _Exchange(request)
        with suppress(Exception):  # the application has logged it
            await self._app(_scope_of(request), exchange.receive, exchange.send)
        body = httpx.ByteStream(b"".join(exchange.body))
        return httpx.Response(exchange.status or 500, headers=exchange.headers, stream=body)


class _Exchange:
    """A request that an application reads, and the response that it sends."""

    def __init__(self, request: httpx.Request) -> None:
        self._chunks = aiter(cast("httpx.AsyncByteStream", request.stream))
        self._is_read = False
        self._is_answered = asyncio.Event()
        self._is_head = request.method == "HEAD"
        self.status: int | None = None
        self.headers: list[tuple[bytes, bytes]] = []
        self.body: list[bytes] = []

    async def receive(self) -> Message:
        """Return the next part of the body, and after its end that the client is gone, at last."""
        if self._is_read:
            await self._is_answered.wait()
            return {"type": "http.disconnect"}
        chunk = await anext(self._chunks, None)
        self._is_read = chunk is None
        return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}

    async def send(self, message: Message) -> None:
        """Take a part of the response."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = list(message.get("headers", ()))
        elif message["type"] == "http.response.body":
            if not self._is_head:
                self.body.append(message.get("body", b""))
            if not message.get("more_body", False):
                self._is_answered.set()


def _scope_of(request: httpx.Request) -> dict[str, Any]:
    url = request.url
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "scheme": url.scheme,
        "path": url.path,
        "raw_path": url.raw_path.partition(b"?")[0],
        "query_string": url.query,
        "server": (url.host, url.port),
        "client": CLIENT,
        "root_path": "",
    }
