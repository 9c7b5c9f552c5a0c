"""Lets pages of other sites read what the hub publishes (CORS, Fetch Standard).

Only answers that need no key are readable, and never with credentials: a browser refuses to give
a page an answer that depends on cookies if `Access-Control-Allow-Origin` is `*`. The value is the
same for every origin, so answers do not vary by it.
"""

from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

RawHeaders = list[tuple[bytes, bytes]]

OPEN_PATHS = (
    "/api/v1/", "/open311/", "/hsds", "/openapi.json", "/status.atom", "/pengumuman.atom",
)  # fmt: skip
READS = frozenset({"GET", "HEAD"})
REFUSALS = frozenset({401, 403})

EXPOSED = (
    b"Age, Cache-Status, Content-Disposition, Content-Language, ETag, Link, Location, RateLimit, "
    b"RateLimit-Policy, Retry-After, X-Request-ID"
)
"""Response headers that a page may read besides those that it always may."""
ALLOWED = b"Accept, Accept-Language, Cache-Control, If-None-Match, If-Modified-Since, traceparent"
"""Request headers that a page may send: none carries a key or a ticket's secret."""
MAX_AGE = b"86400"

SHARED_HEADERS: RawHeaders = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", EXPOSED),
]
PREFLIGHT_HEADERS: RawHeaders = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, HEAD"),
    (b"access-control-allow-headers", ALLOWED),
    (b"access-control-max-age", MAX_AGE),
    (b"vary", b"Access-Control-Request-Method"),
]


def sharing_headers(path: str, status: int, headers: Iterable[tuple[bytes, bytes]]) -> RawHeaders:
    """Return the headers that let pages of other sites read an answer to a keyless read.

    None are returned for a page, a refusal, and an answer that no cache may store, such as the
    token of a form. Problems other than refusals are readable, so that a program learns its fault.
    """
    if not path.startswith(OPEN_PATHS) or status in REFUSALS:
        return []
    if status < 400 and any(
        name == b"cache-control" and (b"no-store" in value or b"private" in value)
        for name, value in headers
    ):
        return []
    return SHARED_HEADERS


class CrossOriginMiddleware:
    """Adds the headers to keyless reads, and answers the preflight of such a read."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        names = dict(scope["headers"])
        path: str = scope["path"]
        if scope["method"] == "OPTIONS" and path.startswith(OPEN_PATHS):
            wanted = names.get(b"access-control-request-method", b"").decode("latin-1")
            if wanted in READS:
                await send(
                    {"type": "http.response.start", "status": 204, "headers": PREFLIGHT_HEADERS}
                )
                await send({"type": "http.response.body", "body": b""})
                return
        if scope["method"] not in READS or b"authorization" in names:
            await self.app(scope, receive, send)
            return

        async def send_shared(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers: RawHeaders = list(message.get("headers", ()))
                headers += sharing_headers(path, message["status"], headers)
                message = {**message, "headers": headers}
            await send(message)

        await self.app(scope, receive, send_shared)
