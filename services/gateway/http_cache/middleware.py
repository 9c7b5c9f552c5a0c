"""Shared HTTP cache for reads: concurrent requests for one resource are coalesced (pure ASGI)."""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from services.gateway.http_cache.cacheable_paths import Areas, cache_areas, invalidated_area
from services.gateway.http_cache.compression import identity_etags
from services.gateway.http_cache.entry import (
    CACHE_NAME,
    CacheEntry,
    ParsedHeaders,
    build_response,
    vary_value,
)
from services.gateway.http_cache.rfc9111 import (
    ERROR_STATUSES,
    Freshness,
    Lifetime,
    RawHeaders,
    freshness_of,
    may_serve_stale_on_error,
    may_store,
    response_lifetime,
    updated_headers,
    vary_names,
    vary_values,
    with_date,
)
from services.gateway.http_cache.stats import CacheCounts
from services.gateway.http_cache.store import CacheStore, Key
from services.gateway.http_cache.uncached import CompressedSend, is_public_text, may_compress

Forward = Callable[[Scope, Receive, Send], Awaitable[None]]
"""The application behind the cache."""

InFlight = asyncio.Future["CoalescedResult | None"]
"""Result that concurrent requests for the same resource wait for."""

# Handled by the cache itself, or specific to one client.
CACHE_REQUEST_HEADERS = frozenset(
    {b"accept-encoding", b"cache-control", b"pragma", b"if-none-match", b"if-modified-since"}
)
# Requests under a condition that only the application can evaluate.
BYPASS_HEADERS = frozenset({b"if-match", b"if-unmodified-since"})

REFRESH_HEADERS = frozenset({b"host", b"accept", b"traceparent"})
"""Headers of a background refresh, besides those named by `Vary`."""

BYPASS_STATUS = f"{CACHE_NAME}; fwd=bypass".encode()

ERROR_PAUSE_SECONDS = 30
"""For this long after an error no request waits for the application if a stale response may be
sent; refreshes run in the background."""


