"""A client that costs little: keep-alive connections that send bytes and count answers."""

import select
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack

Head = Callable[[int], bytes]
"""The head of a request whose body has so many bytes."""


def post_batches(port: int, head: Head, bodies: list[bytes], *, connections: int) -> float:
    """Post bodies over some connections at a time and return the seconds that it took."""
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


def post_singles(port: int, requests: Sequence[bytes], *, clients: int) -> float:
    """Post small requests from many clients, each waiting for its response; return the seconds.

    Without an event loop, whose costs would be measured with the server's on a small machine.
    """
    waiting = iter(requests)
    statuses: Counter[bytes] = Counter()
    with ExitStack() as open_ones, select.epoll() as poll:
        sockets: dict[int, socket.socket] = {}
        for _ in range(clients):
            connection = socket.create_connection(("127.0.0.1", port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            open_ones.enter_context(connection)
            poll.register(connection, select.EPOLLIN)
            sockets[connection.fileno()] = connection
        parts = dict.fromkeys(sockets, b"")
        began = time.perf_counter()
        for connection, request in zip(sockets.values(), waiting, strict=False):
            connection.sendall(request)
        while statuses.total() < len(requests):
            for number, _ in poll.poll():
                connection = sockets[number]
                chunk = connection.recv(65536)
                if not chunk:
                    raise SystemExit("the server hung up")
                answer = parts[number] + chunk
                if not answer.endswith(b"}"):  # as every answer does, in JSON
                    parts[number] = answer
                    continue
                parts[number] = b""
                statuses[answer[9:12]] += 1
                if (request := next(waiting, None)) is not None:
                    connection.sendall(request)
        took = time.perf_counter() - began
    if set(statuses) != {b"200"}:
        raise SystemExit(f"not all were taken: {statuses}")
    return took
