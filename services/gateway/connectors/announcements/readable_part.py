"""The part of a feed that is read: its beginning, without pictures that are written into it.

Editors paste pictures as `data:` URIs, which may be longer than all texts together. They are not
shown, and would leave no room for the items after them.
"""

import re
from dataclasses import dataclass

MAX_BYTES = 2 * 1024 * 1024

MARK = b";base64,"
BEGINNING = re.compile(rb"data:[\w.+-]{1,60}(?:\\?/|%2[Ff])[\w.+-]{1,60}(?:;[\w=.-]{1,60})*$")
MAX_BEGINNING = 300
MAX_PICTURES = 1_000
"""Looked for; each takes some microseconds on the event loop."""
ENCODED = re.compile(rb"(?:[A-Za-z0-9+/=\r\n]+|\\/|%(?:2[BbFf]|3[Dd])|&#1[03];)*")
"""Base64, also in JSON, where a slash may be escaped."""


@dataclass(frozen=True)
class ReadablePart:
    """The part of a feed that is read, and what was left out before."""

    body: bytes
    notices: tuple[str, ...] = ()


def readable_part(body: bytes, *, is_cut: bool) -> ReadablePart:
    """Return the beginning of a feed without its pictures.

    `is_cut` tells that the response was longer than what was received of it.
    """
    text = _without_pictures(body)
    if is_cut or len(text) > MAX_BYTES:
        notice = f"it is larger than the hub reads ({MAX_BYTES} bytes): the rest was not read"
        return ReadablePart(text[:MAX_BYTES], (notice,))
    return ReadablePart(text)


def _without_pictures(body: bytes) -> bytes:
    kept: list[bytes] = []
    position = 0
    for _ in range(MAX_PICTURES):
        if (mark := body.find(MARK, position)) < 0:
            break
        end = mark + len(MARK)
        kept.append(body[position:end])
        if BEGINNING.search(body, max(mark - MAX_BEGINNING, position), mark):
            encoded = ENCODED.match(body, end)
            end = end if encoded is None else encoded.end()
        position = end
    return b"".join([*kept, body[position:]]) if kept else body
