"""A run: one PostgreSQL, one hub, and the cases that happen to them one after the other."""

import asyncio
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import asyncpg

from services.platform.service import API
from services.platform.settings import ROOT, Service
from tests.faults.disk import Disk
from tests.faults.hub import Hub, Replica, plan_hub, shared_settings
from tests.faults.ledger import Difference, Item, Kind, Ledger, compare
from tests.faults.line import Line
from tests.faults.load import Keys, Load, Requests
from tests.faults.pooler import Pooler
from tests.faults.postgres import OWNER, PASSWORD, Postgres
from tests.faults.receiver import Receiver
from tests.faults.stored import count_stored, count_waiting, list_refused, sum_events
from tests.servers import free_port
from tests.system.processes import emall, environment_of

MEMORY = Path("/dev/shm")
WARM_UP_SECONDS = 2.0
QUIET_SECONDS = 3.0
"""So long without an error, and the hub has recovered."""
RECOVERY_SECONDS = 120.0
DRAIN_SECONDS = 120.0
RETRY_SECONDS = 10.0
"""Between two commands of the operator that deliver refused items again."""
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Stage:
    """The hub that a case happens to."""

    each: int = 1
    """Processes of each service."""
    own_clocks: bool = False
    """Whether the clock of each service may jump."""
    is_pooled: bool = False
    """Whether its connections to the database go through PgBouncer."""
    has_replica: bool = False
    """Whether PostgreSQL has a synchronous replica, whose address the hub knows."""


@dataclass(frozen=True)
class Result:
    """What one run of a case showed."""

    ledger: Ledger
    difference: Difference
    faults: tuple[str, ...]
    """Sums of the hub that differ from what is stored."""
    recovery: float
    """Seconds from the end of the fault to the last failed request."""
    drained: float
    """Seconds from the end of the load until the hub had delivered everything."""
    redelivered: int
    """Webhooks that arrived more than once, with the same id."""
    log_lines: int
    """Lines that the process which logged most logged during the case."""

    @property
    def lost(self) -> int:
        return self.difference.lost.total()

    @property
    def doubled(self) -> int:
        return self.difference.doubled.total()

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.doubled or self.faults)


