"""The cache in front of the hub's parts: one request fills, however many wait (pure ASGI)."""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from services.gateway.http_cache.cacheable_paths import Areas, areas_of, changed_by
from services.gateway.http_cache.compression import plain_tags
from services.gateway.http_cache.entry import NAME, Asked, Entry, reply_of
from services.gateway.http_cache.rfc9111 import (
    FAILURES,
    Life,
    RawHeaders,
    Use,
    bears_error,
    chosen_by,
    life_of,
    may_store,
    use_of,
    vary_of,
)
from services.gateway.http_cache.stats import Counts
from services.gateway.http_cache.store import Key, Store

Ask = Callable[[Scope, Receive, Send], Awaitable[None]]
"""Whoever answers what the cache does not."""

Flight = asyncio.Future["_Landed | None"]
"""What all who want the same wait for."""

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

# What the cache answers for itself, or what would make the owner's answer fit one client alone.
OWN = frozenset(
    {b"accept-encoding", b"cache-control", b"pragma", b"if-none-match", b"if-modified-since"}
)
# Requests for a part, or under a condition that only the owner knows.
OWNERS_ALONE = frozenset({b"range", b"if-match", b"if-unmodified-since", b"if-range"})

KEPT_IN_BACKGROUND = frozenset({b"host", b"accept", b"traceparent"})

DOWN_SECONDS = 30
"""For so long after an owner's error nobody waits for the next one; each look is taken behind
their backs."""

LONG = 64 * 1024
"""Bytes from which packing would hold up other requests, so that it is done in a thread."""


