"""The id of a request: in the response, in problems, in every log line, across services.

A caller's W3C `traceparent` names it (its trace id); otherwise it is random, so that it
reveals no time. It is passed on in `traceparent` and returned as `X-Request-ID`.
"""

import logging
import os
import re
import time
from collections.abc import Callable
from uuid import UUID

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.platform import trace_hooks
from services.platform.logging import RequestContext, get_logger, request_context

log = get_logger(__name__)
_levels = logging.getLogger(__name__)

HEADER = b"x-request-id"
SLOW_SECONDS = 1.0
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
_ZERO = b"0" * 32
_PUBLIC = re.compile(r"[a-z][a-z0-9.-]{0,79}|\d{1,4}")
_PRIVATE_AREAS = frozenset({"comments"})
"""Collections whose paths identify personal cases."""


Observe = Callable[[Scope, int, float], None]
"""Called with each request, its status and its seconds."""

_POOL_SIZE = 256
_pool: list[bytes] = []


def new_request_id() -> bytes:
    """Return a random id of 32 hexadecimal digits, as a trace id has them.

    A system call for each would cost a cached read 4% of its time, so they are drawn ahead.
    """
    try:
        return _pool.pop()
    except IndexError:
        digits = os.urandom(16 * _POOL_SIZE).hex().encode()
        _pool.extend(digits[start : start + 32] for start in range(32, len(digits), 32))
        return digits[:32]


def request_id_of(traceparent: bytes | None) -> bytes:
    """Return the trace id of a request's `traceparent`, or a new id."""
    if traceparent is not None:
        found = _TRACEPARENT.fullmatch(traceparent)
        if found is not None and found[1] != _ZERO:
            return found[1]
    return new_request_id()


def _traceparent_of(scope: Scope) -> bytes | None:
    for name, value in scope["headers"]:
        if name == b"traceparent":
            return value
    return None


def current_request_id() -> str | None:
    """Return the id of the request that this code runs for; None outside a request."""
    context = request_context.get()
    return None if context is None else context.request_id


def traceparent(request_id: str) -> bytes:
    """Return the field value that hands the id on (W3C Trace Context, level 1)."""
    if trace_hooks.active is not None and (current := trace_hooks.active.traceparent()):
        return current
    return f"00-{request_id}-{new_request_id()[:16].decode()}-01".encode()


def redact_path(path: str) -> str:
    """Return a path without the segments that may be secrets or stand for a person.

    Of the API and the workspace, names of collections, slugs, years and record ids (UUID) stay;
    tokens, tickets and licence numbers become `*`, and under `comments` everything below the
    collection does. Of other pages only the first segment stays.
    """
    is_api = path.startswith("/api/")
    is_shown = is_api or path.startswith("/kelola/")
    segments = path.split("/")
    depth = 3 if is_api else 1
    is_private = len(segments) > depth and segments[depth] in _PRIVATE_AREAS
    shown = [
        part
        if index <= depth or not part or (is_shown and not is_private and _is_public(part))
        else "*"
        for index, part in enumerate(segments)
    ]
    return "/".join(shown)[:300]


def _is_public(segment: str) -> bool:
    if _PUBLIC.fullmatch(segment):
        return not re.search(r"\d{8}", segment)
    try:
        return len(segment) == 36 and bool(UUID(segment))
    except ValueError:
        return False


class RequestIdMiddleware:
    """Bind the request's id and the service to its log lines, and add `X-Request-ID`.

    Logs a request when it ends: failures (5xx) as errors, rejections (4xx) and slow requests as
    information, all others for debugging; so too 503, for an outage is logged as such, once.
    Pure ASGI.
    """

    def __init__(self, app: ASGIApp, *, service: str, observe: Observe | None = None) -> None:
        """`observe` measures the requests; None: nothing does."""
        tracing = trace_hooks.active
        self.app = app if tracing is None else tracing.server(app, service)
        self.service = service
        self.observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        context = request_context.get()
        if context is not None:  # a service in the gateway's process
            token = request_context.set(RequestContext(context.request_id, self.service))
            try:
                if self.observe is None:
                    await self.app(scope, receive, send)
                else:
                    await self._observe(scope, receive, send, observe=self.observe)
            finally:
                request_context.reset(token)
            return
        request_id = request_id_of(_traceparent_of(scope))
        field = (HEADER, request_id)
        started = time.perf_counter()
        status = 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [pair for pair in message.get("headers", ()) if pair[0] != HEADER]
                headers.append(field)
                message["headers"] = headers
            await send(message)

        token = request_context.set(RequestContext(request_id.decode(), self.service))
        try:
            await self.app(scope, receive, send_with_id)
        finally:
            seconds = time.perf_counter() - started
            if self.observe is not None:
                self.observe(scope, status, seconds)
            _log_request(scope, status, seconds)
            request_context.reset(token)

    async def _observe(
        self, scope: Scope, receive: Receive, send: Send, *, observe: Observe
    ) -> None:
        started = time.perf_counter()
        status = 500

        async def send_observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_observed)
        finally:
            observe(scope, status, time.perf_counter() - started)


def _log_request(scope: Scope, status: int, seconds: float) -> None:
    if status >= 500 and status != 503:
        level = logging.ERROR
    elif 400 <= status < 500 or seconds >= SLOW_SECONDS:
        level = logging.INFO
    else:
        level = logging.DEBUG
    if _levels.isEnabledFor(level):
        log.log(
            level,
            "request",
            method=scope["method"],
            path=redact_path(scope["path"]),
            status=status,
            duration_ms=round(seconds * 1000, 1),
        )
