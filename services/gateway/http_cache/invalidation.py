"""Hears from PostgreSQL what was published, at whichever replica or from the command line."""

import asyncio
import logging
from contextlib import suppress

from services.gateway.http_cache.store import EVERYTHING, Store
from services.platform.database import DATABASE_ERRORS, Connection, Database
from services.platform.jobs import BackgroundJob

log = logging.getLogger(__name__)

CHANNEL = "emall_published"
PAUSE_SECONDS = 1.0
PULSE_SECONDS = 5.0
"""How often the connection is tried: one that is cut without a word is found out so."""


class Listener(BackgroundJob):
    """A connection of its own that listens; the store trusts its entries only while it does.

    What was published while nobody listened is unknown, so that everything is taken for invalid
    when the connection comes back.
    """

    name = "listen to publishing"

    def __init__(self, database: Database, region: str, store: Store) -> None:
        self._database = database
        self._region = region
        self._store = store

    async def run(self) -> None:
        while True:
            try:
                await self._listen()
            except DATABASE_ERRORS as error:
                log.warning("publishing is not heard of; kept answers are checked: %s", error)
            finally:
                self._store.trust(heard=False)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _listen(self) -> None:
        connection: Connection = await self._database.connect(purpose="publishing")
        lost = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(CHANNEL, self._heard)
            self._store.purge(EVERYTHING)
            self._store.trust(heard=True)
            while not lost.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(PULSE_SECONDS):
                        await lost.wait()
                if not lost.is_set():
                    await connection.fetchval("SELECT 1", timeout=PULSE_SECONDS)
        finally:
            self._store.trust(heard=False)
            connection.terminate()

    def _heard(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        region, _, area = str(payload).partition(" ")
        if region in {self._region, "*"}:
            self._store.purge(area)
