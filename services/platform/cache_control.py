"""Default `Cache-Control` of responses whose route sets none."""

from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.platform.identity import Caller

PUBLISHED = "public, max-age=15, stale-while-revalidate=60, stale-if-error=86400"
"""For published data: fresh for 15 s, usable for a day if the service fails."""

NO_CACHE = "no-cache"
"""For public data that must be current: stored, but revalidated with its entity tag."""

PRIVATE = "private, no-store"
"""For data that is shown only with an API key."""


class CacheControlMiddleware:
    """Adds `Cache-Control` to successful reads (RFC 9111, 5.2.2).

    `is_published` returns whether a path serves published data.
    """

    def __init__(self, app: ASGIApp, is_published: Callable[[str], bool] = lambda _: False) -> None:
        self.app = app
        self.is_published = is_published

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"}:
            await self.app(scope, receive, send)
            return

        async def send_with_header(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in {200, 304}:
                headers = MutableHeaders(raw=message["headers"])
                headers.setdefault("Cache-Control", self._cache_control(scope))
            await send(message)

        await self.app(scope, receive, send_with_header)

    def _cache_control(self, scope: Scope) -> str:
        caller: Caller | None = scope.get("caller")
        if caller is not None and not caller.is_anonymous:
            return PRIVATE
        return PUBLISHED if self.is_published(scope["path"]) else NO_CACHE
