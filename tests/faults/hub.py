"""The hub of a run: each service in processes of its own, behind nginx, on one PostgreSQL."""

import asyncio
import signal
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from services.platform.settings import ROOT, Service
from tests.servers import free_port
from tests.system.processes import command, environment_of

START_SECONDS = 120.0
STOP_SECONDS = 40.0
LIMITS = (
    "EMALL_ADDRESS_READS_PER_MINUTE",
    "EMALL_ADDRESS_WRITES_PER_MINUTE",
    "EMALL_KEY_READS_PER_MINUTE",
    "EMALL_KEY_WRITES_PER_MINUTE",
)
REQUEST_LINE = b'"event": "request"'
NGINX = """\
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log notice;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{server}
}}
"""
SERVER = """\
    upstream gateway {{
        {members}
    }}
    server {{
        listen 127.0.0.1:{port};
        client_max_body_size 16m;
        location / {{
            proxy_pass http://gateway;
            proxy_http_version 1.1;
            proxy_connect_timeout 2s;
            proxy_read_timeout 75s;
            proxy_set_header Connection {connection};
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Request-ID $request_id;
            proxy_set_header X-Request-Start "t=$msec";
        }}
    }}
"""


@dataclass
class Replica:
    """A process of a service."""

    service: Service
    port: int
    environment: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def spawn(self, **more: str) -> None:
        """Start the process, with further settings if any are given."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                command("serve", self.service.value, "--port", str(self.port)),
                env={**self.environment, **more},
                cwd=ROOT,
                stdout=output,
                stderr=output,
            )

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        assert self.process is not None
        self.process.wait(10)

    async def stop(self) -> None:
        """Stop the process in order, as a service manager does."""
        assert self.process is not None
        self.process.terminate()
        await asyncio.to_thread(self.process.wait, STOP_SECONDS)

    def end(self) -> None:
        """Leave no process behind."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(25)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)

    async def wait(self, client: aiohttp.ClientSession) -> None:
        """Wait until the process is ready."""
        loop = asyncio.get_running_loop()
        end = loop.time() + START_SECONDS
        while loop.time() < end:
            assert self.process is not None
            assert self.process.poll() is None, f"{self.service} ended:\n{self.says()}"
            with suppress(aiohttp.ClientError, TimeoutError):
                timeout = aiohttp.ClientTimeout(total=5)
                async with client.get(f"{self.address}/health/ready", timeout=timeout) as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.1)
        raise AssertionError(f"{self.service} does not become ready:\n{self.says()}")

    def says(self) -> str:
        """Return the end of the process's log."""
        return self.log.read_text(errors="replace")[-4000:]


@dataclass
class Hub:
    """The processes of a hub; `address` is that of nginx."""

    folder: Path
    replicas: list[Replica]
    configuration: str
    address: str
    nginx: subprocess.Popen[bytes] | None = None
    own_clocks: bool = False
    """Whether each service has a clock that may jump."""

    def clock_file(self, service: Service) -> Path:
        """Return the file that says how far the clock of a service is ahead (libfaketime)."""
        return self.folder / f"{service.value}.clock"

    def set_clock(self, service: Service, seconds: int) -> None:
        """Let the clock of a service jump so far from the machine's."""
        self.clock_file(service).write_text(f"{seconds:+}")

    def log_lines(self) -> dict[Path, int]:
        """Return how many lines each process has logged, besides one for each request."""
        return {
            replica.log: sum(
                REQUEST_LINE not in line for line in replica.log.read_bytes().splitlines()
            )
            for replica in self.replicas
        }

    def has_visits_on_disk(self) -> bool:
        """Return whether visits wait on disk until the database takes them."""
        for file in self.folder.glob("gateway/gateway/visits/*"):
            with suppress(FileNotFoundError):
                if file.stat().st_size:
                    return True
        return False

    def of(self, service: Service) -> list[Replica]:
        """Return the processes of a service."""
        return [replica for replica in self.replicas if replica.service is service]

    async def start(self, client: aiohttp.ClientSession) -> None:
        """Start nginx and every process, and wait until all are ready."""
        file = self.folder / "nginx.conf"
        file.write_text(self.configuration)
        with (self.folder / "nginx.out").open("ab") as output:
            self.nginx = subprocess.Popen(
                ["nginx", "-c", str(file), "-p", str(self.folder)], stdout=output, stderr=output
            )
        library = clock_library()
        for replica in self.replicas:
            clock: dict[str, str] = {}
            if self.own_clocks and library is not None:
                self.set_clock(replica.service, 0)
                clock = {
                    "LD_PRELOAD": str(library),
                    "FAKETIME_TIMESTAMP_FILE": str(self.clock_file(replica.service)),
                    "FAKETIME_CACHE_DURATION": "1",
                    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                }
            replica.spawn(**clock)
        await self.wait(client)

    async def wait(
        self, client: aiohttp.ClientSession, replicas: Iterable[Replica] | None = None
    ) -> None:
        """Wait until these processes are ready, by default all."""
        for replica in replicas or self.replicas:
            await replica.wait(client)

    def end(self) -> None:
        """Leave no process behind."""
        for replica in self.replicas:  # at once, then one after the other
            if replica.process is not None and replica.process.poll() is None:
                replica.process.send_signal(signal.SIGCONT)
                replica.process.terminate()
        for replica in self.replicas:
            replica.end()
        if self.nginx is not None:
            self.nginx.terminate()
            self.nginx.wait(10)


