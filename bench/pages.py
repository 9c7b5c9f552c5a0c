"""Pages of the portal and the workspace, beside the requests to services that each makes.

A hub with the Toba pack, three years of monthly statistics and some hundred complaints is crawled
as a person of every role sees it: of each route up to three pages are measured at the server's
side, without a network. Beside a page stands what its requests to the services take alone; the
rest is the page's own. The bar is the 95th percentile of each page.
"""

import asyncio
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
from services.gateway.app import create_app
from services.gateway.people.roles import Role
from services.platform.settings import ROOT, Service
from tests.conftest import Hub
from tests.gateway.parts import app_of
from tests.gateway.people import Colleague, colleague

MILLISECONDS = 300.0
RUNS = 20
PROBES = ("link_check_seconds", "domain_check_seconds", "source_poll_seconds")
"""Settings by which the hub asks other sites, which a benchmark does not."""
PAGES_OF_A_ROUTE = 3
FIRST_MONTH = 2023 * 12
MONTHS = 36
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
    "/cari?query=ktp+hilang",
    "/dasbor",
    "/status",
    "/pengumuman",
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
            measure(hub, person)


def fill(hub: Hub) -> None:
    """Report three years of each agency, and file complaints."""
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
    rows: list[tuple[float, str]] = []
    for path in crawl(app.routes, person):
        recorded.requests.clear()
        _timed(person, path)
        made = list(recorded.requests)
        times = sorted(_timed(person, path) for _ in range(RUNS))
        p95 = times[int(len(times) * 0.95)]
        assert hub.client.portal is not None
        asked = median(hub.client.portal.call(send_again, clients, made) for _ in range(5))
        rows.append(
            (
                p95,
                f"{path}: p95 {p95:.0f} ms, median {median(times):.0f}; "
                f"its {len(made)} requests alone {asked:.0f}",
            )
        )
    for _, line in sorted(rows, reverse=True):
        print(f"  {line}")
    slowest = max(p95 for p95, _ in rows)
    holds = "holds" if slowest <= MILLISECONDS else "DOES NOT HOLD"
    print(f"  -> {len(rows)} pages, slowest {slowest:.0f} ms (at most {MILLISECONDS:.0f}): {holds}")


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


def _timed(person: Colleague, path: str) -> float:
    began = time.perf_counter()
    answer = person.get(path)
    assert answer.status_code == 200, path
    return (time.perf_counter() - began) * 1000


async def send_again(
    clients: dict[Service, httpx.AsyncClient], requests: Sequence[tuple[Service, httpx.Request]]
) -> float:
    """Return the milliseconds that these requests take, one after the other."""
    began = time.perf_counter()
    for service, request in requests:
        again = httpx.Request(
            request.method, request.url, headers=request.headers, content=request.content
        )
        await clients[service].send(again)
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
