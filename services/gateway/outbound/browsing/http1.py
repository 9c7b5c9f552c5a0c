"""Responses of HTTP/1 as browsers read them, without a network.

Servers send lines that are no header fields, lengths that are wrong, and chunks that end too early.
Browsers show the page all the same. So only the end of what was received decides here, and whether
the framing was kept is stated instead of refused. One response is read of a connection; a request
smuggled behind it (RFC 9112, 11.2) has no effect, because the connection is closed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_HEAD_BYTES = 256 * 1024
"""Limit of the status line and header, as in Chromium."""

MAX_LEADING_BYTES = 4
"""What may precede `HTTP/`, left over from an answer before."""

MAX_INTERIM_RESPONSES = 20

END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
STATUS_LINE = re.compile(rb"HTTP/\d+(?:\.\d+)?[ \t]*(\d{3})?", re.IGNORECASE)
CHUNK_SIZE = re.compile(rb"[ \t]*([0-9a-fA-F]{1,15})[ \t]*(?:;|\r?$)")
MAX_CHUNK_LINE = 4096


class ResponseError(ConnectionError):
    """What was received is no response that a browser would show; the message is the reason."""


class Http11RequiredError(ResponseError):
    """The server asks for HTTP/1.1 (RFC 9113, 7: HTTP_1_1_REQUIRED)."""


@dataclass(frozen=True)
class Head:
    """Status and header of a response."""

    status: int
    headers: Mapping[str, str]
    """Values by name in lower case; of fields sent more than once, the first that is not empty."""
    cookies: tuple[str, ...] = ()
    """The `Set-Cookie` fields."""


@dataclass
class ResponseReader:
    """Reads one response from what is fed to it; at most `max_body` bytes of its body."""

    max_body: int
    head: Head | None = None
    body: bytearray = field(default_factory=bytearray)
    is_done: bool = False
    """Whether nothing more needs to be read."""
    is_whole: bool = False
    """Whether the body ended as its framing said; also if as much was read as may be."""
    _buffer: bytearray = field(default_factory=bytearray)
    _chunked: bool = False
    _remaining: int | None = None
    """Bytes to come of the body or of the current chunk; None: until the connection ends."""
    _has_chunk: bool = False
    _searched: int = 0
    """Bytes of the buffer in which no head ends."""
    _interim: int = 0

    def feed(self, data: bytes) -> None:
        """Take what was received; raise `ResponseError` if it cannot be a response."""
        self._buffer += data
        while self.head is None:
            if not self._read_head():
                return
        if self._chunked:
            self._read_chunks()
        else:
            self._read_plain()
        if len(self.body) >= self.max_body:
            del self.body[self.max_body :]
            self.is_done = self.is_whole = True

    def end(self) -> None:
        """Note that the connection ended; raise `ResponseError` if no response had come."""
        self.is_done = True
        if self.head is None:
            received = "a response that is no HTTP" if self._buffer else "no response"
            raise ResponseError(f"the connection ended with {received}")
        if not self._chunked and self._remaining is None:
            self.is_whole = True

    def _read_head(self) -> bool:
        """Read a head; skip those of interim responses. Return whether one was complete."""
        first = bytes(self._buffer[: MAX_LEADING_BYTES + 5])
        start = first.upper().find(b"HTTP/")
        if start < 0 and len(first) == MAX_LEADING_BYTES + 5:
            raise ResponseError("the response is no HTTP")
        end = END_OF_HEAD.search(self._buffer, max(start, self._searched - 3))
        if end is None:
            self._searched = len(self._buffer)
            if self._searched > MAX_HEAD_BYTES:
                raise ResponseError("the response header is too large")
            return False
        head = parse_head(bytes(self._buffer[max(start, 0) : end.start()]))
        del self._buffer[: end.end()]
        self._searched = 0
        if 100 <= head.status < 200 and head.status != 101:
            self._interim += 1
            if self._interim > MAX_INTERIM_RESPONSES:
                raise ResponseError("only interim responses came")
            return True
        self.head = head
        self._frame(head)
        return True

    def _frame(self, head: Head) -> None:
        """Decide how the body ends (RFC 9112, 6.3)."""
        if head.status in {101, 204, 304}:
            self.is_done = self.is_whole = True
        elif "chunked" in head.headers.get("transfer-encoding", "").lower():
            self._chunked = True
        else:
            length = head.headers.get("content-length", "").partition(",")[0].strip()
            if length.isascii() and length.isdigit() and len(length) < 19:
                self._remaining = int(length)

    def _read_plain(self) -> None:
        taken = self._take(self._remaining)
        if self._remaining is not None:
            self._remaining -= taken
            if self._remaining == 0:
                self.is_done = self.is_whole = True

    def _take(self, count: int | None) -> int:
        data = self._buffer if count is None else self._buffer[:count]
        taken = len(data)
        self.body += data
        del self._buffer[:taken]
        return taken

    def _read_chunks(self) -> None:
        while not self.is_done and len(self.body) < self.max_body:
            if self._remaining is None:
                end = self._buffer.find(b"\n", 0, MAX_CHUNK_LINE)
                if end < 0:
                    self.is_done = len(self._buffer) >= MAX_CHUNK_LINE
                    return
                line = bytes(self._buffer[:end])
                del self._buffer[: end + 1]
                if self._has_chunk and not line.strip():
                    continue  # the end of the chunk before
                size = CHUNK_SIZE.match(line)
                if size is None:
                    self.is_done = True
                    return
                self._has_chunk = True
                self._remaining = int(size[1], 16)
                if self._remaining == 0:
                    self.is_done = self.is_whole = True
                    return
            self._remaining -= self._take(self._remaining)
            if self._remaining > 0:
                return
            self._remaining = None


def parse_head(head: bytes) -> Head:
    """Return status and header; lines that are no header fields are left out, as browsers do.

    Raises:
        ResponseError: It does not begin as a response, or has several different lengths, with
            which no browser shows the page.
    """
    first, *lines = head.split(b"\n")
    status_line = STATUS_LINE.match(first)
    if status_line is None:
        raise ResponseError("the response is no HTTP")
    fields: list[tuple[str, str]] = []
    for line in lines:
        text = _decode(line.rstrip(b"\r"))
        if text[:1] in {" ", "\t"} and fields:
            fields[-1] = (fields[-1][0], f"{fields[-1][1]} {text.strip()}".strip())
            continue
        name, colon, value = text.partition(":")
        if colon and name.strip():
            fields.append((name.strip().lower(), value.strip()))
    headers: dict[str, str] = {}
    for name, value in fields:
        if not headers.get(name):
            headers[name] = value
    lengths = {value for name, value in fields if name == "content-length"}
    if len(lengths) > 1 and "transfer-encoding" not in headers:
        raise ResponseError("the response states several lengths")
    return Head(
        int(status_line[1] or 200),
        headers,
        tuple(value for name, value in fields if name == "set-cookie"),
    )


def _decode(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")
