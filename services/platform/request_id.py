"""The id of a request: in the response, in problems, in every log line, across services.

A caller's W3C `traceparent` names it (its trace id); otherwise it is random, so that it
reveals no time. It is passed on in `traceparent` and returned as `X-Request-ID`.
"""

import os
import re
import time
from uuid import UUID

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import get_contextvars

from services.platform.logging import get_logger

log = get_logger(__name__)

HEADER = b"x-request-id"
SLOW_SECONDS = 1.0
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
_ZERO = b"0" * 32
_PUBLIC = re.compile(r"[a-z][a-z0-9.-]{0,79}|\d{1,4}")
_PRIVATE_AREAS = frozenset({"comments"})
"""Collections whose paths identify personal cases."""


def new_request_id() -> str:
    """Return a random id of 32 hexadecimal digits, as a trace id has them."""
    return os.urandom(16).hex()


def request_id_of(scope: Scope) -> str:
    """Return the trace id of the request's `traceparent`, or a new id."""
    for name, value in scope["headers"]:
        if name == b"traceparent":
            found = _TRACEPARENT.fullmatch(value)
            if found is not None and found[1] != _ZERO:
                return found[1].decode()
            break
    return new_request_id()


def current_request_id() -> str | None:
    """Return the id of the request that this code runs for; None outside a request."""
    return get_contextvars().get("request_id")


def traceparent(request_id: str) -> bytes:
    """Return the field value that hands the id on (W3C Trace Context, level 1)."""
    return f"00-{request_id}-{os.urandom(8).hex()}-01".encode()


def redact_path(path: str) -> str:
    """Return a path without the segments that may be secrets or stand for a person.

    Names of collections, slugs, years and record ids (UUID) stay; tokens, tickets and licence
    numbers become `*`, and under `comments` everything below the collection does.
    """
    is_api = path.startswith("/api/")
    segments = path.split("/")
    depth = 3 if is_api else 1
    is_private = len(segments) > depth and segments[depth] in _PRIVATE_AREAS
    shown = [
        part
        if index <= depth or not part or (is_api and not is_private and _is_public(part))
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

    def __init__(self, app: ASGIApp, *, service: str) -> None:
        self.app = app
        self.service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # A service in the gateway's process inherits the id with the context.
        inherited = current_request_id()
        request_id = inherited or request_id_of(scope)
        field = (HEADER, request_id.encode())
        started = time.perf_counter()
        status = 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if inherited is None:
                    message["headers"] = [
                        *(pair for pair in message.get("headers", ()) if pair[0] != HEADER),
                        field,
                    ]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id, service=self.service):
            try:
                await self.app(scope, receive, send_with_id)
            finally:
                if inherited is None:
                    _log_request(scope, status, time.perf_counter() - started)


def _log_request(scope: Scope, status: int, seconds: float) -> None:
    if status >= 500 and status != 503:
        write = log.error
    elif 400 <= status < 500 or seconds >= SLOW_SECONDS:
        write = log.info
    else:
        write = log.debug
    write(
        "request",
        method=scope["method"],
        path=redact_path(scope["path"]),
        status=status,
        duration_ms=round(seconds * 1000, 1),
    )
