"""Bodies of requests: of a bounded size in a bounded time, all together of a bounded memory."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from services.platform.problems import TooLarge

BODY_TIMEOUT_SECONDS = 30.0
"""How long a body may take to arrive,"""
MIN_BYTES_PER_SECOND = 2048
"""and a second more for each so many bytes that came: the poorest line sends more."""
LARGE_BODY_BYTES = 256 * 1024
MAX_LARGE_BODIES_BYTES = 64 * 1024 * 1024
"""What all bodies that are larger than a small one may take of memory at a time."""


class BodyLimiter:
    """Watches the bodies that come to an application."""

    def __init__(self) -> None:
        self._large = 0

    @contextmanager
    def limit(self, receive: Receive, *, limit: int) -> Generator[Receive]:
        """Another `receive`, which raises an `HTTPException` for a body of more than so many bytes
        (413), for one that takes too long (408), and where too many large ones come (503)."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        size = 0
        more = True

        async def received() -> Message:
            nonlocal size, more
            if not more:
                return await receive()  # waits for the client to go away, as long as that takes
            try:
                async with asyncio.timeout_at(
                    began + BODY_TIMEOUT_SECONDS + size / MIN_BYTES_PER_SECOND
                ):
                    message = await receive()
            except TimeoutError:
                raise _body_timeout() from None
            more = message.get("more_body", False)
            length = len(message.get("body", b""))
            size += length
            if size > limit:
                # FastAPI answers any other error that it meets while reading a body with 400.
                error = body_too_large(limit)
                raise HTTPException(error.status, error.detail)
            if size > LARGE_BODY_BYTES:
                self._large += length if size - length > LARGE_BODY_BYTES else size
                if self._large > MAX_LARGE_BODIES_BYTES:
                    raise _too_many_bodies()
            return message

        try:
            yield received
        finally:
            if size > LARGE_BODY_BYTES:
                self._large -= size


def body_too_large(limit: int) -> TooLarge:
    return TooLarge(f"A request may carry {limit} bytes; send less at a time.")


def _body_timeout() -> HTTPException:
    detail = (
        f"The request body arrived too slowly. It may take {BODY_TIMEOUT_SECONDS:.0f} s, plus 1 s "
        f"for every {MIN_BYTES_PER_SECOND} bytes; send less in one request."
    )
    return HTTPException(408, detail, headers={"Connection": "close"})


def _too_many_bodies() -> HTTPException:
    detail = "Too many large requests come at once; try again shortly."
    return HTTPException(503, detail, headers={"Retry-After": "2"})
