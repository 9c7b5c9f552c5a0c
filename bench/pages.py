"""Pages of the portal and the workspace, beside the requests to services that each makes.

A hub with the Toba pack, assessments and monthly statistics of three years and some hundred
complaints is crawled as a person of every role sees it: of each route up to three pages are
measured at the server's side, without a network and without the gateway's cache. Beside a page
stands what its requests to the services take alone; the rest is the page's own.

The bars are the 95th percentile of each page, and for pages of citizens the processor time: that of
this process, client included, without PostgreSQL's. What other processes do changes it less than
the clock's; where they share a core it may still double.
"""

import asyncio
import gc
import math
import random
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import unescape
from statistics import median
from typing import Any

import httpx
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from starlette.routing import BaseRoute, Match

from bench._ground import LIMITS, ground
from services.cli.pack_loader import load_pack
from services.cli.server import collect_less_often
from services.gateway.app import create_app
from services.gateway.people.roles import Role
from services.platform.settings import ROOT, Service
from tests.conftest import Hub
from tests.gateway.parts import app_of
from tests.gateway.people import Colleague, colleague

MILLISECONDS = 300.0
"""The 95th percentile of a page."""
PROCESSOR_MILLISECONDS = 50.0
"""The median processor time of a page for citizens."""
REFERENCE = "/docs"
"""The API with all its operations, for developers."""
RUNS = 20
UNCACHED = {"Cache-Control": "no-cache"}
PROBES = ("link_check_seconds", "domain_check_seconds", "source_poll_seconds")
"""Settings by which the hub asks other sites, which a benchmark does not."""
PAGES_OF_A_ROUTE = 3
FIRST_MONTH = 2023 * 12
MONTHS = 36
ASSESSED = (2022, 2023, 2024)
COMPLAINTS = 200
ROLES: Sequence[Role] = (
    "administrator",
    "lead",
    "approver",
    "responder",
    "editor",
    "reporter",
    "evaluator",
)
AGENCY = "dukcapil"
LINK = re.compile(r'href="(/[a-z0-9/?=&;._-]*)"')
STARTS: Sequence[str] = (
    "/",
    "/kelola",
    "/layanan",
    "/cari?q=ktp+hilang",
    "/dasbor",
    f"/dasbor/{ASSESSED[-1]}/penggunaan",
    "/layanan/ktp-el",
    "/instansi",
    "/status",
    "/pengumuman",
)


@dataclass(frozen=True)
class Measured:
    """A page: milliseconds by the clock and of the processor, and those of its requests alone."""

    path: str
    p95: float
    median: float
    processor: float
    requests: int
    requests_alone: float
    requests_processor: float

    @property
    def is_for_citizens(self) -> bool:
        return not self.path.startswith(("/kelola", REFERENCE))

    def __str__(self) -> str:
        return (
            f"{self.path}: p95 {self.p95:.0f} ms, median {self.median:.0f}, processor "
            f"{self.processor:.0f}; its {self.requests} requests alone {self.requests_alone:.0f}, "
            f"processor {self.requests_processor:.0f}"
        )


@dataclass
class Recorded:
    """The requests to services that a page makes."""

    requests: list[tuple[Service, httpx.Request]] = field(
        default_factory=list[tuple[Service, httpx.Request]]
    )

    def listen(self, clients: dict[Service, httpx.AsyncClient]) -> None:
        """Record what these clients send from now on."""
        for service, client in clients.items():

            async def note(request: httpx.Request, service: Service = service) -> None:
                self.requests.append((service, request))

            client.event_hooks["request"].append(note)


def main() -> None:
    with ground() as at:
        settings = at.settings.model_copy(update=dict[str, object].fromkeys((*LIMITS, *PROBES), 0))
        asyncio.run(load_pack(settings, ROOT / "packs" / "toba"))
        with TestClient(create_app(settings), follow_redirects=False) as client:
            hub = Hub(client, settings)
            fill(hub)
            roles: list[tuple[Role, str | None]] = [(role, AGENCY) for role in ROLES]
            person = colleague(hub, "pegawai@toba.example", *roles)
            # As `emall serve`: what lives as long as the process is not collected again and again.
            collect_less_often()
            gc.collect()
            gc.freeze()
            measure(hub, person)


