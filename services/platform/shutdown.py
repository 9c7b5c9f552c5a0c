"""Requests that a stopping server waits for no longer are answered 503, not 500."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.platform.middleware import send_problem
from services.platform.problems import Unavailable
from services.platform.security_headers import DEFAULT_HEADERS


class StoppingAnswer:
    """Outermost application of a server.

    uvicorn cancels requests that run when its time to stop is over, as where the database is slow,
    and answers each by a 500 of its own. They are told to come again instead. Nothing else cancels
    a request.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_started = False

        async def send_watched(message: Message) -> None:
            nonlocal is_started
            is_started = True
            await send(message)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *DEFAULT_HEADERS]
            await send(message)

        try:
            await self.app(scope, receive, send_watched)
        except asyncio.CancelledError:
            if is_started or scope["type"] != "http":
                raise
            problem = Unavailable(
                "The service is stopping, and did not finish in time. Send the request again: "
                "another process may answer it.",
                retry_after=5,
            )
            await send_problem(problem, scope, receive, send_with_headers)
