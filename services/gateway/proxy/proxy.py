"""The door: finds who calls, signs it for the services, and hands the request to its owner."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from services.gateway.api_keys.keys import KeyHolder
from services.gateway.http_cache.middleware import Cache
from services.gateway.proxy.dependencies import Entrance
from services.gateway.proxy.remote_service import named_by_connection
from services.gateway.proxy.request_log import Visit
from services.gateway.rate_limits.limiter import Decision
from services.gateway.routing import area_of, owner_of
from services.platform.database import DATABASE_ERRORS
from services.platform.identity import TokenSigner
from services.platform.problems import NotAuthenticated, ProblemError, TooManyRequests, Unavailable
from services.platform.settings import Service

log = logging.getLogger(__name__)


SAID_BY_THE_DOOR = frozenset({b"authorization", b"connection", b"x-forwarded-for"})
OF_THE_GATEWAY = ("app", "caller", "state", "visit")
"""What a scope tells the gateway's own layers, and no service."""


class Door:
    """The outermost layer of the gateway (pure ASGI)."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        entrance: Entrance,
        signer: TokenSigner,
        upstreams: Mapping[Service, ASGIApp],
        cache: Cache,
    ) -> None:
        self.app = app
        self.ring = entrance.ring
        self.admission = entrance.admission
        self.audit = entrance.audit
        self.signer = signer
        self.upstreams = upstreams
        self.cache = cache

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        if method == "HEAD" and not path.startswith(("/go/", "/s/")):
            # A read; the server leaves the body out. Where a read counts, a look does not.
            scope = {**scope, "method": "GET"}
        scope, client = self.seen_through(scope)
        visit = Visit(scope, send, admission=self.admission, audit=self.audit, area=area_of(path))
        try:
            holder = visit.holder = await self.holder(scope, client)
            decision = visit.decision = await self.admission.decide(
                method, path, client=client, holder=holder
            )
            if not decision.allowed:
                raise too_many(decision)
        except ProblemError as error:
            await visit.refuse(error, receive)
            return
        await visit.pass_on(self.answer, receive)

    def seen_through(self, scope: Scope) -> tuple[Scope, str]:
        """The request as its client sent it to the first trusted proxy, and who the client is."""
        peer = scope["client"][0] if scope.get("client") else ""
        proxies, headers = self.admission.proxies, scope["headers"]
        client = proxies.client(peer, headers)
        scheme = proxies.scheme(peer, headers) or scope.get("scheme", "http")
        if client == peer and scheme == scope.get("scheme"):
            return scope, client
        return {**scope, "client": (client, 0), "scheme": scheme}, client

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers from what is kept, or lets the owner of the path answer."""
        is_anonymous = scope["caller"].is_anonymous
        await self.cache.answer(scope, receive, send, ask=self.hand_over, is_anonymous=is_anonymous)

    async def hand_over(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands a request to whoever owns its path."""
        owner = owner_of(scope["path"])
        if owner is None:
            await self.app(scope, receive, send)
            return
        given = scope["headers"]
        dropped = SAID_BY_THE_DOOR | named_by_connection(given)
        headers = [field for field in given if field[0] not in dropped]
        if client := scope.get("client"):  # as the door's server knows it, whatever it says itself
            headers.append((b"x-forwarded-for", client[0].encode("latin-1")))
        headers.append((b"authorization", f"Bearer {self.signer.sign(scope['caller'])}".encode()))
        inner = {**scope, "headers": headers}
        for name in OF_THE_GATEWAY:
            inner.pop(name, None)
        await self.upstreams[owner](inner, receive, send)

    async def holder(self, scope: Scope, client: str) -> KeyHolder | None:
        """Whoever holds the key in the request; None where there is no key."""
        given = Headers(scope=scope).get("authorization")
        if given is None:
            return None
        scheme, _, key = given.partition(" ")
        if scheme.lower() != "bearer":
            raise NotAuthenticated("Send the key as Authorization: Bearer emk_<id>_<secret>.")
        now, key = datetime.now(UTC), key.strip()
        known = self.ring.known(key, now=now)
        if known is not None:
            return known
        # A key that must be looked up costs its address a request, so that nobody tries many.
        decision = await self.admission.decide(scope["method"], scope["path"], client=client)
        if not decision.allowed:
            raise too_many(decision)
        try:
            holder = await self.ring.find(key, now=now)
            if holder.monthly_quota is not None:
                await self.admission.learn(holder)
        except DATABASE_ERRORS:
            log.exception("a key cannot be checked: the database does not answer")
            raise Unavailable("The key cannot be checked now; try again shortly.") from None
        return holder


def too_many(decision: Decision) -> TooManyRequests:
    """The problem of a request over its limit."""
    headers = {name.decode(): value.decode() for name, value in decision.headers}
    policy = decision.policy
    limit = f"{policy.quota} {policy.name} in {policy.window}" if policy else "the limit"
    return TooManyRequests(
        f"That is more than {limit}; wait {decision.retry_after} seconds.",
        headers=headers | {"Retry-After": str(decision.retry_after)},
    )