class Cache:
    """Answers what it holds; asks for the rest, and keeps what may be kept."""

    def __init__(
        self,
        store: Store,
        *,
        largest: int,
        owner: Callable[[str], str | None] = lambda _: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`largest` is the size of the longest body that is kept."""
        self.store = store
        self.counts = Counts()
        self.clock = clock
        self.largest = largest
        self._owner = owner
        self._flights: dict[Key, Flight] = {}
        self._refreshing: dict[Key, asyncio.Task[None]] = {}
        self._down: dict[Areas, float] = {}

    async def answer(
        self, scope: Scope, receive: Receive, send: Send, *, ask: Ask, is_anonymous: bool
    ) -> None:
        """Answers a request of somebody whom the door has let in."""
        if scope["method"] not in SAFE:
            await ask(with_plain_tags(scope), receive, self._purging(scope["path"], send))
            return
        may_keep = is_anonymous and scope["method"] == "GET" and self.store.limit > 0
        areas = areas_of(scope["path"]) if may_keep else None
        if areas is None or _is_for_the_owner(scope["headers"]):
            self.counts.passed_by += 1
            await ask(with_plain_tags(scope), receive, send)
            return
        wanted = _Wanted(key_of(scope), scope, receive, Asked.of(scope["headers"]), areas, ask)
        asked = wanted.asked
        entry = self.store.find(wanted.key, asked.headers)
        use = self.use(entry, asked, areas) if entry is not None else Use.no
        if entry is not None and use is not Use.no:
            if use is Use.fresh:
                self.counts.fresh += 1
            else:
                self.counts.stale += 1
                self._refresh(wanted, entry)
            await self._send(entry, asked, send, how=self.hit(entry))
        elif "only-if-cached" in asked.directives:
            await _gateway_timeout(send)
        else:
            await self._fill(wanted, send, entry)

    def use(self, entry: Entry, asked: Asked, areas: Areas) -> Use:
        """What may be done with an entry now."""
        now = self.clock()
        valid = self.store.is_trusted and entry.mark == self.store.mark(areas)
        use = use_of(entry.life, asked.directives, now=now, valid=valid)
        if use is Use.no and self._down.get(areas, 0) > now:
            # Its owner failed a moment ago: nobody waits for the next failure.
            return Use.stale if bears_error(entry.life, asked.directives, now=now) else Use.no
        return use

    async def close(self) -> None:
        """Ends what is being asked for in the background."""
        for task in self._refreshing.values():
            task.cancel()
        await asyncio.gather(*self._refreshing.values(), return_exceptions=True)

    def hit(self, entry: Entry) -> str:
        """What `Cache-Status` says of an entry that is sent as it is kept."""
        return f"hit; ttl={int(entry.life.left(self.clock()))}"

    async def _fill(self, wanted: "_Wanted", send: Send, held: Entry | None) -> None:
        """Asks the owner, or waits for somebody who is asking the same."""
        key, asked = wanted.key, wanted.asked
        mark = self.store.mark(wanted.areas)
        while (flight := self._flights.get(key)) is not None:
            landed = await asyncio.shield(flight)
            if landed is None or chosen_by(landed.entry.vary, asked.headers) != landed.entry.chosen:
                # Not for everybody, or an error without anything kept: each asks for itself.
                await self._ask(wanted, send, held)
                return
            if landed.mark >= mark:  # asked for after the change that this request may know of
                self.counts.shared += 1
                how = f"{landed.how}; collapsed"
                await self._send(landed.entry, asked, send, how=how, is_new=landed.is_new)
                return
        flight = self._flights[key] = asyncio.get_running_loop().create_future()
        try:
            await self._ask(wanted, send, held, flight)
        finally:
            self._land(key, flight, None)

    def _land(self, key: Key, flight: "Flight | None", landed: "_Landed | None") -> None:
        """Lets go whoever waits, and whoever comes: before the answer is sent to the client that
        asked first, for that one may read slowly."""
        if flight is not None and self._flights.get(key) is flight:
            del self._flights[key]
            flight.set_result(landed)

    async def _ask(
        self,
        wanted: "_Wanted",
        send: Send,
        held: Entry | None,
        flight: "Flight | None" = None,
    ) -> None:
        """Asks the owner and answers the client; others who wait may have the same."""
        self.counts.asked += 1
        asked = wanted.asked
        bearable = held is not None and bears_error(held.life, asked.directives, now=self.clock())
        filling = _Filling(
            self,
            wanted,
            send,
            held,
            bears_error=bearable,
            on_pass=lambda: self._land(wanted.key, flight, None),
        )
        try:
            await wanted.ask(filling.scope, wanted.receive, filling)
        except Exception:
            if not bearable or filling.passing:
                raise
            filling.failure = 500
        if held is not None and filling.failure is not None:
            self.counts.failed_over += 1
            self._down[wanted.areas] = self.clock() + DOWN_SECONDS
            how = f"fwd=stale; fwd-status={filling.failure}; detail=stale-if-error"
            self._land(wanted.key, flight, _Landed(held, how, filling.mark, is_new=False))
            await self._send(held, asked, send, how=how)
            return
        entry = filling.entry
        if entry is None:
            return
        self._down.pop(wanted.areas, None)
        reason = "request" if "no-cache" in asked.directives else "stale"
        how = f"fwd={reason if held else 'uri-miss'}; fwd-status={filling.status}; stored"
        self.store.put(wanted.key, entry)
        shared = _Landed(entry, how.removesuffix("; stored"), entry.mark, is_new=True)
        self._land(wanted.key, flight, shared)
        await self._send(entry, asked, send, how=how, is_new=True)

    def _refresh(self, wanted: "_Wanted", held: Entry) -> None:
        """Asks for an address anew behind the client's back, once at a time."""
        key = wanted.key
        if key in self._flights or key in self._refreshing:
            return
        # What the request carries belongs to its client, but for that by which answers differ.
        kept = KEPT_IN_BACKGROUND | {name.encode() for name in held.vary}
        headers = [item for item in wanted.scope["headers"] if item[0] in kept]
        own = _Wanted(
            key,
            {**wanted.scope, "headers": headers},
            _nothing_more,
            Asked.of(headers),
            wanted.areas,
            wanted.ask,
        )
        task = asyncio.create_task(self._fill(own, _nowhere, held), name=f"refresh {key[1]}")
        self._refreshing[key] = task
        task.add_done_callback(lambda done: self._refreshed(key, done))

    def _refreshed(self, key: Key, task: "asyncio.Task[None]") -> None:
        del self._refreshing[key]
        if not task.cancelled():
            task.exception()  # the owner's error is its own to log; the next request asks again

    async def _send(
        self, entry: Entry, asked: Asked, send: Send, *, how: str, is_new: bool = False
    ) -> None:
        coding = entry.coding_for(asked)
        if not entry.is_prepared(coding):
            if len(entry.body) < LONG:
                entry.prepare(coding)
            else:
                await asyncio.to_thread(entry.prepare, coding)
            self.store.grown(entry)
        reply = reply_of(entry, asked, now=self.clock(), how=how, is_new=is_new)
        await send(
            {"type": "http.response.start", "status": reply.status, "headers": reply.headers}
        )
        await send({"type": "http.response.body", "body": reply.body})

    def _purging(self, path: str, send: Send) -> Send:
        """Makes invalid what a write may have changed, before its writer hears of it (4.4)."""
        area = changed_by(path, self._owner)

        async def purging(message: Message) -> None:
            if area is not None and message.get("status", 400) < 400:
                self.store.purge(area)
            await send(message)

        return purging


@dataclass(frozen=True)
class _Wanted:
    """A request that the cache looks after."""

    key: Key
    scope: Scope
    receive: Receive
    asked: Asked
    areas: Areas
    ask: Ask


@dataclass(frozen=True)
class _Landed:
    """What a request brought home for all who waited for it."""

    entry: Entry
    how: str
    mark: int
    is_new: bool


class _Filling:
    """Takes the owner's answer: kept whole where it may be kept, passed to the client where not."""

    def __init__(
        self,
        cache: Cache,
        wanted: _Wanted,
        send: Send,
        held: Entry | None,
        *,
        bears_error: bool,
        on_pass: Callable[[], None],
    ) -> None:
        self.entry: Entry | None = None
        self.status = 0
        self.failure: int | None = None
        self.passing = False
        self.mark = cache.store.mark(wanted.areas)
        self._cache = cache
        self._asked: RawHeaders = wanted.asked.headers
        self._send = send
        self._held = held
        self._on_pass = on_pass
        self._bears_error = bears_error
        self._began = cache.clock()
        self._head: MutableMapping[str, Any] = {}
        self._life: Life | None = None
        self._parts: list[bytes] = []
        self._size = 0
        headers = [item for item in self._asked if item[0] not in OWN]
        if held is not None and held.tag is not None:
            headers.append((b"if-none-match", held.tag.encode("latin-1")))
        self.scope: Scope = {**wanted.scope, "headers": headers}

    async def __call__(self, message: Message) -> None:
        if self.passing:
            await self._send(message)
        elif message["type"] == "http.response.start":
            await self._start(message)
        elif self.failure is None:
            await self._body(message)

    async def _start(self, message: Message) -> None:
        self._head = message
        self.status = status = message["status"]
        headers: RawHeaders = list(message.get("headers", ()))
        self._life = life_of(headers, asked_at=self._began, came_at=self._cache.clock())
        if status in FAILURES and self._bears_error:
            self.failure = status
        elif status == 304 and self._held is not None:
            self._life = self._life or self._held.life
        elif not may_store("GET", self._asked, status=status, headers=headers, life=self._life):
            self._pass()
            told = (b"cache-status", f"{NAME}; fwd=miss; fwd-status={status}".encode())
            await self._send({**message, "headers": [*headers, told]})

    async def _body(self, message: Message) -> None:
        part = message.get("body", b"")
        self._parts.append(part)
        self._size += len(part)
        if self._size > self._cache.largest:
            # Longer than what is kept: from here on it flows.
            self._pass()
            await self._send(self._head)
            more = message.get("more_body", False)
            body = b"".join(self._parts)
            self._parts = []
            await self._send({"type": "http.response.body", "body": body, "more_body": more})
        elif not message.get("more_body"):
            self.entry = self._whole(self._life) if self._life is not None else None

    def _pass(self) -> None:
        """From here on the answer is this client's alone; whoever waits asks for itself."""
        self.passing = True
        self._on_pass()

    def _whole(self, life: Life) -> Entry:
        headers: RawHeaders = list(self._head.get("headers", ()))
        body = b"".join(self._parts)
        held = self._held
        if self._head["status"] == 304 and held is not None:
            told = {name.lower() for name, _ in headers}
            headers += [item for item in held.headers if item[0].lower() not in told]
            status, body = held.status, held.body
        else:
            status = self._head["status"]
        vary = vary_of(headers)
        entry = Entry(status, headers, body, life, self.mark, vary, chosen_by(vary, self._asked))
        if held is not None and held.packable == entry.packable and held.body == body:
            entry.packed = held.packed
        return entry


def key_of(scope: Scope) -> Key:
    """The address of a request, as the cache knows it."""
    host = next((value for name, value in scope["headers"] if name == b"host"), b"")
    query = scope["query_string"]
    target = scope.get("raw_path") or scope["path"].encode()
    return (
        f"{scope.get('scheme', 'http')}://{host.decode('latin-1').lower()}",
        target.decode("latin-1") + (f"?{query.decode('latin-1')}" if query else ""),
    )


def with_plain_tags(scope: Scope) -> Scope:
    """The request as its owner knows it: a tag of a packed form stands for its content."""
    fields = (b"if-match", b"if-none-match")
    if not any(name in fields for name, _ in scope["headers"]):
        return scope
    headers = [
        (name, plain_tags(value.decode("latin-1")).encode("latin-1") if name in fields else value)
        for name, value in scope["headers"]
    ]
    return {**scope, "headers": headers}


def _is_for_the_owner(headers: RawHeaders) -> bool:
    """A request for a part, under a foreign condition, or with a body."""
    return any(
        name in OWNERS_ALONE
        or name == b"transfer-encoding"
        or (name == b"content-length" and value != b"0")
        for name, value in headers
    )


async def _gateway_timeout(send: Send) -> None:
    """What a client gets that wants a kept answer alone, where there is none (5.2.1.7)."""
    headers = [(b"content-length", b"0"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 504, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _nothing_more() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _nowhere(message: Message) -> None:
    """The client has its answer already."""
