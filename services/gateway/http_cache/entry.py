"""A stored response, and the response that a client gets from it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from time import time

from services.gateway.http_cache.byte_ranges import ByteRange, parse_range
from services.gateway.http_cache.cache_control import Directives
from services.gateway.http_cache.compression import (
    IDENTITY,
    accepted_codings,
    compress,
    encoded_etag,
    is_compressible,
)
from services.gateway.http_cache.http_date import parse_http_date
from services.gateway.http_cache.rfc9111 import (
    UNSTORED_HEADERS,
    Lifetime,
    RawHeaders,
    cache_directives,
    header_values,
    received_age,
    vary_names,
)
from services.platform.entity_tags import tag_matches

CACHE_NAME = "emall"
"""Name of the cache in `Cache-Status` (RFC 9211)."""

# Generated for each response, or not to be stored.
REGENERATED_HEADERS = UNSTORED_HEADERS | {
    b"content-length",
    b"content-encoding",
    b"etag",
    b"vary",
    b"age",
    b"cache-status",
    b"date",
    b"x-request-id",
}
NOT_MODIFIED_HEADERS = frozenset(
    {b"cache-control", b"content-location", b"expires", b"ratelimit", b"ratelimit-policy"}
)  # RFC 9110, 15.4.5: what belongs to a 304

PARSED_HEADERS = frozenset(
    {b"accept-encoding", b"cache-control", b"if-modified-since", b"if-none-match", b"if-range",
     b"pragma", b"range"}
)  # fmt: skip


@dataclass(frozen=True)
class ParsedHeaders:
    """Request headers as far as the cache needs them."""

    headers: RawHeaders
    directives: Directives
    codings: tuple[str, ...]
    if_none_match: str | None
    """`If-None-Match`."""
    if_modified_since: float | None
    """Unix time of `If-Modified-Since`, which counts only without `If-None-Match`."""
    part: ByteRange | None
    """`Range`, if it is one that the cache can answer."""
    if_range: str | None

    @classmethod
    def of(cls, headers: RawHeaders) -> "ParsedHeaders":
        """Parse the headers of a request, whose names are in lower case."""
        own = [item for item in headers if item[0] in PARSED_HEADERS]
        codings = header_values(own, b"accept-encoding")
        etags = header_values(own, b"if-none-match")
        values = dict(own)
        since = values.get(b"if-modified-since")
        return cls(
            headers,
            cache_directives(own),
            accepted_codings(", ".join(codings) if codings else None),
            ", ".join(etags) if etags else None,
            None if since is None else parse_http_date(since.decode("latin-1"), now=time()),
            parse_range(values[b"range"].decode("latin-1")) if b"range" in values else None,
            values[b"if-range"].decode("latin-1") if b"if-range" in values else None,
        )


@dataclass(eq=False)
class CacheEntry:
    """A stored response with its compressed bodies."""

    status: int
    headers: RawHeaders
    body: bytes
    lifetime: Lifetime
    generation: int
    """The store's generation of the response's areas when it was requested."""
    vary_names: tuple[str, ...]
    vary_values: tuple[str, ...]
    compressed: dict[str, bytes] = field(default_factory=dict[str, bytes])
    """Bodies by coding; the identity body under a coding that does not make it smaller."""
    key_size: int = 0
    """Length of the key under which it is stored: clients choose it."""

    def __post_init__(self) -> None:
        first: dict[bytes, str] = {}
        for name, value in self.headers:
            first.setdefault(name.lower(), value.decode("latin-1"))
        is_identity = b"content-encoding" not in first
        self.compressible = (
            is_identity
            and self.status == 200
            and "no-transform" not in self.lifetime.directives
            and is_compressible(first.get(b"content-type", ""), len(self.body))
        )
        self.etag = first.get(b"etag")
        self.last_modified = first.get(b"last-modified")
        self.date = first.get(b"date")
        self.has_received_age = b"age" in first and received_age(self.headers) is not None
        self.vary_header = vary_value(self.headers, by_coding=self.compressible) or None
        self.stored_headers = [
            item for item in self.headers if item[0].lower() not in REGENERATED_HEADERS
        ]
        if not is_identity:
            self.stored_headers += [
                (b"content-encoding", value.encode())
                for value in header_values(self.headers, b"content-encoding")
            ]

    @property
    def size(self) -> int:
        """Approximate memory in bytes."""
        headers = sum(len(name) + len(value) for name, value in self.headers)
        compressed = sum(len(body) for body in self.compressed.values() if body is not self.body)
        varying = sum(map(len, self.vary_values))
        return len(self.body) + compressed + headers + varying + self.key_size + 1000

    def coding_for(self, request: ParsedHeaders) -> str:
        """Return the coding in which this client gets the body."""
        return request.codings[0] if self.compressible else IDENTITY

    def has_coding(self, coding: str) -> bool:
        """Return whether the body is available in a coding."""
        return coding == IDENTITY or coding in self.compressed

    async def compress(self, coding: str) -> None:
        """Compress the body, once for each coding."""
        body = await compress(self.body, coding)
        self.compressed[coding] = body if len(body) < len(self.body) else self.body

    def matching_coding(self, request: ParsedHeaders) -> str | None:
        """Return the coding of the body that the client has, by its `If-None-Match`, or None."""
        if request.if_none_match is None:
            return self.coding_for(request) if self._is_unmodified(request) else None
        if self.etag is None:
            return IDENTITY if request.if_none_match.strip() == "*" else None
        codings = request.codings if self.compressible else (IDENTITY,)
        for coding in codings:
            if tag_matches(request.if_none_match, encoded_etag(coding, self.etag)):
                return coding
        return None

    def _is_unmodified(self, request: ParsedHeaders) -> bool:
        """Return whether `If-Modified-Since` names no earlier time than the response's own."""
        if request.if_modified_since is None or self.last_modified is None:
            return False
        modified = parse_http_date(self.last_modified, now=request.if_modified_since)
        return modified is not None and modified <= request.if_modified_since

    def has_part(self, request: ParsedHeaders, coding: str) -> bool:
        """Return whether `If-Range` allows to send a part of the body in this coding.

        A weak tag never does, and a date only if it is the same (RFC 9110, 13.1.5).
        """
        wanted = request.if_range
        if wanted is None:
            return True
        if wanted.strip().startswith('"'):
            return self.etag is not None and wanted.strip() == encoded_etag(coding, self.etag)
        return wanted.strip() == self.last_modified


