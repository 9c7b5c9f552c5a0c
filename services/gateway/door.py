"""The door: finds who calls, signs it for the services, and hands the request to its owner."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from services.gateway.access import caller_of_key
from services.platform.database import Database
from services.platform.guards import answer_problem
from services.platform.identity import ANONYMOUS, Caller, TokenSigner
from services.platform.problems import NotAuthenticated, ProblemError, Unavailable
from services.platform.service import API
from services.platform.settings import Service

log = logging.getLogger(__name__)

OWNERS: Mapping[str, Service] = {
    "services": Service.catalog,
    "agencies": Service.catalog,
    "life-events": Service.catalog,
    "catalog": Service.catalog,
    "usage": Service.feedback,
    "surveys": Service.feedback,
    "comments": Service.feedback,
    "methods": Service.assessment,
    "assessments": Service.assessment,
    "metrics": Service.assessment,
    "indices": Service.assessment,
    "bundles": Service.assessment,
    "scenarios": Service.assessment,
    "network": Service.assessment,
    "network.svg": Service.assessment,
    "network.graphml": Service.assessment,
    "sources": Service.assessment,
    "evidence": Service.assessment,
    "stakeholders": Service.assessment,
    "meetings": Service.assessment,
    "agreements": Service.assessment,
    "decisions": Service.assessment,
    "programmes": Service.assessment,
    "risks": Service.assessment,
    "recognitions": Service.assessment,
    "observations": Service.assessment,
    "index-values": Service.assessment,
}
"""Which service answers `/api/v1/<name>...`; what is not named is the gateway's own."""


SAID_BY_THE_DOOR = frozenset({b"authorization", b"x-forwarded-for"})


def owner_of(path: str) -> Service | None:
    """The service behind this path, or None for the gateway itself."""
    if path.startswith("/open311/"):
        return Service.feedback
    if not path.startswith(f"{API}/"):
        return None
    return OWNERS.get(path[len(API) + 1 :].partition("/")[0])


class Door:
    """The outermost layer of the gateway (pure ASGI)."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        database: Database,
        region: str,
        signer: TokenSigner,
        upstreams: Mapping[Service, ASGIApp],
    ) -> None:
        self.app = app
        self.database = database
        self.region = region
        self.signer = signer
        self.upstreams = upstreams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if scope["method"] == "HEAD" and not scope["path"].startswith(("/go/", "/s/")):
            # A read; the server leaves the body out. Where a read counts, a look does not.
            scope = {**scope, "method": "GET"}
        try:
            caller = await self.caller(scope)
        except ProblemError as error:
            await answer_problem(error, scope, receive, send)
            return
        owner = owner_of(scope["path"])
        if owner is None:
            await self.app({**scope, "caller": caller}, receive, send)
            return
        inner = {name: value for name, value in scope.items() if name not in {"app", "state"}}
        inner["headers"] = [
            *((name, value) for name, value in scope["headers"] if name not in SAID_BY_THE_DOOR),
            *_who_is_there(scope),
            (b"authorization", f"Bearer {self.signer.sign(caller)}".encode()),
        ]
        await self.upstreams[owner](inner, receive, send)

    async def caller(self, scope: Scope) -> Caller:
        """Whoever holds the key in the request; anybody where there is none."""
        given = Headers(scope=scope).get("authorization")
        if given is None:
            return ANONYMOUS
        scheme, _, key = given.partition(" ")
        if scheme.lower() != "bearer":
            raise NotAuthenticated("Send the key as Authorization: Bearer emk_<id>_<secret>.")
        try:
            return await caller_of_key(
                self.database, self.region, key.strip(), now=datetime.now(UTC)
            )
        except (SQLAlchemyError, OSError, TimeoutError):
            log.exception("a key cannot be checked: the database does not answer")
            raise Unavailable(
                "The key cannot be checked now; try again shortly.", headers={"Retry-After": "5"}
            ) from None


def _who_is_there(scope: Scope) -> list[tuple[bytes, bytes]]:
    """The other end as the door's server knows it, whatever the client says of itself."""
    client: tuple[str, int] | None = scope.get("client")
    return [(b"x-forwarded-for", client[0].encode("latin-1"))] if client else []
