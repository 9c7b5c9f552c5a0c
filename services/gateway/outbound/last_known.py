"""State of a connector shared by all replicas: last known answers and breaker override."""

import json
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from services.gateway.outbound.circuit_breaker import ManualOverride
from services.platform.database import DATABASE_ERRORS, Database

OVERRIDE_TTL_SECONDS = 1.0
"""How long a replica may use an override that was changed at another replica."""

STORE_ANSWER = """
-- Store the answer to a request, replacing the previous one.
INSERT INTO gateway.connector_answer (region, connector, request_key, content, fetched_at)
VALUES (:region, :connector, :request_key, CAST(:content AS jsonb), :fetched_at)
ON CONFLICT (region, connector, request_key)
DO UPDATE SET content = excluded.content, fetched_at = excluded.fetched_at
"""

FIND_ANSWER = """
-- The last stored answer to a request.
SELECT content, fetched_at FROM gateway.connector_answer
WHERE region = :region AND connector = :connector AND request_key = :request_key
"""

FIND_OVERRIDE = """
-- The override of a connector's breaker.
SELECT state FROM gateway.breaker_override WHERE region = :region AND connector = :connector
"""

STORE_OVERRIDE = """
-- Set the override of a connector's breaker.
INSERT INTO gateway.breaker_override (region, connector, state, set_by, set_at)
VALUES (:region, :connector, :state, :by, :at)
ON CONFLICT (region, connector) DO UPDATE SET state = excluded.state,
    set_by = excluded.set_by, set_at = excluded.set_at
"""


@dataclass(frozen=True)
class CachedAnswer:
    """An answer and when it was fetched."""

    content: Any
    fetched_at: datetime


class LastKnownStore:
    """Store of one connector's last answers and breaker override, shared by all replicas."""

    def __init__(self, database: Database, region: str, connector: str) -> None:
        self._database = database
        self._key = {"region": region, "connector": connector}
        self._cached_override: tuple[float, ManualOverride] = (float("-inf"), "automatic")

    async def put(self, request_key: str, content: Any, *, now: datetime) -> CachedAnswer:
        """Store the answer to a request, replacing the previous one."""
        values = {"request_key": request_key, "content": json.dumps(content), "fetched_at": now}
        async with self._database.write_session() as session:
            await session.execute(text(STORE_ANSWER), self._key | values)
        return CachedAnswer(content, now)

    async def get(self, request_key: str) -> CachedAnswer | None:
        """Return the last stored answer to a request."""
        async with self._database.read_session() as session:
            row = (
                await session.execute(text(FIND_ANSWER), self._key | {"request_key": request_key})
            ).one_or_none()
        return None if row is None else CachedAnswer(row.content, row.fetched_at)

    async def set_override(self, state: ManualOverride, *, by: str, now: datetime) -> None:
        """Store the breaker override; it applies here at once, at other replicas within 1 s."""
        async with self._database.write_session() as session:
            values = {"state": state, "by": by, "at": now}
            await session.execute(text(STORE_OVERRIDE), self._key | values)
        self._cached_override = (time.monotonic(), state)

    async def override(self) -> ManualOverride:
        """Return the breaker override, read from the database at most once a second.

        If the database does not answer, the override read last applies.
        """
        if time.monotonic() - self._cached_override[0] >= OVERRIDE_TTL_SECONDS:
            try:
                async with self._database.read_session() as session:
                    state = await session.scalar(text(FIND_OVERRIDE), self._key)
            except DATABASE_ERRORS:
                return self._cached_override[1]
            self._cached_override = (time.monotonic(), state or "automatic")
        return self._cached_override[1]
