"""The line between the hub and PostgreSQL: a TCP proxy that can be silent, slow or down."""

import asyncio
from contextlib import suppress
from typing import Self

CHUNK = 65536


class Line:
    """A TCP proxy on loopback with faults that a case switches on and off."""

    def __init__(self, target: int) -> None:
        self.target = target
        """Port on loopback to which new connections go."""
        self.delay = 0.0
        """Seconds by which each packet is late, in both directions."""
        self._open = asyncio.Event()
        self._open.set()
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def silence(self) -> None:
        """Pass nothing on, and close nothing: what a broken switch does."""
        self._open.clear()

    def restore(self) -> None:
        """Pass everything on again, also what was held back."""
        self.delay = 0.0
        self._open.set()

    def cut(self) -> None:
        """Close every connection."""
        for connection in self._connections:
            connection.cancel()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        writers = [writer]
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.target)
            writers.append(server_writer)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, server_writer))
                group.create_task(self._pump(server_reader, writer))
        except (OSError, ExceptionGroup, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(task)
            for each in writers:
                each.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what arrives; end the connection in both directions if one side ends it."""
        while chunk := await reader.read(CHUNK):
            await self._open.wait()
            if self.delay:
                await asyncio.sleep(self.delay)
            writer.write(chunk)
            await writer.drain()
        with suppress(OSError):
            await self._open.wait()
        raise ConnectionResetError
