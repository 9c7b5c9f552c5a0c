"""The faults: each happens to a hub under load, and ends."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from services.platform.settings import Service
from tests.faults.run import Run

DOWN_SECONDS = 4.0
"""How long a fault lasts."""


@dataclass(frozen=True)
class Case:
    """A fault under load."""

    name: str
    title: str
    happen: Callable[[Run], Awaitable[None]]
    """Let the fault happen and end: `Run.lift` tells when."""
    each: int = 1
    """Processes of each service."""


def kill(service: Service) -> Case:
    """SIGKILL every process of a service; start them again after some seconds."""

    async def happen(run: Run) -> None:
        for replica in run.of(service):
            replica.kill()
        await asyncio.sleep(DOWN_SECONDS)
        run.lift()
        for replica in run.of(service):
            replica.spawn()
        for replica in run.of(service):
            await replica.wait(run.client)

    return Case(f"kill-{service.value}", f"{service.value} killed (SIGKILL)", happen)


def pause(service: Service) -> Case:
    """SIGSTOP every process of a service, and SIGCONT after some seconds."""

    async def happen(run: Run) -> None:
        for replica in run.of(service):
            replica.signal(signal.SIGSTOP)
        await asyncio.sleep(DOWN_SECONDS)
        run.lift()
        for replica in run.of(service):
            replica.signal(signal.SIGCONT)

    return Case(f"stop-{service.value}", f"{service.value} stopped (SIGSTOP)", happen)


async def kill_postgres(run: Run) -> None:
    run.postgres.kill()
    await asyncio.sleep(DOWN_SECONDS)
    run.lift()
    await run.postgres.start()


async def pause_postgres(run: Run) -> None:
    run.postgres.signal(signal.SIGSTOP)
    await asyncio.sleep(DOWN_SECONDS)
    run.lift()
    run.postgres.signal(signal.SIGCONT)


async def restart_postgres(run: Run) -> None:
    await run.postgres.stop()
    run.lift()
    await run.postgres.start()


async def silent_line(run: Run) -> None:
    run.line.silence()
    await asyncio.sleep(DOWN_SECONDS)
    run.lift()
    run.line.restore()


async def slow_line(run: Run) -> None:
    run.line.delay = 0.2
    await asyncio.sleep(DOWN_SECONDS)
    run.lift()
    run.line.restore()


CASES = (
    *(kill(service) for service in Service),
    *(pause(service) for service in Service),
    Case("kill-postgresql", "PostgreSQL killed (SIGKILL)", kill_postgres),
    Case("stop-postgresql", "PostgreSQL stopped (SIGSTOP)", pause_postgres),
    Case("restart-postgresql", "PostgreSQL restarted in order", restart_postgres),
    Case("silent-line", "line to PostgreSQL silent", silent_line),
    Case("slow-line", "line to PostgreSQL 200 ms slower each way", slow_line),
)
