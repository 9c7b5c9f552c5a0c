"""Whatever comes, in whatever order, through whatever crash: the counts are those of a plain list.

A service in a process of its own on a PostgreSQL of its own, with fsync as it comes. Batches,
repeats, late and corrected events, figures and their corrections are sent by several clients at
once, who send again whatever was not answered, while the service or PostgreSQL is killed (SIGKILL).
In the end every event that was sent stands once, every count is what a Counter in memory says, and
of every figure there are the revisions that were sent, the last of which stands.

EMALL_EXACTNESS_EXAMPLES sets how many histories are tried.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import psutil
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from services.platform.embedded_postgres import EmbeddedPostgres
from services.platform.identity import TokenSigner, ensure_identity_keys, load_private_key
from services.platform.migrations import migrate
from services.platform.settings import ROOT, Settings
from tests.conftest import agency_caller
from tests.servers import LOOPBACK, free_port

pytestmark = pytest.mark.slow

JAKARTA = ZoneInfo("Asia/Jakarta")
EXAMPLES = int(os.environ.get("EMALL_EXACTNESS_EXAMPLES", "2"))
WRITER = agency_caller("dukcapil", "usage:write")
BEGINNING = datetime(2024, 1, 30, tzinfo=UTC)

TRUTH = """
SELECT d.kind, d.service, d.district, c.at, c.events
FROM (SELECT dimensions, hour AS at, events FROM feedback.hourly_usage) c
JOIN feedback.event_dimensions d ON d.id = c.dimensions
"""
MONTHS = """
SELECT d.kind, d.service, d.district, c.month, c.events
FROM feedback.monthly_usage c JOIN feedback.event_dimensions d ON d.id = c.dimensions
"""
OWED = """
INSERT INTO feedback.reporting_obligation (region, agency, service, name, channels)
VALUES ('12.12', 'dukcapil', 'ktp-el', 'KTP-el', '{counter}'),
       ('12.12', 'dukcapil', 'akta', 'Akta', '{counter}'),
       ('12.12', 'dukcapil', 'kk', 'KK', '{counter}')
"""
DISTRICTS = """
INSERT INTO feedback.reference_code (region, kind, code)
VALUES ('12.12', 'district', '12.12.01'), ('12.12', 'district', '12.12.02')
"""
REVISIONS = """
SELECT channel, to_char(period, 'YYYY-MM') AS period,
       array_agg(value ORDER BY revision) AS values,
       array_agg(value) FILTER (WHERE is_current) AS current
FROM feedback.statistic GROUP BY 1, 2
"""
CHANNELS = ("counter", "online", "phone", "visit")
"""Each client reports on one of its own."""

SINGLE = """
SELECT e.id::text, e.occurred_at, d.kind, d.service, d.district
FROM feedback.event e JOIN feedback.event_dimensions d ON d.id = e.dimensions
"""


@dataclass
class Instance:
    """A service and its PostgreSQL, which can be killed and come back."""

    settings: Settings
    postgres: EmbeddedPostgres
    port: int = field(default_factory=free_port)
    service: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        assert self.settings.database_url is not None
        environment = os.environ | {
            "EMALL_DATABASE_URL": self.settings.database_url.get_secret_value(),
            "EMALL_DATA_DIR": str(self.settings.data_dir),
            "EMALL_EVENT_RETENTION_MONTHS": "1200",
            "EMALL_LOG_LEVEL": "ERROR",
        }
        command = [sys.executable, "-m", "services.cli", "serve", "feedback"]
        self.service = subprocess.Popen(
            [*command, "--port", str(self.port)],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill_service(self) -> None:
        assert self.service is not None
        self.service.send_signal(signal.SIGKILL)
        self.service.wait(10)
        self.start()

    def kill_backend(self) -> None:
        """Kills a process of PostgreSQL's that stores events: all of it recovers from its log."""
        for process in self._backends():
            with suppress(psutil.NoSuchProcess):
                process.kill()
                return

    def kill_postgres(self) -> None:
        """Kills PostgreSQL as a whole, and starts it again."""
        pid = self.postgres.pid
        assert pid is not None
        postmaster = psutil.Process(pid)
        backends = postmaster.children()
        postmaster.kill()
        postmaster.wait(10)
        psutil.wait_procs(backends, timeout=10)
        self.postgres.ensure_running()

    def _backends(self) -> list[psutil.Process]:
        assert self.service is not None
        pid = self.postgres.pid
        assert pid is not None
        found: list[psutil.Process] = []
        for child in psutil.Process(pid).children():
            with suppress(psutil.Error):  # it ended meanwhile
                command = " ".join(child.cmdline())
                if any(word in command for word in (" SELECT", " INSERT", " idle")):
                    found.append(child)
        return found

    def stop(self) -> None:
        if self.service is not None:
            self.service.kill()
            self.service.wait(10)


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    folder: Path = tmp_path_factory.mktemp("house")
    postgres = EmbeddedPostgres(folder / "postgres")
    postgres.ensure_running()
    settings = Settings(database_url=SecretStr(postgres.url), data_dir=folder / "data")  # pyright: ignore[reportCallIssue]
    ensure_identity_keys(settings.private_key_file, settings.public_key_file)
    asyncio.run(migrate(settings))
    instance = Instance(settings, postgres)
    asyncio.run(execute(instance, OWED))
    asyncio.run(execute(instance, DISTRICTS))
    instance.start()
    try:
        yield instance
    finally:
        instance.stop()
        postgres.release()


