"""Bodies of requests: of a bounded size in a bounded time, all together of a bounded memory."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from services.platform.problems import TooLarge

SECONDS = 30.0
"""How long a body may take to arrive,"""
BYTES_A_SECOND = 2048
"""and a second more for each so many bytes that came: the poorest line sends more."""
SMALL = 256 * 1024
LARGE_BODIES = 64 * 1024 * 1024
"""What all bodies that are larger than a small one may take of memory at a time."""


class Bodies:
    """Watches the bodies that come to an application."""

    def __init__(self) -> None:
        self._large = 0

    @contextmanager
    def bounded(self, receive: Receive, *, limit: int) -> Generator[Receive]:
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
                async with asyncio.timeout_at(began + SECONDS + size / BYTES_A_SECOND):
                    message = await receive()
            except TimeoutError:
                raise _too_slow() from None
            more = message.get("more_body", False)
            length = len(message.get("body", b""))
            size += length
            if size > limit:
                # FastAPI answers any other error that it meets while reading a body with 400.
                error = too_large(limit)
                raise HTTPException(error.status, error.detail)
            if size > SMALL:
                self._large += length if size - length > SMALL else size
                if self._large > LARGE_BODIES:
                    raise _too_many()
            return message

        try:
            yield received
        finally:
            if size > SMALL:
                self._large -= size


def too_large(limit: int) -> TooLarge:
    return TooLarge(f"A request may carry {limit} bytes; send less at a time.")


def _too_slow() -> HTTPException:
    detail = (
        f"The body came too slowly: it may take {SECONDS:.0f} seconds, and one more for each "
        f"{BYTES_A_SECOND} bytes; send less at a time."
    )
    return HTTPException(408, detail, headers={"Connection": "close"})


def _too_many() -> HTTPException:
    detail = "Too many large requests come at once; try again shortly."
    return HTTPException(503, detail, headers={"Retry-After": "2"})
