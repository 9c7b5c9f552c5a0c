"""The process that `bounded_process` starts: calls one function within limits of memory and CPU.

It imports only the standard library, the module of the function and the modules it is told.
"""

import math
import os
import pickle
import resource
import signal
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]
Outcome = Literal["returned", "raised", "out_of_memory"]

NICE = 10
"""Lower priority than the service, whose event loop must not wait for a decoder."""


def main() -> None:
    """Read a pickled call from standard input; write its pickled outcome to standard output."""
    memory_bytes, cpu_seconds, seconds = (int(argument) for argument in sys.argv[1:4])
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not get into the answer
    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(seconds)  # also if the service is killed, which would have ended this process
    call: Call = pickle.load(sys.stdin.buffer)  # noqa: S301 - of the service
    function, arguments, named = call
    for module in sys.argv[4:]:
        import_module(module)
    _limit_cpu(cpu_seconds)
    _limit_memory(memory_bytes)
    try:
        answer = _answer("returned", function(*arguments, **named))
    except MemoryError:
        answer = _answer("out_of_memory", None)
    except Exception as error:
        answer = _answer("raised", error)
    answers.write(answer)
    answers.close()


def _answer(outcome: Outcome, value: Any) -> bytes:
    return pickle.dumps((outcome, value), protocol=pickle.HIGHEST_PROTOCOL)


def _limit_cpu(seconds: int) -> None:
    """Limit the CPU time from now on: imports are the hub's own work, and not that of a file."""
    limit = math.ceil(time.process_time()) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))


def _limit_memory(memory_bytes: int) -> None:
    """Limit the resident memory of this process, with what it has already.

    Resident memory cannot be limited itself (`RLIMIT_RSS` has no effect), so the address space may
    grow by what is left.
    """
    if sys.platform == "linux":
        pages = Path("/proc/self/statm").read_text().split()
        size, resident = (int(number) * resource.getpagesize() for number in pages[:2])
        limit = size + max(0, memory_bytes - resident)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    main()
