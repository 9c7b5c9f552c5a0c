"""Cache invalidation by PostgreSQL notifications, whichever process made the change."""

from collections.abc import Callable

from services.gateway.http_cache.store import ALL_AREAS, CacheStore
from services.platform.database import Database
from services.platform.jobs import NotifyListener

CHANNEL = "emall_published"
RECONNECT_SECONDS = 1.0
HEARTBEAT_SECONDS = 5.0
"""Interval of heartbeats, which detect a connection that was lost silently."""


class CacheInvalidation:
    """Invalidates stored answers by area; they count as fresh only while it is connected.

    Notifications sent while disconnected are lost, so everything is invalidated on reconnect.
    """

    def __init__(
        self,
        database: Database,
        region: str,
        store: CacheStore,
        *,
        on_change: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`on_change` gets each area after it was invalidated."""
        self._on_change = on_change
        self._database = database
        self._region = region
        self._store = store

    def create_listener(self) -> NotifyListener:
        """Create the job that listens for publications."""
        return NotifyListener(
            "invalidate-cache",
            self._database,
            channel=CHANNEL,
            on_notify=self._on_notify,
            on_connected=self._on_connected,
            on_disconnected=self._on_disconnected,
            heartbeat=HEARTBEAT_SECONDS,
            reconnect=RECONNECT_SECONDS,
        )

    def _on_connected(self) -> None:
        self._store.invalidate(ALL_AREAS)
        self._store.set_connected(connected=True)
        self._on_change(ALL_AREAS)

    def _on_disconnected(self) -> None:
        self._store.set_connected(connected=False)

    def _on_notify(self, payload: str) -> None:
        region, _, area = payload.partition(" ")
        if region in {self._region, "*"}:
            self._store.invalidate(area)
            self._on_change(area)
