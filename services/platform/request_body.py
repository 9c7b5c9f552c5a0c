"""Limits of request bodies: size, time, and total memory."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from services.platform.problems import TooLarge

BODY_TIMEOUT_SECONDS = 30.0
"""Time for a body to arrive."""
MIN_BYTES_PER_SECOND = 2048
"""One more second per this many bytes received; slower than any usable connection."""
LARGE_BODY_BYTES = 256 * 1024
MAX_LARGE_BODIES_BYTES = 64 * 1024 * 1024
"""Memory of all bodies over `LARGE_BODY_BYTES` together."""


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
        size = 0
        more = True

        async def received() -> Message:
            nonlocal size, more
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
