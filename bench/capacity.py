"""Unit costs of each operation, and what a region of so many people needs by them.

A hub in one process, with the pack of Toba and a durable PostgreSQL, gets some hundreds of requests
of each kind. What counts is the time of the processor that the hub and PostgreSQL take, which says
the same on a busy machine, and what the database and its log (WAL) grow by. Nothing is cached but
what the hub itself caches.

The sheet multiplies them by assumptions that are printed with it (`--people`, or two examples);
they are no measurements, and each region has its own.
"""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice, repeat, takewhile

import psutil

from bench._ground import Ground, ground
from bench._mixed import BATCH, Client, Operation, Requests, form_token
from services.cli.keys import issue_audited_key
from services.cli.pack_loader import load_pack
from services.platform.settings import ROOT

CONNECTIONS = 8
WARM_UP = 24
SECONDS = 15
"""Time after which no further request of a kind is sent."""
SETTINGS = {
    "EMALL_LINK_CHECK_SECONDS": "0",
    "EMALL_DOMAIN_CHECK_SECONDS": "0",
    "EMALL_SOURCE_POLL_SECONDS": "0",
}
SIZES = "SELECT pg_database_size(current_database()), pg_current_wal_insert_lsn() - '0/0'::pg_lsn"


@dataclass(frozen=True)
class UnitCost:
    """What one item of an operation takes: milliseconds of a processor, bytes."""

    hub_ms: float
    database_ms: float
    stored_bytes: float
    log_bytes: float


@dataclass(frozen=True)
class Use:
    """Assumptions on the use of a hub."""

    people: int
    items: Mapping[str, float]
    """Items of each operation in a year, for each inhabitant."""
    working_days: int = 240
    peak_hour: float = 0.15
    """Share of a day's use that is in its busiest hour."""
    peak_factor: float = 4
    """How often a busy day (registration of schools, aid) has the use of a usual one."""
    target_load: float = 0.7

    def per_year(self, operation: str) -> float:
        return self.people * self.items.get(operation, 0)

    def per_second_at_peak(self, operation: str) -> float:
        by_day = self.per_year(operation) / self.working_days
        return by_day * self.peak_hour * self.peak_factor / 3600


@dataclass(frozen=True)
class Need:
    """What a region needs, by unit costs and assumptions."""

    requests_per_second: float
    hub_cores: float
    database_cores: float
    stored_gb_per_year: float
    log_gb_per_year: float


ITEMS = {
    "page, cached": 12,
    "page, search": 4,
    "page, dashboard": 0.1,
    "list over the API, cached": 1,
    "click-out": 2,
    "usage event, single": 1,
    "usage events, batch": 10,
    "monthly statistics, batch": 0.05,
    "survey response": 0.1,
    "complaint": 0.02,
}
"""A person sees 12 pages a year, searches 4 times, leaves for a portal twice; agencies report 11
uses of theirs as events. A regency of 200,000 sends 10,000 monthly figures a year, which is 80
services with ten counters; one in ten answers a survey, one in fifty writes a complaint."""


def need(costs: Mapping[str, UnitCost], batches: Mapping[str, int], use: Use) -> Need:
    """Return what a region needs: cores at the peak, with `target_load`, and disk by year."""
    rates = {name: use.per_second_at_peak(name) for name in costs}
    years = {name: use.per_year(name) for name in costs}
    return Need(
        requests_per_second=sum(rates[name] / batches[name] for name in costs),
        hub_cores=sum(rates[n] * c.hub_ms for n, c in costs.items()) / 1000 / use.target_load,
        database_cores=sum(rates[n] * c.database_ms for n, c in costs.items())
        / 1000
        / use.target_load,
        stored_gb_per_year=sum(years[n] * c.stored_bytes for n, c in costs.items()) / 1e9,
        log_gb_per_year=sum(years[n] * c.log_bytes for n, c in costs.items()) / 1e9,
    )


@contextmanager
def hub(at: Ground) -> Generator[tuple[int, psutil.Process]]:
    """Run a hub in one process; yield its port and the process."""
    before = dict(os.environ)
    os.environ.update(SETTINGS)
    try:
        with at.process("services.cli", "serve", "--port", "PORT") as (port, pid):
            yield port, psutil.Process(pid)
    finally:
        os.environ.clear()
        os.environ.update(before)


