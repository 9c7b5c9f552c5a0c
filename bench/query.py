"""`usage/summary` of a year by service and month, against the raw GROUP BY and DuckDB.

The events of a year are made inside PostgreSQL; the service is asked over HTTP. `--full` is the
size of the promises: a hundred million events.
"""

import argparse
import asyncio
import importlib.util
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any
from urllib.request import Request, urlopen

from bench._events import dimension_weights
from bench._ground import WRITER, Ground, ground

SMALL = 1_000_000
QUESTION = "/api/v1/usage/summary?from=2025-01-01&to=2025-12-31&group_by=service,month"

DIMENSIONS = """
INSERT INTO feedback.event_dimensions
    (region, kind, source, agency, service, link, channel, district)
SELECT '12.12', * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[],
                              $6::text[], $7::text[])
"""

# Dimensions are drawn with the weights of bench/_events.
DRAWN = """
CREATE TEMPORARY TABLE drawn AS
SELECT n - 1 AS n, dimensions FROM unnest($1::int[]) WITH ORDINALITY AS d (dimensions, n)
"""

MAKE = """
INSERT INTO feedback.event (region, id, occurred_at, received_at, dimensions, reported_by)
SELECT '12.12', gen_random_uuid(), at, at, dimensions, 'bench'
FROM (SELECT n * 7919 % (SELECT count(*) FROM drawn) AS n,
             timestamptz '2025-01-01 00:00+07' + random() * interval '365 days' AS at
      FROM generate_series($1::bigint, $2::bigint) AS n) made
JOIN drawn USING (n)
"""

COUNT = (
    "TRUNCATE feedback.hourly_usage, feedback.monthly_usage",
    """
    INSERT INTO feedback.hourly_usage (region, hour, dimensions, events)
    SELECT region, date_trunc('hour', occurred_at), dimensions, count(*)
    FROM feedback.event GROUP BY 1, 2, 3
    """,
    """
    INSERT INTO feedback.monthly_usage (region, month, dimensions, events)
    SELECT region, date_trunc('month', hour AT TIME ZONE 'Asia/Jakarta')::date, dimensions,
           sum(events)
    FROM feedback.hourly_usage GROUP BY 1, 2, 3
    """,
    "ANALYZE feedback.hourly_usage, feedback.monthly_usage, feedback.event, "
    "feedback.event_dimensions",
)

RAW = """
SELECT d.kind, d.service,
       to_char(date_trunc('month', e.occurred_at AT TIME ZONE 'Asia/Jakarta'), 'YYYY-MM') AS month,
       count(*)
FROM feedback.event e
JOIN feedback.event_dimensions d ON d.region = e.region AND d.id = e.dimensions
WHERE e.region = '12.12'
  AND e.occurred_at >= '2025-01-01 00:00+07' AND e.occurred_at < '2026-01-01 00:00+07'
GROUP BY 1, 2, 3
"""

EXPORT = """
COPY (SELECT d.kind, d.service, e.occurred_at AT TIME ZONE 'Asia/Jakarta' AS moment
      FROM feedback.event e
      JOIN feedback.event_dimensions d ON d.region = e.region AND d.id = e.dimensions)
TO '{file}' (FORMAT csv, HEADER)
"""  # the benchmark's own server, which is on this machine


async def fill(at: Ground, *, first: int, last: int) -> None:
    """Insert events and recompute the counts."""
    connection = await at.connect()
    await connection.execute("SET jit = off; SET work_mem = '256MB'")
    dimensions, weights = dimension_weights()
    if first == 1:
        columns = [[part or "" for part in column] for column in zip(*dimensions, strict=True)]
        await connection.execute(DIMENSIONS, *columns)
        for month in range(1, 13):
            await connection.execute(
                f"SELECT feedback.create_event_partition('12.12', '2025-{month:02}-01')"
            )
    ids = [
        row["id"]
        for row in await connection.fetch("SELECT id FROM feedback.event_dimensions ORDER BY id")
    ]
    share = sum(weights) / 20_000
    drawn = [
        key
        for key, weight in zip(ids, weights, strict=True)
        for _ in range(max(1, round(weight / share)))
    ]
    await connection.execute(DRAWN, drawn)
    await connection.execute("ANALYZE drawn")
    step = 1_000_000
    for start in range(first, last + 1, step):
        end = min(start + step - 1, last)
        await connection.execute(MAKE, start, end, timeout=None)
    for statement in COUNT:
        await connection.execute(statement, timeout=None)
    await connection.close()


