"""What the load of one hub does to the latency of another on the same server and machine.

Two hubs with new packs run as processes on one durable PostgreSQL (`emall fleet run`). One is asked
at a steady rate, ten a second, for pages that no cache answers; then again while the other gets as
many requests as it answers over eight connections, and while it gets 70% of that. Each phase lasts
`--seconds`. The share of time in which the machine's processors were busy is printed too: on a
machine whose processors are all busy everything waits for one.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from urllib.request import urlopen

import psutil
import yaml

from services.cli.new_pack import find_regency, write_new_pack
from tests.servers import free_port

RATE = 10
CONNECTIONS = 8
LOAD = 0.7
"""Share of what a hub answers at the most, as in `bench.soak`."""
READY_SECONDS = 300
CODES = ("12.17", "12.73")
QUIET = {
    f"EMALL_{name}": "0"
    for name in (
        "LINK_CHECK_SECONDS",
        "DOMAIN_CHECK_SECONDS",
        "SOURCE_POLL_SECONDS",
        "ADDRESS_READS_PER_MINUTE",
    )
}


@dataclass
class Phase:
    """Latencies of one hub in milliseconds, and how busy the machine was."""

    median: float
    p99: float
    requests: int
    other: float
    """Requests a second that the other hub answered meanwhile."""
    busy: float
    """Share of the processors' time, in per cent."""


def path(number: int) -> str:
    """Return a search that no cache knows yet."""
    return f"/api/v1/services?query=ktp+{number}"


def get(port: int, number: int) -> float:
    began = time.perf_counter()
    with urlopen(f"http://127.0.0.1:{port}{path(number)}", timeout=60) as answer:
        answer.read()
    return (time.perf_counter() - began) * 1000


def measure(
    port: int, other: int | None, *, seconds: float, first: int, most: float | None = None
) -> Phase:
    """Ask one hub when each request is due, while the other is loaded or not.

    The other gets `most` requests a second, or as many as it answers.
    """
    over = threading.Event()

    def load(connection: int) -> int:
        count = 0
        started = time.perf_counter()
        while not over.is_set() and other is not None:
            if most is not None:
                due = started + (count * CONNECTIONS + connection) / most
                over.wait(max(0, due - time.perf_counter()))
            get(other, first + connection * 1_000_000 + count)
            count += 1
        return count

    with ThreadPoolExecutor(CONNECTIONS + 32) as pool:
        loading = [pool.submit(load, connection) for connection in range(CONNECTIONS)]
        time.sleep(2)
        psutil.cpu_percent()
        began = time.perf_counter()
        asked = []
        for number in range(int(seconds * RATE)):
            time.sleep(max(0, began + number / RATE - time.perf_counter()))
            asked.append(pool.submit(get, port, first + number))
        took = [one.result() for one in asked]
        busy = psutil.cpu_percent()
        elapsed = time.perf_counter() - began
        over.set()
        others = sum(one.result() for one in loading)
    shares = quantiles(took, n=100)
    return Phase(shares[49], shares[98], len(took), others / (elapsed + 2), busy)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    given = parser.parse_args([] if arguments is None else arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        hubs = []
        for code in CODES:
            regency = find_regency(code)
            write_new_pack(regency, folder / regency.slug)
            host = f"{regency.slug}.example.go.id"
            pack = str(folder / regency.slug)
            entry = {"code": code, "name": regency.name, "host": host, "pack": pack}
            hubs.append({**entry, "port": free_port()})
        file = folder / "fleet.yaml"
        file.write_text(yaml.safe_dump({"version": "1", "settings": QUIET, "hubs": hubs}))
        command = [sys.executable, "-m", "services.cli", "fleet", "run", str(file)]
        environment = os.environ | {"PYTHONPATH": os.getcwd()}
        running = subprocess.Popen([*command, "--data", str(folder / "data")], env=environment)
        try:
            for hub in hubs:
                wait_until_ready(hub["port"])
            report(hubs[0]["port"], hubs[1]["port"], given.seconds)
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait(60)


def wait_until_ready(port: int) -> None:
    end = time.monotonic() + READY_SECONDS
    while True:
        try:
            with urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5):
                return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def report(port: int, other: int, seconds: float) -> None:
    measure(port, None, seconds=3, first=1)  # warms up
    alone = measure(port, None, seconds=seconds, first=10_000)
    full = measure(port, other, seconds=seconds, first=500_000)
    most = LOAD * full.other
    phases = {
        "alone": alone,
        "beside a full load": full,
        f"beside {LOAD:.0%} of that": measure(
            port, other, seconds=seconds, first=10_000_000, most=most
        ),
        "alone again": measure(port, None, seconds=seconds, first=900_000),
    }
    print(f"{os.cpu_count()} processors; {RATE} searches a second that no cache answers")
    print("phase                 median    p99   the other hub   processors busy")
    for name, one in phases.items():
        print(
            f"{name:20}{one.median:6.1f} ms {one.p99:6.1f} ms {one.other:10.0f}/s {one.busy:12.0f}%"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
