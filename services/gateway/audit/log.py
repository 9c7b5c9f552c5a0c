"""Keeps the line of a write before its answer leaves; many writes share a transaction."""

import asyncio
import logging

from services.gateway.audit.chain import Entry
from services.gateway.audit.records import append
from services.platform.database import DATABASE_ERRORS, Database

log = logging.getLogger(__name__)

AT_ONCE = 1000


class AuditLog:
    """One writer per replica; what comes while it writes is written together next."""

    def __init__(self, database: Database, region: str) -> None:
        self._database = database
        self._region = region
        self._waiting: list[tuple[Entry, asyncio.Future[None]]] = []
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._ending = False

    async def keep(self, entry: Entry) -> None:
        """Returns when the line is stored; one of `DATABASE_ERRORS` where it could not be."""
        if self._task is None:
            await self._store([entry])
            return
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, kept))
        self._wake.set()
        # The line is written even where whoever waits for it has gone.
        await asyncio.shield(kept)

    def start(self) -> None:
        self._task = asyncio.create_task(self._write_always(), name="write the audit log")

    async def stop(self) -> None:
        """Writes what waits, and ends."""
        if self._task is not None:
            self._ending = True
            self._wake.set()
            await self._task
            self._task = None

    async def _write_always(self) -> None:
        while not self._ending:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                await self._write()

    async def _write(self) -> None:
        batch = self._waiting[:AT_ONCE]
        try:
            await self._store([entry for entry, _ in batch])
        except DATABASE_ERRORS as error:
            log.exception("%d lines of the audit log cannot be written", len(batch))
            for _, kept in batch:
                if not kept.done():
                    kept.set_exception(error)
                    kept.exception()  # whoever waited may have gone
        else:
            for _, kept in batch:
                if not kept.done():
                    kept.set_result(None)
        del self._waiting[: len(batch)]

    async def _store(self, entries: list[Entry]) -> None:
        async with self._database.write_session() as session:
            await append(session, self._region, entries)
