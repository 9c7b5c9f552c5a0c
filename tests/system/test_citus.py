"""Three regencies on one database that Citus spreads: what decision 0025 promises, on a cluster.

It runs where `EMALL_CITUS_URL` is the address of an empty database on a coordinator that knows two
workers, as a superuser, and fills that database. With `EMALL_CITUS_KILL` and `EMALL_CITUS_START`,
commands that end the server of one worker at once and start it again, it does that too.
"""

import asyncio
import os
import shlex
import subprocess
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from services.feedback.events.distribution import DISTRIBUTED
from tests.conftest import TOBA
from tests.servers import LOOPBACK
from tests.system.processes import RunningHub, in_one_process, running_hub
from tests.system.test_walk import everybody_walks_through
from tests.waiting import until

URL = os.environ.get("EMALL_CITUS_URL", "")
KILL, START = (os.environ.get(f"EMALL_CITUS_{name}") for name in ("KILL", "START"))
pytestmark = pytest.mark.skipif(not URL, reason="EMALL_CITUS_URL names no cluster")

API = "/api/v1"
OTHERS = ("12.17", "12.16")
"""Regencies with new packs, beside Toba."""
BATCH = 50
KNOWN_WITHIN_SECONDS = 2
"""What a hub promises for keys that were revoked and for what was published."""


def fetch(query: str, *values: Any) -> list[asyncpg.Record]:
    """Return rows from the coordinator."""

    async def run() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(URL)
        try:
            return await connection.fetch(query, *values)
        finally:
            await connection.close()

    return asyncio.run(run())


@pytest.fixture(scope="module")
def hubs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, RunningHub]]:
    """Migrate, distribute, load three regencies and run a hub for each."""
    folder = tmp_path_factory.mktemp("citus")
    made: dict[str, RunningHub] = {}
    for region in ("12.12", *OTHERS):
        (folder / region).mkdir()
        made[region] = in_one_process(URL, folder / region)
        made[region].environment["EMALL_REGION"] = region
    for command in (["migrate"], *[["scale", "citus", "--apply"]] * 2):
        succeeds(made["12.12"], *command)
    with ExitStack() as stack:
        for region, hub in made.items():
            if region in OTHERS:
                succeeds(hub, "pack", "new", region, "--folder", str(hub.folder))
            succeeds(hub, "load", str(pack_of(hub)))
            stack.enter_context(running_hub(hub, ("hub",)))
        yield made


def succeeds(hub: RunningHub, *command: str) -> None:
    done = hub.emall(*command)
    assert done.returncode == 0, (command, done.stderr)


def pack_of(hub: RunningHub) -> Path:
    """Return the folder of a hub's pack."""
    new = [file.parent for file in hub.folder.glob("*/pack.yaml")]
    return new[0] if new else TOBA


def test_what_grows_is_spread_and_the_rest_is_not(hubs: dict[str, RunningHub]) -> None:
    assert hubs
    spread = fetch(
        "SELECT DISTINCT logicalrelid::text AS name FROM pg_dist_partition "
        "JOIN pg_class c ON c.oid = logicalrelid WHERE NOT c.relispartition ORDER BY 1"
    )
    assert [row["name"] for row in spread] == sorted(f"feedback.{name}" for name in DISTRIBUTED)
    places = {place_of(region)[1:] for region in hubs}
    assert places, "no region has a shard"


def test_everybody_walks_through_each_regency(hubs: dict[str, RunningHub]) -> None:
    everybody_walks_through(hubs["12.12"])
    for region in OTHERS:
        a_citizen_and_an_agency_walk_through(hubs[region])


