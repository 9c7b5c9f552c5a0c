"""The faults: each happens to a hub under load, and ends."""

import asyncio
import json
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import uuid4

import asyncpg

from services.platform.settings import Service
from tests.faults.hub import Replica, clock_library
from tests.faults.run import Run, Stage
from tests.faults.stored import list_refused

DOWN_SECONDS = 4.0
"""How long a fault lasts."""
SILENCE_SECONDS = 12.0
"""How long the line to PostgreSQL is silent: longer than a client waits."""
LATENCY_SECONDS = 0.2
JUMP_SECONDS = 120
"""How far a clock jumps."""

POISON = """
INSERT INTO gateway.click_outbox (region, id, event)
VALUES ('12.12', $1, $2)
"""
END_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'emall %'
"""


@dataclass(frozen=True)
class Case:
    """A fault under load."""

    name: str
    title: str
    happen: Callable[[Run], Awaitable[None]]
    """Let the fault happen and end: `Run.lift` tells when."""
    stage: Stage = field(default_factory=Stage)
    missing: Callable[[Run], str | None] = lambda _: None
    """What this machine lacks for the case."""


async def start_again(run: Run, replicas: list[Replica]) -> None:
    """Start processes and wait until they are ready."""
    for replica in replicas:
        replica.spawn()
    for replica in replicas:
        await replica.wait(run.client)


def kill(service: Service) -> Case:
    """SIGKILL a service; start it again after some seconds."""

    async def happen(run: Run) -> None:
        for replica in run.of(service):
            replica.kill()
        await asyncio.sleep(DOWN_SECONDS)
        run.lift()
        await start_again(run, run.of(service))

    return Case(f"kill-{service.value}", f"{service.value} killed (SIGKILL)", happen)


def stop(service: Service) -> Case:
    """SIGSTOP a service, and SIGCONT after some seconds."""

    async def happen(run: Run) -> None:
        for replica in run.of(service):
            replica.signal(signal.SIGSTOP)
        await asyncio.sleep(DOWN_SECONDS)
        run.lift()
        for replica in run.of(service):
            replica.signal(signal.SIGCONT)

    return Case(f"stop-{service.value}", f"{service.value} stopped (SIGSTOP)", happen)


async def kill_one_of_two(run: Run) -> None:
    killed = [run.of(service)[0] for service in Service]
    for replica in killed:
        replica.kill()
    await asyncio.sleep(DOWN_SECONDS)
    run.lift()
    await start_again(run, killed)


async def restart_everything(run: Run) -> None:
    """Restart each process in order, one after the other, and nginx knows of nothing."""
    for replica in run.hub.replicas:
        await replica.stop()
        await start_again(run, [replica])
    run.lift()


async def kill_postgres(run: Run) -> None:
    run.postgres.kill()
    await asyncio.sleep(DOWN_SECONDS)
    run.lift()
    await run.postgres.start()


async def stop_postgres(run: Run) -> None:
    run.postgres.signal(signal.SIGSTOP)
    await asyncio.sleep(DOWN_SECONDS)
    run.lift()
    run.postgres.signal(signal.SIGCONT)


async def restart_postgres(run: Run) -> None:
    await run.postgres.stop()
    run.lift()
    await run.postgres.start()


async def fill_disk(run: Run) -> None:
    """Fill the disk of the database, and use up the files of its log that it could use again."""
    run.disk.fill()
    with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        for _ in range(8):
            await run.ask(lambda connection: connection.execute("SELECT pg_switch_wal()"))
    await asyncio.sleep(DOWN_SECONDS)
    run.lift()
    run.disk.free()
    await asyncio.sleep(1)
    if not run.postgres.is_running:  # it could not recover without a disk
        await run.postgres.start()


async def silence_line(run: Run) -> None:
    run.line.silence()
    await asyncio.sleep(SILENCE_SECONDS)
    run.lift()
    run.line.restore()


async def slow_line(run: Run) -> None:
    run.line.delay = LATENCY_SECONDS
    await asyncio.sleep(DOWN_SECONDS)
    run.lift()
    run.line.restore()


async def take_connections(run: Run) -> None:
    """End the hub's sessions, and take every connection before it can."""
    taken: list[asyncpg.Connection] = []

    async def take() -> None:
        with suppress(asyncpg.TooManyConnectionsError):
            while True:
                taken.append(await asyncpg.connect(run.postgres.url()))

    await take()
    await run.ask(lambda connection: connection.execute(END_SESSIONS))
    await take()
    await asyncio.sleep(DOWN_SECONDS)
    run.lift()
    for connection in taken:
        connection.terminate()


