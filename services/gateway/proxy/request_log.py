"""Record of one request: response headers, usage metering and the audit line of a write."""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.api_keys.keys import Principal
from services.gateway.audit.chain import AuditEntry
from services.gateway.audit.log import AuditLog
from services.gateway.rate_limits.admission import Admission
from services.gateway.rate_limits.limiter import Decision
from services.gateway.rate_limits.policies import SAFE_METHODS, kind_of
from services.gateway.routing import area_of
from services.platform.database import DATABASE_ERRORS
from services.platform.identity import ANONYMOUS, Caller
from services.platform.ids import new_id
from services.platform.middleware import send_problem
from services.platform.problems import MEDIA_TYPE, ProblemError, Unavailable, type_of_status
from services.platform.service import API

EXPIRY_WARNING = timedelta(days=30)
"""Remaining validity of a key from which responses carry `Emall-Key-Expires`."""
PUBLIC_SEGMENT = re.compile(r"[a-z][a-z0-9.-]{0,79}|\d{1,4}")
TRACEPARENT = re.compile(r"^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
PRIVATE_AREAS = frozenset({"comments"})
"""Areas whose paths name a citizen's own case."""


class RequestLog:
    """Wrapper of `send` that adds headers, meters responses and writes audit lines.

    The audit line of a write is stored before its response is sent: without a line, the client
    gets `503` and has to send the request again.
    """

    def __init__(self, scope: Scope, send: Send, *, admission: Admission, audit: AuditLog) -> None:
        self.scope: Scope = {**scope, "request_log": self}
        self.principal: Principal | None = None
        self.decision: Decision | None = None
        """Set if the request was allowed; a refusal reports the limit itself."""
        self._impersonated: Caller | None = None
        self._send = send
        self._admission = admission
        self._audit = audit
        self._area = area_of(scope["path"])
        self._is_write = scope["method"] not in SAFE_METHODS
        self._is_metered = kind_of(scope["method"], scope["path"]) is not None
        self._body_hash: str | None = None
        self._is_started = False
        self._is_replaced = False

    @property
    def caller(self) -> Caller:
        """The caller that the request's key authenticates."""
        return self.principal.caller if self.principal else ANONYMOUS

    def impersonate(self, caller: Caller) -> None:
        """Set the caller of a request that carries no key but a session made with one."""
        self._impersonated = caller

    async def refuse(self, error: ProblemError, receive: Receive) -> None:
        """Answer with a problem without forwarding the request."""
        await send_problem(error, self.scope, receive, self.send)

    async def forward(self, app: ASGIApp, receive: Receive) -> None:
        """Forward the request to an application and record its response."""
        self.scope["caller"] = self.caller
        if self._is_write and self.principal:
            receive = self._hash_body(receive)
        try:
            await app(self.scope, receive, self.send)
        except Exception:
            if self._is_write and not self._is_started:
                await self.append_audit_line(500, None)
            raise

    async def send(self, message: Message) -> None:
        """Send a message of the response; the first one is preceded by the audit line."""
        if self._is_replaced:
            return
        if message["type"] == "http.response.start":
            self._add_headers(message)
            if self._is_write:
                try:
                    await self.append_audit_line(message["status"], _problem_type(message))
                except DATABASE_ERRORS:
                    self._is_replaced = True
                    await self.audit_unavailable()
                    return
            self._is_started = True
            self._meter(message["status"])
        await self._send(message)

    async def audit_unavailable(self) -> None:
        """Answer that the write may be stored but has no audit line: sent again, it gets one."""
        error = Unavailable(
            "The audit log cannot be written now, so this is no answer to your request; send it "
            "again shortly.",
        )
        self._meter(error.status)
        await send_problem(error, self.scope, _receive_disconnect, self._send)

    async def append_audit_line(self, status: int, problem: str | None) -> None:
        """Store the audit line of this write; raise one of `DATABASE_ERRORS` if that fails."""
        now = datetime.now(UTC)
        caller = self._impersonated or self.caller
        entry = AuditEntry(
            # A citizen's response must not be identifiable by its minute.
            at=now.replace(minute=0, second=0, microsecond=0) if caller.is_anonymous else now,
            key_id=caller.subject,
            agency=caller.agency,
            action=self.scope["method"],
            target=audit_target(self.scope["path"]),
            status=status,
            problem=problem,
            request_id=_request_id(self.scope),
            body_hash=self._body_hash,
        )
        await self._audit.append(entry)

    def _hash_body(self, receive: Receive) -> Receive:
        body = hashlib.sha256()

        async def receive_hashed() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                body.update(message.get("body", b""))
                is_complete = not message.get("more_body", False)
                self._body_hash = body.hexdigest() if is_complete else None
            return message

        return receive_hashed

    def _add_headers(self, start: Message) -> None:
        headers: list[tuple[bytes, bytes]] = list(start.get("headers", ()))
        if self.decision is not None:
            headers += self.decision.headers
        expires_at = self.principal.expires_at if self.principal else None
        if expires_at is not None and expires_at - datetime.now(UTC) < EXPIRY_WARNING:
            headers.append((b"emall-key-expires", f"{expires_at:%Y-%m-%dT%H:%M:%SZ}".encode()))
        start["headers"] = headers

    def _meter(self, status: int) -> None:
        if self._is_metered:
            self._admission.count(self._area, status, principal=self.principal)


def audit_target(path: str) -> str:
    """Return a path for the audit log, with `*` for segments that may identify a person.

    Names of collections, slugs and identifiers of records stay; tokens, tickets and licence
    numbers are masked.
    """
    is_api = path.startswith(f"{API}/")
    segments = path[len(API) :].split("/") if is_api else path.split("/")
    area = segments[1] if len(segments) > 1 else ""
    masked = [
        part
        if not part or n == 1 or (is_api and area not in PRIVATE_AREAS and _is_public(part))
        else "*"
        for n, part in enumerate(segments)
    ]
    return f"{API if is_api else ''}{'/'.join(masked)}"[:300]


def _is_public(segment: str) -> bool:
    if PUBLIC_SEGMENT.fullmatch(segment):
        return not re.search(r"\d{8}", segment)
    try:
        UUID(segment)
    except ValueError:
        return False
    return len(segment) == 36


def _problem_type(start: Message) -> str | None:
    """Return the problem type of a response, or None if it is no problem document."""
    is_problem = (b"content-type", MEDIA_TYPE.encode()) in start["headers"]
    return type_of_status(start["status"]) if is_problem else None


def _request_id(scope: Scope) -> str:
    """Return the caller's trace id (W3C `traceparent`), or a new id."""
    trace = TRACEPARENT.match(Headers(scope=scope).get("traceparent", ""))
    return trace[1] if trace else str(new_id())


async def _receive_disconnect() -> Message:
    return {"type": "http.disconnect"}
