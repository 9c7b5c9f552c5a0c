"""Cache invalidation by PostgreSQL notifications, whichever process made the change."""

import asyncio
import logging
from contextlib import suppress

from services.gateway.http_cache.store import ALL_AREAS, CacheStore
from services.platform.database import DATABASE_ERRORS, Connection, Database
from services.platform.jobs import BackgroundJob

log = logging.getLogger(__name__)

CHANNEL = "emall_published"
RECONNECT_SECONDS = 1.0
HEARTBEAT_SECONDS = 5.0
"""Interval of heartbeats, which detect a connection that was lost silently."""


class CacheInvalidationListener(BackgroundJob):
    """Listener on a dedicated connection; cached entries count as fresh only while it is connected.

    Notifications sent while disconnected are lost, so everything is invalidated on reconnect.
    """

    name = "cache invalidation"

    def __init__(self, database: Database, region: str, store: CacheStore) -> None:
        self._database = database
        self._region = region
        self._store = store

    async def run(self) -> None:
        """Listen, and reconnect after errors."""
        while True:
            try:
                await self._listen()
            except DATABASE_ERRORS as error:
                log.warning(
                    "cache invalidation listener disconnected, treating entries as stale: %s", error
                )
            finally:
                self._store.set_connected(connected=False)
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _listen(self) -> None:
        connection: Connection = await self._database.connect(purpose="publishing")
        lost = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(CHANNEL, self._on_notification)
            self._store.invalidate(ALL_AREAS)
            self._store.set_connected(connected=True)
            while not lost.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(HEARTBEAT_SECONDS):
                        await lost.wait()
                if not lost.is_set():
                    await connection.fetchval("SELECT 1", timeout=HEARTBEAT_SECONDS)
        finally:
            self._store.set_connected(connected=False)
            connection.terminate()

    def _on_notification(
        self, _connection: object, _pid: int, _channel: str, payload: object
    ) -> None:
        region, _, area = str(payload).partition(" ")
        if region in {self._region, "*"}:
            self._store.invalidate(area)
