"""Limits of request bodies: size, time, total memory, and what parsing them takes."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from services.platform.body_types import FORM, media_type
from services.platform.problems import TooLarge

BODY_TIMEOUT_SECONDS = 30.0
"""Time for a body to arrive."""
MIN_BYTES_PER_SECOND = 2048
"""One more second per this many bytes received; slower than any usable connection."""
LARGE_BODY_BYTES = 256 * 1024
MAX_LARGE_BODIES_BYTES = 64 * 1024 * 1024
"""Memory of all bodies over `LARGE_BODY_BYTES` together."""
MAX_ESCAPES = 32_000
"""Escaped bytes of a form, which are decoded one by one; the longest texts of all have fewer."""


@dataclass(frozen=True)
class ParsedBodyLimits:
    """Limits of a body that is parsed on the event loop, which is held meanwhile.

    The time depends on the values more than on the bytes, and on what is wrong with them: an
    unknown member takes 2 µs.
    """

    max_bytes: int
    max_members: int
    """Members of all objects and items of all lists of a JSON document, or fields of a form."""

    def check(self, body: bytes, *, is_form: bool) -> None:
        """Raise `TooLarge` for a JSON document or form over the limits."""
        if is_form and body.count(b"%") > MAX_ESCAPES:
            raise TooLarge(
                f"The form may have at most {MAX_ESCAPES} characters that are written as %XX."
            )
        if len(body) > self.max_bytes:
            raise body_too_large(self.max_bytes)
        # Those in a text count too, which leaves room enough.
        if max(map(body.count, (b":", b",", b"&"))) > self.max_members:
            raise TooLarge(
                f"The request body may have at most {self.max_members} members, items or fields; "
                "send less in one request."
            )


KEY_LIMITS = ParsedBodyLimits(1024 * 1024, 11_500)
"""1,000 statistics have fewer."""
ANONYMOUS_LIMITS = ParsedBodyLimits(256 * 1024, 5_000)
"""Longer than any complaint or survey response."""


def is_parsed_whole(content_type: str) -> bool:
    """Return whether a body of this type is parsed at once, as JSON and simple forms are."""
    kind = media_type(content_type)
    return kind.endswith(("/json", "+json")) or kind == FORM


async def read_whole(receive: Receive, limits: ParsedBodyLimits, *, is_form: bool) -> Receive:
    """Read a body that is parsed whole; return a `receive` that gives it again.

    Raises `TooLarge` as soon as it is over the limits.
    """
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        body += message.get("body", b"")
        if len(body) > limits.max_bytes or not message.get("more_body", False):
            break
    limits.check(bytes(body), is_form=is_form)
    pending: list[Message] = [message]
    if message["type"] == "http.request":
        pending = [{"type": "http.request", "body": bytes(body), "more_body": False}]

    async def received() -> Message:
        return pending.pop() if pending else await receive()

    return received


class BodyLimiter:
    """Limits the request bodies of an application."""

    def __init__(self) -> None:
        self._large = 0

    @contextmanager
    def limit(self, receive: Receive, *, limit: int) -> Generator[Receive]:
        """Wrap `receive` so that it raises `HTTPException`.

        413 for a body over `limit` bytes, 408 for one that arrives too slowly, 503 if large
        bodies exceed the memory for all of them.
        """
        loop = asyncio.get_running_loop()
        started = loop.time()
        size = counted = 0
        more = True

        async def received() -> Message:
            nonlocal size, counted, more
            if not more:
                return await receive()  # waits for the client to disconnect
            try:
                async with asyncio.timeout_at(
                    started + BODY_TIMEOUT_SECONDS + size / MIN_BYTES_PER_SECOND
                ):
                    message = await receive()
            except TimeoutError:
                raise _body_timeout() from None
            more = message.get("more_body", False)
            length = len(message.get("body", b""))
            size += length
            if size > limit:
                # FastAPI turns any other error raised while it reads a body into 400.
                error = body_too_large(limit)
                raise HTTPException(error.status, error.detail)
            if size > LARGE_BODY_BYTES:
                self._large += size - counted
                counted = size
                if self._large > MAX_LARGE_BODIES_BYTES:
                    raise _too_many_bodies()
            return message

        try:
            yield received
        finally:
            self._large -= counted


def body_too_large(limit: int) -> TooLarge:
    return TooLarge(f"The request body may have at most {limit} bytes; send less in one request.")


def _body_timeout() -> HTTPException:
    detail = (
        f"The request body arrived too slowly. It may take {BODY_TIMEOUT_SECONDS:.0f} s, plus 1 s "
        f"for every {MIN_BYTES_PER_SECOND} bytes; send less in one request."
    )
    return HTTPException(408, detail, headers={"Connection": "close"})


def _too_many_bodies() -> HTTPException:
    detail = "Too many large requests at the moment; try again shortly."
    return HTTPException(503, detail, headers={"Retry-After": "2"})