def vary_value(headers: RawHeaders, *, by_coding: bool) -> bytes:
    """Return the value of `Vary`: as it was given, and with `accept-encoding` if that decides.

    It is empty if nothing does.
    """
    given = [value for value in header_values(headers, b"vary") if value]
    if by_coding and not (given and "accept-encoding" in vary_names(headers)):
        given.append("accept-encoding")
    return ", ".join(given).encode("latin-1")


@dataclass(frozen=True)
class CachedResponse:
    """A response to a client."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


def build_response(
    entry: CacheEntry,
    request: ParsedHeaders,
    *,
    now: float,
    cache_status: str,
    is_new: bool = False,
) -> CachedResponse:
    """Build the response to a request from an entry that has the coding for it.

    `cache_status` goes into `Cache-Status`; a response that was just generated has no `Age`.
    """
    matched = entry.matching_coding(request) if entry.status == 200 else None
    coding = matched or entry.coding_for(request)
    status = entry.status if matched is None else 304
    headers: list[tuple[bytes, bytes]] = []
    body = b""
    if matched is None:
        headers += entry.stored_headers
        body = entry.body if coding == IDENTITY else entry.compressed[coding]
        if coding != IDENTITY and body is not entry.body:
            headers.append((b"content-encoding", coding.encode()))
        if request.part is not None and status == 200 and entry.has_part(request, coding):
            status, content_range, body = _part_of(body, request.part)
            headers = [item for item in headers if item[0].lower() != b"content-range"]
            headers.append((b"content-range", content_range))
        headers.append((b"content-length", b"%d" % len(body)))
    else:
        headers += _not_modified_headers(entry)
    if entry.date is not None:
        headers.append((b"date", entry.date.encode("latin-1")))
    if entry.etag is not None:
        headers.append((b"etag", encoded_etag(coding, entry.etag).encode("latin-1")))
    if entry.vary_header is not None:
        headers.append((b"vary", entry.vary_header))
    if not is_new or entry.has_received_age:
        headers.append((b"age", b"%d" % entry.lifetime.age(now)))
    headers.append((b"cache-status", f"{CACHE_NAME}; {cache_status}".encode()))
    return CachedResponse(status, headers, body)


def _part_of(body: bytes, part: ByteRange) -> tuple[int, bytes, bytes]:
    """Return status, `Content-Range` and content of the response to a request for a part."""
    found = part.slice_of(len(body))
    if found is None:
        return 416, b"bytes */%d" % len(body), b""
    content = body[found]
    return 206, b"bytes %d-%d/%d" % (found.start, found.stop - 1, len(body)), content


def _not_modified_headers(entry: CacheEntry) -> Iterable[tuple[bytes, bytes]]:
    yield from (item for item in entry.headers if item[0].lower() in NOT_MODIFIED_HEADERS)
    if entry.etag is None and entry.last_modified is not None:
        yield b"last-modified", entry.last_modified.encode("latin-1")
