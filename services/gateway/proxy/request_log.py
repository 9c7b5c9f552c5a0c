"""A request on its way through the door and its answer back: told on, counted, written down."""

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.api_keys.keys import KeyHolder
from services.gateway.audit.chain import Entry
from services.gateway.audit.log import AuditLog
from services.gateway.rate_limits.admission import Admission
from services.gateway.rate_limits.limiter import Decision
from services.gateway.rate_limits.policies import SAFE, kind_of
from services.platform.database import DATABASE_ERRORS
from services.platform.identity import ANONYMOUS, Caller
from services.platform.ids import new_id
from services.platform.middleware import send_problem
from services.platform.problems import MEDIA_TYPE, ProblemError, Unavailable
from services.platform.service import API

ENDS_SOON = timedelta(days=30)
PUBLIC = re.compile(r"[a-z][a-z0-9.-]{0,79}|\d{1,4}")
TRACE = re.compile(r"^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
SECRET_AREAS = frozenset({"comments"})
"""Where a path names a citizen's own affair."""


class Visit:
    """Sees one answer pass: adds headers, counts it, and keeps the line of a write before it."""

    def __init__(
        self, scope: Scope, send: Send, *, admission: Admission, audit: AuditLog, area: str
    ) -> None:
        self.scope: Scope = {**scope, "visit": self}
        self.holder: KeyHolder | None = None
        self.decision: Decision | None = None
        self._caller: Caller | None = None
        self._send = send
        self._admission = admission
        self._audit = audit
        self._area = area
        self._is_write = scope["method"] not in SAFE
        self._is_counted = kind_of(scope["method"], scope["path"]) is not None
        self._body_hash: str | None = None
        self._head: Message | None = None
        self._started = False

    def acts_for(self, caller: Caller) -> None:
        """Says who is behind a request that carries no key but what a key opened."""
        self._caller = caller

    async def refuse(self, error: ProblemError, receive: Receive) -> None:
        """Answers with a problem, without asking whoever owns the path."""
        await send_problem(error, self.scope, receive, self._passing)

    async def pass_on(self, answering: ASGIApp, receive: Receive) -> None:
        """Lets the owner of the path answer."""
        self.scope["caller"] = self.holder.caller if self.holder else ANONYMOUS
        reading = self._reading(receive) if self._is_write and self.holder else receive
        try:
            await answering(self.scope, reading, self._passing)
        except Exception:
            if self._is_write and not self._started:
                await self._keep_line(500, None)
            raise

    def _reading(self, receive: Receive) -> Receive:
        body = hashlib.sha256()

        async def hashed() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                body.update(message.get("body", b""))
                is_whole = not message.get("more_body", False)
                self._body_hash = body.hexdigest() if is_whole else None
            return message

        return hashed

    async def _passing(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._add_headers(message)
            if self._is_write:  # its line is written first, and tells what the body says
                self._head = message
                return
            self._count(message["status"])
        elif self._head is not None:
            head, self._head = self._head, None
            try:
                await self._keep_line(head["status"], _problem_in(head, message))
            except DATABASE_ERRORS:
                await self._unwritten()
                return
            self._started = True
            self._count(head["status"])
            await self._send(head)
        elif self._is_write and not self._started:
            return  # the rest of an answer that was replaced
        await self._send(message)

    async def _unwritten(self) -> None:
        """Says that a write may be stored, but has no line: sent again, it gets one."""
        error = Unavailable(
            "The audit log cannot be written now, so this is no answer to your request; send it "
            "again shortly.",
        )
        self._count(error.status)
        await send_problem(error, self.scope, _nothing, self._send)

    def _add_headers(self, head: Message) -> None:
        headers: list[tuple[bytes, bytes]] = list(head.get("headers", ()))
        if self.decision is not None and self.decision.allowed:  # else the problem says it
            headers += self.decision.headers
        ends = self.holder.expires_at if self.holder else None
        if ends is not None and ends - datetime.now(UTC) < ENDS_SOON:
            headers.append((b"emall-key-expires", f"{ends:%Y-%m-%dT%H:%M:%SZ}".encode()))
        head["headers"] = headers

    def _count(self, status: int) -> None:
        if self._is_counted:
            self._admission.counted(self._area, status, holder=self.holder)

    async def _keep_line(self, status: int, problem: str | None) -> None:
        await self._audit.keep(self._entry(status, problem))

    def _entry(self, status: int, problem: str | None) -> Entry:
        now = datetime.now(UTC)
        caller = self._caller or (self.holder.caller if self.holder else ANONYMOUS)
        known = not caller.is_anonymous
        return Entry(
            # An answer of a citizen must not be found by its minute.
            at=now if known else now.replace(minute=0, second=0, microsecond=0),
            key_id=caller.subject,
            agency=caller.agency,
            action=self.scope["method"],
            target=target_of(self.scope["path"]),
            status=status,
            problem=problem,
            request_id=_request_id(self.scope),
            body_hash=self._body_hash,
        )


def target_of(path: str) -> str:
    """A path for the audit log: what may stand for a person, or opens something, is left out.

    Names of collections and slugs stay, and identifiers of records; tokens, tickets and numbers
    of licences go.
    """
    is_api = path.startswith(f"{API}/")
    segments = path[len(API) :].split("/") if is_api else path.split("/")
    area = segments[1] if len(segments) > 1 else ""
    shown = [
        part
        if not part or place == 1 or (is_api and area not in SECRET_AREAS and _is_public(part))
        else "*"
        for place, part in enumerate(segments)
    ]
    return f"{API if is_api else ''}{'/'.join(shown)}"[:300]


def _is_public(segment: str) -> bool:
    if PUBLIC.fullmatch(segment):
        return not re.search(r"\d{8}", segment)
    try:
        UUID(segment)
    except ValueError:
        return False
    return len(segment) == 36


def _problem_in(head: Message, first: Message) -> str | None:
    """The type of the problem that an answer tells of."""
    headers: Any = head["headers"]
    if head["status"] < 400 or (b"content-type", MEDIA_TYPE.encode()) not in headers:
        return None
    try:
        told = json.loads(first.get("body", b""))
    except ValueError:
        return None
    return str(told.get("type"))[:200] if isinstance(told, dict) else None


def _request_id(scope: Scope) -> str:
    """The trace of the caller (W3C `traceparent`), or an id of the door's own."""
    trace = TRACE.match(Headers(scope=scope).get("traceparent", ""))
    return trace[1] if trace else str(new_id())


async def _nothing() -> Message:
    return {"type": "http.disconnect"}
