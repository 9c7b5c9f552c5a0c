"""Links that carry a secret: a ticket's, a rating's, an upload link.

An address remains in histories, in the logs of proxies and in referrers. So such a link only moves
its secret to a cookie and redirects to an address without it; forms then send it in their body.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from services.platform.settings import Settings

LIFETIME = timedelta(minutes=30)


def hub_address(request: Request) -> str:
    """Return the address of the hub for links that leave it: the public one, if it has one."""
    settings: Settings = request.app.state.settings
    scheme = "https" if is_secure(request) else "http"
    return settings.public_address or f"{scheme}://{request.url.netloc}"


@dataclass(frozen=True)
class SecretLink:
    """The cookie of one kind of links, and what their secrets look like."""

    cookie: str
    pattern: re.Pattern[str]

    def redirect(
        self, request: Request, secret: str, target: str, query: Mapping[str, str]
    ) -> RedirectResponse:
        """Redirect to a page (a path) which reads the secret from the cookie."""
        response = RedirectResponse(
            str(httpx.URL(target, params=query)) if query else target,
            status_code=303,
            headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"},
        )
        response.set_cookie(
            self._name(request),
            secret,
            max_age=int(LIFETIME.total_seconds()),
            **_attributes(request, target),
        )
        return response

    def read(self, request: Request, submitted: str | None = None) -> str | None:
        """Return the secret in a submitted form, else in the cookie; None if there is none."""
        secret = submitted or request.cookies.get(self._name(request), "")
        return secret if self.pattern.fullmatch(secret) else None

    def forget(self, response: Response, request: Request, target: str) -> None:
        """Delete the cookie, for the page that reads it."""
        response.delete_cookie(self._name(request), **_attributes(request, target))

    def _name(self, request: Request) -> str:
        return f"__Secure-{self.cookie}" if is_secure(request) else self.cookie


def is_secure(request: Request) -> bool:
    """Return whether the hub is reached over TLS, so that its cookies need not go without."""
    settings: Settings = request.app.state.settings
    public = settings.public_url
    return request.url.scheme == "https" or (public is not None and public.scheme == "https")


def _attributes(request: Request, target: str) -> dict[str, Any]:
    # Lax: links come from messages and other sites, whose redirects a strict cookie would miss.
    return {
        "path": urlsplit(target).path,
        "secure": is_secure(request),
        "httponly": True,
        "samesite": "lax",
    }
