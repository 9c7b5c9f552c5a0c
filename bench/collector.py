"""The collector with every regency of the country: pages, ranking, national search.

514 regencies with an assessment of two years and 200 services each. Draws are synthetic; nodes are
those of a real bundle. Services are Toba's: as all regencies describe them in the same words, and
with words of each regency's own. Search and rank computation are in this process; pages are
rendered anew each time, by the application in this process, with its queries.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench._ground import Ground, ground
from services.assessment.bundles.signing import Signer
from services.assessment.methods import library
from services.catalog.pack import read_catalog
from services.collector.app import create_app
from services.collector.checking import DRAWS, CheckedBundle, check_bundle
from services.collector.collecting import LIMITS, METHOD
from services.collector.hub_list import HubList, ListedHub
from services.collector.migration import migrate_collector
from services.collector.national import National, Snapshot
from services.collector.service_search import CollectedService, ServiceSearch
from services.platform.bounded_process import call_bounded
from services.platform.database import Database
from services.platform.settings import ROOT, Standalone
from tests.collector.mock_hubs import bundle_of
from tests.toba.search_quality import read_questions

REGENCIES = 514
SERVICES = 200
PERIODS = (2024, 2025)
PAGE_MILLISECONDS = 100
RANKING_SECONDS = 60
SEARCH_MILLISECONDS = 30
NOW = datetime(2026, 11, 30, tzinfo=UTC)
SYLLABLES = [first + second for first in "bcdghjklmnprstw" for second in "aei"]
PAGES = ("/nasional", "/nasional/kabupaten", "/nasional/peringkat", "/nasional/layanan?q=ktp")


def hubs() -> HubList:
    """Return a list of all regencies."""
    codes = [f"{11 + n // 20}.{1 + n % 20:02}" for n in range(REGENCIES)]
    return HubList(
        name="Kementerian",
        name_en="Ministry",
        hubs=[
            ListedHub(
                code=code,
                name=f"Kabupaten {code}",
                address=f"https://hub-{code}.example",
                keys=["a" * 64],
                folder=None,
            )
            for code in codes
        ],
    )


def catalogue(listed: HubList, *, own_words: bool) -> list[CollectedService]:
    """Return the services of every regency: in the same words, or with words of its own."""
    rng = random.Random(18)
    pack = read_catalog(ROOT / "packs" / "toba")
    names = {agency.slug: agency.name for agency in pack.agencies}
    models = [
        CollectedService(
            region="",
            slug=one.slug,
            name=one.name,
            name_en=one.name_en,
            summary=one.summary,
            summary_en=one.summary_en,
            agency=names[one.agency],
        )
        for one in pack.services
    ]
    words = ["".join(rng.choices(SYLLABLES, k=rng.randint(2, 4))) for _ in range(20_000)]
    found: list[CollectedService] = []
    for hub in listed.hubs:
        for n in range(SERVICES):
            model = models[n % len(models)]
            again = f" {n // len(models)}" if n >= len(models) else ""
            own = f" {rng.choice(words)} {rng.choice(words)}" if own_words else ""
            found.append(
                replace(
                    model,
                    region=hub.code,
                    slug=f"{model.slug}-{n}",
                    name=f"{model.name}{again}{own}",
                )
            )
    return found


async def fill(
    ground_: Ground, listed: HubList, bundle: CheckedBundle, services: Sequence[CollectedService]
) -> None:
    """Store what rounds through all hubs would have stored."""
    connection: asyncpg.Connection = await ground_.connect()
    rng = np.random.default_rng(18)
    await connection.executemany(
        "INSERT INTO collector.hub (region, name, address, fingerprints, is_listed, answered_at, "
        "silent_since, reporting) VALUES ($1, $2, $3, $4, true, $5, $6, $7)",
        [
            (
                hub.code,
                hub.name,
                hub.address,
                hub.keys,
                NOW,
                NOW if n % 10 == 0 else None,
                json.dumps({"period": 2026, "expected": 120, "on_time": 90, "late": 12}),
            )
            for n, hub in enumerate(listed.hubs)
        ],
    )
    nodes = [asdict(node) for node in bundle.nodes]
    rows: list[tuple[Any, ...]] = []
    for n, hub in enumerate(listed.hubs):
        for period in PERIODS:
            value = float(rng.normal(48, 12))
            proven = max(1.0, value - float(rng.uniform(5, 25)))
            draws = rng.normal(value, 3, DRAWS).astype("<f8").tobytes()
            own = [node | {"proven": float(rng.uniform(0, 100))} for node in nodes]
            rows.append(
                (hub.code, UUID(int=n * 10_000 + period), period, METHOD, bundle.method_hash,
                 hub.keys[0], "network", "b" * 64, NOW, NOW, b"", json.dumps(own), proven,
                 min(100.0, value + 25), value, value - 6, value + 6, 0.5, draws)
            )  # fmt: skip
    places = ", ".join(f"${n}" for n in range(1, 20))
    await connection.executemany(f"INSERT INTO collector.bundle VALUES ({places})", rows)
    await connection.executemany(
        "INSERT INTO collector.link (region, slug, title, title_en, url, national, state, "
        "checked_at) VALUES ($1, $2, $2, $2, $3, true, $4, $5)",
        [
            (hub.code, slug, f"https://{slug}.go.id", "broken" if n % 2 else "ok", NOW)
            for n, hub in enumerate(listed.hubs)
            for slug in ("oss", "simbg", "lapor")
        ],
    )
    await connection.executemany(
        "INSERT INTO collector.finding VALUES ($1, 'replayed', 'a', $2, $2, NULL, 'new', 'old')",
        [(hub.code, NOW) for hub in listed.hubs[::100]],
    )
    await connection.copy_records_to_table(
        "service",
        schema_name="collector",
        columns=["region", "slug", "modified_at", "content"],
        records=[
            (
                one.region,
                one.slug,
                NOW,
                json.dumps(
                    {
                        "name": one.name,
                        "name_en": one.name_en,
                        "summary": one.summary,
                        "summary_en": one.summary_en,
                        "agency": {"name": one.agency},
                    }
                ),
            )
            for one in services
        ],
    )
    await connection.execute(
        "INSERT INTO collector.collection VALUES ($1, 1, 'Kementerian', 'Ministry', "
        "'Asia/Jakarta', $2, $3, $4, $4)",
        ground_.settings.region,
        NOW,
        NOW + timedelta(minutes=5),
        REGENCIES,
    )
    await connection.execute("ANALYZE")
    await connection.close()


Times = list[tuple[float, float]]
"""Seconds that passed, and seconds of computing, which others' work changes less."""


