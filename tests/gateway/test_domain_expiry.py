"""The end of a link's domain, asked of a registry over a real socket, and what follows from it."""

import asyncio
import json
import logging
import socket
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.gateway.link_monitoring.checks import Check, record_check
from services.gateway.link_monitoring.classify import (
    Classification,
    HopCertificate,
    ProbeResult,
    Registration,
    classify,
)
from services.gateway.link_monitoring.domain_expiry import DomainExpiryScheduler, find_registration
from services.gateway.link_monitoring.leases import claim_due, register_links
from services.gateway.link_monitoring.rdap import RdapClient, candidate_domains
from services.gateway.outbound.client import ConnectorError, TimeoutPolicy
from services.gateway.outbound.ssrf_guard import SsrfGuard
from services.platform.database import Database
from services.platform.jobs import PeriodicJob
from services.platform.local_time import DEFAULT_ZONE
from services.platform.settings import Service, Settings
from tests.gateway.link_rows import (
    hours_until_domains_are_due,
    is_a_domain_known,
    known_domains,
    make_domains_due,
    make_hosts_available,
    make_links_due,
)
from tests.gateway.portals import PAGE, Answer, Asked, Portal, always, answer, portal
from tests.gateway.watched import store_links, watched
from tests.servers import free_port

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
HERE = SsrfGuard(allowed_hosts=["127.0.0.1"])
FINE = ProbeResult(
    "https://simbg.pu.go.id/",
    "https://simbg.pu.go.id/",
    status=200,
    headers={"content-type": "text/html"},
    body=PAGE.decode(),
)
ENDING = (HopCertificate("simbg.pu.go.id", NOW + 3 * DAY),)
QUICK = TimeoutPolicy(total=1, connect=1, attempts=1)


def domain(name: str, *events: tuple[str, str]) -> bytes:
    """Return a registry's response about a domain (RFC 9083, section 5.3)."""
    document = {
        "objectClassName": "domain",
        "ldhName": name.upper(),
        "events": [{"eventAction": action, "eventDate": date} for action, date in events],
    }
    return json.dumps(document).encode()


def ending(name: str, date: str) -> bytes:
    return domain(name, ("registration", "2011-05-04T00:00:00Z"), ("expiration", date))


def registry_of(domains: Mapping[str, bytes]) -> Answer:
    """Return the replies of a registry that knows only these domains."""

    def reply(asked: Asked, connection: socket.socket) -> bytes:
        known = domains.get(asked.target.removeprefix("/rdap/domain/"))
        status, body = (404, b'{"errorCode": 404}') if known is None else (200, known)
        return answer(status, body, kind="application/rdap+json")

    return reply


@pytest.fixture
def registry() -> Iterator[Portal]:
    """Serve a registry that knows only `pu.go.id`, which expires in 20 days."""
    end = (datetime.now(UTC) + 20 * DAY).isoformat()
    with portal(registry_of({"pu.go.id": ending("pu.go.id", end)})) as running:
        yield running


def registries(address: str) -> RdapClient:
    return RdapClient({"id": f"{address}/rdap/"}, HERE, timeouts=QUICK)


def ask(address: str, host: str) -> Registration | None:
    async def story() -> Registration | None:
        known = registries(address)
        try:
            return await known.look_up(host)
        finally:
            await known.close()

    return asyncio.run(story())


def asked_for(registry: Portal) -> list[str]:
    return [asked.target.rpartition("/")[2] for asked in registry.asked]


@pytest.mark.parametrize(
    ("host", "names"),
    [
        ("tobakab.go.id", ["tobakab.go.id"]),
        ("simbg.pu.go.id:8443", ["simbg.pu.go.id", "pu.go.id"]),
        ("WWW.toba.id.", ["www.toba.id", "toba.id"]),
        ("a.b.c.d.pu.go.id", ["c.d.pu.go.id", "d.pu.go.id", "pu.go.id"]),
        ("localhost", []),
        ("go.id", []),
    ],
)
def test_a_registry_is_asked_for_few_names_and_none_that_many_share(
    host: str, names: list[str]
) -> None:
    assert candidate_domains(host) == names


