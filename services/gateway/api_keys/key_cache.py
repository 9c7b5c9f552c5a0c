"""In-memory cache of API keys; a revocation anywhere evicts the key in every replica."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime

from services.gateway.api_keys.keys import Principal, authenticate_key
from services.platform.database import Database
from services.platform.jobs import NotifyListener

CHANNEL = "emall_keys"
"""Notification channel: a trigger sends `<region> <id>` after each change of a key."""

MAX_KEYS = 10_000
TTL_CONNECTED_SECONDS = 30.0
"""Time to live of a cached key while change notifications arrive."""
TTL_DISCONNECTED_SECONDS = 1.0
"""Time to live of a cached key while the notification connection is down."""
HEARTBEAT_SECONDS = 0.5
STALE_AFTER_SECONDS = 1.5
"""A connection without a heartbeat for this long may have lost notifications."""


class KeyCache:
    """Principals by the hash of their key.

    A change of a key evicts it and the keys below it, which end with it.
    A revoked key is rejected by every replica within 2 seconds: at once if the notification
    arrives; on a dead connection after `STALE_AFTER_SECONDS`, when entries live only
    `TTL_DISCONNECTED_SECONDS`.
    """

    def __init__(
        self, database: Database, region: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._region = region
        self._clock = clock
        self._principals: OrderedDict[bytes, tuple[float, Principal]] = OrderedDict()
        self._digests: dict[str, set[bytes]] = {}
        """Cached keys by the id of each key that they end with."""
        self._generation = 0
        self._last_heartbeat = float("-inf")

    def get(self, key: str, *, now: datetime) -> Principal | None:
        """Return the principal of a cached, unexpired key, else None (then `load` it)."""
        cached = self._principals.get(_digest(key))
        if cached is None:
            return None
        loaded_at, principal = cached
        if principal.expires_at <= now:
            return None
        ttl = TTL_CONNECTED_SECONDS if self.is_connected else TTL_DISCONNECTED_SECONDS
        return principal if self._clock() - loaded_at <= ttl else None

    @property
    def is_connected(self) -> bool:
        """Whether change notifications arrive."""
        return self._clock() - self._last_heartbeat < STALE_AFTER_SECONDS

    async def load(self, key: str, *, now: datetime) -> Principal:
        """Load the principal of a key from the database and cache it.

        Raises:
            NotAuthenticated: The key is malformed, unknown, expired or revoked.
        """
        generation, loaded_at = self._generation, self._clock()
        principal = await authenticate_key(self._database, self._region, key, now=now)
        if generation == self._generation:  # else it may have been read before the change
            digest = _digest(key)
            if digest in self._principals:
                self._evict(digest)  # those above it may be others now
            self._principals[digest] = (loaded_at, principal)
            for key_id in principal.lineage:
                self._digests.setdefault(key_id, set()).add(digest)
            if len(self._principals) > MAX_KEYS:
                self._evict(next(iter(self._principals)))
        return principal

    def _evict(self, digest: bytes) -> None:
        _, principal = self._principals.pop(digest)
        for key_id in principal.lineage:
            self._digests[key_id].discard(digest)
            if not self._digests[key_id]:
                del self._digests[key_id]

    def create_listener(self) -> NotifyListener:
        """Create the job that listens for changed keys."""
        return NotifyListener(
            "invalidate-keys",
            self._database,
            channel=CHANNEL,
            on_notify=self._on_notify,
            on_connected=self._clear,  # changes before now were not notified
            on_disconnected=self._on_disconnected,
            on_heartbeat=self._on_heartbeat,
            heartbeat=HEARTBEAT_SECONDS,
            reconnect=HEARTBEAT_SECONDS,
            clock=self._clock,
        )

    def _on_heartbeat(self, sent_at: float) -> None:
        self._last_heartbeat = sent_at

    def _on_disconnected(self) -> None:
        self._last_heartbeat = float("-inf")

    def _on_notify(self, payload: str) -> None:
        region, _, key_id = payload.partition(" ")
        if region == self._region:
            self._generation += 1
            for digest in tuple(self._digests.get(key_id, ())):
                self._evict(digest)

    def _clear(self) -> None:
        self._generation += 1
        self._principals.clear()
        self._digests.clear()


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