async def execute(instance: Instance, statement: str) -> None:
    connection = await asyncpg.connect(instance.postgres.url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def events_of(rng: random.Random, count: int) -> list[dict[str, Any]]:
    """Events of three months around a change of month, some of them of one moment."""
    return [
        {
            "id": str(UUID(int=rng.getrandbits(128), version=4)),
            "kind": rng.choice(["page_view", "search"]),
            "source": "kiosk",
            "occurred_at": (BEGINNING + timedelta(hours=rng.randrange(36 * 60))).isoformat(),
            "service": rng.choice(["ktp-el", "akta", None]),
            "district": rng.choice(["12.12.01", "12.12.02", None]),
        }
        for _ in range(count)
    ]


def changed(event: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """Return another event with the same id, which is never stored."""
    changes = [{"kind": "form_end"}, {"service": "kk"}, {"occurred_at": "2024-06-06T06:06:06Z"}]
    return rng.choice([other for change in changes if (other := event | change) != event])


HISTORIES = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**32),
        "events": st.integers(20, 200),
        "batch": st.integers(1, 40),
        "clients": st.integers(1, 4),
        "crashes": st.lists(
            st.tuples(st.sampled_from(["service", "backend", "postgres"]), st.floats(0, 0.4)),
            max_size=2,
        ),
    }
)


async def post_until_answered(
    client: httpx.AsyncClient,
    sign: Callable[[], dict[str, str]],
    what: str,
    items: list[dict[str, Any]],
    *,
    status: int = 200,
) -> dict[str, Any]:
    """Repeat a request until it is answered, as a well-behaved client does."""
    async with asyncio.timeout(120):
        while True:
            with suppress(httpx.TransportError):
                answer = await client.post(
                    f"/api/v1/usage/{what}", json={what: items}, headers=sign()
                )
                if answer.status_code == status:
                    return answer.json()
                assert answer.status_code == 503, answer.text
            await asyncio.sleep(0.05)


async def send_until_answered(
    client: httpx.AsyncClient, sign: Callable[[], dict[str, str]], batch: list[dict[str, Any]]
) -> None:
    reported = await post_until_answered(client, sign, "events", batch)
    assert reported["accepted"] + reported["repeated"] == len(batch)


async def report_until_answered(
    client: httpx.AsyncClient, sign: Callable[[], dict[str, str]], channel: str, own: random.Random
) -> None:
    """Report, correct or repeat a month of a channel, until the service responds."""
    period, value = f"2023-{own.randrange(1, 5):02}", own.randrange(400, 405)
    figure = {
        "agency": "dukcapil",
        "service": "ktp-el",
        "channel": channel,
        "period": period,
        "counters": {"submitted": value},
        "reason": "counted again",
    }
    await post_until_answered(client, sign, "statistics", [figure])
    values = FIGURES.setdefault((channel, period), [])
    if values[-1:] != [value]:
        values.append(value)


