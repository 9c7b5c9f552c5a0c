"""The gateway against nginx, on one core: cached, uncached, forwarded, in the process.

nginx (`proxy_cache`, one worker) and the hub run on the first core, `wrk` on the last. Both are
measured in turns, and the median of the rounds counts, for no machine is quiet. Beside the rate
stands what the server's process took of the processor for a request, which tells the same however
busy the machine is. Both programs come by `apt-get install nginx-light wrk`, which is tried where
they are missing.
"""

import argparse
import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import median

import psutil

from bench._ground import Ground, free_port, ground, wait_for
from services.cli.pack_loader import load_pack
from services.platform.identity import ANONYMOUS
from services.platform.settings import ROOT

LIST = "/api/v1/services?limit=20"
DETAIL = "/api/v1/services/pbg"
BROWSER = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "id-ID,id;q=0.9,en;q=0.8",
    "User-Agent": "Mozilla/5.0 (Linux; Android 13; K) AppleWebKit/537.36 Chrome/131.0 Mobile",
    "Referer": "http://127.0.0.1/layanan?life_event=mendirikan-bangunan",
    "Sec-Fetch-Dest": "empty",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Site": "same-origin",
    "Sec-CH-UA-Mobile": "?1",
    "Sec-CH-UA-Platform": '"Android"',
    "DNT": "1",
    "Connection": "keep-alive",
}

NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log crit;
events {{ worker_connections 1024; }}
http {{
    access_log off; keepalive_requests 1000000000; server_tokens off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/temp;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    proxy_cache_path {folder}/cache keys_zone=kept:10m;
    upstream owner {{ server 127.0.0.1:{owner}; keepalive 64; }}
    server {{
        listen 127.0.0.1:{port};
        proxy_http_version 1.1; proxy_set_header Connection "";
        proxy_set_header Authorization "Bearer {token}";
        location / {{
            proxy_pass http://owner; proxy_cache kept; proxy_cache_valid 200 1h;
            proxy_ignore_headers Cache-Control Vary; add_header X-Cache $upstream_cache_status;
            proxy_cache_revalidate on;
        }}
        location /passed/ {{ proxy_pass http://owner/; }}
    }}
}}
"""

failed: list[str] = []


@dataclass(frozen=True)
class Told:
    """The measurements of one run of wrk, and the resources of the server's process."""

    rate: float
    p99_ms: float
    cpu_us: float


@dataclass(frozen=True)
class Aim:
    """An address of a server, with what its requests carry."""

    port: int
    path: str
    server: psutil.Process
    headers: dict[str, str]


def wrk(aim: Aim, *, seconds: float, clients: int = 32) -> Told:
    command = ["taskset", "-c", _last_core(), "wrk", "-t1", f"-c{clients}", f"-d{seconds}s"]
    for name, value in aim.headers.items():
        command += ["-H", f"{name}: {value}"]
    before = aim.server.cpu_times()
    out = subprocess.run(
        [*command, "--latency", f"http://127.0.0.1:{aim.port}{aim.path}"],
        capture_output=True,
        check=True,
        text=True,
        timeout=seconds + 30,
    ).stdout
    after = aim.server.cpu_times()
    if found := re.search(r"Non-2xx or 3xx responses: (\d+)", out):
        sys.exit(f"{found[1]} errors at {aim.path}")
    requests = int(_number(out, r"(\d+) requests in"))
    spent = after.user + after.system - before.user - before.system
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", out)
    assert p99 is not None
    unit = {"us": 0.001, "ms": 1.0, "s": 1000.0}[p99[2]]
    return Told(
        _number(out, r"Requests/sec:\s+([\d.]+)"), float(p99[1]) * unit, spent / requests * 1e6
    )


def _number(out: str, pattern: str) -> float:
    found = re.search(pattern, out)
    assert found is not None, out
    return float(found[1])


def _last_core() -> str:
    return str(max(os.sched_getaffinity(0)))


def _first_core() -> set[int]:
    return {min(os.sched_getaffinity(0))}


@contextmanager
def nginx(folder: Path, *, owner: int, token: str) -> Iterator[tuple[int, psutil.Process]]:
    """nginx with a cache before this owner: its port and its worker."""
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, owner=owner, port=port, token=token))
    server = subprocess.Popen(["nginx", "-c", str(config), "-p", str(folder)])
    try:
        wait_for(port, server)
        children = psutil.Process(server.pid).children()
        [worker] = [child for child in children if "worker" in " ".join(child.cmdline())]
        worker.cpu_affinity(list(_first_core()))
        yield port, worker
    finally:
        server.terminate()
        server.wait(20)


