"""Background jobs: periodic runs and their record, leases, listeners, outboxes."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from services.platform.database import Database
from services.platform.ids import new_id
from services.platform.jobs import (
    ItemRefusedError,
    LeaseTable,
    NotifyListener,
    Outbox,
    PeriodicJob,
    read_job_runs,
)
from services.platform.settings import Service, Settings
from tests.conftest import execute

SOON = timedelta(seconds=0.01)


def with_database(settings: Settings, work: Callable[[Database], Awaitable[Any]]) -> Any:
    """Run the work with a database of the gateway and return its result."""

    async def run() -> Any:
        database = Database(settings, Service.gateway)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


def test_a_job_runs_again_and_again_and_its_last_run_is_recorded(empty: Settings) -> None:
    runs: list[datetime] = []

    async def work() -> None:
        runs.append(datetime.now(UTC))

    async def story(database: Database) -> None:
        job = PeriodicJob("count", work, database=database, region=empty.region, every=SOON)
        job.start()
        await until(lambda: len(runs) >= 3)
        await job.stop()
        async with database.read_session() as session:
            recorded = await read_job_runs(session, "gateway", empty.region)
        run = recorded["count"]
        assert run.succeeded_at is not None
        assert (run.failed_at, run.failure, run.failures) == (None, None, 0)

    with_database(empty, story)


@pytest.mark.slow
def test_jobs_that_start_together_do_not_run_together(empty: Settings) -> None:
    first_runs: list[float] = []

    async def work() -> None:
        first_runs.append(asyncio.get_running_loop().time())

    async def story(database: Database) -> None:
        every = timedelta(seconds=1)
        jobs = [
            PeriodicJob(f"job-{n}", work, database=database, region=empty.region, every=every)
            for n in range(20)
        ]
        started = asyncio.get_running_loop().time()
        for job in jobs:
            job.start()
        await until(lambda: len(first_runs) >= len(jobs))
        for job in jobs:
            await job.stop()
        assert min(first_runs) - started >= 0.5
        assert max(first_runs) - min(first_runs) >= 0.1

    with_database(empty, story)


@pytest.mark.parametrize(
    "error", [ValueError("a fault"), httpx.ConnectError("no route"), OSError("refused")]
)
def test_a_failure_is_recorded_and_the_job_goes_on(empty: Settings, error: Exception) -> None:
    attempts: list[int] = []

    async def work() -> None:
        attempts.append(1)
        if len(attempts) <= 2:
            raise error

    async def story(database: Database) -> None:
        job = PeriodicJob("fail", work, database=database, region=empty.region, every=SOON)
        await job.run_once()
        await job.run_once()
        async with database.read_session() as session:
            failing = (await read_job_runs(session, "gateway", empty.region))["fail"]
        await job.run_once()
        async with database.read_session() as session:
            recovered = (await read_job_runs(session, "gateway", empty.region))["fail"]
        assert failing.failures == 2
        assert failing.failure == f"{type(error).__name__}: {error}"
        assert failing.succeeded_at is None
        assert recovered.failures == 0
        assert recovered.failed_at == failing.failed_at
        assert recovered.succeeded_at is not None

    with_database(empty, story)


def test_a_job_that_is_off_never_runs_and_its_last_act_is_done_all_the_same(
    empty: Settings,
) -> None:
    runs: list[str] = []

    async def work() -> None:
        runs.append("work")

    async def last() -> None:
        runs.append("stop")

    async def story(database: Database) -> None:
        job = PeriodicJob(
            "off",
            work,
            database=database,
            region=empty.region,
            every=SOON,
            enabled=False,
            on_stop=last,
        )
        job.start()
        await asyncio.sleep(0.05)
        await job.stop()

    with_database(empty, story)
    assert runs == ["stop"]


def test_an_event_wakes_a_job_before_its_time(empty: Settings) -> None:
    runs: list[int] = []

    async def work() -> None:
        runs.append(1)

    async def story(database: Database) -> None:
        wake = asyncio.Event()
        job = PeriodicJob(
            "wake",
            work,
            database=database,
            region=empty.region,
            every=timedelta(hours=1),
            wake=wake,
        )
        job.start()
        wake.set()
        await until(lambda: len(runs) == 1)
        wake.set()
        await until(lambda: len(runs) == 2)
        await job.stop()

    with_database(empty, story)


CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name LIKE 'emall gateway: listen %' AND datname = current_database()
"""

CREATE = """
CREATE TABLE gateway.work (region text, id int, due_at timestamptz, lease_id uuid,
    attempts int DEFAULT 0, PRIMARY KEY (region, id));
INSERT INTO gateway.work (region, id, due_at)
SELECT '12.12', n, now() - n * interval '1 second' FROM generate_series(1, 20) n;
GRANT ALL ON gateway.work TO emall_gateway
"""


