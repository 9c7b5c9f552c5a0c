"""ASGI middleware of every service: token check, body limit, entity tags."""

import codecs
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.platform.body_types import (
    FORM,
    JSON,
    MULTIPART,
    begins_as_json,
    media_type,
    peek_body,
)
from services.platform.entity_tags import entity_tag, tag_matches
from services.platform.identity import Caller, TokenVerifier
from services.platform.problems import NotAuthenticated, ProblemError, problem_response
from services.platform.request_body import (
    ANONYMOUS_LIMITS,
    KEY_LIMITS,
    BodyLimiter,
    ParsedBodyLimits,
    body_too_large,
    is_parsed_whole,
    read_whole,
)

ZIP_SIGNATURE = b"PK\x03\x04"
"""Beginning of workbooks and bundles (APPNOTE.TXT, 4.3.7)."""

FORM_ENCODINGS = frozenset({"utf-8", "ascii", "iso8859-1", "cp1252"})
"""Encodings in which a form is read, by Python's names; of any other the bytes are read as UTF-8.

Some decode to what is no text and cannot be stored (`unicode_escape`), or never (`undefined`).
"""

PUBLIC_PATHS = frozenset({"/health/live", "/health/ready", "/openapi.json"})
"""Paths that need no token; they expose no data."""


async def send_problem(error: ProblemError, scope: Scope, receive: Receive, send: Send) -> None:
    """Send a problem document from middleware, where FastAPI's exception handlers do not apply."""
    response = problem_response(
        Request(scope),
        error.status,
        error.detail,
        errors=error.errors,
        headers=error.headers,
        extra=error.extra,
    )
    await response(scope, receive, send)


async def send_http_error(error: HTTPException, scope: Scope, receive: Receive, send: Send) -> None:
    """Send a Starlette HTTP error as a problem document."""
    response = problem_response(
        Request(scope), error.status_code, error.detail, headers=error.headers
    )
    await response(scope, receive, send)


def find_header(scope: Scope, name: bytes) -> str | None:
    """Return the first header field with this lower-case name, or None."""
    for field, value in scope["headers"]:
        if field == name:
            return value.decode("latin-1")
    return None


def get_header(scope: Scope, name: bytes) -> str:
    """Return the first header field with this lower-case name; empty if there is none."""
    return find_header(scope, name) or ""


def authenticate_token(scope: Scope, verifier: TokenVerifier) -> Caller:
    """Return the caller in the gateway's token; raise `NotAuthenticated` without one."""
    scheme, _, token = get_header(scope, b"authorization").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotAuthenticated("This service accepts requests only through the gateway.")
    return verifier.verify(token)


class TokenMiddleware:
    """Rejects requests without a token of the gateway (401), or with one that fails (503)."""

    def __init__(self, app: ASGIApp, verifier: Callable[[], TokenVerifier]) -> None:
        self.app = app
        self.verifier = verifier

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in PUBLIC_PATHS:
            await self.app(scope, receive, send)
            return
        try:
            caller = authenticate_token(scope, self.verifier())
        except ProblemError as error:
            await send_problem(error, scope, receive, send)
            return
        await self.app({**scope, "caller": caller}, receive, send)


