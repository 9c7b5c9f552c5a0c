"""uvicorn protocol subclass that sends fresh cached responses without parser, task or application.

It recognises data that is, byte for byte, one complete request whose header block was parsed before
and whose response is fresh. Nothing is parsed here: header blocks are recorded when uvicorn parses
them, because a client sends the same block again and again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from uvicorn.protocols.http.httptools_impl import STATUS_LINE
from uvicorn.protocols.utils import get_client_addr

from services.gateway.http_cache.cacheable_paths import cache_areas
from services.gateway.http_cache.entry import ParsedHeaders, build_response
from services.gateway.http_cache.middleware import HttpCache
from services.gateway.http_cache.rfc9111 import Freshness, RawHeaders
from services.gateway.rate_limits.client_address import is_forwarding_header
from services.platform.cross_origin import sharing_headers
from services.platform.fast_path_protocol import FastPathProtocol
from services.platform.head_limit import DefaultHeaders, header_lines
from services.platform.request_id import new_request_id
from services.platform.security_headers import missing_headers

STATE_KEY = "fast_path_cache"
"""Key of the `FastPathCache` in the lifespan state."""

END_OF_HEADERS = b"\r\n\r\n"
MAX_HEAD_BYTES = 2048
MAX_LINE_BYTES = 512
"""Of the request line: clients choose paths."""
MAX_REQUEST_BYTES = MAX_LINE_BYTES + 2 + MAX_HEAD_BYTES
MAX_HEADS = 4096
MAX_BODY_BYTES = 256 * 1024
MAX_ENCODED_BYTES = 16 * 1024 * 1024

# Headers that make a request more than a plain read.
EXCLUDED_HEADERS = frozenset(
    {b"authorization", b"cache-control", b"connection", b"content-length", b"expect", b"if-match",
     b"if-modified-since", b"if-range", b"if-unmodified-since", b"pragma", b"range", b"te",
     b"traceparent", b"trailer", b"transfer-encoding", b"upgrade"}
)  # fmt: skip

Admit = Callable[[str], bytes | None]
"""Whether the client at this address may have a response now: header lines to add, each with its
line end, or None if the application must decide."""

LimitOf = Callable[[str, str], Admit | None]
"""The limit of a method and path; None without a limit."""

Count = Callable[[], None]
"""Called after each time that a response is sent."""

CounterOf = Callable[[str, str, int], Count]
"""The counter of a method, path and status."""


@dataclass(frozen=True, eq=False)
class ParsedHead:
    """The parsed header block of a request, without the request line."""

    origin: str
    headers: ParsedHeaders


@dataclass(frozen=True, eq=False, slots=True)
class EncodedResponse:
    """A response as bytes, valid during one second."""

    head: bytes
    """Status line and header lines; those of the limit follow."""
    last_lines: bytes
    """Further header lines, up to the request id."""
    rest: bytes
    """The end of the header lines, and the body."""
    admit: Admit | None
    count: Count
    method: str
    target: str
    """Request target as the access log shows it."""
    status: int


class FastPathCache:
    """Encoded fresh responses by the bytes of their requests, shared by all connections."""

    def __init__(
        self,
        cache: HttpCache,
        limit_of: LimitOf = lambda *_: None,
        counter_of: CounterOf = lambda *_: lambda: None,
    ) -> None:
        self.cache = cache
        self.limit_of = limit_of
        self.counter_of = counter_of
        self._heads: dict[bytes, ParsedHead] = {}
        self._responses: dict[bytes, EncodedResponse] = {}
        """By the bytes of the whole request."""
        self._responses_size = 0
        self._date: RawHeaders | None = None
        cache.store.on_change = self._clear_responses

    def get(self, data: bytes, date: RawHeaders) -> EncodedResponse | None:
        """Return the response to these bytes if they are a known request for a fresh entry.

        `date` are the server's own headers: another list in every second, upon which all responses
        are encoded anew, since `Age` and other headers depend on the time.
        """
        if len(data) > MAX_REQUEST_BYTES:  # not worth hashing
            return None
        if self._date is not date:
            self._clear_responses()
            self._date = date
        return self._responses.get(data) or self._encode(data, date)

    def add_head(self, data: bytes, headers: RawHeaders) -> None:
        """Record the header block of a complete request that uvicorn has just parsed."""
        block = data.partition(b"\r\n")[2]
        names = {n for n, v in headers if n != b"connection" or v.lower() != b"keep-alive"}
        hosts = [value for name, value in headers if name == b"host"]
        if len(block) > MAX_HEAD_BYTES or len(hosts) != 1 or not EXCLUDED_HEADERS.isdisjoint(names):
            return
        if any(is_forwarding_header(name) for name in names):  # the client is another than the peer
            return
        while len(self._heads) >= MAX_HEADS:
            del self._heads[next(iter(self._heads))]
        origin = f"http://{hosts[0].decode('latin-1').lower()}"
        self._heads[block] = ParsedHead(origin, ParsedHeaders.of(list(headers)))

    def _encode(self, data: bytes, date: RawHeaders) -> EncodedResponse | None:
        line, _, block = data.partition(b"\r\n")
        head = self._heads.get(block)
        if head is None or len(line) > MAX_LINE_BYTES:
            return None
        method, _, rest = line.decode("latin-1").partition(" ")
        target, _, version = rest.partition(" ")
        if method not in {"GET", "HEAD"} or version != "HTTP/1.1" or target[:2] == "//":
            return None
        cache, request = self.cache, head.headers
        entry = cache.store.get((head.origin, target), request.headers)
        raw_path, question_mark, query = target.partition("?")
        path = unquote(raw_path)
        areas = cache_areas(path)
        if (
            entry is None
            or areas is None
            or cache.freshness(entry, request, areas) is not Freshness.fresh
        ):
            return None
        if not entry.has_coding(entry.coding_for(request)) or len(entry.body) > MAX_BODY_BYTES:
            return None
        response = build_response(
            entry, request, now=cache.clock(), cache_status=cache.hit_status(entry)
        )
        body = b"" if method == "HEAD" else response.body
        logged_target = f"{quote(path)}{question_mark}{query}"
        security = missing_headers(response.status, response.headers, is_secure=False)
        shared = sharing_headers(path, response.status, response.headers)
        encoded = EncodedResponse(
            STATUS_LINE[response.status] + header_lines(DefaultHeaders(date) + response.headers),
            header_lines((*shared, *security)) + b"x-request-id: ",
            END_OF_HEADERS + body,
            self.limit_of(method, path),
            self.counter_of(method, path, response.status),
            method,
            logged_target,
            response.status,
        )
        size = len(encoded.head) + len(encoded.rest) + len(data)
        if self._responses_size + size > MAX_ENCODED_BYTES:
            self._clear_responses()
        self._responses_size += size
        self._responses[data] = encoded
        return encoded

    def _clear_responses(self) -> None:
        self._responses.clear()
        self._responses_size = 0


class CachedReadProtocol(FastPathProtocol[FastPathCache]):
    """uvicorn protocol that answers from a `FastPathCache` if it can."""

    state_key = STATE_KEY

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._complete_request: bytes | None = None

    def data_received(self, data: bytes) -> None:
        """Answer a known request at once; leave anything else to uvicorn."""
        cache = self.handler
        if cache is not None and self.scheme == "http" and self.is_between_messages:
            if (
                self.is_idle()
                and (response := cache.get(data, self.server_state.default_headers)) is not None
                and self._send(response, cache)
            ):
                return
            self._complete_request = (
                data if data.partition(END_OF_HEADERS)[1:] == (END_OF_HEADERS, b"") else None
            )
        super().data_received(data)
        self._complete_request = None

    def _send(self, response: EncodedResponse, cache: FastPathCache) -> bool:
        """Send a response; return False if the application must decide."""
        if self.client is None:
            return False
        limit_lines: bytes | None = b""
        if response.admit is not None and (limit_lines := response.admit(self.client[0])) is None:
            return False
        parts = (response.head, limit_lines, response.last_lines, new_request_id(), response.rest)
        self.respond(b"".join(parts))
        counts = cache.cache.counts
        counts.fresh += 1
        counts.fast_path += 1
        response.count()
        if self.access_log:  # the line that uvicorn writes for every response
            client = get_client_addr({"client": self.client})  # type: ignore[typeddict-item]
            line = (client, response.method, response.target, "1.1", response.status)
            self.access_logger.info('%s - "%s %s HTTP/%s" %d', *line)
        return True

    def on_headers_complete(self) -> None:
        """Record the header block of a plain read."""
        if (
            self.handler is not None
            and self._complete_request is not None
            and self._is_plain_read(self._complete_request)
        ):
            self.handler.add_head(self._complete_request, self.headers)
        super().on_headers_complete()

    def _is_plain_read(self, data: bytes) -> bool:
        """Return whether the request line has the form that `FastPathCache` expects."""
        parser: Any = self.parser
        method: bytes = parser.get_method()
        return (
            method in {b"GET", b"HEAD"}
            and parser.should_keep_alive()
            and data.startswith(b"%b %b HTTP/1.1\r\n" % (method, self.url))
        )
