"""However many replicas watch, each due check runs once, and one at a time per host."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from services.gateway.link_monitoring.checks import Check, record_check
from services.gateway.link_monitoring.classify import ProbeResult
from services.gateway.link_monitoring.leases import (
    Claim,
    claim_due,
    claim_link,
    register_links,
    release,
)
from services.gateway.link_monitoring.probe import Prober
from services.gateway.link_monitoring.scheduler import LinkCheckScheduler
from services.gateway.outbound.ssrf_guard import SsrfGuard
from services.platform.database import Database
from services.platform.jobs import PeriodicJob
from services.platform.local_time import DEFAULT_ZONE, LocalTime
from services.platform.settings import Service, Settings
from tests.gateway.link_rows import (
    checks_by_link,
    is_a_host_leased,
    make_hosts_available,
    registered_links,
)
from tests.gateway.portals import Asked, answer, certificate, portal
from tests.gateway.watched import store_links
from tests.servers import silent

HOUR = timedelta(hours=1)
FINE = ProbeResult("http://a.example/", "http://a.example/", status=200, body="Selamat")


@asynccontextmanager
async def databases(settings: Settings, count: int) -> AsyncGenerator[list[Database]]:
    """Provide the connections of so many replicas, with every link due."""
    made = [Database(settings, Service.gateway) for _ in range(count)]
    async with made[0].write_session() as session:
        await register_links(session, settings.region, spread=timedelta())
    try:
        yield made
    finally:
        for database in made:
            await database.close()


async def claim_next(database: Database, settings: Settings) -> Claim | None:
    async with database.write_session() as session:
        return await claim_due(session, settings.region)


async def store(database: Database, settings: Settings, claim: Claim) -> Check | None:
    now = datetime.now(UTC)
    async with database.write_session() as session:
        return await record_check(
            session,
            settings.region,
            claim,
            FINE,
            zone=DEFAULT_ZONE,
            now=now,
            next_check_at=now + HOUR,
            interval=HOUR,
        )


def checking(scheduler: LinkCheckScheduler, database: Database, region: str) -> PeriodicJob:
    """Return the job that runs a scheduler's due checks, polled twenty times a second."""
    return PeriodicJob(
        "check-links",
        scheduler.check_due,
        database=database,
        region=region,
        every=timedelta(seconds=0.05),
        first_after=timedelta(),
        on_stop=scheduler.close,
    )


@pytest.mark.slow
def test_replicas_that_check_at_once_check_each_due_link_once(empty: Settings) -> None:
    with (
        portal() as one,
        portal() as two,
        portal() as three,
        portal() as four,
        portal() as five,
    ):
        portals = {"one": one, "two": two, "three": three, "four": four, "five": five}
        store_links(empty, **{slug: running.address for slug, running in portals.items()})

        async def watch() -> None:
            async with databases(empty, 4) as replicas:
                prober = Prober(SsrfGuard(allowed_hosts=["127.0.0.1"]))
                jobs = [
                    checking(
                        LinkCheckScheduler(
                            database,
                            empty.region,
                            prober,
                            LocalTime(database, Service.gateway, empty.region),
                            interval=HOUR,
                        ),
                        database,
                        empty.region,
                    )
                    for database in replicas
                ]
                for job in jobs:
                    job.start()
                async with asyncio.timeout(60):
                    while len(await asyncio.to_thread(checks_by_link, empty)) < len(portals):
                        await asyncio.sleep(0.05)
                # Whoever would check a second time has had the time for it.
                await asyncio.sleep(0.5)
                for job in jobs:
                    await job.stop()

        asyncio.run(watch())
        for running in portals.values():
            assert [asked.method for asked in running.asked] == ["GET"]
    assert checks_by_link(empty) == [(slug, 1) for slug in sorted(portals)]


def test_concurrent_claims_get_each_host_once(empty: Settings) -> None:
    store_links(
        empty,
        a="http://one.example/a",
        b="http://one.example/b",
        c="http://two.example/c",
        d="https://two.example:8443/d",
    )

    async def claim() -> list[Claim | None]:
        async with databases(empty, 6) as replicas:
            return await asyncio.gather(*(claim_next(database, empty) for database in replicas))

    claims = [claim for claim in asyncio.run(claim()) if claim is not None]
    # One host may be locked by another replica's look at it, but none is taken twice.
    hosts = [claim.host for claim in claims]
    assert len(hosts) == len(set(hosts))
    assert set(hosts) <= {"one.example", "two.example", "two.example:8443"}
    assert hosts


def test_the_next_link_of_a_host_is_checked_only_after_a_pause(empty: Settings) -> None:
    store_links(empty, a="http://one.example/a", b="http://one.example/b")

    async def story() -> list[str | None]:
        async with databases(empty, 1) as [database]:
            first = await claim_next(database, empty)
            assert first is not None
            while_checking = await claim_next(database, empty)
            await store(database, empty, first)
            while_resting = await claim_next(database, empty)
            await asyncio.to_thread(make_hosts_available, empty)
            then = await claim_next(database, empty)
            return [
                claim.slug if claim else None
                for claim in (first, while_checking, while_resting, then)
            ]

    first, while_checking, while_resting, then = asyncio.run(story())
    assert {first, then} == {"a", "b"}
    assert (while_checking, while_resting) == (None, None)


