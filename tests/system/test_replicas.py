"""Four gateways, each a process of its own, act as one on their one database."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPConnection
from itertools import cycle
from socket import socket
from threading import Barrier, BrokenBarrierError
from typing import Any

import httpx
import pytest

from services.gateway.link_monitoring.leases import register_links
from services.gateway.link_monitoring.scheduler import MAX_CONCURRENT_CHECKS
from services.gateway.rate_limits.gcra import Policy
from services.gateway.rate_limits.policies import MINUTE
from services.platform.database import Database
from services.platform.settings import Service, Settings
from tests.conftest import Server, new_key
from tests.gateway.link_rows import (
    copy_link,
    count_checks,
    make_hosts_available,
    make_links_due,
    make_links_due_tomorrow,
)
from tests.gateway.portals import Asked, Portal, always, portal
from tests.servers import LOOPBACK, free_port
from tests.system.processes import emall_here, environment_of, forked
from tests.waiting import until

pytestmark = pytest.mark.slow

API = "/api/v1"
PBG = f"{API}/services/pbg"
FOUR = range(4)
READS = Policy("reads", 1600, MINUTE)
PORTALS = len(FOUR) * MAX_CONCURRENT_CHECKS - 2
"""Of so many checks at once each gateway has some, and hands are free to do one twice."""


@dataclass
class Replicas:
    """Four gateways, and the portals whose links they check."""

    addresses: list[str]
    settings: Settings
    environment: dict[str, str]
    portals: list[Portal]
    asked_together: Barrier

    def ask(self, number: int, path: str, method: str = "GET", **more: Any) -> httpx.Response:
        """Send a request to one of them as a proxy would, for the address of a client.

        The limit of this machine's own address is left to the test of limits.
        """
        headers = {"X-Forwarded-For": "192.0.2.1"} | more.pop("headers", {})
        address = self.addresses[number] + path
        return LOOPBACK.request(method, address, headers=headers, timeout=30, **more)

    def is_cached(self, number: int, path: str) -> bool:
        return "; hit" in self.ask(number, path).headers.get("cache-status", "")


@pytest.fixture(scope="module")
def replicas(
    server: Server, toba: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Replicas]:
    """Start four gateways once for all tests."""
    folder = tmp_path_factory.mktemp("replicas")
    together = Barrier(PORTALS)

    def answer(asked: Asked, connection: socket) -> bytes | None:
        """Respond only when every portal was asked."""
        with suppress(BrokenBarrierError):
            together.wait(60)
        return always()(asked, connection)

    with ExitStack() as stack:
        database = stack.enter_context(server.database_from(toba))
        settings = server.settings(database)
        portals = [stack.enter_context(portal(answer)) for _ in range(PORTALS)]
        for number, made in enumerate(portals):
            copy_link(settings, "simbg", slug=f"portal-{number}", url=made.address)
        make_checks_due_later(settings)
        environment = environment_of(
            server.address_of(database),
            folder / "data",
            EMALL_SSRF_ALLOWED_HOSTS='["127.0.0.1"]',
            EMALL_LINK_CHECK_SECONDS="3600",
            EMALL_ADDRESS_READS_PER_MINUTE=str(READS.quota),
        )
        started = {
            f"http://127.0.0.1:{port}": stack.enter_context(
                forked(
                    *("serve", "gateway", "--port", str(port)),
                    environment=environment,
                    log=folder / f"{port}.log",
                )
            )
            for port in (free_port() for _ in FOUR)
        }
        for address, running in started.items():
            running.wait_until(address)
        yield Replicas([*started], settings, environment, portals, together)


def make_checks_due_later(settings: Settings) -> None:
    """Register the links for checks, none of which is due before a test makes it so."""

    async def work() -> None:
        database = Database(settings, Service.gateway)
        async with database.write_session() as session:
            await register_links(session, settings.region, spread=timedelta())
        await database.close()

    asyncio.run(work())
    make_links_due_tomorrow(settings)


def test_each_check_runs_once_at_one_of_the_four(replicas: Replicas) -> None:
    for rounds in (1, 2):
        make_hosts_available(replicas.settings)
        make_links_due(replicas.settings, host_prefix="127.0.0.1:")
        until(lambda done=rounds * PORTALS: count_checks(replicas.settings) >= done)
        for running in replicas.portals:
            assert [asked.method for asked in running.asked] == ["GET"] * rounds
        assert count_checks(replicas.settings) == rounds * PORTALS
    # All were asked at once, which takes the hands of all four.
    assert not replicas.asked_together.broken


def test_a_limit_holds_within_five_percent_however_unevenly_the_four_are_asked(
    replicas: Replicas,
) -> None:
    def flood(turns: Sequence[int]) -> list[tuple[int, int]]:
        """Send to replicas in these turns until 100 refusals; return replica and status."""
        seen: list[tuple[int, int]] = []
        with ExitStack() as stack:
            lines = [
                stack.enter_context(closing(HTTPConnection(address.removeprefix("http://"))))
                for address in replicas.addresses
            ]
            refused = 0
            for number in cycle(turns):
                lines[number].request("GET", f"{API}/services")
                answer = lines[number].getresponse()
                answer.read()
                seen.append((number, answer.status))
                refused += answer.status == 429
                if refused == 100:
                    return seen
        raise AssertionError

    began = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(flood, ([0], [0], [0, 0, 1], [3, 2, 2, *[1] * 20]))
        answers = [one for seen in found for one in seen]
    seconds = time.monotonic() - began
    assert {status for _, status in answers} == {200, 429}
    through = Counter(number for number, status in answers if status == 200)
    assert through.keys() == set(FOUR)
    allowed = READS.burst + seconds / READS.interval
    assert 0.95 * allowed <= through.total() <= 1.05 * allowed
    assert replicas.ask(0, f"{API}/status").json()["cache"]["fast_path"] > 0


@pytest.mark.parametrize("way", ["API", "command line"])
def test_a_revoked_key_is_refused_by_all_four_within_two_seconds(
    replicas: Replicas, way: str
) -> None:
    key = bearer(new_key(replicas.settings, "pupr", "usage:write"))
    admin = bearer(new_key(replicas.settings, "diskominfo", "admin"))
    key_id = key["Authorization"].split("_")[1]

    def is_accepted(number: int) -> bool:
        return replicas.ask(number, f"{API}/links", headers=key).status_code == 200

    assert all(is_accepted(number) for number in [*FOUR, *FOUR])
    if way == "API":
        gone = replicas.ask(0, f"{API}/keys/{key_id}", "DELETE", headers=admin)
        assert gone.status_code == 204
    else:
        assert (
            emall_here("keys", "revoke", key_id, environment=replicas.environment).returncode == 0
        )
    revoked = time.monotonic()
    accepted: list[float] = []

    def all_refuse() -> bool:
        for number in FOUR:
            sent = time.monotonic()
            if is_accepted(number):
                accepted.append(sent - revoked)
                return False
        return True

    until(all_refuse)
    assert max(accepted, default=0) <= 2


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_a_publication_at_one_replica_ends_the_hits_of_all_four(replicas: Replicas) -> None:
    paths = (PBG, "/layanan/pbg")
    admin = bearer(new_key(replicas.settings, "diskominfo", "admin"))
    for number in FOUR:
        for path in paths:
            until(lambda number=number, path=path: replicas.is_cached(number, path))
    read = replicas.ask(2, PBG)
    service = read.json()["service"] | {"summary": "Diurus daring."}
    match = {"If-Match": read.headers["etag"]}
    put = replicas.ask(2, PBG, "PUT", json=service, headers=admin | match)
    assert put.status_code == 200, put.text
    for number in FOUR:
        for path in paths:
            hit = until_it_says("Diurus daring.", replicas, number, path)
            # It was heard of: what just grows old is sent once more, and asked for behind that.
            assert "fwd=stale" in hit.headers["cache-status"]


def until_it_says(words: str, replicas: Replicas, number: int, path: str) -> httpx.Response:
    """Return the first response of a replica that contains these words."""
    seen: list[httpx.Response] = []

    def says() -> bool:
        seen.append(replicas.ask(number, path))
        return words in seen[-1].text

    until(says)
    return seen[-1]
