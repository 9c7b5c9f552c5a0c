"""Reverse proxy of the hub: authenticate, limit, cache, forward (pure ASGI)."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from functools import partial

from starlette.types import ASGIApp, Receive, Scope, Send

from services.gateway.api_keys.keys import Principal
from services.gateway.http_cache.middleware import HttpCache, with_identity_etags
from services.gateway.proxy.cross_site import is_cross_site
from services.gateway.proxy.dependencies import ProxyDependencies
from services.gateway.proxy.remote_service import connection_headers
from services.gateway.proxy.request_log import RequestLog
from services.gateway.proxy.routing import owner_of
from services.gateway.rate_limits.client_address import is_forwarding_header
from services.gateway.rate_limits.limiter import Decision
from services.gateway.rate_limits.policies import SAFE_METHODS
from services.platform.database import DATABASE_ERRORS, is_connection_lost
from services.platform.identity import Caller, TokenSigner
from services.platform.logging import get_logger
from services.platform.middleware import find_header
from services.platform.problems import NotAuthenticated, ProblemError, TooManyRequests, Unavailable
from services.platform.settings import Service

log = get_logger(__name__)


OVERWRITTEN_HEADERS = frozenset({b"authorization", b"connection", b"traceparent"})
"""Request headers that the proxy sets itself."""
PRIVATE_SCOPE_KEYS = ("app", "caller", "request_log", "state")
"""Scope keys of the gateway's own layers, removed before a request reaches a service."""


class Proxy:
    """Outermost application of the gateway."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        dependencies: ProxyDependencies,
        signer: TokenSigner,
        backends: Mapping[Service, ASGIApp],
        cache: HttpCache,
        own_hosts: Collection[str],
        refuse_cross_site: ASGIApp,
    ) -> None:
        """Create a proxy before the gateway's own `app` and the services.

        `refuse_cross_site` answers writes that a browser sends from a page of another site;
        `own_hosts` are names of the hub besides the one that is asked.
        """
        self.app = app
        self.own_hosts = own_hosts
        self.refuse_cross_site = refuse_cross_site
        self.keys = dependencies.keys
        self.admission = dependencies.admission
        self.audit = dependencies.audit
        self.refused_writes = dependencies.refused_writes
        self.signer = signer
        self.backends = backends
        self.cache = cache

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Authenticate and limit a request, then answer it from the cache or its owner."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope = head_as_get(scope)
        client = scope["client"][0] if scope.get("client") else ""
        request_log = RequestLog(
            scope,
            send,
            admission=self.admission,
            audit=self.audit,
            refused_writes=self.refused_writes,
        )
        try:
            principal = request_log.principal = await self.authenticate(scope, client)
            request_log.decision = await self.limit(scope, client, principal)
        except ProblemError as error:
            await request_log.refuse(error, receive)
            return
        await request_log.forward(partial(self.handle, caller=request_log.caller), receive)

    async def authenticate(self, scope: Scope, client: str) -> Principal | None:
        """Return the principal of the request's key, or None without a key.

        Raises:
            NotAuthenticated: The key is malformed, unknown, expired or revoked.
            TooManyRequests: The address looks up too many keys.
            Unavailable: The database does not answer.
        """
        authorization = find_header(scope, b"authorization")
        if authorization is None:
            return None
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise NotAuthenticated("Send the key as Authorization: Bearer emk_<id>_<secret>.")
        now, key = datetime.now(UTC), key.strip()
        cached = self.keys.get(key, now=now)
        if cached is not None:
            return cached
        # A lookup in the database costs the address a request, against guessing of keys.
        await self.limit(scope, client, None)
        try:
            principal = await self.keys.load(key, now=now)
            if principal.monthly_quota is not None:
                await self.admission.load_quota_usage(principal)
        except DATABASE_ERRORS as error:
            if not is_connection_lost(error):  # an outage is logged once, by the session
                log.exception("API key not checked")
            raise Unavailable("The key cannot be checked now; try again shortly.") from None
        return principal

    async def limit(self, scope: Scope, client: str, principal: Principal | None) -> Decision:
        """Return the decision about an allowed request; raise `TooManyRequests` for any other."""
        decision = await self.admission.decide(
            scope["method"], scope["path"], client=client, principal=principal
        )
        if not decision.allowed:
            raise rate_limit_exceeded(decision)
        return decision

    async def handle(self, scope: Scope, receive: Receive, send: Send, *, caller: Caller) -> None:
        """Answer a read from the cache; forward other requests to their owner.

        A browser cannot send a key from another site's page without the hub's consent (CORS), so
        only writes without one are checked for their origin.
        """
        forward = partial(self.forward, caller=caller)
        if scope["method"] in SAFE_METHODS:
            await self.cache.handle(
                scope, receive, send, forward=forward, is_anonymous=caller.is_anonymous
            )
        elif caller.is_anonymous and is_cross_site(scope, self.own_hosts):
            await self.refuse_cross_site(scope, receive, send)
        else:
            invalidating = self.cache.invalidating(scope["path"], send)
            await forward(with_identity_etags(scope), receive, invalidating)

    async def forward(self, scope: Scope, receive: Receive, send: Send, *, caller: Caller) -> None:
        """Forward a request to the service that owns its path, or to the gateway's own routes."""
        owner = owner_of(scope["path"])
        if owner is None:
            await self.app(scope, receive, send)
            return
        given = scope["headers"]
        dropped = OVERWRITTEN_HEADERS | connection_headers(given)
        headers = [
            header
            for header in given
            if header[0] not in dropped and not is_forwarding_header(header[0])
        ]
        if client := scope.get("client"):
            headers.append((b"x-forwarded-for", client[0].encode("latin-1")))
        headers.append((b"authorization", f"Bearer {self.signer.sign(caller)}".encode()))
        inner = {**scope, "headers": headers}
        for name in PRIVATE_SCOPE_KEYS:
            inner.pop(name, None)
        await self.backends[owner](inner, receive, send)


def head_as_get(scope: Scope) -> Scope:
    """Return a HEAD request as GET; the server leaves the body out.

    Redirects that count clicks keep HEAD, which is not counted. Only GET has parts (RFC 9110,
    14.2).
    """
    if scope["method"] == "HEAD" and not scope["path"].startswith(("/go/", "/s/")):
        headers = [item for item in scope["headers"] if item[0] not in {b"range", b"if-range"}]
        return {**scope, "method": "GET", "headers": headers}
    return scope


def rate_limit_exceeded(decision: Decision) -> TooManyRequests:
    """Return the problem of a request over its limit."""
    headers = {name.decode(): value.decode() for name, value in decision.headers}
    policy = decision.policy
    limit = f"{policy.quota} {policy.name} in {policy.window}" if policy else "the limit"
    return TooManyRequests(
        f"That is more than {limit}; wait {decision.retry_after} seconds.",
        headers=headers | {"Retry-After": str(decision.retry_after)},
    )
