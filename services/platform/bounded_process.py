"""Calls functions that decode foreign data in processes of their own, with bounded resources.

A decoder's work is not known from the size of its input. In a process of its own the operating
system bounds memory and CPU time, the event loop is not held, and a crash of a decoder is a failed
request. A process serves one call: its limits are simple to set, nothing remains of a hostile file,
and without files no memory is used. Starting one takes some 50 ms. It is not a sandbox.
"""

import asyncio
import io
import math
import pickle
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from anyio.lowlevel import RunVar
from pydantic import BaseModel

from services.platform import bounded_worker
from services.platform.bounded_worker import Outcome
from services.platform.logging import get_logger
from services.platform.problems import FieldError, Invalid, TooLarge, Unavailable
from services.platform.slots import Limiter, slot
from services.platform.translation import N_, localized

log = get_logger(__name__)

MAX_PROCESSES = 2
"""Processes of one event loop at a time."""
MAX_WAITING = 8
"""Calls that wait for one; further ones are refused."""
DEADLINE_SECONDS = 15.0
"""Limit of a call with its wait, below the gateway's timeout of a service."""

ENVIRONMENT = {
    "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
    # Each thread of a numerical library would take address space.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
"""The whole environment of a process: a decoder needs no passwords of databases."""

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Limits:
    """What one call may use."""

    memory_bytes: int = 128 * 1024 * 1024
    """Resident memory of the whole process."""
    cpu_seconds: int = 2
    """CPU time of the call itself, without that of imports."""
    imports: tuple[str, ...] = ()
    """Modules that the function imports only when it uses them: imported before memory is limited,
    since they take far more address space than memory."""
    deadline_seconds: float = DEADLINE_SECONDS
    """Limit of the call with its wait; longer where no request waits for it."""


OUT_OF_MEMORY = ("MemoryError", "memory allocation of", "bad_alloc")
"""What Python, Rust and C++ write when they end without memory."""

PLAIN_TYPES = {
    ("datetime", "date"),
    ("datetime", "datetime"),
    ("datetime", "time"),
    ("datetime", "timedelta"),
    ("datetime", "timezone"),
    ("decimal", "Decimal"),
    ("uuid", "UUID"),
    ("uuid", "SafeUUID"),
    ("pydantic_core._pydantic_core", "TzInfo"),
}
"""Types of values that a call may return, besides records and errors of the hub."""
PLAIN_MODULES = {"builtins", *(module for module, _ in PLAIN_TYPES)}

_limiter: Limiter = RunVar("bounded_process_limiter")


async def call_bounded(
    limits: Limits,
    function: Callable[Arguments, Result],
    *arguments: Arguments.args,
    **named: Arguments.kwargs,
) -> Result:
    """Return what a function of a module returns, within these limits; raise what it raises.

    Raises:
        TooLarge: The call needed more memory or CPU time.
        Invalid: The process crashed.
        Unavailable: Too many calls are waiting, or the call was not finished in time.
    """
    refusal = "Too many files are being read at the moment; try again shortly."
    free = slot(_limiter, concurrent=MAX_PROCESSES, waiting=MAX_WAITING, refusal=refusal)
    try:
        async with asyncio.timeout(limits.deadline_seconds), free:
            # Pickled only now: calls that wait must not hold a second copy of their files.
            call = pickle.dumps((function, arguments, named), protocol=pickle.HIGHEST_PROTOCOL)
            status, answer, errors = await _run(limits, call)
    except TimeoutError:
        late = N_("Berkas ini tidak selesai dibaca pada waktunya; coba lagi sebentar.")
        raise Unavailable(localized(late)) from None
    if status == -signal.SIGXCPU:
        slow = N_(
            "Membaca berkas ini memerlukan lebih dari %(seconds)s detik waktu hitung; kirim yang "
            "lebih kecil atau lebih sederhana."
        )
        raise TooLarge(localized(slow, seconds=limits.cpu_seconds))
    if status != 0 and any(words in errors for words in OUT_OF_MEMORY):
        raise _out_of_memory(limits)
    if status != 0 or not answer:
        log.error("reader crashed", function=function.__qualname__, status=status, errors=errors)
        raise _unreadable()
    outcome: Outcome
    value: Any
    try:
        outcome, value = _DataUnpickler(io.BytesIO(answer)).load()
    except pickle.UnpicklingError as error:
        log.exception("reader answered with code", function=function.__qualname__)
        raise _unreadable() from error
    if outcome == "out_of_memory":
        raise _out_of_memory(limits)
    if outcome == "raised":
        raise value
    return value


class _DataUnpickler(pickle.Unpickler):
    """Loads data only: a decoder that a file has taken over can write any pickle."""

    def find_class(self, module: str, name: str) -> type:
        """Return a class of records, errors or plain values; refuse everything else."""
        if module in PLAIN_MODULES or module.partition(".")[0] == "services":
            found = super().find_class(module, name)
            if isinstance(found, type) and (
                (module, name) in PLAIN_TYPES
                or issubclass(found, (BaseModel, Exception, Enum))
                or is_dataclass(found)
            ):
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is not a class of data")


def _unreadable() -> Invalid:
    reason = FieldError.at("#", localized(N_("harus berkas yang tidak rusak")))
    return Invalid(localized(N_("Berkas ini tidak dapat dibaca.")), errors=[reason])


def _out_of_memory(limits: Limits) -> TooLarge:
    mebibytes = limits.memory_bytes // (1024 * 1024)
    large = N_(
        "Membaca berkas ini memerlukan lebih dari %(size)s MiB memori; kirim yang lebih kecil."
    )
    return TooLarge(localized(large, size=mebibytes))


async def _run(limits: Limits, call: bytes) -> tuple[int, bytes, str]:
    """Return exit status, standard output and the end of standard error of a process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        bounded_worker.__name__,
        str(limits.memory_bytes),
        str(limits.cpu_seconds),
        str(math.ceil(limits.deadline_seconds)),
        *limits.imports,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=ENVIRONMENT,
    )
    try:
        answer, errors = await process.communicate(call)
    finally:
        if process.returncode is None:
            process.kill()
        status = await process.wait()
    return status, answer, errors[-2000:].decode(errors="replace")