def test_a_domain_is_found_above_the_host_with_its_expiry(registry: Portal) -> None:
    registry.reply = registry_of({"pu.go.id": ending("pu.go.id", "2026-03-20T10:00:00+07:00")})
    found = ask(registry.address, "simbg.pu.go.id")
    assert found == Registration("pu.go.id", datetime(2026, 3, 20, 3, tzinfo=UTC))
    assert asked_for(registry) == ["simbg.pu.go.id", "pu.go.id"]
    assert "application/rdap+json" in registry.asked[0].headers["accept"]


def test_a_server_that_sends_the_question_on_is_followed(registry: Portal) -> None:
    there = registry_of({"pu.go.id": ending("pu.go.id", "2026-03-20T00:00:00Z")})

    def reply(asked: Asked, connection: socket.socket) -> bytes | None:
        if asked.target.startswith("/old/"):
            return answer(302, b"", Location=asked.target.replace("/old/", "/rdap/"))
        return there(asked, connection)

    registry.reply = reply

    async def story() -> Registration | None:
        known = RdapClient({"id": f"{registry.address}/old"}, HERE, timeouts=QUICK)
        found = await known.look_up("pu.go.id")
        await known.close()
        return found

    assert asyncio.run(story()) is not None


def test_a_domain_without_a_known_registry_is_not_queried(registry: Portal) -> None:
    assert ask(registry.address, "portal.example.org") is None
    assert ask(registry.address, "192.0.2.1:8080") is None
    assert registry.asked == []


def test_a_registry_in_a_private_network_is_not_asked(registry: Portal) -> None:
    async def story() -> None:
        guard = SsrfGuard(allowed_ports=[int(registry.address.rpartition(":")[2])])
        known = RdapClient({"id": registry.address}, guard, timeouts=QUICK)
        try:
            await known.look_up("tobakab.go.id")
        finally:
            await known.close()

    with pytest.raises(ConnectorError, match="private"):
        asyncio.run(story())
    assert registry.asked == []


NO_ANSWERS: dict[str, Answer] = {
    "not found": always(404, b"{}"),
    "bad question": always(400, b""),
    "too many": always(429, b"", Retry_After="60"),
    "forbidden": always(403),
    "down": always(503),
    "no JSON": always(200, b"<html>"),
    "not UTF-8": always(200, b'{"events": "\xff"}'),
    "a list": always(200, b"[]"),
    "brackets": always(200, b"[" * 100_000),
    "no events": always(200, b'{"ldhName": "pu.go.id"}'),
    "odd events": always(200, b'{"events": [null, 7, [], {"eventAction": []}]}'),
    "no expiration": always(200, domain("pu.go.id", ("last changed", "2026-01-01T00:00:00Z"))),
    "no date": always(200, b'{"events": [{"eventAction": "expiration"}]}'),
    "odd date": always(200, domain("pu.go.id", ("expiration", "tomorrow"))),
    "date of no place": always(200, domain("pu.go.id", ("expiration", "2026-03-20T00:00:00"))),
    "date before time": always(
        200, domain("pu.go.id", ("expiration", "0001-01-01T00:00:00+14:00"))
    ),
    "another domain": always(200, ending("go.id", "2026-03-20T00:00:00Z")),
    "endless": always(200, b'{"a": "' + b"x" * 300_000 + b'"}'),
    "circle": always(302, b"", Location="/rdap/domain/pu.go.id"),
    "cut": lambda asked, connection: answer(200, b"x" * 100)[:-50],
    "not HTTP": lambda asked, connection: b"SSH-2.0\r\n",
    "hang-up": lambda asked, connection: None,
    "silence": lambda asked, connection: connection.recv(1) and None,
}


