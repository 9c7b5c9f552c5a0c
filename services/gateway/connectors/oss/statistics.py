"""Messages of OSS as monthly usage statistics: how many, of which service, and nothing of whom.

A month is counted anew from all of its messages and reported whole, so that a message counts once
whatever crashes: before it is reported it is still to be counted, and a report that is repeated
changes nothing.
"""

from collections import Counter as Tally
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from services.gateway.connectors.pack import STORED_COUNTING, CountingRule, CountingRules, Measure
from services.gateway.connectors.statistics_client import StatisticsClient
from services.platform.database import Database, WriteSession

ALONE = """
-- One process at a time counts the messages of a region; the others leave it to that one.
SELECT pg_try_advisory_xact_lock(hashtext('gateway.oss_counting'), hashtext(:region))
"""

DUE = """
-- Months with messages that these rules have not counted, and whether others counted some.
SELECT to_char(received_at AT TIME ZONE 'Asia/Jakarta', 'YYYY-MM') AS month,
    bool_or(counted_by IS NOT NULL) AS counted_otherwise
FROM gateway.oss_message
WHERE region = :region AND counted_by IS DISTINCT FROM :version
GROUP BY 1 ORDER BY 1
"""

OF_MONTH = """
-- All messages of a month.
SELECT id, message, facts FROM gateway.oss_message
WHERE region = :region
    AND to_char(received_at AT TIME ZONE 'Asia/Jakarta', 'YYYY-MM') = :month
"""

COUNTED = """
-- These messages are in the figures that were reported.
UPDATE gateway.oss_message SET counted_by = :version
WHERE region = :region AND id = ANY(:ids)
"""


@dataclass(frozen=True)
class Message:
    """What is kept of a message."""

    name: str
    facts: Mapping[str, Any]


def count_messages(
    messages: Iterable[Message], rules: Sequence[CountingRule], *, zeros: bool
) -> dict[str, dict[Measure, int]]:
    """Counters by service. A counter of no message is left out, or zero where that is asked for."""
    tally: Tally[tuple[str, Measure]] = Tally()
    for message in messages:
        for rule in rules:
            if _fits(message, rule):
                licences = len(message.facts.get("licences", ()))
                tally[rule.service, rule.measure] += licences if rule.each == "licence" else 1
    figures: dict[str, dict[Measure, int]] = {}
    for rule in rules:
        count = tally[rule.service, rule.measure]
        if count or zeros:
            figures.setdefault(rule.service, {})[rule.measure] = count
    return figures


def _fits(message: Message, rule: CountingRule) -> bool:
    return message.name == rule.message and all(
        message.facts.get(name) in codes for name, codes in rule.where.items()
    )


class MessageCounter:
    """Counts messages that are not counted yet, and reports the months they are of."""

    def __init__(self, database: Database, region: str, reporter: StatisticsClient) -> None:
        self._database = database
        self._region = region
        self._reporter = reporter

    async def count(self) -> int:
        """How many months were reported; none where the pack has no rules."""
        of_region = {"region": self._region}
        async with self._database.write_session() as session:
            content = await session.scalar(text(STORED_COUNTING), of_region)
            if content is None or not await session.scalar(text(ALONE), of_region):
                return 0
            counting = CountingRules.model_validate(content)
            due = await session.execute(text(DUE), of_region | {"version": counting.version})
            months = [(row.month, row.counted_otherwise) for row in due]
            for month, counted_otherwise in months:
                await self._count_month(session, counting, month, zeros=counted_otherwise)
            return len(months)

    async def _count_month(
        self, session: WriteSession, counting: CountingRules, month: str, *, zeros: bool
    ) -> None:
        given = {"region": self._region, "month": month}
        rows = (await session.execute(text(OF_MONTH), given)).all()
        messages = [Message(row.message, row.facts) for row in rows]
        statistics: list[dict[str, Any]] = [
            {
                "agency": counting.agency,
                "service": service,
                "channel": "online",
                "period": month,
                "counters": counters,
            }
            for service, counters in count_messages(messages, counting.rules, zeros=zeros).items()
        ]
        await self._reporter.submit(
            statistics,
            agency=counting.agency,
            source="connector-oss",
            reason=f"Pesan OSS, aturan hitung {counting.version}",
        )
        marked = {"region": self._region, "ids": [row.id for row in rows]}
        await session.execute(text(COUNTED), marked | {"version": counting.version})
