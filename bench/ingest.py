"""Throughput of durable, counted usage events; checks that none is lost or counted twice.

The references, in the same run and on the same server: one connection that sends the same batches
by binary COPY, commit by commit, into a plain table with the primary key (region, id); a SQLModel
row committed per request. `--full` is the size of the promises: ten million events.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg
import psutil

from bench._client import post_batches, post_singles
from bench._events import EventGenerator, GeneratedBatch, dimension_weights, now
from bench._ground import WRITER, Ground, ground
from bench._plain import TABLE

BATCH = 1_000
CONNECTIONS = 8
CLIENTS = 128
PATH = b"/api/v1/usage/events"

COUNTS = """
SELECT (SELECT count(*) FROM feedback.event) AS events,
       (SELECT count(*) FROM feedback.event_id) AS ids,
       (SELECT coalesce(sum(events), 0) FROM feedback.hourly_usage)::bigint AS hourly,
       (SELECT coalesce(sum(events), 0) FROM feedback.monthly_usage)::bigint AS monthly
"""

CHECKSUM = """
SELECT bit_xor(('x' || left(replace(id::text, '-', ''), 16))::bit(64))::bigint FROM feedback.event
"""

BACKENDS = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'emall feedback: events %'"

WRONG_HOURS = """
SELECT count(*) FROM (
    SELECT date_trunc('hour', occurred_at), dimensions, count(*) FROM feedback.event GROUP BY 1, 2
    EXCEPT SELECT hour, dimensions, events FROM feedback.hourly_usage) differing
"""


@dataclass
class SentEvents:
    """Number and checksum of the events sent, to compare with those stored."""

    events: int = 0
    checksum: int = 0

    def add(self, batch: GeneratedBatch) -> None:
        self.events += len(batch.ids)
        for key in batch.ids:
            self.checksum ^= key.int >> 64


class Bench:
    def __init__(self, at: Ground, port: int, pid: int) -> None:
        self.at = at
        self.port = port
        self.server = psutil.Process(pid)
        self.signer = at.signer()
        self.generator = EventGenerator(1, at=now())
        self.sent = SentEvents()

    def head(self, length: int) -> bytes:
        """Return request headers as the gateway sends them, with a token valid for a minute."""
        return (
            b"POST " + PATH + b" HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer " + self.signer.sign(WRITER).encode() + b"\r\n"
            b"Content-Length: %d\r\n\r\n" % length
        )

    def singles(self, made: Sequence[GeneratedBatch]) -> float:
        requests = [self.head(len(one.body)) + one.body for one in made]
        return post_singles(self.port, requests, clients=CLIENTS)

    def generate(self, batches: int, size: int = BATCH) -> list[GeneratedBatch]:
        batch = [self.generator.batch(size) for _ in range(batches)]
        for one in batch:
            self.sent.add(one)
        return batch

    def send(self, made: Sequence[GeneratedBatch]) -> float:
        bodies = [one.body for one in made]
        return post_batches(self.port, self.head, bodies, connections=CONNECTIONS)

    def memory(self) -> float:
        """Return the memory of the service's process in MiB."""
        return self.server.memory_info().rss / 2**20


class Cost:
    """CPU time of the service and of PostgreSQL, independent of other load."""

    def __init__(self, bench: "Bench") -> None:
        found = asyncio.run(_fetch(bench.at, BACKENDS))
        self.parts = ([bench.server], [psutil.Process(row["pid"]) for row in found])
        self.spent = [0.0, 0.0]

    def __enter__(self) -> None:
        self.before = [_time_of(part) for part in self.parts]

    def __exit__(self, *_: object) -> None:
        now = [_time_of(part) for part in self.parts]
        self.spent = [s + n - b for s, n, b in zip(self.spent, now, self.before, strict=True)]

    def of(self, events: int) -> str:
        service, database = (seconds / events * 1e6 for seconds in self.spent)
        return f"service {service:.1f}, PostgreSQL {database:.1f} microseconds an event"


def _time_of(processes: Sequence[psutil.Process]) -> float:
    times = [process.cpu_times() for process in processes]
    return sum(time.user + time.system for time in times)


def rate(events: int, seconds: float) -> str:
    return f"{events / seconds:>9,.0f} events/s"


async def copied(at: Ground, made: Sequence[GeneratedBatch]) -> float:
    """Return the seconds that one connection takes to COPY the batches."""
    connection = await at.connect()
    await connection.execute("SELECT 1")
    began = time.perf_counter()
    for one in made:
        await connection.copy_records_to_table("plain_event", records=one.rows)
    took = time.perf_counter() - began
    await connection.close()
    return took


def batches(bench: Bench, *, rounds: int, size: int) -> None:
    """Measure batches over HTTP, by COPY, and repeated; alternating, to equalise the load."""
    through = copy = again = 0.0
    bench.send(bench.generate(size))  # fills the cache of dimension ids
    cost = Cost(bench)
    for _ in range(rounds):
        made = bench.generate(size)
        with cost:
            through += bench.send(made)
        copy += asyncio.run(copied(bench.at, made))
        again += bench.send(made)
    events = rounds * size * BATCH
    print(f"  batches of {BATCH:,} through HTTP, with roll-up {rate(events, through)}")
    print(f"    of the processor's time: {cost.of(events)}")
    print(f"  the same by COPY, one connection         {rate(events, copy)}")
    print(f"  the same sent again                      {rate(events, again)}")
    verdict(f"{copy / through:.2f} of COPY", copy / through >= 0.6, "at least 0.6")
    verdict(f"{through / again:.2f} as fast again", through / again >= 1, "at least 1")


