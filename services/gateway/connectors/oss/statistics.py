"""Messages of OSS as monthly usage statistics: how many, of which service, never of whom.

A month is counted again from all of its messages and submitted whole, so that a message counts once
even after a crash: before the submission the month is still due, and a repeated submission changes
nothing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text

from services.gateway.connectors.oss.config import CountingRule, CountingRules
from services.gateway.connectors.statistics_client import (
    Measure,
    MonthlyStatistics,
    StatisticsClient,
    StatisticsRejectedError,
)
from services.platform.database import Database, WriteSession
from services.platform.jobs import RefusedItems
from services.platform.local_time import LocalTime

TRY_LOCK = """
-- One process at a time counts the messages of a region; the others skip it.
SELECT pg_try_advisory_xact_lock(hashtext('gateway.oss_statistics'), hashtext(:region))
"""

RULES = """
-- The rules by which messages of OSS count.
SELECT content FROM gateway.connector_config WHERE region = :region AND connector = 'oss'
"""

DUE_MONTHS = """
-- Months with messages that this version of the rules has not counted, and whether another did;
-- without those whose figures by this version were refused.
SELECT due.month, due.counted_before
FROM (
    SELECT to_char(received_at AT TIME ZONE :zone, 'YYYY-MM') AS month,
        bool_or(counted_by IS NOT NULL) AS counted_before
    FROM gateway.oss_message
    WHERE region = :region AND counted_by IS DISTINCT FROM :version
    GROUP BY 1
) due
WHERE NOT EXISTS (
    SELECT FROM gateway.oss_refused_month refused
    WHERE refused.region = :region AND refused.month = due.month
        AND refused.rules_version = :version
)
ORDER BY due.month
"""

UNCOUNTED_MESSAGES = """
-- Messages whose months are still to be reported; those of refused months are set aside.
SELECT count(*) AS items, min(received_at) AS oldest
FROM gateway.oss_message message
WHERE region = :region AND counted_by IS NULL AND NOT EXISTS (
    SELECT FROM gateway.oss_refused_month refused
    WHERE refused.region = :region
        AND refused.month = to_char(message.received_at AT TIME ZONE refused.zone, 'YYYY-MM')
)
"""

MESSAGES_OF_MONTH = """
-- All messages of a month.
SELECT id, message, facts FROM gateway.oss_message
WHERE region = :region
    AND to_char(received_at AT TIME ZONE :zone, 'YYYY-MM') = :month
"""

MARK_COUNTED = """
-- Mark messages as part of the submitted figures.
UPDATE gateway.oss_message SET counted_by = :version
WHERE region = :region AND id = ANY(:ids)
"""


SET_MONTH_ASIDE = """
-- Set a month aside whose figures feedback refused.
INSERT INTO gateway.oss_refused_month (region, month, rules_version, zone, refused_at, reason)
VALUES (:region, :month, :version, :zone, now(), :reason)
ON CONFLICT (region, month) DO UPDATE SET rules_version = excluded.rules_version,
    zone = excluded.zone, refused_at = excluded.refused_at, reason = excluded.reason
