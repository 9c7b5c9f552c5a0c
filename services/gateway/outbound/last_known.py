"""What is kept of connectors: the answer known last, and what an operator switched."""

import json
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from services.gateway.outbound.circuit_breaker import Switch
from services.platform.database import DATABASE_ERRORS, Database

SWITCH_SECONDS = 1.0
"""How long a replica may not notice what an operator switched at another."""

REMEMBER = """
-- The answer of a system to a question, in place of the one before.
INSERT INTO gateway.connector_answer (region, connector, question, content, at)
VALUES (:region, :connector, :question, CAST(:content AS jsonb), :at)
ON CONFLICT (region, connector, question)
DO UPDATE SET content = excluded.content, at = excluded.at
"""

RECALL = """
-- The answer known last to a question.
SELECT content, at FROM gateway.connector_answer
WHERE region = :region AND connector = :connector AND question = :question
"""

SWITCHED = """
-- What an operator wants of a breaker.
SELECT state FROM gateway.connector_switch WHERE region = :region AND connector = :connector
"""

SWITCH = """
-- What an operator wants of a breaker from now on.
INSERT INTO gateway.connector_switch (region, connector, state, switched_by, switched_at)
VALUES (:region, :connector, :state, :by, :at)
ON CONFLICT (region, connector) DO UPDATE SET state = excluded.state,
    switched_by = excluded.switched_by, switched_at = excluded.switched_at
"""


@dataclass(frozen=True)
class Known:
    """An answer and when it was given."""

    content: Any
    at: datetime


class Memory:
    """What all replicas know of one connector."""

    def __init__(self, database: Database, region: str, connector: str) -> None:
        self._database = database
        self._of = {"region": region, "connector": connector}
        self._seen: tuple[float, Switch] = (float("-inf"), "automatic")

    async def remember(self, question: str, content: Any, *, now: datetime) -> Known:
        given = {"question": question, "content": json.dumps(content), "at": now}
        async with self._database.write_session() as session:
            await session.execute(text(REMEMBER), self._of | given)
        return Known(content, now)

    async def recall(self, question: str) -> Known | None:
        async with self._database.read_session() as session:
            row = (
                await session.execute(text(RECALL), self._of | {"question": question})
            ).one_or_none()
        return None if row is None else Known(row.content, row.at)

    async def switch(self, state: Switch, *, by: str, now: datetime) -> None:
        """Stores what an operator wants; holds here at once, elsewhere within a second."""
        async with self._database.write_session() as session:
            await session.execute(text(SWITCH), self._of | {"state": state, "by": by, "at": now})
        self._seen = (time.monotonic(), state)

    async def switched(self) -> Switch:
        """What an operator wants; looked up once a second at most."""
        if time.monotonic() - self._seen[0] >= SWITCH_SECONDS:
            try:
                async with self._database.read_session() as session:
                    state = await session.scalar(text(SWITCHED), self._of)
            except DATABASE_ERRORS:
                return self._seen[1]
            self._seen = (time.monotonic(), state or "automatic")
        return self._seen[1]
