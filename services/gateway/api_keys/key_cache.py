"""The keys that a replica has seen lately; one that is revoked anywhere leaves every ring."""

import asyncio
import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime

from services.gateway.api_keys.keys import KeyHolder, holder_of_key
from services.platform.database import DATABASE_ERRORS, Connection, Database
from services.platform.jobs import BackgroundJob

log = logging.getLogger(__name__)

CHANNEL = "emall_keys"
"""PostgreSQL tells on it, after each change of a key, `<region> <id>` (revision 0006)."""

REMEMBERED = 10_000
HEARD_SECONDS = 30.0
"""How long a key is remembered while the database tells of changes."""
UNHEARD_SECONDS = 1.0
"""How long otherwise."""
PULSE_SECONDS = 0.5
DEAF_AFTER_SECONDS = 1.5
"""A line that gave no pulse for so long may have lost what was told on it."""


class KeyRing(BackgroundJob):
    """Holders of keys by key, in memory.

    A revoked key stops within 2 seconds everywhere: at once where the database's word arrives, and
    where the line to it is dead, when the pulse has been missed and the memory of a second is over.
    """

    name = "listen for keys"

    def __init__(
        self, database: Database, region: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._region = region
        self._clock = clock
        self._found: OrderedDict[bytes, tuple[float, KeyHolder]] = OrderedDict()
        self._digests: dict[str, bytes] = {}
        self._changes = 0
        self._heard_at = float("-inf")

    def known(self, key: str, *, now: datetime) -> KeyHolder | None:
        """The holder of a key that is remembered and in force; else None: ask `find`."""
        seen = self._found.get(_digest(key))
        if seen is None or seen[1].expires_at <= now:
            return None
        lasts = HEARD_SECONDS if self.listening else UNHEARD_SECONDS
        return seen[1] if self._clock() - seen[0] <= lasts else None

    @property
    def listening(self) -> bool:
        """Whether the database's word arrives."""
        return self._clock() - self._heard_at < DEAF_AFTER_SECONDS

    async def find(self, key: str, *, now: datetime) -> KeyHolder:
        """The holder of a key, from the database; `NotAuthenticated` where there is none."""
        changes, at = self._changes, self._clock()
        holder = await holder_of_key(self._database, self._region, key, now=now)
        if changes == self._changes:  # else it may have been read before it changed
            digest = _digest(key)
            self._found[digest] = (at, holder)
            self._found.move_to_end(digest)
            self._digests[holder.caller.subject] = digest
            if len(self._found) > REMEMBERED:
                _, (_, gone) = self._found.popitem(last=False)
                self._digests.pop(gone.caller.subject, None)
        return holder

    def _changed(self, _connection: object, _pid: int, _channel: str, told: object) -> None:
        region, _, key_id = str(told).partition(" ")
        if region == self._region:
            self._changes += 1
            digest = self._digests.pop(key_id, None)
            if digest is not None:
                self._found.pop(digest, None)

    def _forget(self) -> None:
        self._changes += 1
        self._found.clear()
        self._digests.clear()

    async def run(self) -> None:
        while True:
            connection: Connection | None = None
            try:
                connection = await self._database.connect(purpose="keys")
                await connection.add_listener(CHANNEL, self._changed)
                self._forget()  # what changed before has not been heard
                while True:
                    asked = self._clock()
                    await connection.execute("SELECT 1", timeout=PULSE_SECONDS)
                    self._heard_at = asked
                    await asyncio.sleep(PULSE_SECONDS)
            except DATABASE_ERRORS as error:
                log.warning("changes of keys are not heard: %s", error)
            finally:
                self._heard_at = float("-inf")
                if connection is not None:
                    connection.terminate()
            await asyncio.sleep(PULSE_SECONDS)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