def fill(hub: Hub) -> None:
    """Report three years of each agency, assess years, and file complaints."""
    rng = random.Random(1)
    services = _all(hub, "/api/v1/services?limit=100")
    by_agency: dict[str, list[str]] = {}
    for each in services:
        by_agency.setdefault(each["agency"]["slug"], []).append(each["slug"])
    for agency, slugs in by_agency.items():
        auth = hub.auth(agency, "usage:write")
        for month in range(FIRST_MONTH, FIRST_MONTH + MONTHS):
            items = [
                {
                    "agency": agency,
                    "service": slug,
                    "channel": "counter",
                    "period": f"{month // 12}-{month % 12 + 1:02}",
                    "counters": {"submitted": rng.randrange(20, 400)},
                }
                for slug in slugs
            ]
            answer = hub.client.post(
                "/api/v1/usage/statistics", json={"statistics": items}, headers=auth
            )
            assert answer.status_code == 200, answer.text
    for year in ASSESSED:
        answer = hub.client.post(
            "/api/v1/assessments", json={"period": year}, headers=hub.auth("diskominfo", "admin")
        )
        assert answer.status_code == 201, answer.text
    for number in range(COMPLAINTS):
        body = {"kind": "complaint", "agency": AGENCY, "text": f"Antrean panjang, ke-{number}."}
        answer = hub.client.post("/api/v1/comments", json=body)
        assert answer.status_code == 201, answer.text


def _all(hub: Hub, path: str | None) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    while path:
        page = hub.client.get(path).json()
        items += page["items"]
        path = page["next"]
    return items


def measure(hub: Hub, person: Colleague) -> None:
    """Crawl from the starting pages, and print each page, the slowest first."""
    app = app_of(hub.client)
    clients: dict[Service, httpx.AsyncClient] = app.state.clients
    recorded = Recorded()
    recorded.listen(clients)
    rows: list[Measured] = []
    for path in crawl(app.routes, person):
        recorded.requests.clear()
        _timed(person, path)
        made = list(recorded.requests)
        clock, processor = zip(*(_timed(person, path) for _ in range(RUNS)), strict=True)
        assert hub.client.portal is not None
        alone = [hub.client.portal.call(send_again, clients, made) for _ in range(5)]
        alone_clock, alone_processor = zip(*alone, strict=True)
        rows.append(
            Measured(
                path,
                p95=sorted(clock)[math.ceil(RUNS * 0.95) - 1],
                median=median(clock),
                processor=median(processor),
                requests=len(made),
                requests_alone=median(alone_clock),
                requests_processor=median(alone_processor),
            )
        )
    for row in sorted(rows, key=lambda row: -row.p95):
        print(f"  {row}")
    slowest = max(row.p95 for row in rows)
    _judge(f"{len(rows)} pages, slowest p95", slowest, MILLISECONDS)
    public = [row.processor for row in rows if row.is_for_citizens]
    _judge(f"{len(public)} for citizens, most processor time", max(public), PROCESSOR_MILLISECONDS)


def _judge(what: str, found: float, bar: float) -> None:
    verdict = "holds" if found <= bar else "DOES NOT HOLD"
    print(f"  -> {what} {found:.0f} ms (at most {bar:.0f}): {verdict}")


def crawl(routes: Sequence[BaseRoute], person: Colleague) -> Iterator[str]:
    """Yield addresses of pages that are linked from the starting pages, a few of each route."""
    waiting, seen = list(STARTS), set(STARTS)
    of_route: Counter[str] = Counter()
    while waiting:
        path = waiting.pop(0)
        route = route_of(routes, path)
        if route is None or of_route[route] == PAGES_OF_A_ROUTE:
            continue
        answer = person.get(path)
        if answer.status_code != 200 or not answer.headers["content-type"].startswith("text/html"):
            continue
        of_route[route] += 1
        yield path
        for found in map(unescape, LINK.findall(answer.text)):
            is_page = not found.startswith(("/static/", "/api/", "/go/")) and "lang=" not in found
            if is_page and found not in seen:
                seen.add(found)
                waiting.append(found)


def route_of(routes: Sequence[BaseRoute], path: str) -> str | None:
    """Return the template of the route that answers a path."""
    scope = {"type": "http", "method": "GET", "path": path.partition("?")[0], "root_path": ""}
    for route in routes:
        if isinstance(route, APIRoute) and route.matches(scope)[0] is Match.FULL:
            return route.path
    return None


def _timed(person: Colleague, path: str) -> tuple[float, float]:
    """Return the milliseconds of a page by the clock, and of the processor."""
    began, began_processor = time.perf_counter(), time.process_time()
    answer = person.get(path, headers=UNCACHED)
    assert answer.status_code == 200, path
    return _since(began, began_processor)


async def send_again(
    clients: dict[Service, httpx.AsyncClient], requests: Sequence[tuple[Service, httpx.Request]]
) -> tuple[float, float]:
    """Return the milliseconds that these requests take, one after the other."""
    began, began_processor = time.perf_counter(), time.process_time()
    for service, request in requests:
        again = httpx.Request(
            request.method, request.url, headers=request.headers, content=request.content
        )
        await clients[service].send(again)
    return _since(began, began_processor)


def _since(clock: float, processor: float) -> tuple[float, float]:
    return (time.perf_counter() - clock) * 1000, (time.process_time() - processor) * 1000


if __name__ == "__main__":
    main()