"""

FORGET_REFUSAL = """
-- Forget that a month was refused, for it was counted.
DELETE FROM gateway.oss_refused_month WHERE region = :region AND month = :month
"""

REFUSED_MONTHS = RefusedItems(
    listing="SELECT month AS item, refused_at, reason FROM gateway.oss_refused_month "
    "WHERE region = :region",
    retry="DELETE FROM gateway.oss_refused_month "
    "WHERE region = :region AND month = ANY(CAST(:items AS text[])) RETURNING month AS item",
    discard="""
    WITH discarded AS (
        DELETE FROM gateway.oss_refused_month
        WHERE region = :region AND month = ANY(CAST(:items AS text[]))
        RETURNING month, rules_version, zone
    ), counted AS (
        UPDATE gateway.oss_message message SET counted_by = discarded.rules_version
        FROM discarded
        WHERE message.region = :region
            AND to_char(message.received_at AT TIME ZONE discarded.zone, 'YYYY-MM')
                = discarded.month
    )
    SELECT month AS item FROM discarded
    """,
)
"""Months whose figures feedback refused, each named as 2024-03. Discarded, a month is submitted
again only with the next message that belongs to it."""


@dataclass(frozen=True)
class Message:
    """The stored facts of a message."""

    name: str
    facts: Mapping[str, Any]


def count_messages(
    messages: Iterable[Message], rules: Sequence[CountingRule], *, zeros: bool
) -> dict[str, dict[Measure, int]]:
    """Return counters by service; a counter without messages is left out, or 0 with `zeros`."""
    counts: Counter[tuple[str, Measure]] = Counter()
    for message in messages:
        for rule in rules:
            if _matches(message, rule):
                licences = len(message.facts.get("licences", ()))
                counts[rule.service, rule.measure] += licences if rule.each == "licence" else 1
    figures: dict[str, dict[Measure, int]] = {}
    for rule in rules:
        count = counts[rule.service, rule.measure]
        if count or zeros:
            figures.setdefault(rule.service, {})[rule.measure] = count
    return figures


def _matches(message: Message, rule: CountingRule) -> bool:
    return message.name == rule.message and all(
        message.facts.get(name) in codes for name, codes in rule.where.items()
    )


class MessageCounter:
    """Counts messages that are not counted yet, and submits the months they belong to."""

    def __init__(
        self,
        database: Database,
        region: str,
        statistics: StatisticsClient,
        local_time: LocalTime,
    ) -> None:
        self._database = database
        self._region = region
        self._statistics = statistics
        self._local_time = local_time

    async def count(self) -> int:
        """Submit the months with uncounted messages and return how many there were.

        Returns 0 if the pack has no rules, or another process is counting. A month that feedback
        refuses is set aside, and the others are submitted; then `StatisticsRejectedError` is raised
        with the reasons.
        """
        refusals: list[str] = []
        of_region = {"region": self._region}
        zone = self._local_time.zone
        async with self._database.write_session() as session:
            content = await session.scalar(text(RULES), of_region)
            if content is None or not await session.scalar(text(TRY_LOCK), of_region):
                return 0
            rules = CountingRules.model_validate(content)
            rows = await session.execute(
                text(DUE_MONTHS), of_region | {"version": rules.version, "zone": zone.key}
            )
            due = [(row.month, row.counted_before) for row in rows]
            for month, counted_before in due:
                # A counter that an earlier version submitted and this one does not becomes 0.
                try:
                    await self._count_month(session, rules, month, zone=zone, zeros=counted_before)
                except StatisticsRejectedError as error:
                    refusals.append(f"{month}: {error}")
                    await session.execute(
                        text(SET_MONTH_ASIDE),
                        {
                            "region": self._region,
                            "month": month,
                            "version": rules.version,
                            "zone": zone.key,
                            "reason": str(error),
                        },
                    )
        if refusals:
            raise StatisticsRejectedError("; ".join(refusals))
        return len(due)

    async def _count_month(
        self,
        session: WriteSession,
        rules: CountingRules,
        month: str,
        *,
        zone: ZoneInfo,
        zeros: bool,
    ) -> None:
        parameters = {"region": self._region, "month": month, "zone": zone.key}
        rows = (await session.execute(text(MESSAGES_OF_MONTH), parameters)).all()
        messages = [Message(row.message, row.facts) for row in rows]
        statistics = [
            MonthlyStatistics(rules.agency, service, "online", month, counters)
            for service, counters in count_messages(messages, rules.rules, zeros=zeros).items()
        ]
        await self._statistics.submit(
            statistics,
            agency=rules.agency,
            source="connector-oss",
            reason=f"Pesan OSS, aturan hitung {rules.version}",
        )
        counted = {"region": self._region, "ids": [row.id for row in rows]}
        await session.execute(text(MARK_COUNTED), counted | {"version": rules.version})
        await session.execute(text(FORGET_REFUSAL), {"region": self._region, "month": month})