def install() -> None:
    """Brings nginx and wrk where they are missing."""
    missing = [name for name in ("nginx", "wrk") if shutil.which(name) is None]
    if missing:
        packages = [{"nginx": "nginx-light"}.get(name, name) for name in missing]
        subprocess.run(["apt-get", "install", "-y", *packages], check=True, capture_output=True)


def in_turns(ours: Aim, theirs: Aim, *, rounds: int, seconds: float) -> tuple[Told, Told]:
    """Return the medians of both, measured one after the other."""
    for aim in (ours, theirs):
        wrk(aim, seconds=1)
    told = [(wrk(ours, seconds=seconds), wrk(theirs, seconds=seconds)) for _ in range(rounds)]
    return _median([one for one, _ in told]), _median([other for _, other in told])


def _median(told: Sequence[Told]) -> Told:
    return Told(
        median(one.rate for one in told),
        median(one.p99_ms for one in told),
        median(one.cpu_us for one in told),
    )


def verdict(what: str, holds: bool, wanted: str) -> None:
    print(f"  -> {what} ({wanted}): {'holds' if holds else 'DOES NOT HOLD'}", flush=True)
    if not holds:
        failed.append(what)


def compare(
    what: str, ours: Told, theirs: Told, *, named: str, least: float, tail: bool = False
) -> None:
    """Print both figures and whether the target is met: of rates, and of the 99th percentile."""
    print(
        f"  {what}: {ours.rate:,.0f} against {theirs.rate:,.0f} requests/s; "
        f"p99 {ours.p99_ms:.1f} against {theirs.p99_ms:.1f} ms; "
        f"processor {ours.cpu_us:.1f} against {theirs.cpu_us:.1f} us a request"
    )
    ratio, spent = ours.rate / theirs.rate, theirs.cpu_us / ours.cpu_us
    verdict(
        f"{ratio:.2f} of {named}, by processor {spent:.2f}", ratio >= least, f"at least {least}"
    )
    if tail:
        slower = ours.p99_ms / theirs.p99_ms
        verdict(f"p99 {slower:.2f} of {named}", slower <= 1.5, "at most 1.5")


