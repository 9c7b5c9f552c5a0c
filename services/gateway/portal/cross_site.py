"""The answer to a form that a page of another site sends: an explanation, and nothing is kept."""

from fastapi import FastAPI, Request
from starlette.types import Receive, Scope, Send

from services.gateway.portal.error_pages import requested_language
from services.gateway.portal.page import page_in
from services.gateway.proxy.routing import owner_of
from services.platform.middleware import send_problem
from services.platform.problems import NotAllowed
from services.platform.service import API


class CrossSiteRefusal:
    """ASGI application that refuses a request: a page for forms, a problem document for the API."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 403 without reading the body."""
        path: str = scope["path"]
        if path.startswith(f"{API}/") or owner_of(path) is not None:
            error = NotAllowed(
                "A page of another site sent this request; nothing was stored. Send it from a "
                "program, or with a key."
            )
            await send_problem(error, scope, receive, send)
            return
        request = Request({**scope, "app": self.app})
        page = await page_in(requested_language(request), request)
        response = page.render("cross-site.html", status=403)
        response.headers["Cache-Control"] = "no-store"
        await response(scope, receive, send)
