"""Commands of the hub in forks of one process that has imported it.

Importing the hub takes a process some three seconds of a processor, and most tests of processes
are not about their start. `python -m tests.forked_commands FD` is the process that forks: it takes
a request for each command from the socket with that number, and ends with whoever holds the other
end.
"""

import atexit
import functools
import gc
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from typing import IO, TypedDict

from services.platform.settings import ROOT, Service

MAX_REQUEST_BYTES = 100_000


class Request(TypedDict):
    """A command to start."""

    arguments: Sequence[str]
    environment: Mapping[str, str]


class ForkedCommand:
    """A command that was started as a fork: what tests use of `subprocess.Popen`."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str],
        output: IO[bytes],
        errors: IO[bytes],
    ) -> None:
        self.returncode: int | None = None
        self._line, there = socket.socketpair()
        request = json.dumps(Request(arguments=arguments, environment=dict(environment)))
        with there:
            socket.send_fds(
                _control(), [request.encode()], [there.fileno(), output.fileno(), errors.fileno()]
            )
        self.pid = int(self._line.recv(20))

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal, or None while the command runs."""
        return self._read_status(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end of the command and return its exit code.

        Raises:
            TimeoutExpired: It still runs after so many seconds.
        """
        status = self._read_status(timeout)
        if status is None:
            assert timeout is not None
            raise subprocess.TimeoutExpired("emall", timeout)
        return status

    def send_signal(self, how: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, how)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _read_status(self, timeout: float | None) -> int | None:
        if self.returncode is None:
            self._line.settimeout(timeout)
            try:
                said = self._line.recv(20)
            except (BlockingIOError, TimeoutError):
                return None
            self._line.close()
            self.returncode = int(said)
        return self.returncode


@functools.cache
def _control() -> socket.socket:
    """Start the process that forks, for as long as this one runs."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with there:
        server = subprocess.Popen(
            [sys.executable, "-m", __name__, str(there.fileno())],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            pass_fds=[there.fileno()],
        )

    def end() -> None:
        here.close()
        server.wait(30)

    atexit.register(end)
    return here


def import_hub() -> None:
    """Import what a server process imports, as it does."""
    from services.cli import server

    server.import_libraries()
    for service in Service:
        import_module(f"services.{service.value}.app")
    for protocol in (*server.PROTOCOLS.values(), server.DEFAULT_PROTOCOL):
        import_module(protocol.partition(":")[0])
    gc.collect()
    gc.freeze()


def serve(control: socket.socket) -> bool:
    """Fork for each request until its sender is gone; return whether this process is a fork."""
    running: dict[int, tuple[int, socket.socket]] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is not control:
                    selector.unregister(key.fd)
                    pid, line = running.pop(key.fd)
                    os.close(key.fd)
                    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                    with line:
                        tell(line, status)
                    continue
                said, descriptors, _, _ = socket.recv_fds(control, MAX_REQUEST_BYTES, 3)
                if not said:
                    for pid, _ in running.values():
                        os.kill(pid, signal.SIGKILL)
                    return False
                line, outputs = socket.socket(fileno=descriptors[0]), descriptors[1:]
                pid = os.fork()
                if pid == 0:
                    line.close()
                    for descriptor, (_, other) in running.items():
                        os.close(descriptor)
                        other.close()
                    become(json.loads(said), outputs)
                    return True
                for output in outputs:
                    os.close(output)
                tell(line, pid)
                descriptor = os.pidfd_open(pid)
                running[descriptor] = pid, line
                selector.register(descriptor, selectors.EVENT_READ)


def tell(line: socket.socket, number: int) -> None:
    """Send a number to a test, which may have closed its end."""
    with suppress(BrokenPipeError):
        line.sendall(str(number).encode())


def become(request: Request, outputs: Sequence[int]) -> None:
    """Take on the arguments, environment and output of a command."""
    for number, output in enumerate(outputs, start=1):
        os.dup2(output, number)
        os.close(output)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = ["emall", *request["arguments"]]


def main(descriptor: int) -> None:
    """Import the hub, fork for requests; in a fork, run the command."""
    import_hub()
    from services.cli.app import main as emall

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the tests, and these end this
    with socket.socket(fileno=descriptor) as control:
        is_fork = serve(control)
    if is_fork:
        emall()


if __name__ == "__main__":
    main(int(sys.argv[1]))