def singles(bench: Bench, *, rounds: int, count: int, plain: int) -> None:
    """Measure single events by many clients against a SQLModel commit per request."""
    start = b"POST /events HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"

    def post_plain(port: int) -> float:
        bodies = [bench.generator.batch(1).body for _ in range(plain)]
        requests = [start + b"Content-Length: %d\r\n\r\n" % len(body) + body for body in bodies]
        return post_singles(port, requests, clients=CLIENTS)

    ours = theirs = again = 0.0
    with bench.at.process(
        "uvicorn", "bench._plain:application", "--factory", "--port", "PORT", "--no-access-log",
        "--log-level", "warning",
    ) as (port, _):  # fmt: skip
        post_plain(port)
        for _ in range(rounds):
            made = bench.generate(count, 1)
            ours += bench.singles(made)
            theirs += post_plain(port)
            again += bench.singles(made)
    print(f"  single events, {CLIENTS} clients              {rate(rounds * count, ours)}")
    print(f"  a SQLModel commit per request            {rate(rounds * plain, theirs)}")
    print(f"  the single events sent again             {rate(rounds * count, again)}")
    ratio = count / ours / (plain / theirs)
    verdict(f"{ratio:.1f} times", ratio >= 15, "at least 15")
    verdict(f"{ours / again:.2f} as fast again", ours / again >= 1, "at least 1")


def fill(bench: Bench, *, events: int) -> None:
    """Insert this many events and check that the memory stays constant."""
    step = 50
    seen: list[float] = []
    began = time.perf_counter()
    spent = 0.0
    start = bench.sent.events
    while bench.sent.events - start < events:
        made = bench.generate(step)
        spent += bench.send(made)
        asyncio.run(copied(bench.at, made))
        seen.append(bench.memory())
    settled = seen[len(seen) // 5]
    took = time.perf_counter() - began
    print(
        f"  {bench.sent.events - start:,} events more in {took:,.0f} s, of them {spent:,.0f} sent"
    )
    growth = max(seen) / settled
    verdict(
        f"memory {settled:.0f} MiB after a fifth, at most {max(seen):.0f} MiB", growth <= 1.1,
        "flat: at most 1.1 times",
    )  # fmt: skip


async def check(at: Ground, sent: SentEvents) -> None:
    """Check that every event is stored and counted exactly once."""
    connection: asyncpg.Connection = await at.connect()
    found = await connection.fetchrow(COUNTS)
    checksum = await connection.fetchval(CHECKSUM)
    wrong_hours = await connection.fetchval(WRONG_HOURS)
    await connection.close()
    assert found is not None
    signed = sent.checksum - 2**64 if sent.checksum >= 2**63 else sent.checksum
    right = set(found.values()) == {sent.events} and checksum == signed and wrong_hours == 0
    verdict(f"{sent.events:,} events sent, found {dict(found)}", right, "each once, all counted")


failed: list[str] = []


def verdict(what: str, holds: bool, wanted: str) -> None:
    print(f"  -> {what} ({wanted}): {'holds' if holds else 'DOES NOT HOLD'}", flush=True)
    if not holds:
        failed.append(what)


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.ingest", description=__doc__)
    parser.add_argument("--full", action="store_true", help="ten million events")
    parser.add_argument("--events", type=int, default=300_000, help="events to fill the table with")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--batches", type=int, default=25, help="batches of each round")
    parser.add_argument("--singles", type=int, default=5_000, help="events of each round")
    parser.add_argument("--plain", type=int, default=500, help="SQLModel commits of each")
    options = parser.parse_args(arguments)
    events: int = 10_000_000 if options.full else options.events

    with ground() as at:
        print(f"  {asyncio.run(at.settings_of_durability())}")
        asyncio.run(_fetch(at, TABLE))
        asyncio.run(store_names(at))
        with at.service("feedback") as (port, pid):
            bench = Bench(at, port, pid)
            for rows in (0, events):
                if rows:
                    fill(bench, events=rows)
                print(f"  with {bench.sent.events:,} rows in the table:")
                batches(bench, rounds=options.rounds, size=options.batches)
                singles(bench, rounds=options.rounds, count=options.singles, plain=options.plain)
            asyncio.run(check(at, bench.sent))
    if failed:
        sys.exit(1)


async def store_names(at: Ground) -> None:
    """Store the services, links and districts that the events name, as a pack does."""
    dimensions, _ = dimension_weights()
    services = {(agency or "", service or "") for _, _, agency, service, *_ in dimensions}
    codes = {("link", each[4]) for each in dimensions if each[4]}
    codes |= {("district", each[6]) for each in dimensions if each[6]}
    connection = await at.connect()
    await connection.executemany(
        "INSERT INTO feedback.reporting_obligation (region, agency, service) "
        "VALUES ('12.12', $1, $2)",
        sorted(services),
    )
    await connection.executemany(
        "INSERT INTO feedback.reference_code (region, kind, code) VALUES ('12.12', $1, $2)",
        sorted(codes),
    )
    await connection.close()


async def _fetch(at: Ground, statement: str) -> list[asyncpg.Record]:
    connection = await at.connect()
    try:
        return await connection.fetch(statement)
    finally:
        await connection.close()


if __name__ == "__main__":
    main(sys.argv[1:])
