"""Writer of audit lines: concurrent requests share transactions (group commit)."""

import asyncio
from datetime import UTC, datetime, timedelta

from services.gateway.audit.chain import AuditEntry
from services.gateway.audit.records import CHAIN_BATCH_SIZE, chain_pending, insert_entries
from services.platform.database import Database, is_connection_lost
from services.platform.logging import get_logger

log = get_logger(__name__)

BATCH_SIZE = 1000
CHAIN_INTERVAL = timedelta(seconds=1)
WRITERS = 4
"""Transactions at a time. One that waits, for a connection or for the disk, holds only its own."""


class AuditLog:
    """A queue with a few writers; entries queued while all of them write form the next batch."""

    def __init__(self, database: Database, region: str) -> None:
        self._database = database
        self._region = region
        self._queue: list[tuple[AuditEntry, asyncio.Future[None]]] = []
        self._writers: set[asyncio.Task[None]] = set()

    @property
    def queued(self) -> int:
        """Number of entries that are not stored yet."""
        return len(self._queue)

    async def append(self, entry: AuditEntry) -> None:
        """Store an entry; return after its commit, or raise why it is not stored."""
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((entry, stored))
        if len(self._writers) < WRITERS:
            self._writers.add(asyncio.create_task(self._write_queued(), name="write-audit-log"))
        # The entry is stored even if the request that waits for it is cancelled.
        await asyncio.shield(stored)

    async def stop(self) -> None:
        """Wait until the queued entries are written."""
        await asyncio.gather(*self._writers)

    async def chain(self) -> None:
        """Chain the lines that are due."""
        chained = CHAIN_BATCH_SIZE
        while chained == CHAIN_BATCH_SIZE:
            async with self._database.write_session() as session:
                chained = await chain_pending(session, self._region, now=datetime.now(UTC))

    async def _write_queued(self) -> None:
        while self._queue:
            batch, self._queue = self._queue[:BATCH_SIZE], self._queue[BATCH_SIZE:]
            await self._write(batch)
        # Before anything else can run: an entry that is queued from now on needs a new writer.
        self._writers = {writer for writer in self._writers if writer is not asyncio.current_task()}

    async def _write(self, batch: list[tuple[AuditEntry, asyncio.Future[None]]]) -> None:
        try:
            async with self._database.write_session() as session:
                await insert_entries(session, self._region, [entry for entry, _ in batch])
        except Exception as error:
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
