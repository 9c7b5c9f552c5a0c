"""Mixed load at a share of capacity: memory and latency minute by minute.

A hub in one process, with the pack of Toba and a durable PostgreSQL, first gets as much of the mix
of `bench.capacity` as it takes; then `--load` of that rate for `--minutes`. Requests are sent when
they are due, not when others were answered, so that a slow minute shows. At the end it prints the
trends of memory and latency, without the first quarter of the minutes, in which caches fill. The
processors are shared with PostgreSQL and with the senders.
"""

import argparse
import asyncio
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import takewhile
from random import Random
from statistics import linear_regression, mean, quantiles

import psutil

from bench._ground import ground
from bench._mixed import Client, Operation, Outcome, Requests, form_token
from bench.capacity import ITEMS, agency_key, hub, postmaster, processor_seconds
from services.cli.pack_loader import load_pack
from services.platform.settings import ROOT

CONNECTIONS = 24
WARM_UP_SHARE = 0.25
"""Share of the minutes that no trend is taken of."""


@dataclass(frozen=True)
class Minute:
    """What a minute of load showed."""

    number: int
    answered: int
    failed: int
    median: float
    """In milliseconds, as `p99`."""
    p99: float
    memory: float
    """In MiB, at its end."""

    @classmethod
    def of(cls, number: int, outcomes: Mapping[str, Outcome], *, memory: float) -> "Minute":
        """Sum up the outcomes of all operations."""
        taken = [second * 1000 for each in outcomes.values() for second in each.seconds]
        failed = sum(each.failures.total() for each in outcomes.values())
        at = quantiles(taken, n=100)
        return cls(number, len(taken), failed, at[49], at[98], memory)

    def __str__(self) -> str:
        return (
            f"minute {self.number:3}: {self.answered:7,} answered, {self.failed} failed, p50 "
            f"{self.median:6.1f} ms, p99 {self.p99:7.1f} ms, memory {self.memory:5.0f} MiB"
        )


def trends(minutes: Sequence[Minute]) -> Iterator[str]:
    """Yield the mean of each measure, and its slope (least squares) in an hour."""
    steady = minutes[int(len(minutes) * WARM_UP_SHARE) :]
    if len(steady) < 2:
        return
    numbers = [each.number for each in steady]
    for name, unit, values in (
        ("p50", "ms", [each.median for each in steady]),
        ("p99", "ms", [each.p99 for each in steady]),
        ("memory", "MiB", [each.memory for each in steady]),
    ):
        slope = linear_regression(numbers, values).slope * 60
        yield f"{name}: mean {mean(values):.1f} {unit}, slope {slope:+.2f} {unit} in an hour"


def draw(operations: Sequence[Operation], *, seed: int) -> Iterator[Operation]:
    """Yield operations as often as people and agencies send them."""
    weights = [ITEMS[each.name] / each.items for each in operations]
    random = Random(seed)
    while True:
        yield random.choices(operations, weights)[0]


def capacity(port: int, operations: Sequence[Operation], *, seconds: float) -> float:
    """Return the requests in a second that a hub answers when each waits for another."""
    end = time.monotonic() + seconds
    mix = takewhile(lambda _: time.monotonic() < end, draw(operations, seed=1))
    outcome = Client(port).send_all((each.request() for each in mix), connections=CONNECTIONS)
    if outcome.failures:
        sys.exit(f"not all were answered: {outcome.failures.most_common(3)}")
    return len(outcome.seconds) / seconds


def send_minute(
    client: Client,
    pool: ThreadPoolExecutor,
    mix: Iterator[Operation],
    *,
    rate: float,
    seconds: float,
) -> Mapping[str, Outcome]:
    """Send a rate of requests, each when it is due, and return the outcomes by operation."""
    outcomes: defaultdict[str, Outcome] = defaultdict(Outcome)
    began = time.perf_counter()
    sent = [
        pool.submit(_send_at, client, began + number / rate, operation, outcomes[operation.name])
        for number, operation in zip(range(int(rate * seconds)), mix, strict=False)
    ]
    for each in sent:
        each.result()
    return outcomes


def _send_at(client: Client, due: float, operation: Operation, outcome: Outcome) -> None:
    """Send a request when it is due; what it waited for a connection counts."""
    time.sleep(max(0.0, due - time.perf_counter()))
    late = max(0.0, time.perf_counter() - due)
    own = Outcome()
    client.send(operation.request(), own)
    outcome.seconds.extend(late + taken for taken in own.seconds)
    outcome.failures.update(own.failures)


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=int, default=3)
    parser.add_argument("--load", type=float, default=0.7, help="share of the capacity")
    parser.add_argument("--rate", type=float, help="requests in a second, without measuring")
    options = parser.parse_args(arguments)
    with ground() as at:
        asyncio.run(load_pack(at.settings, ROOT / "packs" / "toba"))
        key = agency_key(at)
        with hub(at) as (port, server), ThreadPoolExecutor(CONNECTIONS) as pool:
            made = Requests(key=key, form_token=form_token(port))
            operations = made.operations()
            rate: float = options.rate or options.load * capacity(port, operations, seconds=20)
            print(f"  {rate:,.0f} requests/s")
            client = Client(port)
            mix = draw(operations, seed=2)
            database = postmaster(at)
            spent = _spent(server), processor_seconds(database), time.monotonic()
            minutes: list[Minute] = []
            for number in range(1, options.minutes + 1):
                outcomes = send_minute(client, pool, mix, rate=rate, seconds=60)
                memory = server.memory_info().rss / 2**20
                minutes.append(Minute.of(number, outcomes, memory=memory))
                print(f"  {minutes[-1]}", flush=True)
                for name, each in outcomes.items():
                    if each.failures:
                        print(f"    {name}: {each.failures.most_common(2)}")
            took = time.monotonic() - spent[2]
            by_hub, by_database = _spent(server) - spent[0], processor_seconds(database) - spent[1]
            answered, failed = sum(m.answered for m in minutes), sum(m.failed for m in minutes)
            print(f"  {answered:,} answered, {failed} failed")
            for trend in trends(minutes):
                print(f"  {trend}")
            print(f"  cores: hub {by_hub / took:.2f}, PostgreSQL {by_database / took:.2f}")


def _spent(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


if __name__ == "__main__":
    main(sys.argv[1:])