async def live(instance: Instance, history: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Send a history, and return the events by id as each was sent first."""
    rng = random.Random(history["seed"])
    events = events_of(rng, history["events"])
    size: int = history["batch"]
    firsts = [events[n : n + size] for n in range(0, len(events), size)]
    rng.shuffle(firsts)
    sign = partial(signed, instance)  # a token lives for 60 seconds
    crashed = asyncio.Event()

    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{instance.port}", timeout=20
    ) as client:

        async def work(mine: list[list[dict[str, Any]]], channel: str, own: random.Random) -> None:
            sent: list[dict[str, Any]] = []
            for batch in mine:
                await report_until_answered(client, sign, channel, own)
                await send_until_answered(client, sign, batch)
                sent += batch
                again = own.sample(sent, min(len(sent), size))
                await send_until_answered(client, sign, again + own.sample(again, 1))
                if own.random() < 0.5:
                    other = [changed(one, own) for one in again]
                    await post_until_answered(client, sign, "events", other, status=409)
            await crashed.wait()
            if sent:
                await send_until_answered(client, sign, own.sample(sent, min(len(sent), 50)))

        async def crash() -> None:
            for what, after in history["crashes"]:
                await asyncio.sleep(after)
                await asyncio.to_thread(getattr(instance, f"kill_{what}"))
            crashed.set()

        clients: int = history["clients"]
        await asyncio.gather(
            crash(),
            *(
                work(firsts[n::clients], CHANNELS[n], random.Random(history["seed"] + n))
                for n in range(clients)
            ),
        )
    return {event["id"]: event for event in events}


def signed(instance: Instance) -> dict[str, str]:
    signer = TokenSigner(load_private_key(instance.settings.private_key_file), "12.12")
    return {"Authorization": f"Bearer {signer.sign(WRITER)}"}


def summary_of(instance: Instance) -> Counter[tuple[Any, ...]]:
    """Return the summary from the service, by kind, service and month."""
    answer = LOOPBACK.get(
        f"http://127.0.0.1:{instance.port}/api/v1/usage/summary",
        params={"from": "2024-01-01", "to": "2024-12-31", "group_by": "service,month"},
        headers=signed(instance),
    ).raise_for_status()
    return Counter(
        {
            (cell["measure"], cell["service"] or "", cell["month"]): cell["value"]
            for cell in answer.json()["items"]
        }
    )


def said(event: dict[str, Any]) -> tuple[Any, ...]:
    return (event["kind"], event["service"] or "", event["district"] or "")


async def check(instance: Instance, known: dict[str, dict[str, Any]]) -> None:
    """Assert that the tables and the summary agree with the plain list."""
    moments = {key: datetime.fromisoformat(e["occurred_at"]) for key, e in known.items()}
    hours = Counter(
        (*said(e), moments[key].replace(minute=0, second=0, microsecond=0))
        for key, e in known.items()
    )
    months = Counter(
        (*said(e), moments[key].astimezone(JAKARTA).date().replace(day=1))
        for key, e in known.items()
    )
    summed: Counter[tuple[Any, ...]] = Counter()
    for (kind, service, _, month), events in months.items():
        summed[kind, service, f"{month:%Y-%m}"] += events
    assert summary_of(instance) == summed
    connection = await asyncpg.connect(instance.postgres.url)
    try:
        assert await connection.fetchval("SHOW fsync") == "on"
        single = {row[0]: tuple(row)[1:] for row in await connection.fetch(SINGLE)}
        assert single == {key: (moments[key], *said(e)) for key, e in known.items()}
        assert {tuple(r)[:4]: r["events"] for r in await connection.fetch(TRUTH)} == hours
        assert {tuple(r)[:4]: r["events"] for r in await connection.fetch(MONTHS)} == months
        figures = await connection.fetch(REVISIONS)
        assert {(r["channel"], r["period"]): r["values"] for r in figures} == FIGURES
        assert all(r["current"] == r["values"][-1:] for r in figures)
        ids = await connection.fetch("SELECT id::text FROM feedback.event_id")
        assert {row["id"] for row in ids} == known.keys()
    finally:
        await connection.close()


def wait_until_ready(instance: Instance) -> None:
    """Wait until nothing is wrong but that no pack is loaded, which this service does not need."""
    end = time.monotonic() + 90
    while time.monotonic() < end:
        with suppress(httpx.HTTPError):
            health = LOOPBACK.get(f"http://127.0.0.1:{instance.port}/health/ready", timeout=5)
            if {found["check"] for found in health.json()["findings"]} <= {"pack"}:
                return
        time.sleep(0.05)
    pytest.fail("the service did not come back")


def busy(*crashes: tuple[str, float]) -> dict[str, Any]:
    """Return a history with many requests in flight when the service crashes."""
    seed = sum(int(after * 1000) for _, after in crashes) + len(crashes[0][0])
    return {"seed": seed, "events": 240, "batch": 4, "clients": 4, "crashes": list(crashes)}


EVERYTHING: dict[str, dict[str, Any]] = {}
"""What the house was sent in all histories."""

FIGURES: dict[tuple[str, str], list[int]] = {}
"""The figures of each channel and month, as they were reported and corrected."""


@example(history=busy(("service", 0.1)))
@example(history=busy(("backend", 0.1), ("backend", 0.3)))
@example(history=busy(("postgres", 0.1), ("service", 0.2)))
@given(history=HISTORIES)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=EXAMPLES <= 2,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_the_counts_are_those_of_a_plain_list_whatever_crashes(
    instance: Instance, history: dict[str, Any]
) -> None:
    wait_until_ready(instance)
    sent = asyncio.run(live(instance, history))
    EVERYTHING.update({key: EVERYTHING.get(key, event) for key, event in sent.items()})
    wait_until_ready(instance)
    asyncio.run(check(instance, EVERYTHING))