def timed(work: Callable[[], Any], *, times: int) -> float:
    """Return the median duration in seconds."""
    taken: list[float] = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return median(taken)


def make_request(at: Ground, port: int) -> Callable[[], int]:
    signer = at.signer()

    def send() -> int:
        request = Request(f"http://127.0.0.1:{port}{QUESTION}")
        request.add_header("Authorization", f"Bearer {signer.sign(WRITER)}")
        with urlopen(request) as answer:
            return len(answer.read())

    return send


async def raw(at: Ground) -> float:
    connection = await at.connect()
    began = time.perf_counter()
    await connection.fetch(RAW, timeout=None)
    took = time.perf_counter() - began
    await connection.close()
    return took


async def export(at: Ground, file: Path) -> None:
    connection = await at.connect()
    await connection.execute(EXPORT.format(file=file), timeout=None)
    await connection.close()


def duckdb_seconds(at: Ground) -> float | None:
    """Return the duration of DuckDB on the same events as Parquet; None if it is not installed."""
    if importlib.util.find_spec("duckdb") is None:
        return None
    import duckdb  # noqa: PLC0415 - without it, one line is missing

    csv, parquet = at.folder / "server" / "postgres" / "events.csv", at.folder / "events.parquet"
    asyncio.run(export(at, csv))
    engine = duckdb.connect()
    engine.execute(f"COPY (FROM read_csv('{csv}')) TO '{parquet}' (FORMAT parquet)")
    csv.unlink()
    statement = (
        "SELECT kind, service, date_trunc('month', moment) AS month, count(*) "
        f"FROM read_parquet('{parquet}') GROUP BY ALL"
    )
    return timed(lambda: engine.execute(statement).fetchall(), times=3)


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.query", description=__doc__)
    parser.add_argument("--full", action="store_true", help="a hundred million events")
    parser.add_argument("--events", type=int, default=10_000_000)
    options = parser.parse_args(arguments)
    events: int = 100_000_000 if options.full else options.events

    with ground() as at, at.service("feedback") as (port, _):
        request_summary = make_request(at, port)
        asyncio.run(fill(at, first=1, last=SMALL))
        request_summary()
        small = timed(request_summary, times=15)
        asyncio.run(fill(at, first=SMALL + 1, last=events))
        request_summary()
        ours = timed(request_summary, times=15)
        theirs = min(asyncio.run(raw(at)) for _ in range(2))
        other = duckdb_seconds(at)
    print(f"  summary over {SMALL:>11,} events {small * 1000:>10,.1f} ms, through HTTP")
    print(f"  summary over {events:>11,} events {ours * 1000:>10,.1f} ms, through HTTP")
    print(f"  raw GROUP BY in PostgreSQL      {theirs * 1000:>10,.1f} ms")
    if other is not None:
        print(f"  DuckDB on Parquet               {other * 1000:>10,.1f} ms")
    failed = False
    for what, holds in (
        (f"{theirs / ours:,.0f} times the raw GROUP BY (at least 200)", theirs / ours >= 200),
        (f"{ours / small:.2f} of its own time at 1 million (at most 1.2)", ours / small <= 1.2),
    ):
        print(f"  -> {what}: {'holds' if holds else 'DOES NOT HOLD'}")
        failed = failed or not holds
    if failed:
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
