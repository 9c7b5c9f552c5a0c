"""The client of a request behind reverse proxies, resolved once for all layers."""

from starlette.types import ASGIApp, Receive, Scope, Send

from services.gateway.rate_limits.client_address import TrustedProxies


class ResolvedClientMiddleware:
    """Replaces the peer and the scheme by those of the client, as trusted proxies report them."""

    def __init__(self, app: ASGIApp, proxies: TrustedProxies) -> None:
        self.app = app
        self.proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = self._resolve(scope)
        await self.app(scope, receive, send)

    def _resolve(self, scope: Scope) -> Scope:
        peer = scope["client"][0] if scope.get("client") else ""
        headers = [header for header in scope["headers"] if b"forwarded" in header[0]]
        if not headers:
            return scope
        client = self.proxies.client(peer, headers)
        scheme = self.proxies.scheme(peer, headers) or scope.get("scheme", "http")
        if client == peer and scheme == scope.get("scheme"):
            return scope
        return {**scope, "client": (client, 0), "scheme": scheme}