def test_each_due_row_is_claimed_once_however_many_claim(empty: Settings) -> None:
    table = LeaseTable(
        "gateway.work",
        ("id",),
        lease=timedelta(minutes=1),
        lease_column="lease_id",
        set_also="attempts = t.attempts + 1",
        condition="id <> 13",
        returning=("attempts",),
    )

    async def story(database: Database) -> list[int]:
        assert empty.database_url is not None
        await execute(empty.database_url.get_secret_value(), *CREATE.split(";\n"))

        async def claim() -> list[int]:
            async with database.write_session() as session:
                rows = await table.claim(session, empty.region, limit=4, lease_id=new_id())
                await asyncio.sleep(0.05)
                assert {row.attempts for row in rows} <= {1}
                return [row.id for row in rows]

        claimed = await asyncio.gather(*(claim() for _ in range(5)))
        claimed += [await claim(), await claim()]
        return sorted(number for rows in claimed for number in rows)

    assert with_database(empty, story) == [n for n in range(1, 21) if n != 13]


def test_a_listener_hears_what_is_notified_and_reconnects_when_it_is_cut(empty: Settings) -> None:
    heard: list[str] = []
    connected: list[bool] = []

    async def story(database: Database) -> None:
        listener = NotifyListener(
            "listen",
            database,
            channel="emall_test",
            on_notify=heard.append,
            on_connected=lambda: connected.append(True),
            on_disconnected=lambda: connected.append(False),
            heartbeat=0.2,
            reconnect=0.05,
        )
        listener.start()
        await until(lambda: connected == [True])
        async with database.write_session() as session:
            await session.execute(text("SELECT pg_notify('emall_test', 'one')"))
        await until(lambda: heard == ["one"])
        assert empty.database_url is not None
        await execute(empty.database_url.get_secret_value(), CUT)
        await until(lambda: connected == [True, False, True])
        async with database.write_session() as session:
            await session.execute(text("SELECT pg_notify('emall_test', 'two')"))
        await until(lambda: heard == ["one", "two"])
        await listener.stop()
        assert connected[-1] is False

    with_database(empty, story)


def test_an_outbox_keeps_messages_until_they_are_delivered(empty: Settings) -> None:
    delivered: list[Any] = []
    is_down = True

    async def deliver(messages: Any) -> None:
        if is_down:
            raise httpx.ConnectError("down")
        delivered.extend(messages)

    async def story(database: Database) -> None:
        nonlocal is_down
        outbox = Outbox(
            database,
            empty.region,
            table="gateway.click_outbox",
            column="event",
            batch=2,
            deliver=deliver,
        )
        for number in range(5):
            await outbox.add({"id": str(new_id()), "number": number})
        assert outbox.wake.is_set()
        with pytest.raises(httpx.ConnectError):
            await outbox.deliver_waiting()
        assert await waiting(database, outbox) == 5
        is_down = False
        await outbox.deliver_waiting()
        assert await waiting(database, outbox) == 0

    async def waiting(database: Database, outbox: Outbox) -> int:
        async with database.read_session() as session:
            row = (await session.execute(text(outbox.backlog), {"region": empty.region})).one()
        return int(row.items)

    with_database(empty, story)
    assert [message["number"] for message in delivered] == list(range(5))


def test_an_outbox_sets_refused_messages_aside_and_keeps_the_order_of_the_others(
    empty: Settings,
) -> None:
    delivered: list[Any] = []

    async def deliver(messages: Any) -> None:
        numbers = [message["number"] for message in messages]
        if 1 in numbers or 4 in numbers:
            raise ItemRefusedError("odd")
        if 6 in numbers:
            raise httpx.ConnectError("down")
        delivered.extend(numbers)

    async def story(database: Database) -> None:
        outbox = Outbox(
            database,
            empty.region,
            table="gateway.click_outbox",
            column="event",
            batch=5,
            deliver=deliver,
        )
        for number in range(7):
            await outbox.add({"id": str(new_id()), "number": number})
        with pytest.raises(httpx.ConnectError):
            await outbox.deliver_waiting()
        async with database.read_session() as session:
            refused = await outbox.refused.list(session, empty.region)
            waiting = (await session.execute(text(outbox.backlog), {"region": empty.region})).one()
        assert [item.reason for item in refused] == ["odd", "odd"]
        assert waiting.items == 2  # the batch of the outage, in which nothing was refused

    with_database(empty, story)
    assert delivered == [0, 2, 3]
