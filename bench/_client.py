"""A client that costs little: keep-alive connections that send bytes and count answers."""

import asyncio
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

Head = Callable[[int], bytes]
"""The head of a request whose body has so many bytes."""


def post_batches(port: int, head: Head, bodies: list[bytes], *, connections: int) -> float:
    """Posts bodies over some connections at a time; answers the seconds that it took."""
    waiting = iter(bodies)
    lock = threading.Lock()
    wrong: list[bytes] = []

    def work() -> None:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            while True:
                with lock:
                    body = next(waiting, None)
                if body is None:
                    return
                connection.sendall(head(len(body)) + body)
                answer = _answer(connection)
                if not answer.startswith(b"HTTP/1.1 200"):
                    wrong.append(answer)

    threads = [threading.Thread(target=work) for _ in range(connections)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    if wrong:
        raise SystemExit(f"{len(wrong)} of {len(bodies)} were not taken: {wrong[0][:600]!r}")
    return took


def _answer(connection: socket.socket) -> bytes:
    answer = b""
    while b"\r\n\r\n" not in answer:
        chunk = connection.recv(65536)
        if not chunk:
            raise SystemExit("the server hung up")
        answer += chunk
    start, _, body = answer.partition(b"\r\n\r\n")
    length = int(start.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65536)
    return start + b"\r\n\r\n" + body


class _Poster(asyncio.Protocol):
    """One client that posts one request after the other."""

    def __init__(self, requests: Iterator[bytes], done: asyncio.Future[None]) -> None:
        self.requests = requests
        self.done = done
        self.statuses: Counter[bytes] = Counter()
        self.answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self.answer += data
        if self.answer.endswith(b"}"):  # as every answer does, in JSON
            self.statuses[self.answer[9:12]] += 1
            self.answer = b""
            self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionResetError("the server hung up"))

    def _next(self) -> None:
        request = next(self.requests, None)
        if request is not None:
            self.transport.write(request)
        elif not self.done.done():
            self.done.set_result(None)
            self.transport.close()


def post_singles(port: int, requests: Iterator[bytes], *, clients: int) -> float:
    """Posts small requests by many clients, each waiting for its answer; answers the seconds."""

    async def work() -> float:
        loop = asyncio.get_running_loop()
        ends = [loop.create_future() for _ in range(clients)]
        began = time.perf_counter()
        made = [
            await loop.create_connection(lambda end=end: _Poster(requests, end), "127.0.0.1", port)
            for end in ends
        ]
        await asyncio.gather(*ends)
        took = time.perf_counter() - began
        statuses = sum((poster.statuses for _, poster in made), Counter[bytes]())
        if set(statuses) != {b"200"}:
            raise SystemExit(f"not all were taken: {statuses}")
        return took

    return asyncio.run(work())
