"""Headers that limit what a browser does with a response; a route may set its own values."""

from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

RawHeaders = list[tuple[bytes, bytes]]

DATA_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
"""Content security policy of what is no page: an SVG may have inline styles and images only."""

DEFAULT_HEADERS = (
    (b"content-security-policy", DATA_POLICY.encode()),
    (b"referrer-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
)
STRICT_TRANSPORT_SECURITY = (b"strict-transport-security", b"max-age=31536000")
"""For this host only: whether its subdomains have TLS is not the hub's to say."""


def add_security_headers(send: Send, is_secure: Callable[[], bool]) -> Send:
    """Wrap `send` so that a response gets the headers that it lacks.

    A 304 has no content: those of the stored response stay in effect (RFC 9111, 4.3.4).
    `is_secure` tells whether the client used TLS; if so, its browser shall use nothing else.
    """

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers: RawHeaders = list(message.get("headers", ()))
            names = {name for name, _ in headers}
            if message["status"] != 304:
                headers += [field for field in DEFAULT_HEADERS if field[0] not in names]
            if STRICT_TRANSPORT_SECURITY[0] not in names and is_secure():
                headers.append(STRICT_TRANSPORT_SECURITY)
            message = {**message, "headers": headers}
        await send(message)

    return send_with_headers


class SecurityHeadersMiddleware:
    """Adds the security headers to every response; `is_secure` tells whether TLS was used."""

    def __init__(self, app: ASGIApp, is_secure: Callable[[Scope], bool]) -> None:
        self.app = app
        self.is_secure = is_secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, add_security_headers(send, lambda: self.is_secure(scope)))