class HttpCache:
    """Shared cache that serves stored responses, forwards other reads and stores the results."""

    def __init__(
        self,
        store: CacheStore,
        *,
        max_entry_bytes: int,
        owner: Callable[[str], str | None] = lambda _: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Create a cache; `max_entry_bytes` is the size of the longest body that is stored."""
        self.store = store
        self.counts = CacheCounts()
        self.clock = clock
        self.max_entry_bytes = max_entry_bytes
        self._owner = owner
        self._in_flight: dict[Key, InFlight] = {}
        self._refreshing: dict[Key, asyncio.Task[None]] = {}
        self._failed_until: dict[Areas, float] = {}

    async def handle(
        self, scope: Scope, receive: Receive, send: Send, *, forward: Forward, is_anonymous: bool
    ) -> None:
        """Answer a read (a safe method) from the cache, or forward it."""
        is_cacheable = is_anonymous and scope["method"] == "GET" and self.store.max_bytes > 0
        areas = cache_areas(scope["path"]) if is_cacheable else None
        if areas is None:
            self.counts.bypassed += 1
            if is_anonymous and may_compress(scope):
                headers = ParsedHeaders.of(scope["headers"])
                send = CompressedSend(send, headers, max_bytes=self.max_entry_bytes)
            await forward(with_identity_etags(scope), receive, send)
            return
        if _must_bypass(scope["headers"]):
            await self._bypass(scope, receive, send, forward)
            return
        headers = ParsedHeaders.of(scope["headers"])
        request = CacheRequest(cache_key(scope), scope, receive, headers, areas, forward)
        entry = self.store.get(request.key, headers.headers)
        freshness = Freshness.unusable
        if entry is not None:
            freshness = self.freshness(entry, headers, areas)
        if entry is not None and freshness is not Freshness.unusable:
            if freshness is Freshness.fresh:
                self.counts.fresh += 1
            else:
                self.counts.stale += 1
                self._refresh(request, entry)
            await self._send(entry, headers, send, cache_status=self.hit_status(entry))
        elif "only-if-cached" in headers.directives:
            await _gateway_timeout(send)
        elif headers.part is not None:
            await self._bypass(scope, receive, send, forward)
        else:
            await self._fetch_coalesced(request, send, entry)

    async def _bypass(self, scope: Scope, receive: Receive, send: Send, forward: Forward) -> None:
        """Forward a request past the cache; the response says if its address varies by coding."""
        self.counts.bypassed += 1

        async def send_varying(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*_varying(message), (b"cache-status", BYPASS_STATUS)]
                message = {**message, "headers": headers}
            await send(message)

        await forward(with_identity_etags(scope), receive, send_varying)

    def invalidating(self, path: str, send: Send) -> Send:
        """Wrap `send` of a write: what a success may have changed is invalidated first (4.4)."""
        area = invalidated_area(path, self._owner)

        async def invalidate(message: Message) -> None:
            if area is not None and message.get("status", 400) < 400:
                self.store.invalidate(area)
            await send(message)

        return invalidate

    def freshness(self, entry: CacheEntry, request: ParsedHeaders, areas: Areas) -> Freshness:
        """Return how an entry may be used for a request now."""
        now = self.clock()
        valid = self.store.is_connected and entry.generation == self.store.generation(areas)
        freshness = freshness_of(entry.lifetime, request.directives, now=now, valid=valid)
        is_failing = self._failed_until.get(areas, 0) > now
        if (
            freshness is Freshness.unusable
            and is_failing
            and may_serve_stale_on_error(entry.lifetime, request.directives, now=now)
        ):
            return Freshness.stale  # do not wait for the next error
        return freshness

    async def close(self) -> None:
        """Cancel background refreshes."""
        for task in self._refreshing.values():
            task.cancel()
        await asyncio.gather(*self._refreshing.values(), return_exceptions=True)

    def hit_status(self, entry: CacheEntry) -> str:
        """Return the `Cache-Status` of an entry that is sent as it is stored."""
        return f"hit; ttl={int(entry.lifetime.remaining(self.clock()))}"

    async def _fetch_coalesced(
        self, request: "CacheRequest", send: Send, stored: CacheEntry | None
    ) -> None:
        """Fetch the resource, or wait for a request that is fetching it already."""
        key, headers = request.key, request.headers
        generation = self.store.generation(request.areas)
        while (in_flight := self._in_flight.get(key)) is not None:
            result = await asyncio.shield(in_flight)
            if result is None or not result.matches(headers):
                # Not shareable, or an error without a stored response.
                await self._fetch(request, send, stored)
                return
            if result.generation >= generation:  # requested after the last change before this one
                self.counts.coalesced += 1
                cache_status = f"{result.cache_status}; collapsed"
                await self._send(
                    result.entry, headers, send, cache_status=cache_status, is_new=result.is_new
                )
                return
        in_flight = self._in_flight[key] = asyncio.get_running_loop().create_future()
        try:
            await self._fetch(request, send, stored, in_flight)
        finally:
            self._resolve(key, in_flight, None)

    def _resolve(
        self, key: Key, in_flight: "InFlight | None", result: "CoalescedResult | None"
    ) -> None:
        """Resolve waiters before the response is sent: the first client may read slowly."""
        if in_flight is not None and self._in_flight.get(key) is in_flight:
            del self._in_flight[key]
            in_flight.set_result(result)

    async def _fetch(
        self,
        request: "CacheRequest",
        send: Send,
        stored: CacheEntry | None,
        in_flight: "InFlight | None" = None,
    ) -> None:
        """Forward the request, respond to the client and resolve waiters."""
        self.counts.forwarded += 1
        headers = request.headers
        may_serve_stale = stored is not None and may_serve_stale_on_error(
            stored.lifetime, headers.directives, now=self.clock()
        )
        capture = ResponseCapture(
            self,
            request,
            send,
            stored,
            may_serve_stale=may_serve_stale,
            on_stream=lambda: self._resolve(request.key, in_flight, None),
        )
        try:
            await request.forward(capture.scope, request.receive, capture)
        except Exception:
            if not may_serve_stale or capture.is_streaming:
                raise
            capture.failure = 500
        if stored is not None and capture.failure is not None:
            self.counts.stale_if_error += 1
            self._failed_until[request.areas] = self.clock() + ERROR_PAUSE_SECONDS
            cache_status = f"fwd=stale; fwd-status={capture.failure}; detail=stale-if-error"
            result = CoalescedResult(stored, cache_status, capture.generation, is_new=False)
            self._resolve(request.key, in_flight, result)
            await self._send(stored, headers, send, cache_status=cache_status)
            return
        entry = capture.entry
        if entry is None:
            return
        self._failed_until.pop(request.areas, None)
        if capture.status == 304:
            self.counts.revalidated += 1
        if stored is not None:
            reason = "request" if "no-cache" in headers.directives else "stale"
        else:
            reason = "vary-miss" if request.key in self.store else "uri-miss"
        cache_status = f"fwd={reason}; fwd-status={capture.status}"
        if not capture.is_storable:  # a 304 that withdraws what was stored
            self.store.remove(request.key, stored)
            self._resolve(request.key, in_flight, None)
            await self._send(entry, headers, send, cache_status=cache_status, is_new=True)
            return
        self.store.put(request.key, entry)
        # With no-cache, each request is to be confirmed by its own response (5.2.2.4).
        is_shared = "no-cache" not in entry.lifetime.directives
        result = CoalescedResult(entry, cache_status, entry.generation, is_new=True)
        self._resolve(request.key, in_flight, result if is_shared else None)
        await self._send(entry, headers, send, cache_status=f"{cache_status}; stored", is_new=True)

    def _refresh(self, request: "CacheRequest", stored: CacheEntry) -> None:
        """Fetch a resource in the background, at most once at a time."""
        key = request.key
        if key in self._in_flight or key in self._refreshing:
            return
        # Other headers belong to the client, except those by which responses vary.
        names = REFRESH_HEADERS | {name.encode() for name in stored.vary_names}
        headers = [item for item in request.scope["headers"] if item[0] in names]
        refresh = CacheRequest(
            key,
            {**request.scope, "headers": headers},
            _receive_empty,
            ParsedHeaders.of(headers),
            request.areas,
            request.forward,
        )
        task = asyncio.create_task(
            self._fetch_coalesced(refresh, _discard, stored), name=f"refresh {key[1]}"
        )
        self._refreshing[key] = task
        task.add_done_callback(lambda done: self._refresh_done(key, done))

    def _refresh_done(self, key: Key, task: "asyncio.Task[None]") -> None:
        del self._refreshing[key]
        if not task.cancelled():
            task.exception()  # logged by the application; the next request tries again

    async def _send(
        self,
        entry: CacheEntry,
        request: ParsedHeaders,
        send: Send,
        *,
        cache_status: str,
        is_new: bool = False,
    ) -> None:
        coding = entry.coding_for(request)
        if not entry.has_coding(coding):
            await entry.compress(coding)
            self.store.update_size(entry)
        response = build_response(
            entry, request, now=self.clock(), cache_status=cache_status, is_new=is_new
        )
        await send(
            {"type": "http.response.start", "status": response.status, "headers": response.headers}
        )
        await send({"type": "http.response.body", "body": response.body})


@dataclass(frozen=True)
class CacheRequest:
    """A request that the cache handles."""

    key: Key
    scope: Scope
    receive: Receive
    headers: ParsedHeaders
    areas: Areas
    forward: Forward


@dataclass(frozen=True)
class CoalescedResult:
    """The result of a fetch, shared with concurrent requests."""

    entry: CacheEntry
    cache_status: str
    generation: int
    is_new: bool

    def matches(self, request: ParsedHeaders) -> bool:
        """Return whether the entry is the variant for this request."""
        return vary_values(self.entry.vary_names, request.headers) == self.entry.vary_values


class ResponseCapture:
    """`send` callable that captures a storable response whole and streams any other."""

    def __init__(
        self,
        cache: HttpCache,
        request: CacheRequest,
        send: Send,
        stored: CacheEntry | None,
        *,
        may_serve_stale: bool,
        on_stream: Callable[[], None],
    ) -> None:
        self.entry: CacheEntry | None = None
        self.status = 0
        self.failure: int | None = None
        """Error status in place of which the stored response is sent."""
        self.is_streaming = False
        self.generation = cache.store.generation(request.areas)
        self._cache = cache
        self._request_headers: RawHeaders = request.headers.headers
        self._send = send
        self._stored = stored
        self._on_stream = on_stream
        self._may_serve_stale = may_serve_stale
        self._requested_at = cache.clock()
        self.is_storable = False
        self._start_message: MutableMapping[str, Any] = {}
        self._headers: RawHeaders = ()
        self._lifetime: Lifetime | None = None
        self._parts: list[bytes] = []
        self._size = 0
        headers = [item for item in self._request_headers if item[0] not in CACHE_REQUEST_HEADERS]
        if stored is not None and stored.etag is not None:
            headers.append((b"if-none-match", stored.etag.encode("latin-1")))
        if stored is not None and stored.last_modified is not None:
            headers.append((b"if-modified-since", stored.last_modified.encode("latin-1")))
        self.scope: Scope = {**request.scope, "headers": headers}

    async def __call__(self, message: Message) -> None:
        if self.is_streaming:
            await self._send(message)
        elif message["type"] == "http.response.start":
            await self._start(message)
        elif self.failure is None:
            await self._body(message)

    async def _start(self, message: Message) -> None:
        self._start_message = message
        self.status = status = message["status"]
        stored = self._stored
        received_at = self._cache.clock()
        headers: RawHeaders = list(message.get("headers", ()))
        if status == 304 and stored is not None:
            headers = updated_headers(stored.headers, headers)
            status = stored.status
        self._headers = with_date(headers, received_at=received_at)
        self._lifetime = response_lifetime(
            headers, requested_at=self._requested_at, received_at=received_at
        )
        self.is_storable = may_store(
            "GET", self._request_headers, status=status, headers=headers, lifetime=self._lifetime
        )
        if status in ERROR_STATUSES and self._may_serve_stale:
            self.failure = status
        elif self.status == 304 and stored is not None:
            self._lifetime = self._lifetime or stored.lifetime
        elif not self.is_storable:
            self._stream()
            cache_status = f"{CACHE_NAME}; fwd=miss; fwd-status={status}".encode()
            own: RawHeaders = message.get("headers", ())
            await self._send({**message, "headers": [*own, (b"cache-status", cache_status)]})

    async def _body(self, message: Message) -> None:
        part = message.get("body", b"")
        self._parts.append(part)
        self._size += len(part)
        if self._size > self._cache.max_entry_bytes:
            self._stream()
            await self._send(self._start_message)
            more = message.get("more_body", False)
            body = b"".join(self._parts)
            self._parts = []
            await self._send({"type": "http.response.body", "body": body, "more_body": more})
        elif not message.get("more_body"):
            self.entry = self._build_entry(self._lifetime) if self._lifetime is not None else None

    def _stream(self) -> None:
        """Stream the rest to this client only; waiters fetch for themselves."""
        self.is_streaming = True
        self._on_stream()

    def _build_entry(self, lifetime: Lifetime) -> CacheEntry:
        headers, status = self._headers, self.status
        body = b"".join(self._parts)
        stored = self._stored
        if status == 304 and stored is not None:
            status, body = stored.status, stored.body
        names = vary_names(headers)
        values = vary_values(names, self._request_headers)
        entry = CacheEntry(status, headers, body, lifetime, self.generation, names, values)
        if stored is not None and stored.compressible == entry.compressible and stored.body == body:
            entry.compressed = stored.compressed
        return entry


def cache_key(scope: Scope) -> Key:
    """Return the cache key of a request: origin and target."""
    host = next((value for name, value in scope["headers"] if name == b"host"), b"")
    query = scope["query_string"]
    target = scope.get("raw_path") or scope["path"].encode()
    return (
        f"{scope.get('scheme', 'http')}://{host.decode('latin-1').lower()}",
        target.decode("latin-1") + (f"?{query.decode('latin-1')}" if query else ""),
    )


def with_identity_etags(scope: Scope) -> Scope:
    """Return the request with the entity tags that the application knows, not encoded ones."""
    fields = (b"if-match", b"if-none-match")
    if not any(name in fields for name, _ in scope["headers"]):
        return scope
    headers = [
        (
            name,
            identity_etags(value.decode("latin-1")).encode("latin-1") if name in fields else value,
        )
        for name, value in scope["headers"]
    ]
    return {**scope, "headers": headers}


def _must_bypass(headers: RawHeaders) -> bool:
    """Return whether a request is conditional on other state, or has a body."""
    return any(
        name in BYPASS_HEADERS
        or name == b"transfer-encoding"
        or (name == b"content-length" and value != b"0")
        for name, value in headers
    )


def _varying(message: Message) -> RawHeaders:
    """Return the headers of a response past the cache, whose address has compressed forms too."""
    headers: RawHeaders = list(message.get("headers", ()))
    if message["status"] not in {200, 206} or not is_public_text(headers):
        return headers
    others = [item for item in headers if item[0].lower() != b"vary"]
    return [*others, (b"vary", vary_value(headers, by_coding=True))]


async def _gateway_timeout(send: Send) -> None:
    """Answer `only-if-cached` without a stored response (5.2.1.7)."""
    headers = [(b"content-length", b"0"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 504, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _receive_empty() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _discard(message: Message) -> None:
    """Ignore a message: the client has its response already."""
