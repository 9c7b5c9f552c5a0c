"""Reads the body of another system's response with a limit of its decoded size.

The body is decoded as it arrives and no further than the limit, since a few kB may decode to
gigabytes. So a request may accept only codings that can be decoded in this way.
"""

import zlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

ACCEPT_ENCODING = "gzip, deflate"
"""Value of `Accept-Encoding` for requests whose responses are read here."""

GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
RAW_DEFLATE = -zlib.MAX_WBITS
"""`deflate` is the zlib format (RFC 9110, 8.4.1.2), but some servers leave out its header."""


class BodyTooLargeError(Exception):
    """The body is over the limit."""


class ContentCodingError(Exception):
    """The body has a coding that was not accepted, or is damaged; the message is the reason."""


@dataclass(frozen=True)
class BodyLimit:
    """How much of a body is read."""

    max_bytes: int
    """As received, and decoded."""
    keeps_beginning: bool = False
    """Whether of a longer body the beginning is returned, and not an error."""


@dataclass(frozen=True)
class ReadBody:
    """A decoded body, and whether its end was left out."""

    content: bytes
    is_cut: bool = False


async def read_body(
    chunks: AsyncIterator[bytes], content_encoding: Sequence[str], limit: BodyLimit
) -> ReadBody:
    """Return a body decoded; `chunks` are as received, `content_encoding` the header's fields.

    Raises:
        BodyTooLargeError: It is over the limit, and its beginning is not wanted or empty.
        ContentCodingError: It is not in one of the codings of `ACCEPT_ENCODING`.
    """
    decoder = _decoder(content_encoding)
    received = 0
    body = bytearray()
    async for chunk in chunks:
        received += len(chunk)
        body += decoder.decode(chunk, limit.max_bytes + 1 - len(body)) if decoder else chunk
        # A coded body may be of any length and decode to nothing.
        if max(received, len(body)) > limit.max_bytes:
            if limit.keeps_beginning and body:
                return ReadBody(bytes(body[: limit.max_bytes]), is_cut=True)
            raise BodyTooLargeError
    if decoder is not None and received and not decoder.is_complete:
        raise ContentCodingError("the coded body is truncated")
    return ReadBody(bytes(body))


class _Decoder:
    """Decodes gzip, or deflate with or without its header of two bytes."""

    def __init__(self, *, may_be_raw: bool) -> None:
        self._inflater = zlib.decompressobj(GZIP_OR_ZLIB)
        self._header: bytes | None = b"" if may_be_raw else None
        """What was received before it is known whether there is a header."""

    @property
    def is_complete(self) -> bool:
        return self._inflater.eof

    def decode(self, chunk: bytes, max_length: int) -> bytes:
        """Return at most `max_length` bytes; the rest of a longer chunk is not decoded."""
        if self._header is not None:
            chunk = self._header + chunk
            self._header = chunk if len(chunk) < 2 else None
            if self._header is not None:
                return b""
            if not _has_zlib_header(chunk):
                self._inflater = zlib.decompressobj(RAW_DEFLATE)
        try:
            return self._inflater.decompress(chunk, max_length)
        except zlib.error as error:
            raise ContentCodingError(f"the coded body is damaged: {error}") from None


def _has_zlib_header(body: bytes) -> bool:
    """Return whether a body starts as RFC 1950, 2.2, describes."""
    return body[0] & 0x0F == zlib.DEFLATED and int.from_bytes(body[:2]) % 31 == 0


def _decoder(content_encoding: Sequence[str]) -> _Decoder | None:
    """Return the decoder of a body; None if it is not coded."""
    listed = (coding.strip().lower() for field in content_encoding for coding in field.split(","))
    codings = [coding for coding in listed if coding not in {"", "identity"}]
    if not codings:
        return None
    if len(codings) == 1 and codings[0] in {"gzip", "x-gzip", "deflate"}:
        return _Decoder(may_be_raw=codings[0] == "deflate")
    shown = ", ".join(codings)[:60]
    raise ContentCodingError(
        f"content coding {shown!r} was not accepted; the hub reads {ACCEPT_ENCODING}"
    )
