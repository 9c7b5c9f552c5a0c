"""Content codings, and which of them a client accepts (RFC 9110, 12.5.3).

Only public responses are compressed, stored or not: they are the same for every client and contain
no secret, so their length reveals nothing (BREACH). Personal responses are not compressed.
"""

import asyncio
import gzip
import re
from collections.abc import Callable, Mapping

import brotli
import zstandard

IDENTITY = "identity"
MIN_BYTES = 860
"""Smaller bodies fit into one packet anyway."""

COMPRESS_IN_THREAD_BYTES = 64 * 1024
"""Bodies from this size are compressed in a thread, so that other requests are not delayed."""

COMPRESSORS: Mapping[str, Callable[[bytes], bytes]] = {
    "br": lambda body: brotli.compress(body, quality=6),
    "zstd": lambda body: zstandard.ZstdCompressor(level=9).compress(body),
    "gzip": lambda body: gzip.compress(body, 6, mtime=0),
}
"""Compressors by coding; among equal weights the first, which compresses best, wins."""

COMPRESSIBLE = re.compile(
    r"^(?:text/|application/(?:[\w.-]+\+)?(?:json|xml)\b|application/(?:javascript|jsonl|yaml)\b"
    r"|image/svg\+xml)",
    re.IGNORECASE,
)
QVALUE = re.compile(r"^\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*$", re.IGNORECASE)


def is_compressible(media_type: str, size: int) -> bool:
    """Return whether a body of this type and size is worth compressing."""
    return size >= MIN_BYTES and COMPRESSIBLE.match(media_type) is not None


async def compress(body: bytes, coding: str) -> bytes:
    """Return a body in a coding."""
    if len(body) < COMPRESS_IN_THREAD_BYTES:
        return COMPRESSORS[coding](body)
    return await asyncio.to_thread(COMPRESSORS[coding], body)


def accepted_codings(accept_encoding: str | None) -> tuple[str, ...]:
    """Return the codings that a client accepts, best first; without a header only identity."""
    if accept_encoding is None:
        return (IDENTITY,)
    weights: dict[str, float] = {}
    for part in accept_encoding.split(","):
        coding, _, parameter = part.partition(";")
        name = coding.strip().lower()
        if name:
            weights["gzip" if name == "x-gzip" else name] = _parse_qvalue(parameter)
    others = weights.get("*")
    order = (*COMPRESSORS, IDENTITY)
    for name in order:
        if name not in weights and others is not None:
            weights[name] = others
    # Identity is acceptable unless refused, and the last choice unless named.
    weights.setdefault(IDENTITY, 0.0005)
    accepted = [name for name in order if weights.get(name, 0) > 0]
    return tuple(sorted(accepted, key=lambda name: -weights[name])) or (IDENTITY,)


def _parse_qvalue(parameter: str) -> float:
    if not parameter.strip():
        return 1.0
    match = QVALUE.match(parameter)
    return float(match[1]) if match else 0.0


def encoded_etag(coding: str, etag: str) -> str:
    """Return the strong entity tag of an encoded body (RFC 9110, 8.8.3.3)."""
    if coding == IDENTITY or etag.startswith("W/"):
        return etag
    return f'{etag[:-1]}-{coding}"'


ENCODED_ETAG = re.compile(rf'-(?:{"|".join(COMPRESSORS)})"')


def identity_etags(field: str) -> str:
    """Replace the entity tags of encoded bodies in a field by those of the identity coding."""
    return ENCODED_ETAG.sub('"', field)
