"""The shortest way of a fresh answer: the server's protocol sends what the cache holds.

One question is put before uvicorn's way: is what came, byte for byte, one whole request whose head
was parsed before, for an answer that is fresh? Then that goes out at once, without parser, task and
application. Nothing is parsed here: heads are learned, after the first line, from requests that
took the long way, because the same client sends the same ones.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from uvicorn.protocols.http.httptools_impl import STATUS_LINE
from uvicorn.protocols.utils import get_client_addr

from services.gateway.http_cache.cacheable_paths import areas_of
from services.gateway.http_cache.entry import Asked, reply_of
from services.gateway.http_cache.middleware import Cache
from services.gateway.http_cache.rfc9111 import RawHeaders, Use
from services.platform.fast_path_protocol import ShortWay

STATE = "hits"
"""The name under which the application's lifespan hands a `Hits` to the protocol."""

END = b"\r\n\r\n"
LONGEST_HEAD = 2048
HEADS = 4096
LONGEST_BODY = 256 * 1024
WIRES_BYTES = 16 * 1024 * 1024

# What makes a request more than a plain read, or a proxy's word about somebody else.
LONG_WAY = frozenset(
    {b"authorization", b"cache-control", b"connection", b"content-length", b"expect", b"forwarded",
     b"if-match", b"if-modified-since", b"if-range", b"if-unmodified-since", b"pragma", b"range",
     b"te", b"trailer", b"transfer-encoding", b"upgrade", b"x-forwarded-for", b"x-forwarded-host",
     b"x-forwarded-port", b"x-forwarded-prefix", b"x-forwarded-proto", b"x-real-ip"}
)  # fmt: skip

Admit = Callable[[str, str, str], bytes | None]
"""Whether the client at this address may read this path now (method, path, address): header lines
to add to the answer, each with its line end; None where the long way has to decide."""

Counted = Callable[[str, int], None]
"""Told of each answer: its path and status."""


@dataclass(frozen=True, eq=False)
class Head:
    """What follows the first line of a request, understood."""

    origin: str
    asked: Asked


@dataclass(frozen=True, eq=False)
class Wire:
    """An answer as it goes out in this second."""

    head: bytes
    rest: bytes
    """From the end of the header on; further lines go in before it."""
    method: str
    path: str
    target: str
    """As the log tells it."""
    status: int


class Hits:
    """Fresh answers by the bytes of their requests; all of a process's connections share it."""

    def __init__(
        self, cache: Cache, admit: Admit = lambda *_: b"", counted: Counted = lambda *_: None
    ) -> None:
        self.cache = cache
        self.admit = admit
        self.counted = counted
        self._heads: dict[bytes, Head] = {}
        self._wires: dict[tuple[Head, bytes], Wire] = {}
        self._wires_size = 0
        self._date: RawHeaders | None = None
        cache.store.on_change = self._forget_wires

    def find(self, data: bytes, date: RawHeaders) -> Wire | None:
        """The answer to these bytes, if they are a known request for something fresh.

        `date` are the server's own headers: another list in every second, for which `Age` and all
        else that depends on time are written anew.
        """
        line, _, block = data.partition(b"\r\n")
        head = self._heads.get(block)
        if head is None:
            return None
        if self._date is not date:
            self._forget_wires()
            self._date = date
        return self._wires.get((head, line)) or self._write(head, line, date)

    def learn(self, data: bytes, headers: RawHeaders) -> None:
        """Keeps the head of a whole request that the parser has just understood."""
        block = data.partition(b"\r\n")[2]
        names = {n for n, v in headers if n != b"connection" or v.lower() != b"keep-alive"}
        hosts = [value for name, value in headers if name == b"host"]
        if len(block) > LONGEST_HEAD or len(hosts) != 1 or not LONG_WAY.isdisjoint(names):
            return
        while len(self._heads) >= HEADS:
            del self._heads[next(iter(self._heads))]
        origin = f"http://{hosts[0].decode('latin-1').lower()}"
        self._heads[block] = Head(origin, Asked.of(list(headers)))

    def _write(self, head: Head, line: bytes, date: RawHeaders) -> Wire | None:
        method, _, rest = line.decode("latin-1").partition(" ")
        target, _, version = rest.partition(" ")
        if method not in {"GET", "HEAD"} or version != "HTTP/1.1" or target[:2] == "//":
            return None
        cache, asked = self.cache, head.asked
        entry = cache.store.find((head.origin, target), asked.headers)
        raw_path, mark, query = target.partition("?")
        path = unquote(raw_path)
        areas = areas_of(path)
        if entry is None or areas is None or cache.use(entry, asked, areas) is not Use.fresh:
            return None
        if not entry.is_prepared(entry.coding_for(asked)) or len(entry.body) > LONGEST_BODY:
            return None
        reply = reply_of(entry, asked, now=cache.clock(), how=cache.hit(entry))
        fields = b"".join(b"%b: %b\r\n" % field for field in (*date, *reply.headers))
        body = b"" if method == "HEAD" else reply.body
        start, told = STATUS_LINE[reply.status] + fields, f"{quote(path)}{mark}{query}"
        wire = Wire(start, b"\r\n" + body, method, path, told, reply.status)
        size = len(wire.head) + len(wire.rest)
        if self._wires_size + size > WIRES_BYTES:
            self._forget_wires()
        self._wires_size += size
        self._wires[head, line] = wire
        return wire

    def _forget_wires(self) -> None:
        self._wires.clear()
        self._wires_size = 0


class FastProtocol(ShortWay):
    """uvicorn's protocol, which sends by itself what `Hits` finds."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._hits: Hits | None = self.app_state.get(STATE) if self.is_plain else None
        self._whole: bytes | None = None

    def data_received(self, data: bytes) -> None:
        hits = self._hits
        if hits is not None and self.scheme == "http" and self.is_between_messages:
            if (
                self.is_free()
                and (wire := hits.find(data, self.server_state.default_headers)) is not None
                and self._send(wire, hits)
            ):
                return
            self._whole = data if data.partition(END)[1:] == (END, b"") else None
        super().data_received(data)
        self._whole = None

    def _send(self, wire: Wire, hits: Hits) -> bool:
        """Sends an answer; False where the long way has to decide."""
        more = hits.admit(wire.method, wire.path, self.client[0]) if self.client else None
        if more is None:
            return False
        self.transport.write(b"%b%b%b" % (wire.head, more, wire.rest))
        hits.cache.counts.fresh += 1
        hits.cache.counts.fast += 1
        hits.counted(wire.path, wire.status)
        if self.access_log:  # the line that uvicorn writes of every answer
            client = get_client_addr({"client": self.client})  # type: ignore[typeddict-item]
            told = (client, wire.method, wire.target, "1.1", wire.status)
            self.access_logger.info('%s - "%s %s HTTP/%s" %d', *told)
        self.count_answer()
        return True

    def on_headers_complete(self) -> None:
        if self._hits is not None and self._whole is not None and self._is_plain_read(self._whole):
            self._hits.learn(self._whole, self.headers)
        super().on_headers_complete()

    def _is_plain_read(self, whole: bytes) -> bool:
        """Whether the request is written as `Hits` would read it again."""
        parser: Any = self.parser
        method: bytes = parser.get_method()
        return (
            method in {b"GET", b"HEAD"}
            and parser.should_keep_alive()
            and whole.startswith(b"%b %b HTTP/1.1\r\n" % (method, self.url))
        )