def fetch(port: int, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    got = answer.status, {n.lower(): v for n, v in answer.getheaders()}, answer.read()
    connection.close()
    return got


class Bench:
    def __init__(self, at: Ground, *, rounds: int, seconds: float) -> None:
        self.at = at
        self.rounds = rounds
        self.seconds = seconds

    @contextmanager
    def hub(self, *command: str, **settings: str) -> Iterator[tuple[int, psutil.Process]]:
        """Run a process of the hub on the first core."""
        given = {f"EMALL_{name.upper()}": value for name, value in settings.items()}
        given["EMALL_LINK_CHECK_SECONDS"] = "0"
        # Counted as for everybody, and never over: one address asks for all.
        given["EMALL_ADDRESS_READS_PER_MINUTE"] = "1000000000"
        before = {name: os.environ.get(name) for name in given}
        os.environ.update(given)
        try:
            with self.at.process(*(command or SERVE)) as (port, pid):
                for name, value in before.items():
                    os.environ.pop(name, None)
                    if value is not None:
                        os.environ[name] = value
                process = psutil.Process(pid)
                for thread in process.threads():
                    os.sched_setaffinity(thread.id, _first_core())
                yield port, process
        finally:
            for name in given:
                os.environ.pop(name, None)

    def pair(self, ours: Aim, theirs: Aim) -> tuple[Told, Told]:
        return in_turns(ours, theirs, rounds=self.rounds, seconds=self.seconds)

    def cached(self, hub: tuple[int, psutil.Process], proxy: tuple[int, psutil.Process]) -> None:
        """Hits, as a program and as a browser asks, and 304."""
        for name, path in (("list", LIST), ("detail", DETAIL)):
            for how, headers, least in (("bare", {}, 1.0), ("from a browser", BROWSER, 0.85)):
                ours, theirs = self.pair(
                    Aim(hub[0], path, hub[1], headers), Aim(proxy[0], path, proxy[1], headers)
                )
                compare(
                    f"cached {name}, {how}", ours, theirs, named="nginx", least=least,
                    tail=not headers,
                )  # fmt: skip
        aims: list[Aim] = []
        for port, process in (hub, proxy):
            tag = {"If-None-Match": fetch(port, LIST, {})[1]["etag"]}
            assert fetch(port, LIST, tag)[0] == 304
            aims.append(Aim(port, LIST, process, tag))
        compare("304", *self.pair(aims[0], aims[1]), named="nginx", least=1.1)

    def uncached(self, bare: tuple[int, psutil.Process]) -> None:
        """Every request asks PostgreSQL, against FastAPI with SQLModel and asyncpg."""
        command = ("uvicorn", "bench._reference:reference", "--factory", "--port", "PORT",
                   "--no-access-log", "--log-level", "warning")  # fmt: skip
        with self.hub(*command) as (port, process):
            ours, theirs = self.pair(Aim(bare[0], LIST, bare[1], {}), Aim(port, LIST, process, {}))
            compare("uncached list", ours, theirs, named="FastAPI with SQLModel", least=5)

    def single_flight(self, hub: tuple[int, psutil.Process]) -> None:
        """Every client asks for what is of this moment; one request answers many."""
        fresh = {"Cache-Control": "no-cache"}
        told = wrk(Aim(hub[0], LIST, hub[1], fresh), seconds=self.seconds, clients=64)
        print(f"  asked anew, 64 clients: {told.rate:,.0f} requests/s, {told.cpu_us:.0f} us each")


SERVE = ("services.cli", "serve", "--port", "PORT")


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.gateway", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about a minute")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=int)
    options = parser.parse_args(arguments)
    rounds: int = options.rounds or (1 if options.quick else 5)
    seconds: int = options.seconds or (1 if options.quick else 3)
    install()
    with ground() as at, ExitStack() as stack:
        asyncio.run(load_pack(at.settings, ROOT / "packs" / "toba"))
        bench = Bench(at, rounds=rounds, seconds=seconds)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="emall-nginx-")))
        folder.chmod(0o755)
        catalog = stack.enter_context(
            bench.hub("services.cli", "serve", "catalog", "--port", "PORT")
        )
        token = at.signer().sign(ANONYMOUS)
        signed = {"Authorization": f"Bearer {token}"}
        began = time.monotonic()
        # The token lives for a minute: nginx fills its cache and passes on within it.
        proxy = stack.enter_context(nginx(folder, owner=catalog[0], token=token))
        for path in (LIST, DETAIL):
            assert fetch(proxy[0], path, {})[0] == 200
        with bench.hub(cache_max_bytes="0", catalog_url=f"http://127.0.0.1:{catalog[0]}") as away:
            short = Bench(at, rounds=min(rounds, 3), seconds=min(seconds, 2))
            ours, theirs = short.pair(
                Aim(away[0], LIST, away[1], {}), Aim(proxy[0], f"/passed{LIST}", proxy[1], {})
            )
            compare("passed on to another process", ours, theirs, named="proxy_pass", least=0.2)
        with bench.hub(cache_max_bytes="0") as bare:
            # A token of one's own for each run: the service alone checks it, too.
            signed["Authorization"] = f"Bearer {at.signer().sign(ANONYMOUS)}"
            ours, theirs = bench.pair(
                Aim(bare[0], LIST, bare[1], {}), Aim(catalog[0], LIST, catalog[1], signed)
            )
            compare("in the process", ours, theirs, named="the service alone", least=0.8)
            bench.uncached(bare)
        with bench.hub() as hub:
            bench.cached(hub, proxy)
            bench.single_flight(hub)
        print(f"  measured in {time.monotonic() - began:.0f} s")
    if failed:
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