class BodyLimitMiddleware:
    """Rejects request bodies that are too large (413) or arrive too slowly (408)."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app = app
        self.limit = limit
        self.body_limiter = BodyLimiter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        content_length = get_header(scope, b"content-length")
        if not content_length and not get_header(scope, b"transfer-encoding"):
            await self.app(scope, receive, send)  # no body (RFC 9112, 6.3)
            return
        if content_length.isdigit() and int(content_length) > self.limit:
            await send_problem(body_too_large(self.limit), scope, receive, send)
            return
        with self.body_limiter.limit(receive, limit=self.limit) as bounded:
            try:
                await self.app(scope, bounded, send)
            except HTTPException as error:  # raised while the body was read outside FastAPI
                await send_http_error(error, scope, receive, send)


def limits_by_caller(scope: Scope) -> ParsedBodyLimits:
    """Return the limits of what a service parses: a caller with a key may send more."""
    caller: Caller | None = scope.get("caller")
    return ANONYMOUS_LIMITS if caller is None or caller.is_anonymous else KEY_LIMITS


class ParsedBodyMiddleware:
    """Rejects JSON documents and forms that would hold the event loop (413).

    Behind `BodyLimitMiddleware`, which limits the time in which a body arrives.
    """

    def __init__(
        self, app: ASGIApp, limits: Callable[[Scope], ParsedBodyLimits] = limits_by_caller
    ) -> None:
        self.app = app
        self.limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                scope, receive = await _recognised(scope, receive)
                content_type = get_header(scope, b"content-type")
                if is_parsed_whole(content_type):
                    is_form = media_type(content_type) == FORM
                    receive = await read_whole(receive, self.limits(scope), is_form=is_form)
            except ProblemError as error:
                await send_problem(error, scope, receive, send)
                return
            except HTTPException as error:  # of `BodyLimitMiddleware`
                await send_http_error(error, scope, receive, send)
                return
        await self.app(scope, receive, send)


async def _recognised(scope: Scope, receive: Receive) -> tuple[Scope, Receive]:
    """Return a request with the type of its body, if it names none and begins as JSON does.

    A file that `curl --data-binary` sends as a form is not one. Forms lose an unknown encoding.
    """
    content_type = get_header(scope, b"content-type").strip()
    if media_type(content_type) == MULTIPART:
        return _in_known_encoding(scope, content_type), receive
    has_body = get_header(scope, b"transfer-encoding") or get_header(scope, b"content-length") > "0"
    if not has_body or (content_type and media_type(content_type) != FORM):
        return scope, receive
    beginning, receive = await peek_body(receive)
    kind: bytes | None = None
    if not content_type and begins_as_json(beginning):
        kind = JSON.encode()
    elif content_type and beginning.startswith(ZIP_SIGNATURE):
        kind = b"application/octet-stream"
    if kind is None:
        return scope, receive
    return _with_content_type(scope, kind), receive


def _in_known_encoding(scope: Scope, content_type: str) -> Scope:
    """Return a request with a form without its encoding, unless it is one of `FORM_ENCODINGS`."""
    if "charset" not in content_type.lower():
        return scope
    from python_multipart.multipart import parse_options_header  # noqa: PLC0415

    _, parameters = parse_options_header(content_type)
    try:
        encoding = codecs.lookup(parameters.get(b"charset", b"utf-8").decode("latin-1")).name
    except (LookupError, ValueError):
        encoding = ""
    if encoding in FORM_ENCODINGS:
        return scope
    boundary = parameters.get(b"boundary", b"")
    return _with_content_type(scope, MULTIPART.encode() + b'; boundary="' + boundary + b'"')


def _with_content_type(scope: Scope, kind: bytes) -> Scope:
    headers = [field for field in scope["headers"] if field[0] != b"content-type"]
    return {**scope, "headers": [*headers, (b"content-type", kind)]}


class EntityTagMiddleware:
    """Adds an ETag to successful reads and answers a matching `If-None-Match` with 304.

    RFC 9110, section 13. An ETag set by the route remains; streamed responses get none.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"}:
            await self.app(scope, receive, send)
            return
        await self.app(scope, receive, _EntityTagSender(scope, send))


class _EntityTagSender:
    """Delays the response head until the whole body is known."""

    def __init__(self, scope: Scope, send: Callable[[Message], Awaitable[None]]) -> None:
        self.if_none_match = get_header(scope, b"if-none-match")
        self.send = send
        self.head: MutableMapping[str, Any] | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if message["status"] == 200:
                self.head = message
                return
        elif self.head is not None:
            head, self.head = self.head, None
            if message.get("more_body"):
                await self.send(head)
            else:
                await self._send_tagged(head, message)
                return
        await self.send(message)

    async def _send_tagged(self, head: Message, body: Message) -> None:
        headers = MutableHeaders(raw=head["headers"])
        tag = headers.get("etag") or entity_tag(body.get("body", b""))
        headers["ETag"] = tag
        if tag_matches(self.if_none_match, tag):
            del headers["content-length"]
            await self.send({**head, "status": 304})
            await self.send({"type": "http.response.body", "body": b""})
        else:
            await self.send(head)
            await self.send(body)
