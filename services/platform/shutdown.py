"""A uvicorn server that loses no request when it stops.

uvicorn resets connections that wait to be accepted, and closes idle ones at once. A reverse proxy
may just have sent a request on either. It does not send a write again (nginx without
`proxy_next_upstream non_idempotent`), so that its client gets 502.
"""

import asyncio
import os
import socket
from collections.abc import Iterator, Sequence
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

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


IDLE_SECONDS = 1.0
"""How long a stopping server waits for a request on a connection that is open."""


class GracefulStopProtocol(HttpToolsProtocol):
    """uvicorn protocol that answers a request that arrives as its server begins to stop.

    The response says `Connection: close`, so that a proxy uses the connection no more.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.app = StoppingAnswer(self.app)
        self.is_stopping = False

    def shutdown(self) -> None:
        """Close the connection after its response, or if no request arrives for a while."""
        self.is_stopping = True
        if self._is_answering():
            super().shutdown()
        else:
            self.loop.call_later(IDLE_SECONDS, self._close_if_idle)

    def on_headers_complete(self) -> None:
        """Start the request, the last one of its connection if the server is stopping."""
        super().on_headers_complete()
        if self.is_stopping and self._is_answering():
            self.cycle.keep_alive = False

    def _close_if_idle(self) -> None:
        if not self._is_answering():
            self.transport.close()

    def _is_answering(self) -> bool:
        cycle: Any = self.cycle  # None until the first request
        return cycle is not None and not cycle.response_complete


class GracefulServer(uvicorn.Server):
    """uvicorn server that accepts the connections that wait for it before it stops listening."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, answer what was accepted, and end the application."""
        waiting = list(self._stop_listening(sockets or ()))
        loop = asyncio.get_running_loop()
        for connection in waiting:
            await loop.connect_accepted_socket(self._protocol, connection, ssl=self.config.ssl)
        await super().shutdown(sockets)

    def _stop_listening(self, sockets: Sequence[socket.socket]) -> Iterator[socket.socket]:
        """Close the listening sockets, and yield the connections that they have not accepted.

        The kernel listens until the last descriptor of a socket is closed, so a copy is emptied.
        """
        listeners = [
            socket.socket(fileno=os.dup(each.fileno()))
            for server in self.servers
            for each in server.sockets
        ]
        for closed in (*self.servers, *sockets):
            closed.close()
        for listener in listeners:
            with listener:
                listener.setblocking(False)
                yield from _accepted(listener)

    def _protocol(self) -> asyncio.Protocol:
        protocol: Any = self.config.http_protocol_class
        return protocol(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )


def _accepted(listener: socket.socket) -> Iterator[socket.socket]:
    while True:
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            return
        except ConnectionAbortedError:  # by its client, while it waited
            continue
        connection.setblocking(False)
        yield connection