def agency_key(at: Ground) -> str:
    """Issue a key of the agency that reports."""
    made = issue_audited_key(at.settings, "dukcapil", ["usage:write"], lifetime=timedelta(days=2))
    return asyncio.run(made).key


def postmaster(at: Ground) -> psutil.Process:
    """Return the PostgreSQL server of the benchmark."""
    [file] = (at.folder / "server").rglob("postmaster.pid")
    return psutil.Process(int(file.read_text().split()[0]))


def processor_seconds(process: psutil.Process) -> float:
    """Return what a process and its children, also those that ended, took."""
    times = process.cpu_times()
    spent = times.user + times.system + times.children_user + times.children_system
    for child in process.children():
        try:
            own = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        spent += own.user + own.system
    return spent


async def sizes(at: Ground) -> tuple[int, int]:
    """Return the bytes of the database, and those that its log ever had."""
    connection = await at.connect()
    await connection.execute("CHECKPOINT")
    row = await connection.fetchrow(SIZES)
    await connection.close()
    assert row is not None
    return row[0], int(row[1])


def measure(
    operation: Operation,
    at: Ground,
    port: int,
    server: psutil.Process,
    *,
    requests: int,
) -> UnitCost:
    """Send requests of one kind and return what an item takes."""
    client = Client(port)
    made = (make() for make in repeat(operation.request))
    client.send_all(islice(made, WARM_UP), connections=CONNECTIONS)
    database = postmaster(at)
    sized = asyncio.run(sizes(at))
    spent = server.cpu_times(), processor_seconds(database)
    end = time.monotonic() + SECONDS
    due = takewhile(lambda _: time.monotonic() < end, islice(made, requests))
    outcome = client.send_all(due, connections=CONNECTIONS)
    after = server.cpu_times(), processor_seconds(database)
    grown = asyncio.run(sizes(at))
    if outcome.failures:
        sys.exit(f"{operation.name}: {outcome.failures.most_common(3)}")
    items = len(outcome.seconds) * operation.items
    by_hub = after[0].user + after[0].system - spent[0].user - spent[0].system
    return UnitCost(
        hub_ms=by_hub * 1000 / items,
        database_ms=(after[1] - spent[1]) * 1000 / items,
        stored_bytes=max(0, grown[0] - sized[0]) / items,
        log_bytes=(grown[1] - sized[1]) / items,
    )


def print_costs(costs: Mapping[str, UnitCost]) -> None:
    print(f"  {'an item':28} {'hub ms':>8} {'SQL ms':>8} {'bytes':>8} {'WAL':>8}")
    for name, cost in costs.items():
        print(
            f"  {name:28} {cost.hub_ms:8.3f} {cost.database_ms:8.3f} "
            f"{cost.stored_bytes:8.0f} {cost.log_bytes:8.0f}"
        )


def print_need(people: int, found: Need) -> None:
    print(
        f"  {people:,} people: {found.requests_per_second:,.1f} requests/s at the peak, "
        f"{found.hub_cores:.2f} cores for the hub, {found.database_cores:.2f} for PostgreSQL, "
        f"{found.stored_gb_per_year:,.1f} GB of data and {found.log_gb_per_year:,.1f} GB of WAL "
        "a year"
    )


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.capacity", description=__doc__)
    parser.add_argument("--requests", type=int, default=1000, help="of each kind at most")
    parser.add_argument("--people", type=int, nargs="*", default=[200_000, 10_000_000])
    options = parser.parse_args(arguments)
    with ground() as at:
        asyncio.run(load_pack(at.settings, ROOT / "packs" / "toba"))
        key = agency_key(at)
        with hub(at) as (port, server):
            operations = Requests(key=key, form_token=form_token(port)).operations()
            costs = {
                each.name: measure(each, at, port, server, requests=options.requests)
                for each in operations
            }
            memory = server.memory_info().rss / 2**20
    print_costs(costs)
    print(f"  {memory:.0f} MiB of memory afterwards")
    batches = {each.name: each.items for each in operations}
    for people in options.people:
        print_need(people, need(costs, batches, Use(people, ITEMS)))
    print(f"  by {Use(0, {})}, batches of {BATCH}, and for each person in a year {ITEMS}")


if __name__ == "__main__":
    main(sys.argv[1:])
