"""A stored response, and the response that a client gets from it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from services.gateway.http_cache.cache_control import Directives
from services.gateway.http_cache.compression import (
    COMPRESSORS,
    IDENTITY,
    accepted_codings,
    encoded_etag,
    is_compressible,
)
from services.gateway.http_cache.rfc9111 import (
    Lifetime,
    RawHeaders,
    cache_directives,
    header_values,
    vary_names,
)
from services.platform.entity_tags import tag_matches

CACHE_NAME = "emall"
"""Name of the cache in `Cache-Status` (RFC 9211)."""

# Generated for each response.
REGENERATED_HEADERS = frozenset(
    {b"content-length", b"content-encoding", b"etag", b"vary", b"age", b"cache-status", b"date",
     b"connection", b"transfer-encoding", b"x-request-id"}
)  # fmt: skip
NOT_MODIFIED_HEADERS = frozenset(
    {b"cache-control", b"content-location", b"expires", b"ratelimit", b"ratelimit-policy"}
)  # RFC 9110, 15.4.5: what belongs to a 304

PARSED_HEADERS = frozenset({b"accept-encoding", b"cache-control", b"if-none-match", b"pragma"})


@dataclass(frozen=True)
class ParsedHeaders:
    """Request headers as far as the cache needs them."""

    headers: RawHeaders
    directives: Directives
    codings: tuple[str, ...]
    if_none_match: str | None
    """`If-None-Match`."""

    @classmethod
    def of(cls, headers: RawHeaders) -> "ParsedHeaders":
        """Parse the headers of a request, whose names are in lower case."""
        own = [item for item in headers if item[0] in PARSED_HEADERS]
        codings = header_values(own, b"accept-encoding")
        etags = header_values(own, b"if-none-match")
        return cls(
            headers,
            cache_directives(own),
            accepted_codings(", ".join(codings) if codings else None),
            ", ".join(etags) if etags else None,
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
        [media_type] = header_values(self.headers, b"content-type")[:1] or [""]
        is_identity = not header_values(self.headers, b"content-encoding")
        self.compressible = (
            is_identity
            and self.status == 200
            and "no-transform" not in self.lifetime.directives
            and is_compressible(media_type, len(self.body))
        )
        self.etag = next(iter(header_values(self.headers, b"etag")), None)
        own_names = vary_names(self.headers)
        names = sorted({*own_names, "accept-encoding"}) if self.compressible else own_names
        self.vary_header = ", ".join(names).encode() if names else None
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

    def compress(self, coding: str) -> None:
        """Compress the body, once for each coding; slow for a long body."""
        body = COMPRESSORS[coding](self.body)
        self.compressed[coding] = body if len(body) < len(self.body) else self.body

    def matching_coding(self, request: ParsedHeaders) -> str | None:
        """Return the coding of the body that the client has, by its `If-None-Match`, or None."""
        if request.if_none_match is None or self.etag is None:
            return None
        codings = request.codings if self.compressible else (IDENTITY,)
        for coding in codings:
            if tag_matches(request.if_none_match, encoded_etag(coding, self.etag)):
                return coding
        return None


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
    headers: list[tuple[bytes, bytes]] = []
    body = b""
    if matched is None:
        headers += entry.stored_headers
        body = entry.body if coding == IDENTITY else entry.compressed[coding]
        if coding != IDENTITY and body is not entry.body:
            headers.append((b"content-encoding", coding.encode()))
        headers.append((b"content-length", b"%d" % len(body)))
    else:
        headers += _not_modified_headers(entry.headers)
    if entry.etag is not None:
        headers.append((b"etag", encoded_etag(coding, entry.etag).encode("latin-1")))
    if entry.vary_header is not None:
        headers.append((b"vary", entry.vary_header))
    if not is_new:
        headers.append((b"age", b"%d" % entry.lifetime.age(now)))
    headers.append((b"cache-status", f"{CACHE_NAME}; {cache_status}".encode()))
    return CachedResponse(304 if matched is not None else entry.status, headers, body)


def _not_modified_headers(headers: RawHeaders) -> Iterable[tuple[bytes, bytes]]:
    return (item for item in headers if item[0].lower() in NOT_MODIFIED_HEADERS)
