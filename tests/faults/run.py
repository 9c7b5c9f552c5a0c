"""A run: one PostgreSQL, one hub, and the cases that happen to them one after the other."""

import asyncio
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import asyncpg

from services.platform.settings import ROOT, Service
from tests.faults.hub import Hub, Replica, plan_hub, shared_settings
from tests.faults.ledger import Difference, Item, Kind, Ledger, compare
from tests.faults.line import Line
from tests.faults.load import Keys, Load, Requests
from tests.faults.postgres import OWNER, PASSWORD, Postgres
from tests.faults.receiver import Receiver
from tests.faults.stored import count_stored, count_waiting, uncounted_events
from tests.servers import free_port
from tests.system.processes import emall, environment_of

MEMORY = Path("/dev/shm")
WARM_UP_SECONDS = 2.0
QUIET_SECONDS = 3.0
"""So long without an error, and the hub has recovered."""
RECOVERY_SECONDS = 120.0
DRAIN_SECONDS = 120.0
Read = TypeVar("Read")


@dataclass(frozen=True)
class Result:
    """What one run of a case showed."""

    case: str
    ledger: Ledger
    difference: Difference
    uncounted: int
    """Stored events less those in the hourly counts."""
    recovery: float
    """Seconds from the end of the fault to the last failed request."""
    drained: float
    """Seconds from the end of the load until the hub had delivered everything."""
    redelivered: int
    """Webhooks that arrived more than once, with the same id."""

    @property
    def lost(self) -> int:
        return self.difference.lost.total() + max(0, -self.uncounted)

    @property
    def doubled(self) -> int:
        return self.difference.doubled.total() + max(0, self.uncounted)


class Run:
    """What a case can reach: the hub, its database and the line between them."""

    def __init__(
        self, folder: Path, client: aiohttp.ClientSession, line: Line, receiver: Receiver
    ) -> None:
        self.folder = folder
        self.client = client
        self.line = line
        self.receiver = receiver
        self.postgres = Postgres(folder / "primary", line.target)
        self.hub: Hub | None = None
        self._requests: Requests | None = None
        self._lifted_at = 0.0

    def of(self, service: Service) -> list[Replica]:
        """Return the processes of a service of the hub."""
        assert self.hub is not None
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

    async def use_hub(self, *, each: int, database_url: str | None = None) -> None:
        """Run a hub with so many processes of each service."""
        self.end_hub()
        url = database_url or self.postgres.url(port=self.line.port)
        self.hub = plan_hub(self.folder / f"hub-{os.urandom(3).hex()}", url, each=each)
        await self.hub.start(self.client)
        if self._requests is None:
            await self._prepare_requests()

    def end_hub(self) -> None:
        if self.hub is not None:
            self.hub.end()
            self.hub = None

    async def _prepare_requests(self) -> None:
        form = await self._get("/api/v1/comments/form")
        links = await self._get("/api/v1/links?limit=100")
        services = await self._get("/api/v1/services?limit=100")
        await self._call(
            "POST", "/api/v1/webhooks", {"url": f"http://127.0.0.1:{self.receiver.port}/"}
        )
        self._requests = Requests(
            Keys(self._agency, self._admin, form["form_token"]),
            links=[item["slug"] for item in links["items"]],
            services=[item["slug"] for item in services["items"]],
        )

    async def _get(self, path: str) -> Any:
        return await self._call("GET", path, None)

    async def _call(self, method: str, path: str, body: Any) -> Any:
        assert self.hub is not None
        headers = {"Authorization": f"Bearer {self._admin}"}
        address = self.hub.address + path
        async with self.client.request(method, address, json=body, headers=headers) as answer:
            assert answer.ok, await answer.text()
            return await answer.json()

    async def try_case(self, name: str, happen: Callable[["Run"], Awaitable[None]]) -> Result:
        """Let a fault happen under load, and compare when the hub has recovered."""
        assert self.hub is not None
        assert self._requests is not None
        loop = asyncio.get_running_loop()
        before = await self._stored()
        repeated = self.receiver.repeated
        load = Load(self.client, self.hub.address, self._requests)
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
        stopped = loop.time()
        waiting = 1
        while waiting and loop.time() < stopped + DRAIN_SECONDS:
            waiting = await self._ask(count_waiting)
            await asyncio.sleep(0.2)
        drained = loop.time() - stopped
        after = await self._stored()
        stored = after - before
        difference = compare(ledger, stored)
        difference.lost.update(before - after)
        result = Result(
            case=name,
            ledger=ledger,
            difference=difference,
            uncounted=await self._ask(uncounted_events),
            recovery=max(0.0, ledger.last_error_at - lifted),
            drained=drained,
            redelivered=self.receiver.repeated - repeated,
        )
        await self._tidy()
        return result

    async def _ask(self, question: Callable[[asyncpg.Connection], Awaitable[Read]]) -> Read:
        connection = await self.postgres.connect()
        try:
            return await question(connection)
        finally:
            await connection.close()

    async def _stored(self) -> Counter[Item]:
        stored = await self._ask(count_stored)
        for key, ids in self.receiver.messages.items():
            stored[Item(Kind.webhook, key)] = len(ids)
        return stored

    async def _tidy(self) -> None:
        """Close the incidents, which every page of the links would list."""

        async def close(connection: asyncpg.Connection) -> None:
            await connection.execute("UPDATE gateway.incident SET closed_at = now()")

        await self._ask(close)

    async def end(self) -> None:
        self.end_hub()
        self.postgres.end()


@asynccontextmanager
async def new_run() -> AsyncGenerator[Run]:
    """Prepare a run in a folder in memory, where there is one, and leave nothing behind."""
    folder = Path(tempfile.mkdtemp(prefix="faults-", dir=MEMORY if MEMORY.is_dir() else None))
    folder.chmod(0o711)  # PostgreSQL runs under another account
    connector = aiohttp.TCPConnector(limit=0)
    try:
        async with (
            aiohttp.ClientSession(connector=connector) as client,
            Line(free_port()) as line,
            Receiver() as receiver,
        ):
            run = Run(folder, client, line, receiver)
            try:
                await run.prepare()
                yield run
            finally:
                await run.end()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
