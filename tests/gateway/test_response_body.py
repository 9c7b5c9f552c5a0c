"""Bodies of other systems' responses: decoded no further than the limit, whatever their coding."""

import asyncio
import gzip
import random
import time
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable, Iterable

import brotli
import pytest
import zstandard

from services.gateway.outbound.bounded_reading import read_bounded
from services.gateway.outbound.circuit_breaker import BreakerPolicy, CircuitBreaker
from services.gateway.outbound.client import Connector, ConnectorError
from services.gateway.outbound.response_body import (
    BodyLimit,
    BodyTooLargeError,
    ContentCodingError,
    read_body,
)
from tests.gateway.portals import always, portal

LIMIT = 2 * 1024 * 1024
TEXT = b"Pelayanan KTP-el " * 1000


ZEROS = bytes(LIMIT)


def gzipped(content: bytes) -> bytes:
    """Compress, without the time, which would stand in the names of tests."""
    return gzip.compress(content, mtime=0)


def raw_deflate(content: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


def read(body: bytes, *codings: str, size: int = 1000) -> bytes:
    async def chunks(parts: Iterable[bytes]) -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    pieces = (body[start : start + size] for start in range(0, len(body), size))
    return asyncio.run(read_body(chunks(pieces), codings, BodyLimit(LIMIT))).content


@pytest.mark.parametrize(
    ("body", "codings", "expected"),
    [
        (TEXT, (), TEXT),
        (TEXT, ("identity",), TEXT),
        (gzipped(TEXT), ("gzip",), TEXT),
        (gzipped(TEXT), ("X-GZIP",), TEXT),
        (zlib.compress(TEXT), ("deflate",), TEXT),
        (raw_deflate(TEXT), ("deflate",), TEXT),
        (gzipped(TEXT), ("identity, gzip",), TEXT),
        (gzipped(ZEROS), ("gzip",), ZEROS),
    ],
    ids=["none", "identity", "gzip", "X-GZIP", "zlib", "deflate", "two", "zeros"],
)
def test_an_accepted_coding_is_decoded(
    body: bytes, codings: tuple[str, ...], expected: bytes
) -> None:
    for size in (1, 1000, 1_000_000) if len(body) < 1000 else (1000, 1_000_000):
        assert read(body, *codings, size=size) == expected


def test_an_empty_body_may_have_any_accepted_coding() -> None:
    assert read(b"", "gzip") == b""


@pytest.mark.slow
@pytest.mark.parametrize("size", [1000, 10_000_000])
@pytest.mark.parametrize(
    ("make_body", "coding"),
    [
        (lambda: gzipped(bytes(50_000_000)), "gzip"),
        (lambda: zlib.compress(bytes(50_000_000)), "deflate"),
        (lambda: raw_deflate(bytes(50_000_000)), "deflate"),
        (lambda: gzipped(b"") * 200_000, "gzip"),
        (lambda: gzipped(TEXT) + bytes(LIMIT), "gzip"),
        (lambda: bytes(LIMIT + 1), "identity"),
    ],
    ids=["gzip", "zlib", "deflate", "members", "garbage", "identity"],
)
def test_a_body_over_the_limit_is_not_decoded_further(
    make_body: Callable[[], bytes], coding: str, size: int
) -> None:
    body = make_body()
    tracemalloc.start()
    with pytest.raises(BodyTooLargeError):
        read(body, coding, size=size)
    assert tracemalloc.get_traced_memory()[1] < 16 * 1024 * 1024
    tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make_body", "codings"),
    [
        (lambda: brotli.compress(bytes(50_000_000), quality=5), ("br",)),
        (lambda: zstandard.compress(bytes(50_000_000)), ("zstd",)),
        (lambda: gzipped(gzipped(bytes(50_000_000))), ("gzip, gzip",)),
        (lambda: gzipped(gzipped(bytes(50_000_000))), ("gzip", "gzip")),
        (lambda: gzipped(brotli.compress(TEXT)), ("br", "gzip")),
        (lambda: TEXT, ("x-unknown" * 100,)),
        (lambda: TEXT, ("gzip",)),
        (lambda: random.Random(1).randbytes(100_000), ("deflate",)),
        (lambda: gzipped(TEXT)[:-10], ("gzip",)),
    ],
    ids=[
        "brotli",
        "zstd",
        "gzip twice in a line",
        "gzip twice in two lines",
        "brotli and gzip",
        "unknown",
        "not gzip",
        "not deflate",
        "cut off",
    ],
)
def test_another_coding_or_a_damaged_body_is_refused(
    make_body: Callable[[], bytes], codings: tuple[str, ...]
) -> None:
    with pytest.raises(ContentCodingError) as refused:
        read(make_body(), *codings)
    assert len(str(refused.value)) < 200


def test_a_connector_accepts_only_codings_that_it_can_limit() -> None:
    async def request(url: str) -> bytes:
        breaker = CircuitBreaker(BreakerPolicy(), time.monotonic)
        connector = Connector("x", url, breaker, max_response_bytes=LIMIT)
        try:
            return (await connector.request("GET", "/", idempotent=False)).body
        finally:
            await connector.close()

    with portal(always(200, gzipped(TEXT), Content_Encoding="gzip")) as running:
        assert asyncio.run(request(running.address)) == TEXT
        assert running.asked[0].headers["accept-encoding"] == "gzip, deflate"
        running.reply = always(200, gzipped(bytes(50_000_000)), Content_Encoding="gzip")
        with pytest.raises(ConnectorError) as refused:
            asyncio.run(request(running.address))
        assert refused.value.reason == "too_large"
        running.reply = always(200, brotli.compress(TEXT), Content_Encoding="br")
        with pytest.raises(ConnectorError) as refused:
            asyncio.run(request(running.address))
        assert refused.value.reason == "invalid_response"
        assert "'br' was not accepted" in refused.value.detail


@pytest.mark.parametrize(
    ("code", "reason"),
    [("bytes(200 << 20)", "too_large"), ("__import__('os').abort()", "invalid_response")],
)
def test_an_answer_that_takes_too_much_to_read_has_a_reason(code: str, reason: str) -> None:
    with pytest.raises(ConnectorError) as refused:
        asyncio.run(read_bounded("x", eval, code))
    assert refused.value.reason == reason
