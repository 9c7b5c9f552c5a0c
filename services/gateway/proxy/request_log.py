"""Record of one request: response headers, usage metering and the audit line of a write."""

import hashlib
import re
from datetime import UTC, datetime, timedelta

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.api_keys.keys import Principal
from services.gateway.audit.chain import AuditEntry
from services.gateway.audit.log import AuditLog
from services.gateway.audit.refused_writes import STORED_STATUSES, RefusedWrites
from services.gateway.proxy.routing import area_of
from services.gateway.rate_limits.admission import Admission
from services.gateway.rate_limits.limiter import Decision
from services.gateway.rate_limits.policies import SAFE_METHODS, kind_of
from services.platform.database import DATABASE_ERRORS
from services.platform.identity import ANONYMOUS, Caller
from services.platform.middleware import send_problem
from services.platform.problems import MEDIA_TYPE, ProblemError, Unavailable, type_of_status
from services.platform.request_id import current_request_id, new_request_id, redact_path
from services.platform.service import API

EXPIRY_WARNING = timedelta(days=30)
"""Remaining validity of a key from which responses carry `Emall-Key-Expires`."""
SURVEY_RESPONSE = re.compile(
    rf"{API}/surveys/[^/]+/responses|/survei/(?!perangkat)[^/]+(/petugas)?"
)
"""Paths to which people's responses are sent, also by the devices of agencies."""


class RequestLog:
    """Wrapper of `send` that adds headers, meters responses and writes audit lines.

    The audit line of a write is stored before its response is sent: without a line, the client
    gets `503` and has to send the request again. A write without a key that stored nothing is only
    counted.
    """

    def __init__(
        self,
        scope: Scope,
        send: Send,
        *,
        admission: Admission,
        audit: AuditLog,
        refused_writes: RefusedWrites,
    ) -> None:
        self.scope: Scope = {**scope, "request_log": self}
        self.principal: Principal | None = None
        self.decision: Decision | None = None
        """Set if the request was allowed; a refusal reports the limit itself."""
        self._impersonated: Caller | None = None
        self._send = send
        self._admission = admission
        self._audit = audit
        self._refused_writes = refused_writes
        self._is_stored = False
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

    def note_stored(self) -> None:
        """Note that the request stored something, although its status will not say so."""
        self._is_stored = True

    async def refuse(self, error: ProblemError, receive: Receive) -> None:
        """Answer with a problem without forwarding the request."""
        await send_problem(error, self.scope, receive, self.send)
        self._release()

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
        finally:
            self._release()

    def _release(self) -> None:
        """End the cycle of references with the scope: what a request leaves is freed at once, and
        the next one finds it in the processor's cache."""
        del self.scope["request_log"]

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
        if caller.is_anonymous and not (self._is_stored or status in STORED_STATUSES):
            self._refused_writes.count(status)
            return
        # A citizen's response must not be identifiable by its minute, nor by a request id, which
        # stands in log lines with the time and may be the caller's own, made of the time. At a
        # device of an agency neither by the hash of its body, which what is stored reproduces.
        is_survey_response = SURVEY_RESPONSE.fullmatch(self.scope["path"]) is not None
        is_citizens = caller.is_anonymous or is_survey_response
        request_id = None if is_citizens else current_request_id()
        entry = AuditEntry(
            at=now.replace(minute=0, second=0, microsecond=0) if is_citizens else now,
            key_id=caller.subject,
            agency=caller.agency,
            action=self.scope["method"],
            target=redact_path(self.scope["path"]),
            status=status,
            problem=problem,
            request_id=request_id or new_request_id().decode(),
            body_hash=None if is_citizens else self._body_hash,
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


def _problem_type(start: Message) -> str | None:
    """Return the problem type of a response, or None if it is no problem document."""
    is_problem = (b"content-type", MEDIA_TYPE.encode()) in start["headers"]
    return type_of_status(start["status"]) if is_problem else None


async def _receive_disconnect() -> Message:
    return {"type": "http.disconnect"}
