"""Redirects to the same path with or without its last slash."""

from urllib.parse import quote

from fastapi import APIRouter
from starlette.responses import RedirectResponse
from starlette.routing import Match
from starlette.types import Receive, Scope, Send


class SlashRedirect:
    """Answers a path without a route: by a redirect if it differs by its last slash, or by 404.

    Starlette's own redirect repeats the request's `Host`, which the client chooses; this one is
    relative.
    """

    def __init__(self, router: APIRouter) -> None:
        self.router = router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        other = path.rstrip("/") if path.endswith("/") else f"{path}/"
        # A path that begins with two slashes would be read as another host.
        if not other or path.startswith("//") or not self._has_route({**scope, "path": other}):
            await self.router.not_found(scope, receive, send)
            return
        query = scope["query_string"].decode("latin-1")
        response = RedirectResponse(f"{quote(other)}?{query}" if query else quote(other))
        await response(scope, receive, send)

    def _has_route(self, scope: Scope) -> bool:
        return any(route.matches(scope)[0] is not Match.NONE for route in self.router.routes)