def a_citizen_and_an_agency_walk_through(hub: RunningHub) -> None:
    service = hub.get(f"{API}/services?limit=1").json()["items"][0]
    agency = service["agency"]["slug"]
    assert hub.get(f"/layanan/{service['slug']}").status_code == 200
    key = hub.key(agency, "usage:write")
    batch = events(agency, service["slug"])
    assert send(hub, key, batch).json() == {"accepted": BATCH, "repeated": 0}
    assert send(hub, key, batch).json() == {"accepted": 0, "repeated": BATCH}
    changed = [batch[0] | {"kind": "page_view"}, *events(agency, service["slug"])]
    assert send(hub, key, changed).status_code == 409
    assert finished(hub) == BATCH
    by_day = hub.get(f"{API}/usage/summary?group_by=day,service").json()["items"]
    assert sum(cell["value"] for cell in by_day if cell["measure"] == "form_end") == BATCH

    figures = {
        "agency": agency,
        "service": service["slug"],
        "channel": "counter",
        "period": "2024-03",
        "counters": {"submitted": 7},
    }
    stored = hub.post(f"{API}/usage/statistics", {"statistics": [figures]}, key=key)
    assert stored.status_code == 200, stored.text

    key_id = key.split("_")[1]
    retraction = {"key": key_id, "from": "2024-01-01T00:00:00Z", "reason": "Uji coba"}
    admin = hub.key("diskominfo", "admin")
    struck = hub.post(f"{API}/usage/retractions", retraction, key=admin)
    assert struck.status_code == 201, struck.text
    assert struck.json()["events"] == BATCH
    assert finished(hub) == 0
    reversal = hub.post(f"{struck.json()['href']}/reversal", {"reason": "Selesai"}, key=admin)
    assert reversal.status_code == 200, reversal.text
    assert finished(hub) == BATCH
    succeeds(hub, "prune")
    assert finished(hub) == BATCH


def events(agency: str, service: str) -> list[dict[str, Any]]:
    """Return as many events as a batch has, of now."""
    now = datetime.now(UTC).isoformat()
    described = {"kind": "form_end", "source": "agency", "agency": agency, "service": service}
    return [{"id": str(uuid4()), "occurred_at": now, **described} for _ in range(BATCH)]


def send(hub: RunningHub, key: str, batch: list[dict[str, Any]]) -> httpx.Response:
    return hub.post(f"{API}/usage/events", {"events": batch}, key=key)


def finished(hub: RunningHub) -> int:
    """Return how many forms were sent, by the summary."""
    cells = hub.get(f"{API}/usage/summary").json()["items"]
    return sum(cell["value"] for cell in cells if cell["measure"] == "form_end")


def test_keys_and_pages_change_within_their_promises(hubs: dict[str, RunningHub]) -> None:
    hub = hubs[OTHERS[0]]
    key = hub.key("diskominfo", "usage:write")
    bearer = {"Authorization": f"Bearer {key}"}
    assert hub.get(f"{API}/keys", headers=bearer).status_code != 401
    succeeds(hub, "keys", "revoke", key.split("_")[1])
    time.sleep(KNOWN_WITHIN_SECONDS)
    assert hub.get(f"{API}/keys", headers=bearer).status_code == 401

    assert "Kabupaten Samosir" in hub.get("/").text
    file = pack_of(hub) / "pack.yaml"
    content = file.read_text(encoding="utf-8")
    file.write_text(content.replace("Kabupaten Samosir", "Kabupaten Danau"), encoding="utf-8")
    succeeds(hub, "load", str(file.parent))
    time.sleep(KNOWN_WITHIN_SECONDS)
    assert "Kabupaten Danau" in hub.get("/").text
    assert "Kabupaten Toba" in hubs["12.12"].get("/").text


