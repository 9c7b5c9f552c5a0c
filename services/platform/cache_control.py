"""What an answer says of its own freshness (`Cache-Control`), where its route says nothing."""

from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.platform.identity import Caller

PUBLISHED = "public, max-age=15, stale-while-revalidate=60, stale-if-error=86400"
"""Of what is published: seconds old at most, and readable for a day while its owner is down."""

NO_CACHE = "no-cache"
"""Of what is public and must be of this moment: kept by a browser, asked for with its tag."""

PRIVATE = "private, no-store"
"""Of what a key alone shows."""


class CacheControlMiddleware:
    """Adds `Cache-Control` to successful reads (RFC 9111, 5.2.2); `is_published` tells by path."""

    def __init__(self, app: ASGIApp, is_published: Callable[[str], bool] = lambda _: False) -> None:
        self.app = app
        self.is_published = is_published

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"}:
            await self.app(scope, receive, send)
            return

        async def saying(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in {200, 304}:
                headers = MutableHeaders(raw=message["headers"])
                headers.setdefault("Cache-Control", self._cache_control(scope))
            await send(message)

        await self.app(scope, receive, saying)

    def _cache_control(self, scope: Scope) -> str:
        caller: Caller | None = scope.get("caller")
        if caller is not None and not caller.is_anonymous:
            return PRIVATE
        return PUBLISHED if self.is_published(scope["path"]) else NO_CACHE
