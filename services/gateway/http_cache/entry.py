"""An answer that is kept, and what a client gets of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from services.gateway.http_cache.cache_control import Directives
from services.gateway.http_cache.compression import (
    IDENTITY,
    PACKERS,
    accepted_codings,
    is_packable,
    tag_in,
)
from services.gateway.http_cache.rfc9111 import Life, RawHeaders, directives_of, values_of, vary_of

NAME = "emall"
"""What the cache is called in `Cache-Status` (RFC 9211)."""

# Said anew of each answer that is sent.
SAID_ANEW = frozenset(
    {b"content-length", b"content-encoding", b"etag", b"vary", b"age", b"cache-status", b"date",
     b"connection", b"transfer-encoding"}
)  # fmt: skip
KEPT_BY_304 = frozenset(
    {b"cache-control", b"content-location", b"expires", b"ratelimit", b"ratelimit-policy"}
)  # RFC 9110, 15.4.5


@dataclass(frozen=True)
class Asked:
    """What a request says that matters to the cache."""

    headers: RawHeaders
    directives: Directives
    codings: tuple[str, ...]
    tags: str | None
    """`If-None-Match`."""

    @classmethod
    def of(cls, headers: RawHeaders) -> "Asked":
        accepted = values_of(headers, b"accept-encoding")
        tags = values_of(headers, b"if-none-match")
        return cls(
            headers,
            directives_of(headers),
            accepted_codings(", ".join(accepted) if accepted else None),
            ", ".join(tags) if tags else None,
        )


@dataclass(eq=False)
class Entry:
    """A stored answer with its packed forms."""

    status: int
    headers: RawHeaders
    body: bytes
    life: Life
    mark: int
    """The store's mark of what it tells of, when it was asked for."""
    vary: tuple[str, ...]
    chosen: tuple[str, ...]
    packed: dict[str, bytes] = field(default_factory=dict[str, bytes])
    """Bodies by coding; the plain one under a coding that gains nothing."""

    def __post_init__(self) -> None:
        [media_type] = values_of(self.headers, b"content-type")[:1] or [""]
        is_plain = not values_of(self.headers, b"content-encoding")
        self.packable = (
            is_plain
            and self.status == 200
            and "no-transform" not in self.life.directives
            and is_packable(media_type, len(self.body))
        )
        self.tag = next(iter(values_of(self.headers, b"etag")), None)
        own = vary_of(self.headers)
        names = sorted({*own, "accept-encoding"}) if self.packable else own
        self._vary = ", ".join(names).encode() if names else None
        self._lasting = [item for item in self.headers if item[0].lower() not in SAID_ANEW]
        if not is_plain:
            self._lasting += [
                (b"content-encoding", value.encode())
                for value in values_of(self.headers, b"content-encoding")
            ]

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        heads = sum(len(name) + len(value) for name, value in self.headers)
        packed = sum(len(body) for body in self.packed.values() if body is not self.body)
        return len(self.body) + packed + heads + 1000

    def coding_for(self, asked: Asked) -> str:
        """The form in which this client gets it."""
        return asked.codings[0] if self.packable else IDENTITY

    def is_prepared(self, coding: str) -> bool:
        return coding == IDENTITY or coding in self.packed

    def prepare(self, coding: str) -> None:
        """Packs the body; done once for each coding. Takes its time where the body is long."""
        short = PACKERS[coding](self.body)
        self.packed[coding] = short if len(short) < len(self.body) else self.body

    def matches(self, asked: Asked) -> str | None:
        """The coding of the form that the client holds already by its `If-None-Match`."""
        if asked.tags is None or self.tag is None:
            return None
        own = asked.codings if self.packable else (IDENTITY,)
        if asked.tags.strip() == "*":
            return own[0]
        held = {part.strip().removeprefix("W/") for part in asked.tags.split(",")}
        for coding in own:
            if tag_in(coding, self.tag).removeprefix("W/") in held:
                return coding
        return None


@dataclass(frozen=True)
class Reply:
    """What goes to the client."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


def reply_of(entry: Entry, asked: Asked, *, now: float, how: str, is_new: bool = False) -> Reply:
    """The answer to a request out of an entry whose form for it is prepared.

    `how` is what `Cache-Status` says; an answer that its owner gave just now has no `Age`.
    """
    held = entry.matches(asked) if entry.status == 200 else None
    coding = held or entry.coding_for(asked)
    headers: list[tuple[bytes, bytes]] = []
    body = b""
    if held is None:
        headers += entry._lasting  # pyright: ignore[reportPrivateUsage]
        body = entry.body if coding == IDENTITY else entry.packed[coding]
        if coding != IDENTITY and body is not entry.body:
            headers.append((b"content-encoding", coding.encode()))
        headers.append((b"content-length", b"%d" % len(body)))
    else:
        headers += _kept_by_304(entry.headers)
    if entry.tag is not None:
        headers.append((b"etag", tag_in(coding, entry.tag).encode("latin-1")))
    if entry._vary is not None:  # pyright: ignore[reportPrivateUsage]
        headers.append((b"vary", entry._vary))  # pyright: ignore[reportPrivateUsage]
    if not is_new:
        headers.append((b"age", b"%d" % entry.life.age(now)))
    headers.append((b"cache-status", f"{NAME}; {how}".encode()))
    return Reply(304 if held is not None else entry.status, headers, body)


def _kept_by_304(headers: RawHeaders) -> Iterable[tuple[bytes, bytes]]:
    return (item for item in headers if item[0].lower() in KEPT_BY_304)
