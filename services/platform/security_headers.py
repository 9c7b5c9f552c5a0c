"""Headers that limit what a browser does with a response; a route may set its own values."""

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


def missing_headers(status: int, headers: RawHeaders, *, is_secure: bool) -> RawHeaders:
    """Return the headers that a response lacks.

    A 304 has no content: those of the stored response stay in effect (RFC 9111, 4.3.4).
    `is_secure` tells whether the client used TLS; if so, its browser shall use nothing else.
    """
    wanted = DEFAULT_HEADERS if status != 304 else ()
    if is_secure:
        wanted = (*wanted, STRICT_TRANSPORT_SECURITY)
    names = {name for name, _ in headers}
    return [field for field in wanted if field[0] not in names]


class SecurityHeadersMiddleware:
    """Adds the security headers to every response, by the scheme of the request."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_secure = scope.get("scheme") == "https"

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers: RawHeaders = list(message.get("headers", ()))
                headers += missing_headers(message["status"], headers, is_secure=is_secure)
                message = {**message, "headers": headers}
            await send(message)

        await self.app(scope, receive, send_with_headers)
