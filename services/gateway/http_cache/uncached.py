"""Compresses public responses that are not stored: dashboards, status, sums of usage."""

from collections.abc import MutableMapping
from typing import Any

from starlette.types import Message, Scope, Send

from services.gateway.http_cache.compression import (
    IDENTITY,
    MIN_BYTES,
    compress,
    encoded_etag,
    is_compressible,
)
from services.gateway.http_cache.entry import ParsedHeaders, vary_value
from services.gateway.http_cache.rfc9111 import RawHeaders, header_values, response_directives
from services.platform.entity_tags import tag_matches

RECODED_HEADERS = frozenset({b"content-length", b"etag", b"vary"})
EVENT_STREAM = "text/event-stream"


def may_compress(scope: Scope) -> bool:
    """Return whether the response to a request may be compressed.

    One to a reader who is known, by a key or a cookie, may contain a secret, whose characters the
    length of a compressed body would reveal one by one (BREACH).
    """
    return scope["method"] == "GET" and not any(name == b"cookie" for name, _ in scope["headers"])


class CompressedSend:
    """`send` callable that compresses a response if it is public and worth it."""

    def __init__(self, send: Send, request: ParsedHeaders, *, max_bytes: int) -> None:
        """Create one; a body that is longer than `max_bytes` is sent as it comes."""
        self._send = send
        self._request = request
        self._max_bytes = max_bytes
        self._start: MutableMapping[str, Any] | None = None
        """The start of a response whose body is being collected."""
        self._parts: list[bytes] = []
        self._size = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif self._start is None:
            await self._send(message)
        else:
            await self._collect(self._start, message)

    async def _begin(self, message: Message) -> None:
        headers: RawHeaders = message.get("headers", ())
        if message["status"] == 304:
            await self._send({**message, "headers": self._with_known_tag(headers)})
        elif message["status"] != 200 or not _may_be_held(headers):
            await self._send(message)
        elif self._request.codings[0] == IDENTITY:
            others = [item for item in headers if item[0].lower() != b"vary"]
            varying = [*others, (b"vary", vary_value(headers, by_coding=True))]
            await self._send({**message, "headers": varying})
        else:
            self._start = message

    async def _collect(self, start: MutableMapping[str, Any], message: Message) -> None:
        part = message.get("body", b"")
        self._parts.append(part)
        self._size += len(part)
        is_last = not message.get("more_body", False)
        if not is_last and self._size <= self._max_bytes:
            return
        body = b"".join(self._parts)
        self._start, self._parts = None, []
        headers: RawHeaders = start.get("headers", ())
        [media_type] = header_values(headers, b"content-type")[:1]
        if is_last and self._size <= self._max_bytes and is_compressible(media_type, self._size):
            start, body = await self._compressed(start, headers, body)
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body, "more_body": not is_last})

    async def _compressed(
        self, start: MutableMapping[str, Any], headers: RawHeaders, body: bytes
    ) -> tuple[MutableMapping[str, Any], bytes]:
        coding = self._request.codings[0]
        shorter = await compress(body, coding)
        own = [item for item in headers if item[0].lower() not in RECODED_HEADERS]
        own.append((b"content-encoding", coding.encode()))
        own.append((b"content-length", b"%d" % len(shorter)))
        own.append((b"vary", vary_value(headers, by_coding=True)))
        for tag in header_values(headers, b"etag")[:1]:
            own.append((b"etag", encoded_etag(coding, tag).encode("latin-1")))
        return {**start, "headers": own}, shorter

    def _with_known_tag(self, headers: RawHeaders) -> RawHeaders:
        """Return the headers of a 304 with the entity tag of the form that the client has."""
        known = self._request.if_none_match
        tags = header_values(headers, b"etag")
        if known is None or not tags:
            return headers
        for coding in self._request.codings:
            tag = encoded_etag(coding, tags[0])
            if coding != IDENTITY and tag_matches(known, tag):
                own = [item for item in headers if item[0].lower() not in {b"etag", b"vary"}]
                own.append((b"etag", tag.encode("latin-1")))
                return [*own, (b"vary", vary_value(headers, by_coding=True))]
        return headers


def is_public_text(headers: RawHeaders) -> bool:
    """Return whether a body with these headers is for everybody, text, and not compressed yet."""
    directives, _ = response_directives(headers)
    [media_type] = header_values(headers, b"content-type")[:1] or [""]
    return (
        is_compressible(media_type, MIN_BYTES)
        and not any(name in directives for name in ("no-store", "private", "no-transform"))
        and not header_values(headers, b"content-encoding")
    )


def _may_be_held(headers: RawHeaders) -> bool:
    """Return whether a body may be collected and compressed: it ends, and sets no cookie."""
    return (
        is_public_text(headers)
        and not header_values(headers, b"content-type")[0].startswith(EVENT_STREAM)
        and not header_values(headers, b"set-cookie")
    )