def test_an_expired_check_is_repeated_and_its_late_result_is_not_stored(empty: Settings) -> None:
    store_links(empty, a="http://one.example/a")

    async def story() -> tuple[Check | None, Check | None]:
        async with databases(empty, 2) as [dead, alive]:
            claim = await claim_next(dead, empty)
            assert claim is not None
            assert await claim_next(alive, empty) is None
            # Its lease ends.
            await asyncio.to_thread(make_hosts_available, empty)
            again = await claim_next(alive, empty)
            assert again is not None
            assert again.slug == claim.slug
            return await store(dead, empty, claim), await store(alive, empty, again)

    late, stored = asyncio.run(story())
    assert late is None
    assert stored is not None
    assert checks_by_link(empty) == [("a", 1)]


def test_a_claim_is_released_once(empty: Settings) -> None:
    store_links(empty, a="http://one.example/a")

    async def story() -> list[bool]:
        async with databases(empty, 1) as [database]:
            claim = await claim_next(database, empty)
            assert claim is not None
            async with database.write_session() as session:
                return [await release(session, empty.region, claim) for _ in range(2)]

    assert asyncio.run(story()) == [True, False]


def test_the_time_of_the_next_check_survives_a_restart(empty: Settings) -> None:
    store_links(empty, a="http://one.example/a")

    async def story() -> Claim | None:
        async with databases(empty, 1) as [database]:
            claim = await claim_next(database, empty)
            assert claim is not None
            await store(database, empty, claim)
        await asyncio.to_thread(make_hosts_available, empty)
        async with databases(empty, 1) as [database]:
            return await claim_next(database, empty)

    assert asyncio.run(story()) is None


def test_a_link_that_moves_to_another_host_or_leaves_the_pack_is_followed(empty: Settings) -> None:
    store_links(empty, a="http://one.example/a", b="http://one.example/b")

    async def due_now() -> Claim | None:
        async with databases(empty, 1) as [database]:
            return await claim_next(database, empty)

    first = asyncio.run(due_now())
    assert first is not None
    store_links(empty, a="http://three.example/a")
    moved = asyncio.run(due_now())
    assert moved is not None
    assert (moved.slug, moved.host) == ("a", "three.example")
    assert registered_links(empty) == ["a"]


def test_a_scheduler_that_stops_during_a_check_ends_at_once(empty: Settings) -> None:
    with silent() as address:
        store_links(empty, a=address)

        async def story() -> None:
            async with databases(empty, 1) as [database]:
                prober = Prober(SsrfGuard(allowed_hosts=["127.0.0.1"]))
                scheduler = LinkCheckScheduler(
                    database,
                    empty.region,
                    prober,
                    LocalTime(database, Service.gateway, empty.region),
                    interval=HOUR,
                )
                job = checking(scheduler, database, empty.region)
                job.start()
                async with asyncio.timeout(30):
                    while not await asyncio.to_thread(is_a_host_leased, empty):
                        await asyncio.sleep(0.05)
                    await job.stop()

        asyncio.run(story())
    assert checks_by_link(empty) == []


def test_a_certificate_is_not_accused_while_the_hubs_clock_is_wrong(
    empty: Settings, tmp_path: Path
) -> None:
    """Its dates do not hold now, but they do at the time that servers state."""
    future = certificate(tmp_path, name="one.example", days=400, days_old=-300)
    now = datetime.now(UTC)
    stated = {"date": format_datetime(now + timedelta(days=350), usegmt=True)}

    def reply(asked: Asked, connection: socket.socket) -> bytes:
        return answer(Date=stated["date"])

    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    async def story(hosts: list[str]) -> list[tuple[str, str | None]]:
        guard = SsrfGuard(allowed_hosts=hosts, resolve=resolve)
        found: list[tuple[str, str | None]] = []
        async with databases(empty, 1) as [database]:
            scheduler = LinkCheckScheduler(
                database,
                empty.region,
                Prober(guard, ssl_context=future.trusted()),
                LocalTime(database, Service.gateway, empty.region),
                interval=HOUR,
            )
            for date in (stated["date"], format_datetime(now, usegmt=True)):
                stated["date"] = date
                await asyncio.to_thread(make_hosts_available, empty)
                async with database.write_session() as session:
                    claim = await claim_link(session, empty.region, "one")
                assert claim is not None
                check = await scheduler.check(claim)
                assert check is not None
                found.append((check.state, check.reason))
        return found

    with (
        portal(reply, tls=future.server()) as one,
        portal(reply) as two,
        portal(reply) as three,
    ):
        urls = {
            slug: running.address.replace("127.0.0.1", f"{slug}.example")
            for slug, running in (("one", one), ("two", two), ("three", three))
        }
        store_links(empty, **urls)
        found = asyncio.run(story([f"{slug}.example" for slug in urls]))
    # In the end the servers' clocks agree with the hub's: the certificate is the portal's fault.
    assert found == [("pending", "hub_clock"), ("broken", "tls")]