class Run:
    """What a case can reach: the hub, its database and the line between them."""

    def __init__(
        self,
        folder: Path,
        client: aiohttp.ClientSession,
        *,
        line: Line,
        receiver: Receiver,
        rate: float,
    ) -> None:
        self._rate = rate
        self.folder = folder
        self.client = client
        self.line = line
        self.receiver = receiver
        self.disk = Disk(folder / "disk")
        self.postgres = Postgres(self.disk.folder / "primary", line.target)
        self.replica: Postgres | None = None
        self.pooler: Pooler | None = None
        self._hub: Hub | None = None
        self._stage: Stage | None = None
        self._requests: Requests | None = None
        self._lifted_at = 0.0

    @property
    def hub(self) -> Hub:
        assert self._hub is not None
        return self._hub

    def of(self, service: Service) -> list[Replica]:
        """Return the processes of a service of the hub."""
        return self.hub.of(service)

    def lift(self) -> None:
        """Record that the fault ends now."""
        self._lifted_at = asyncio.get_running_loop().time()

    async def prepare(self) -> None:
        """Make the database with the pack of Toba, and the keys that the load needs."""
        await asyncio.to_thread(self.postgres.initialise)
        await self.postgres.start()
        connection = await self.postgres.connect("postgres")
        await connection.execute(f"CREATE ROLE {OWNER} LOGIN CREATEROLE PASSWORD '{PASSWORD}'")
        await connection.execute(f"CREATE DATABASE emall OWNER {OWNER}")
        await connection.close()
        await self.emall("keys", "init")
        await self.emall("migrate")
        await self.emall("load", str(ROOT / "packs" / "toba"))
        self._agency = await self.emall(
            *("keys", "issue", "--agency", "dukcapil", "--scope", "usage:write")
        )
        self._admin = await self.emall(
            "keys", "issue", "--agency", "diskominfo", "--scope", "admin"
        )

    async def emall(self, *arguments: str) -> str:
        """Run a command of the hub as its operator does, and return what it prints."""
        environment = environment_of(
            self.postgres.url(), self.folder / "operator", **shared_settings(self.folder)
        )
        done = await asyncio.to_thread(emall, *arguments, environment=environment)
        assert done.returncode == 0, f"emall {arguments}: {done.stderr}"
        return done.stdout.strip()

    async def use(self, stage: Stage) -> None:
        """Run the hub that a case needs."""
        if stage == self._stage:
            return
        await self._end_hub()
        url = self.postgres.url(port=self.line.port)
        settings: dict[str, str] = {}
        if stage.is_pooled:
            self.pooler = Pooler(self.folder / f"pooler-{os.urandom(3).hex()}", self.postgres.port)
            await self.pooler.start()
            url = self.postgres.url(port=self.pooler.port)
            settings["EMALL_DATABASE_DIRECT_URL"] = self.postgres.url()
        if stage.has_replica:
            url = await self._add_replica()
        self._hub = plan_hub(
            self.folder / f"hub-{os.urandom(3).hex()}",
            url,
            each=stage.each,
            own_clocks=stage.own_clocks,
            **settings,
        )
        await self.hub.start(self.client)
        self._stage = stage
        if self._requests is None:
            self._requests = await self._prepare_requests()

    async def _add_replica(self) -> str:
        """Give PostgreSQL a replica without which it commits nothing; return both addresses."""
        self.replica = Postgres(self.disk.folder / f"replica-{os.urandom(3).hex()}", free_port())
        await asyncio.to_thread(self.replica.copy_from, self.postgres)
        await self.replica.start()
        for statement in (
            "ALTER SYSTEM SET synchronous_standby_names = '*'",
            "SELECT pg_reload_conf()",
        ):
            connection = await self.postgres.connect("postgres")
            await connection.execute(statement)
            await connection.close()
        hosts = f"127.0.0.1:{self.postgres.port},127.0.0.1:{self.replica.port}"
        return f"postgresql://{OWNER}:{PASSWORD}@{hosts}/emall?target_session_attrs=read-write"

    def discard_stage(self) -> None:
        """Start another hub for the next case."""
        self._stage = None

    async def _end_hub(self) -> None:
        if self._hub is not None:
            # In a thread: the line goes on meanwhile.
            await asyncio.to_thread(self._hub.end)
        if self.pooler is not None:
            self.pooler.stop()
        self._hub = self._stage = self.pooler = None

    async def _prepare_requests(self) -> Requests:
        form = await self._call("GET", "/comments/form")
        links = await self._call("GET", "/links?limit=100")
        services = await self._call("GET", "/services?limit=100")
        await self._call("POST", "/webhooks", {"url": f"http://127.0.0.1:{self.receiver.port}/"})
        return Requests(
            Keys(self._agency, self._admin, form["form_token"]),
            links=[item["slug"] for item in links["items"]],
            services=[item["slug"] for item in services["items"]],
        )

    async def _call(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request until the hub answers it, which on a busy machine may refuse some."""
        loop = asyncio.get_running_loop()
        end = loop.time() + RECOVERY_SECONDS
        headers = {"Authorization": f"Bearer {self._admin}"}
        address = self.hub.address + API + path
        while True:
            async with self.client.request(method, address, json=body, headers=headers) as answer:
                if answer.ok:
                    return await answer.json()
                assert loop.time() < end, await answer.text()
            await asyncio.sleep(1)

    async def try_case(self, happen: Callable[["Run"], Awaitable[None]]) -> Result:
        """Let a fault happen under load, and compare when the hub has recovered."""
        assert self._requests is not None
        loop = asyncio.get_running_loop()
        before = await self._stored()
        logged = self.hub.log_lines()
        repeated = self.receiver.repeated
        load = Load(self.client, self.hub.address, self._requests, rate=self._rate)
        ledger = load.ledger
        async with load.running():
            await asyncio.sleep(WARM_UP_SECONDS)
            assert not ledger.errors, f"errors before the fault: {ledger.errors}"
            self.lift()
            await happen(self)
            lifted = self._lifted_at
            end = loop.time() + RECOVERY_SECONDS
            while loop.time() < end:
                await asyncio.sleep(QUIET_SECONDS / 10)
                if loop.time() - max(ledger.last_error_at, lifted) > QUIET_SECONDS:
                    break
        drained = await self._drain()
        after = await self._settled()
        difference = compare(ledger, after - before)
        difference.lost.update(before - after)
        result = Result(
            ledger=ledger,
            difference=difference,
            faults=await self._compare_sums(),
            recovery=max(0.0, ledger.last_error_at - lifted),
            drained=drained,
            redelivered=self.receiver.repeated - repeated,
            log_lines=max(lines - logged[log] for log, lines in self.hub.log_lines().items()),
        )
        await self._close_incidents()
        return result

    async def _drain(self) -> float:
        """Wait until the hub has delivered what it holds back; return the seconds it took.

        Refused click-outs are delivered again, as the operator does after he has mended the cause.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        retried = began - RETRY_SECONDS
        while loop.time() < began + DRAIN_SECONDS:
            refused = await self.ask(list_refused)
            on_disk = self.hub.has_visits_on_disk()
            if not refused and not on_disk and not await self.ask(count_waiting):
                break
            if refused and loop.time() > retried + RETRY_SECONDS:
                await self.emall("jobs", "retry", "deliver-clicks")
                retried = loop.time()
            await asyncio.sleep(0.2)
        return loop.time() - began

    async def ask(self, question: Callable[[asyncpg.Connection], Awaitable[Answer]]) -> Answer:
        """Ask the database, beside the line and the pooler."""
        connection = await self.postgres.connect()
        try:
            return await question(connection)
        finally:
            await connection.close()

    async def _stored(self) -> Counter[Item]:
        stored = await self.ask(count_stored)
        for key, ids in self.receiver.messages.items():
            stored[Item(Kind.webhook, key)] = len(ids)
        return stored

    async def _settled(self) -> Counter[Item]:
        """Return what is stored once nothing is added: also requests that clients gave up end."""
        loop = asyncio.get_running_loop()
        end = loop.time() + DRAIN_SECONDS
        stored = await self._stored()
        while loop.time() < end:
            await asyncio.sleep(QUIET_SECONDS)
            before, stored = stored, await self._stored()
            if stored == before:
                break
        return stored

    async def _compare_sums(self) -> tuple[str, ...]:
        """Compare stored events with the hub's counts and with what its API publishes."""
        today = datetime.now(UTC).date()
        span = f"from={today.year}-01-01&to={today.year}-12-31"
        summary = await self._call("GET", f"/usage/summary?{span}")
        published = {item["measure"]: item["value"] for item in summary["items"]}
        return tuple(
            f"{kind}: {stored} stored, {counted} counted, {published.get(kind)} published"
            for kind, (stored, counted) in (await self.ask(sum_events)).items()
            if not stored == counted == published.get(kind)
        )

    async def _close_incidents(self) -> None:
        """Close the incidents, which every page of the links would list."""

        async def close(connection: asyncpg.Connection) -> None:
            await connection.execute("UPDATE gateway.incident SET closed_at = now()")

        await self.ask(close)

    async def end(self) -> None:
        """Leave nothing behind."""
        await self._end_hub()
        for server in (self.postgres, self.replica):
            if server is not None:
                server.end()
        self.disk.unmount()


@asynccontextmanager
async def new_run(rate: float) -> AsyncGenerator[Run]:
    """Prepare a run with so many requests a second, and leave nothing behind.

    Its folder is in memory, where there is one.
    """
    folder = Path(tempfile.mkdtemp(prefix="faults-", dir=MEMORY if MEMORY.is_dir() else None))
    folder.chmod(0o711)  # PostgreSQL runs under another account
    connector = aiohttp.TCPConnector(limit=0)
    try:
        async with (
            aiohttp.ClientSession(connector=connector) as client,
            Line(free_port()) as line,
            Receiver() as receiver,
        ):
            run = Run(folder, client, line=line, receiver=receiver, rate=rate)
            try:
                await run.prepare()
                yield run
            finally:
                await run.end()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
