"""Functions called in a process of their own: limits of memory, time and number."""

import asyncio
import math
import os
import pickle
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.platform import bounded_process, bounded_worker
from services.platform.bounded_process import Limits, call_bounded
from services.platform.problems import Invalid, TooLarge, Unavailable
from tests.platform.hostile_answer import Hostile


def call(function: Any, *arguments: Any) -> Any:
    # A busy machine gives a process its second of computing late.
    limits = Limits(cpu_seconds=1, deadline_seconds=60.0)
    return asyncio.run(call_bounded(limits, function, *arguments))


def children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


@pytest.fixture
def others() -> set[str]:
    """Provide the child processes that this one has already, such as a browser."""
    return children()


def test_a_function_returns_and_raises_as_if_it_were_called_here() -> None:
    assert call(math.sqrt, 4.0) == 2.0
    with pytest.raises(ValueError, match="invalid literal"):
        call(int, "x")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "argument", "problem"),
    [
        (bytes, 200 * 1024 * 1024, TooLarge),
        (eval, "7 ** 7 ** 9", TooLarge),
        (eval, "__import__('os').abort()", Invalid),
        (eval, "__import__('os')._exit(0)", Invalid),
    ],
    ids=["memory", "time", "crash", "exit"],
)
def test_a_call_over_its_limits_is_a_problem_and_leaves_no_process(
    function: Any, argument: Any, problem: type[Exception], others: set[str]
) -> None:
    with pytest.raises(problem):
        call(function, argument)
    assert children() <= others


def test_what_a_library_prints_is_not_the_answer() -> None:
    assert call(print, "x" * 10_000) is None


def test_a_process_has_none_of_the_service_s_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMALL_DATABASE_URL", "postgresql://secret")
    assert call(os.getenv, "EMALL_DATABASE_URL") is None


@pytest.mark.parametrize("function", ["os.remove", "eval", "Path"])
def test_an_answer_is_read_as_data_only(function: str) -> None:
    with pytest.raises(Invalid):
        call(Hostile, function)


@pytest.mark.slow
def test_records_errors_and_plain_values_are_answers() -> None:
    values = [date(2026, 1, 2), Decimal("1.5"), UUID(int=7), datetime(2026, 1, 2, tzinfo=UTC)]
    assert call(list, (Limits(), *values)) == [Limits(), *values]


@pytest.mark.slow
def test_further_calls_wait_or_are_refused_meanwhile(
    monkeypatch: pytest.MonkeyPatch, others: set[str]
) -> None:
    monkeypatch.setattr(bounded_process, "MAX_WAITING", 1)

    async def work() -> list[Any]:
        limits = Limits(deadline_seconds=1.5)
        calls = (call_bounded(limits, time.sleep, 60.0) for _ in range(5))
        return await asyncio.gather(*calls, return_exceptions=True)

    outcomes = asyncio.run(work())
    assert all(isinstance(outcome, Unavailable) for outcome in outcomes)
    assert all(outcome.headers["Retry-After"] for outcome in outcomes)
    assert len({outcome.detail for outcome in outcomes}) == 2
    assert children() <= others


def test_cancelling_a_call_ends_its_process(others: set[str]) -> None:
    async def work() -> None:
        task = asyncio.create_task(call_bounded(Limits(), time.sleep, 60.0))
        while children() <= others:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(work())
    assert children() <= others


@pytest.mark.slow
def test_a_process_ends_by_itself_if_its_service_was_killed() -> None:
    call = pickle.dumps((time.sleep, (60.0,), {}))
    command = [sys.executable, "-m", bounded_worker.__name__, str(128 * 1024 * 1024), "2", "1"]
    ended = subprocess.run(command, input=call, timeout=10, check=False)
    assert ended.returncode == -signal.SIGALRM