def percentiles(name: str, times: Times, most: float) -> bool:
    """Print median and 99th percentile of times; return whether that of computing is low enough."""
    passed, computed = np.percentile(times, [50, 99], axis=0).T * 1000
    print(
        f"   {name}: computing median {computed[0]:.1f} ms, p99 {computed[1]:.1f} ms; passed "
        f"{passed[0]:.1f} and {passed[1]:.1f} ms; {len(times)} times"
    )
    return bool(computed[1] <= most)


def clocks() -> tuple[float, float]:
    """Return both clocks."""
    return time.perf_counter(), time.process_time()


def since(started: tuple[float, float]) -> tuple[float, float]:
    """Return the times since then."""
    passed, computed = clocks()
    return passed - started[0], computed - started[1]


def measure_search(name: str, search: ServiceSearch) -> bool:
    """Ask the questions of the tests of search; return whether they are answered in time."""
    questions = [question.ask for question in read_questions()][:300]
    times: Times = []
    for question in questions:
        started = clocks()
        search.search(question, region=None, limit=20, after=None)
        times.append(since(started))
    return percentiles(f"search, {name} ({search.distinct} texts)", times, SEARCH_MILLISECONDS)


async def measure(ground_: Ground, listed: HubList) -> tuple[Snapshot, bool]:
    """Measure the state in memory, the ranking of each year, and the pages."""
    database = Database(ground_.settings, Standalone.collector)
    national = National(database, ground_.settings.region)
    started = time.perf_counter()
    snapshot = await national.current()
    print(f"   state of all hubs with the index of services: {time.perf_counter() - started:.1f} s")
    is_good = True
    for period in PERIODS:
        started = time.perf_counter()
        year = await national.year(snapshot, period)
        took = time.perf_counter() - started
        count = 0 if year is None else len(year.ranking.items)
        print(f"   ranking of {count} regencies in {period}: {took:.2f} s")
        is_good = is_good and took <= RANKING_SECONDS
    await national.close()
    await database.close()
    app = create_app(ground_.settings, listed, Path(), every=None)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://bench", timeout=120) as client,
    ):
        for path in PAGES:
            answer = await client.get(path)
            if answer.status_code != 200:
                sys.exit(f"{path}: {answer.status_code}")
            times: Times = []
            for _ in range(50):
                begun = clocks()
                await client.get(path)
                times.append(since(begun))
            size = f"{len(answer.content) / 1000:.0f} kB"
            is_good = percentiles(f"{path} ({size})", times, PAGE_MILLISECONDS) and is_good
    return snapshot, is_good


def main() -> None:
    """Measure, and exit with 1 if anything is slower than it may be."""
    listed = hubs()
    signer = Signer(Ed25519PrivateKey.from_private_bytes(bytes(32)))
    archive = bundle_of("12.12", 0.5, signer=signer, number=1)
    bundle = check_bundle(archive)
    if bundle.method_hash != library.read_methods()[METHOD].hash():
        sys.exit("the bundle is of another method")
    started = time.perf_counter()
    for _ in range(3):
        asyncio.run(call_bounded(LIMITS, check_bundle, archive))
    took = (time.perf_counter() - started) / 3
    print(f"   verifying and scoring a bundle, in a process of its own: {took:.1f} s")
    with ground() as ground_:
        asyncio.run(migrate_collector(ground_.settings))
        asyncio.run(fill(ground_, listed, bundle, catalogue(listed, own_words=False)))
        snapshot, is_good = asyncio.run(measure(ground_, listed))
    is_good = measure_search("the same words", snapshot.services) and is_good
    started = time.perf_counter()
    names = {hub.code: (hub.name, hub.address) for hub in listed.hubs}
    own = ServiceSearch(catalogue(listed, own_words=True), names)
    print(f"   index of texts of each regency's own: {time.perf_counter() - started:.1f} s")
    is_good = measure_search("words of their own", own) and is_good
    if not is_good:
        sys.exit("slower than it may be")


if __name__ == "__main__":
    main()