def clock_library() -> Path | None:
    """Return the library that gives a process another clock, if it is installed."""
    return next(iter(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), None)


def shared_settings(folder: Path) -> dict[str, str]:
    """Return the settings that all processes and commands of a run share."""
    keys = folder / "keys"
    return {
        "EMALL_IDENTITY_PUBLIC_KEY_FILE": str(keys / "identity.public.pem"),
        "EMALL_IDENTITY_PRIVATE_KEY_FILE": str(keys / "identity.pem"),
        "EMALL_COMMENTS_PRIVATE_KEY_FILE": str(keys / "comments.pem"),
        "EMALL_PUBLISHING_PRIVATE_KEY_FILE": str(keys / "publishing.pem"),
        "EMALL_SECRETS_PRIVATE_KEY_FILE": str(keys / "secrets.pem"),
        "EMALL_SSRF_ALLOWED_HOSTS": '["127.0.0.1"]',
        "EMALL_SURVEY_RESPONSES_PER_SENDER": "1000000",
        "EMALL_LOG_FORMAT": "json",
        **dict.fromkeys(LIMITS, "0"),
    }


def plan_hub(folder: Path, database_url: str, *, each: int, own_clocks: bool, **more: str) -> Hub:
    """Return a hub with so many processes of each service and these further settings.

    nginx stands before the gateways, which share requests among the processes of other services.
    """
    folder.mkdir(parents=True)
    ports = {service: [free_port() for _ in range(each)] for service in Service}
    door = free_port()
    # As operators run it; the other system tests wait longer, for a loaded machine is not silent.
    settings = {"EMALL_SILENCE_SECONDS": "2"} | shared_settings(folder.parent) | more
    urls = {
        f"EMALL_{service.value.upper()}_URL": " ".join(
            f"http://127.0.0.1:{port}" for port in ports[service]
        )
        for service in Service
        if service is not Service.gateway
    }
    of_service = {Service.gateway: urls, Service.assessment: dict(urls)}
    del of_service[Service.assessment]["EMALL_ASSESSMENT_URL"]
    replicas = [
        Replica(
            service,
            port,
            environment_of(
                database_url, folder / service.value, **settings, **of_service.get(service, {})
            ),
            folder / f"{service.value}-{number}.log",
        )
        for service, own in ports.items()
        for number, port in enumerate(own, 1)
    ]
    members = [f"server 127.0.0.1:{port} max_fails=0;" for port in ports[Service.gateway]]
    # As deploy/: before two gateways no connection is kept, which the one that ends would close
    # under a write.
    is_kept = each == 1
    server = SERVER.format(
        members="\n        ".join([*members, *(["keepalive 32;"] if is_kept else [])]),
        connection='""' if is_kept else "close",
        port=door,
    )
    return Hub(
        folder,
        replicas,
        NGINX.format(folder=folder, server=server),
        f"http://127.0.0.1:{door}",
        own_clocks=own_clocks,
    )
