"""Packed forms of a body, and which of them a client takes (RFC 9110, 12.5.3).

Only answers that the cache keeps are packed: they are the same for everybody and hold no secret,
so that their length tells nothing (BREACH). What is personal leaves the hub unpacked.
"""

import gzip
import re
from collections.abc import Callable, Mapping

import brotli
import zstandard

IDENTITY = "identity"
SMALLEST = 860
"""Bytes under which a body goes in one packet anyhow."""

PACKERS: Mapping[str, Callable[[bytes], bytes]] = {
    "br": lambda body: brotli.compress(body, quality=6),
    "zstd": lambda body: zstandard.ZstdCompressor(level=9).compress(body),
    "gzip": lambda body: gzip.compress(body, 6, mtime=0),
}
"""By preference where a client likes several as much: the shortest first."""

PACKABLE = re.compile(
    r"^(?:text/|application/(?:[\w.-]+\+)?(?:json|xml)\b|application/(?:javascript|jsonl|yaml)\b"
    r"|image/svg\+xml)",
    re.IGNORECASE,
)
WEIGHT = re.compile(r"^\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*$", re.IGNORECASE)


def is_packable(media_type: str, size: int) -> bool:
    """Whether a body of this kind and size gains by packing."""
    return size >= SMALLEST and PACKABLE.match(media_type) is not None


def accepted_codings(given: str | None) -> tuple[str, ...]:
    """The codings that a client takes, the most welcome first; without a word of it, identity."""
    if given is None:
        return (IDENTITY,)
    weights: dict[str, float] = {}
    for part in given.split(","):
        coding, _, parameter = part.partition(";")
        name = coding.strip().lower()
        if name:
            weights["gzip" if name == "x-gzip" else name] = _weight(parameter)
    others = weights.get("*")
    order = (*PACKERS, IDENTITY)
    for name in order:
        if name not in weights and others is not None:
            weights[name] = others
    # Identity is always possible unless it is refused, and the last choice unless it is named.
    weights.setdefault(IDENTITY, 0.0005)
    taken = [name for name in order if weights.get(name, 0) > 0]
    return tuple(sorted(taken, key=lambda name: -weights[name])) or (IDENTITY,)


def _weight(parameter: str) -> float:
    if not parameter.strip():
        return 1.0
    found = WEIGHT.match(parameter)
    return float(found[1]) if found else 0.0


def tag_in(coding: str, tag: str) -> str:
    """The entity tag of a packed form: strong tags differ where bytes do (RFC 9110, 8.8.3.3)."""
    if coding == IDENTITY or tag.startswith("W/"):
        return tag
    return f'{tag[:-1]}-{coding}"'


PACKED_TAG = re.compile(rf'-(?:{"|".join(PACKERS)})"')


def plain_tags(field: str) -> str:
    """A field of entity tags as the owner of the resource knows them."""
    return PACKED_TAG.sub('"', field)