@asynccontextmanager
async def scheduler_with(
    settings: Settings, address: str
) -> AsyncGenerator[tuple[Database, DomainExpiryScheduler]]:
    """Provide a replica that queries the registry at this address, with every link registered."""
    database = Database(settings, Service.gateway)
    async with database.write_session() as session:
        await register_links(session, settings.region, spread=timedelta())
    scheduler = DomainExpiryScheduler(database, settings.region, registries(address), interval=DAY)
    try:
        yield database, scheduler
    finally:
        await scheduler.close()
        await database.close()


@pytest.mark.slow
def test_a_failed_query_leaves_the_known_expiry_and_is_logged(
    empty: Settings, registry: Portal, caplog: pytest.LogCaptureFixture
) -> None:
    store_links(empty, simbg="https://pu.go.id/")
    caplog.set_level(logging.INFO, "services.gateway.link_monitoring.domain_expiry")

    async def once(address: str) -> None:
        async with scheduler_with(empty, address) as (_, scheduler):
            assert await scheduler.check_next() == "pu.go.id"

    asyncio.run(once(registry.address))
    known = known_domains(empty)
    assert known[0][0] == "pu.go.id"
    assert caplog.messages == []
    for failure, reply in NO_ANSWERS.items():
        registry.reply = reply
        make_domains_due(empty)
        caplog.clear()
        asyncio.run(once(registry.address))
        assert known_domains(empty) == known, failure
        assert len(caplog.messages) == 1, failure
        assert "pu.go.id" in caplog.messages[0], failure
    make_domains_due(empty)
    caplog.clear()
    asyncio.run(once(f"http://127.0.0.1:{free_port()}"))
    assert known_domains(empty) == known
    assert len(caplog.messages) == 1


def test_replicas_ask_about_each_host_once_a_day_and_sooner_after_a_failure(
    empty: Settings, registry: Portal
) -> None:
    store_links(empty, a="https://pu.go.id/a", b="https://pu.go.id/b", c="https://www.pu.go.id/")

    async def story() -> list[str | None]:
        async with (
            scheduler_with(empty, registry.address) as (_, one),
            scheduler_with(empty, registry.address) as (_, two),
        ):
            return await asyncio.gather(
                *(scheduler.check_next() for scheduler in (one, two, one, two))
            )

    assert sorted(map(str, asyncio.run(story()))) == ["None", "None", "pu.go.id", "www.pu.go.id"]
    assert all(21 < hours < 27 for hours in hours_until_domains_are_due(empty))

    registry.reply = always(429, b"")
    make_domains_due(empty)
    assert len(asyncio.run(story())) == 4
    assert all(0.8 < hours < 1.2 for hours in hours_until_domains_are_due(empty))


@pytest.mark.slow
def test_a_replica_that_dies_while_it_asks_leaves_the_host_to_another(
    empty: Settings, registry: Portal
) -> None:
    store_links(empty, simbg="https://pu.go.id/")
    registry.reply = NO_ANSWERS["silence"]

    async def story() -> tuple[str | None, str | None]:
        async with scheduler_with(empty, registry.address) as (_, dying):
            task = asyncio.create_task(dying.check_next())
            while not registry.asked:
                await asyncio.sleep(0.01)
            task.cancel()
        async with scheduler_with(empty, registry.address) as (_, other):
            leased = await other.check_next()
            await asyncio.to_thread(make_domains_due, empty)
            return leased, await other.check_next()

    assert asyncio.run(story()) == (None, "pu.go.id")