class Reporter:
    """An agency that sends events one batch after the other, each until it is accepted."""

    def __init__(self, hub: RunningHub) -> None:
        self.sent = 0
        self.refused = 0
        self._hub = hub
        service = hub.get(f"{API}/services?limit=1").json()["items"][0]
        self._named = service["agency"]["slug"], service["slug"]
        self._key = hub.key(self._named[0], "usage:write")
        self._before = finished(hub)

    def report(self, stopped: threading.Event) -> None:
        """Send until told to stop, and then the batch that is not accepted yet."""
        while not stopped.is_set():
            batch = events(*self._named)
            while not self._is_accepted(batch):
                self.refused += 1
                time.sleep(0.5)
            self.sent += len(batch)

    def _is_accepted(self, batch: list[dict[str, Any]]) -> bool:
        try:
            return send(self._hub, self._key, batch).is_success
        except httpx.HTTPError:
            return False

    def check(self) -> None:
        """Compare the sums, and the events one by one, with what was sent."""
        region = self._hub.environment["EMALL_REGION"]
        assert finished(self._hub) - self._before == self.sent
        [stored] = fetch(
            "SELECT (SELECT count(*) FROM feedback.event WHERE region = $1) AS events, "
            "(SELECT count(*) FROM feedback.event_id WHERE region = $1) AS ids, "
            "(SELECT sum(events)::bigint FROM feedback.hourly_usage WHERE region = $1) AS hours, "
            "(SELECT sum(events)::bigint FROM feedback.monthly_usage WHERE region = $1) AS months",
            region,
        )
        assert len(set(stored.values())) == 1, (region, stored)


@contextmanager
def reporting(hubs: dict[str, RunningHub]) -> Generator[list[Reporter]]:
    """Let an agency of each regency send events until the block ends, and check them then."""
    reporters = [Reporter(hub) for hub in hubs.values()]
    stopped = threading.Event()
    threads = [threading.Thread(target=one.report, args=(stopped,)) for one in reporters]
    for thread in threads:
        thread.start()
    try:
        yield reporters
    finally:
        stopped.set()
        for thread in threads:
            thread.join(120)
    for one in reporters:
        one.check()
    print([(one.sent, one.refused) for one in reporters])


def place_of(region: str) -> tuple[int, str, int]:
    """Return the shard of a region's events, and the worker that has it."""
    [row] = fetch(
        "SELECT shardid, nodename, nodeport FROM pg_dist_shard_placement WHERE shardid = "
        "get_shard_id_for_distribution_column('feedback.event', $1::text)",
        region,
    )
    return row["shardid"], row["nodename"], row["nodeport"]


def test_a_shard_moves_while_agencies_report(hubs: dict[str, RunningHub]) -> None:
    shard, *source = place_of("12.12")
    workers = [tuple(row) for row in fetch("SELECT * FROM citus_get_active_worker_nodes()")]
    [target] = [worker for worker in workers if worker != tuple(source)]
    with reporting(hubs) as reporters:
        until(lambda: all(one.sent for one in reporters))
        # Events have no key of their own; they are only ever added, but for the retention.
        fetch(
            "SELECT citus_move_shard_placement($1, $2, $3, $4, $5, 'force_logical')",
            shard,
            *source,
            *target,
        )
        fetch(
            "SELECT rebalance_table_shards('feedback.event', "
            "shard_transfer_mode => 'force_logical')"
        )
        before = [one.sent for one in reporters]
        until(lambda: all(one.sent > past for one, past in zip(reporters, before, strict=True)))


@pytest.mark.skipif(not (KILL and START), reason="nobody says how to kill a worker")
def test_nothing_is_lost_or_doubled_when_a_worker_is_killed(hubs: dict[str, RunningHub]) -> None:
    with reporting(hubs) as reporters:
        until(lambda: all(one.sent for one in reporters))
        subprocess.run(shlex.split(str(KILL)), check=True, capture_output=True)
        try:
            until(lambda: any(one.refused for one in reporters))
            # What is not events goes on.
            for hub in hubs.values():
                assert hub.get(f"{API}/services").status_code == 200
        finally:
            subprocess.run(shlex.split(str(START)), check=True, capture_output=True)
        before = [one.sent for one in reporters]
        until(lambda: all(one.sent > past for one, past in zip(reporters, before, strict=True)))
    for hub in hubs.values():
        assert LOOPBACK.get(f"{hub.address}/health/ready", timeout=30).status_code == 200
