"""Large bodies share a bounded memory, however earlier ones ended."""

import asyncio
from collections.abc import Sequence

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from services.platform import request_body
from services.platform.middleware import BodyLimitMiddleware

PART = b"x" * 300_000
MORE: Message = {"type": "http.request", "body": PART, "more_body": True}
LAST: Message = {"type": "http.request", "body": PART, "more_body": False}
GONE: Message = {"type": "http.disconnect"}
SCOPE: Scope = {
    "type": "http",
    "method": "POST",
    "path": "/",
    "query_string": b"",
    "headers": [(b"transfer-encoding", b"chunked")],
}


async def read(scope: Scope, receive: Receive, send: Send) -> None:
    try:
        await Request(scope, receive).body()
    except ClientDisconnect:
        return
    await PlainTextResponse("read")(scope, receive, send)


async def sent(app: BodyLimitMiddleware, parts: Sequence[Message]) -> int | None:
    """Send a body in these parts; return the status of the response."""
    statuses: list[int] = []
    left = list(parts)

    async def receive() -> Message:
        await asyncio.sleep(0)
        return left.pop(0)

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(dict(SCOPE), receive, send)
    return statuses[0] if statuses else None


@pytest.mark.parametrize(
    ("earlier", "status"),
    [
        ([MORE] * 4, 413),
        ([MORE] * 3 + [LAST], 413),
        ([MORE, MORE, LAST], 200),
        ([MORE, MORE, GONE], None),
        ([LAST], 200),
    ],
)
def test_the_memory_of_large_bodies_is_bounded_after_whatever_came(
    monkeypatch: pytest.MonkeyPatch, earlier: Sequence[Message], status: int | None
) -> None:
    monkeypatch.setattr(request_body, "MAX_LARGE_BODIES_BYTES", 2_000_000)

    async def story() -> None:
        app = BodyLimitMiddleware(read, limit=1_000_000)
        for _ in range(20):
            assert await sent(app, earlier) == status
        together = await asyncio.gather(*(sent(app, [MORE, MORE, LAST]) for _ in range(3)))
        assert sorted(str(each) for each in together) == ["200", "200", "503"]

    asyncio.run(story())
