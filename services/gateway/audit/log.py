"""Writer of audit lines: concurrent requests share one transaction (group commit)."""

import asyncio

from services.gateway.audit.chain import AuditEntry
from services.gateway.audit.records import insert_entries
from services.platform.database import DATABASE_ERRORS, Database, is_connection_lost
from services.platform.jobs import BackgroundJob
from services.platform.logging import get_logger

log = get_logger(__name__)

BATCH_SIZE = 1000


class AuditLog(BackgroundJob):
    """A queue with one writer task; entries queued during a write form the next batch."""

    name = "write-audit-log"

    def __init__(self, database: Database, region: str) -> None:
        self._database = database
        self._region = region
        self._queue: list[tuple[AuditEntry, asyncio.Future[None]]] = []
        self._wake = asyncio.Event()
        self._stopping = False

    async def append(self, entry: AuditEntry) -> None:
        """Store an entry; return after its commit, or raise one of `DATABASE_ERRORS`."""
        if self._task is None:
            await self._store([entry])
            return
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((entry, stored))
        self._wake.set()
        # The entry is stored even if the request that waits for it is cancelled.
        await asyncio.shield(stored)

    async def stop(self) -> None:
        """Write the queued entries, then stop."""
        if self._task is not None:
            self._stopping = True
            self._wake.set()
            await self._task
            self._task = None

    async def run(self) -> None:
        """Write queued entries until stopped."""
        while not self._stopping:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                await self._write_batch()

    async def _write_batch(self) -> None:
        batch = self._queue[:BATCH_SIZE]
        try:
            await self._store([entry for entry, _ in batch])
        except DATABASE_ERRORS as error:
            if not is_connection_lost(error):  # an outage is logged once, by the session
                log.exception("audit lines not written", lines=len(batch))
            for _, stored in batch:
                if not stored.done():
                    stored.set_exception(error)
                    stored.exception()  # mark as retrieved: the request may be gone
        else:
            for _, stored in batch:
                if not stored.done():
                    stored.set_result(None)
        del self._queue[: len(batch)]

    async def _store(self, entries: list[AuditEntry]) -> None:
        async with self._database.write_session() as session:
            await insert_entries(session, self._region, entries)