@pytest.mark.slow
def test_a_check_of_a_link_whose_domain_ends_soon_is_a_caution_that_names_the_day(
    empty: Settings, registry: Portal
) -> None:
    store_links(empty, simbg="https://simbg.pu.go.id/")

    async def story(now: datetime) -> Check:
        async with scheduler_with(empty, registry.address) as (database, scheduler):
            await scheduler.check_next()
            await asyncio.to_thread(make_hosts_available, empty)
            await asyncio.to_thread(make_links_due, empty)
            async with database.write_session() as session:
                claim = await claim_due(session, empty.region)
                assert claim is not None
                check = await record_check(
                    session,
                    empty.region,
                    claim,
                    FINE,
                    zone=DEFAULT_ZONE,
                    now=now,
                    next_check_at=now,
                    interval=DAY,
                )
            assert check is not None
            return check

    now = datetime.now(UTC)
    check = asyncio.run(story(now))
    assert (check.state, check.reason) == ("caution", "domain_expiring")
    [(name, end)] = known_domains(empty)
    assert check.detail == f"The domain {name} expires on {end:%Y-%m-%d}."
    with watched(empty, simbg="https://simbg.pu.go.id/", oss="https://oss.go.id/") as hub:
        health = hub.health("simbg")
        assert datetime.fromisoformat(health["domain_expires_at"]) == end
        assert health["reason"] == "domain_expiring"
        assert hub.health("oss")["domain_expires_at"] is None
        assert "nama domainnya segera berakhir" in hub.client.get("/status").text


def test_an_answer_of_long_ago_judges_no_link(empty: Settings, registry: Portal) -> None:
    store_links(empty, simbg="https://simbg.pu.go.id/")

    async def story() -> list[Registration | None]:
        async with scheduler_with(empty, registry.address) as (database, scheduler):
            await scheduler.check_next()
            async with database.write_session() as session:
                return [
                    await find_registration(
                        session, empty.region, "simbg.pu.go.id", now=datetime.now(UTC) + later
                    )
                    for later in (6 * DAY, 8 * DAY)
                ]

    lately, long_ago = asyncio.run(story())
    assert lately is not None
    assert long_ago is None


@pytest.mark.parametrize(
    ("days", "more", "expected"),
    [
        (31, {}, Classification("ok")),
        (
            30,
            {},
            Classification(
                "caution", "domain_expiring", "The domain pu.go.id expires on 2026-03-31."
            ),
        ),
        (
            -1,
            {},
            Classification(
                "caution", "domain_expired", "The domain pu.go.id expired on 2026-02-28."
            ),
        ),
        (
            20,
            {"certificates": ENDING},
            Classification(
                "caution",
                "tls_expiring",
                "The certificate of simbg.pu.go.id expires on 2026-03-04.",
            ),
        ),
        (
            -1,
            {"certificates": ENDING},
            Classification(
                "caution", "domain_expired", "The domain pu.go.id expired on 2026-02-28."
            ),
        ),
        (20, {"status": 503}, Classification("broken", "server_error", "Status 503.")),
    ],
)
def test_the_worst_reason_is_reported(
    days: int, more: dict[str, Any], expected: Classification
) -> None:
    outcome = replace(FINE, **more)
    registration = Registration("pu.go.id", NOW + days * DAY)
    assert classify(outcome, now=NOW, registration=registration) == expected


def test_the_job_queries_registries_unless_it_is_disabled(
    empty: Settings, registry: Portal
) -> None:
    store_links(empty, simbg="https://pu.go.id/")

    async def story(interval: timedelta) -> None:
        async with scheduler_with(empty, registry.address) as (database, _):
            scheduler = DomainExpiryScheduler(
                database, empty.region, registries(registry.address), interval=interval
            )
            job = PeriodicJob(
                "check-domains",
                scheduler.check_next,
                database=database,
                region=empty.region,
                every=timedelta(seconds=0.02),
                enabled=interval > timedelta(),
            )
            job.start()
            async with asyncio.timeout(30):
                while interval and not await asyncio.to_thread(is_a_domain_known, empty):
                    await asyncio.sleep(0.02)
            await asyncio.sleep(0.2)
            await job.stop()
            await scheduler.close()

    asyncio.run(story(timedelta()))
    assert registry.asked == []
    asyncio.run(story(DAY))
    assert asked_for(registry) == ["pu.go.id"]