def move_clock(service: Service, seconds: int) -> Case:
    """Let the clock of a service jump, and come back after some seconds."""

    async def happen(run: Run) -> None:
        run.hub.set_clock(service, seconds)
        await asyncio.sleep(2 * DOWN_SECONDS)
        run.hub.set_clock(service, 0)
        await asyncio.sleep(1)  # until the library reads its file again
        run.lift()

    way = "ahead" if seconds > 0 else "behind"
    return Case(
        f"clock-{service.value}-{way}",
        f"clock of {service.value} {abs(seconds)} s {way} for {2 * DOWN_SECONDS:.0f} s",
        happen,
        Stage(own_clocks=True),
        lambda _: None if clock_library() else "libfaketime: apt-get install faketime",
    )


async def restart_pooler(run: Run) -> None:
    assert run.pooler is not None
    run.pooler.stop()
    await asyncio.sleep(DOWN_SECONDS)
    run.lift()
    await run.pooler.start()


async def promote_replica(run: Run) -> None:
    """Lose the primary, and promote its replica."""
    assert run.replica is not None
    run.postgres.kill()
    await asyncio.sleep(DOWN_SECONDS)
    run.lift()
    # It has no replica of its own, for which commits would wait.
    run.replica.configure("synchronous_standby_names = ''")
    await asyncio.to_thread(run.replica.promote)
    run.postgres, run.replica = run.replica, None
    run.line.target = run.postgres.port
    run.discard_stage()


async def poison_outbox(run: Run) -> None:
    """Put a visit into the outbox that is none; discard it as the operator does."""
    identity = uuid4()
    event = json.dumps({"id": str(identity), "kind": "nonsense"})
    await run.ask(lambda connection: connection.execute(POISON, identity, event))
    run.lift()
    while str(identity) not in await run.ask(list_refused):
        await asyncio.sleep(0.2)
    await run.emall("jobs", "discard", "deliver-clicks", str(identity))


CASES = (
    *(kill(service) for service in Service),
    *(stop(service) for service in Service),
    Case("kill-postgresql", "PostgreSQL killed (SIGKILL)", kill_postgres),
    Case("stop-postgresql", "PostgreSQL stopped (SIGSTOP)", stop_postgres),
    Case("restart-postgresql", "PostgreSQL restarted in order", restart_postgres),
    Case(
        "full-disk",
        "disk of PostgreSQL full",
        fill_disk,
        missing=lambda run: None if run.disk.is_mounted else "a disk of its own: only root mounts",
    ),
    Case("silent-line", f"line to PostgreSQL silent for {SILENCE_SECONDS:.0f} s", silence_line),
    Case(
        "slow-line",
        f"line to PostgreSQL {LATENCY_SECONDS * 1000:.0f} ms slower each way",
        slow_line,
    ),
    Case("connections", "sessions ended, all connections taken", take_connections),
    Case("poisoned-outbox", "an item in the outbox that feedback refuses", poison_outbox),
    *(
        move_clock(service, seconds)
        for service in (Service.gateway, Service.feedback)
        for seconds in (JUMP_SECONDS, -JUMP_SECONDS)
    ),
    Case("restart-pooler", "PgBouncer restarted", restart_pooler, Stage(is_pooled=True)),
    Case("kill-one-of-two", "one of two of each service killed", kill_one_of_two, Stage(each=2)),
    Case(
        "rolling-restart",
        "all processes restarted one by one, two of each",
        restart_everything,
        Stage(each=2),
    ),
    Case(
        "promote-replica",
        "primary killed, replica promoted",
        promote_replica,
        Stage(has_replica=True),
    ),
)
