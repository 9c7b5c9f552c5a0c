"""Store plausibility flags: raised by reports, resolved by corrections, explained."""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text

from services.feedback.channels import ChannelKind
from services.feedback.statistics.counters import Measure
from services.feedback.statistics.flag_schemas import FlagCount, FlagState, StatisticFlag
from services.feedback.statistics.flag_texts import describe
from services.feedback.statistics.plausibility_checks import (
    HISTORY_MONTHS,
    Finding,
    check_series,
    find_heaping,
)
from services.platform.database import ReadSession, WriteSession
from services.platform.ids import new_id
from services.platform.months import add_months, parse_period
from services.platform.translation import translator

MAX_RETURNED = 200

FIGURES = """
-- The current figures of these series of an agency since a month.
SELECT s.service, s.channel, s.period, s.measure, s.value
FROM feedback.statistic s
JOIN unnest(CAST(:services AS text[]), CAST(:channels AS text[])) AS g (service, channel)
    ON g.service = s.service AND g.channel = s.channel
WHERE s.region = :region AND s.agency = :agency AND s.is_current AND s.period >= :since
ORDER BY s.period
"""

FIGURES_OF_YEARS = """
-- All current figures of an agency in these years.
SELECT service, channel, period, measure, value
FROM feedback.statistic
WHERE region = :region AND agency = :agency AND is_current
  AND period BETWEEN :first AND :last
ORDER BY period
"""

CLICKS = """
-- Clicks from the hub to the portals of these services, by month.
SELECT d.service, m.month, sum(m.events)::bigint AS clicks
FROM feedback.event_dimensions d
JOIN feedback.monthly_usage m ON m.region = d.region AND m.dimensions = d.id
WHERE d.region = :region AND d.kind = 'click_out' AND d.service = ANY(CAST(:services AS text[]))
  AND m.month >= :since
GROUP BY d.service, m.month
"""

FLAGS_SINCE = """
-- The flags of an agency since a month.
SELECT id, service, channel, period, measure, kind, fingerprint, resolved_at
FROM feedback.statistic_flag
WHERE region = :region AND agency = :agency AND period >= :since
"""

RAISE = """
-- Raises flags; a resolved flag that is raised again is reopened.
INSERT INTO feedback.statistic_flag AS known
    (region, id, agency, service, channel, period, measure, kind, fingerprint, certainty,
     facts, raised_at)
SELECT :region, g.id, :agency, g.service, g.channel, g.period, g.measure, g.kind,
       g.fingerprint, g.certainty, g.facts::jsonb, :now
FROM unnest(CAST(:ids AS uuid[]), CAST(:services AS text[]), CAST(:channels AS text[]),
            CAST(:periods AS date[]), CAST(:measures AS text[]), CAST(:kinds AS text[]),
            CAST(:fingerprints AS text[]), CAST(:certainties AS text[]), CAST(:facts AS text[]))
    AS g (id, service, channel, period, measure, kind, fingerprint, certainty, facts)
ON CONFLICT (region, agency, service, channel, period, measure, kind, fingerprint)
DO UPDATE SET certainty = excluded.certainty, facts = excluded.facts, resolved_at = NULL
"""

RESOLVE = """
-- Resolves flags that the current figures no longer raise.
UPDATE feedback.statistic_flag SET resolved_at = :now
WHERE region = :region AND id = ANY(CAST(:ids AS uuid[])) AND resolved_at IS NULL
"""

LIST_FLAGS = """
-- The flags of an agency, newest month first.
SELECT * FROM feedback.statistic_flag
WHERE region = :region AND agency = :agency
  AND (:state ::text IS NULL OR :state = CASE
        WHEN resolved_at IS NOT NULL THEN 'resolved'
        WHEN explanation IS NOT NULL THEN 'explained' ELSE 'open' END)
ORDER BY period DESC, id
LIMIT 1000
"""

COUNT_FLAGS = """
-- Number of flags by agency, kind and state.
SELECT agency, kind,
       CASE WHEN resolved_at IS NOT NULL THEN 'resolved'
            WHEN explanation IS NOT NULL THEN 'explained' ELSE 'open' END AS state,
       count(*) AS flags
FROM feedback.statistic_flag
WHERE region = :region
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
"""

FLAGGED_MONTHS = """
-- Months of agencies with open flags that are more than possible. Digit heaping affects all months
-- of its year.
SELECT DISTINCT f.agency, month::date AS month
FROM feedback.statistic_flag f,
     generate_series(f.period::timestamp,
                     f.period + CASE f.kind WHEN 'heaping' THEN interval '11 months'
                                            ELSE interval '0' END,
                     '1 month') AS month
WHERE f.region = :region AND f.certainty <> 'possible'
  AND f.resolved_at IS NULL AND f.explanation IS NULL
  AND month BETWEEN :first AND :last
"""

LOCK_FLAG = "SELECT * FROM feedback.statistic_flag WHERE region = :region AND id = :id FOR UPDATE"

EXPLAIN = """
-- Stores why a figure is correct.
UPDATE feedback.statistic_flag
SET explanation = :explanation, explained_at = :now, explained_by = :by
WHERE region = :region AND id = :id
RETURNING *
"""

Series = tuple[str, ChannelKind]
Key = tuple[str, str, date, str, str, str]


@dataclass(frozen=True, order=True)
class ReportedMonth:
    """A month of one service through one channel for which figures were reported."""

    service: str
    channel: ChannelKind
    period: date


async def update_flags(
    session: WriteSession,
    region: str,
    agency: str,
    reported: Sequence[ReportedMonth],
    *,
    now: datetime,
) -> list[StatisticFlag]:
    """Check reported figures and those compared with them; return the open flags on them.

    The caller holds the agency's lock.
    """
    if not reported:
        return []
    key = {"region": region, "agency": agency}
    since = min(item.period for item in reported)
    series: list[Series] = sorted({(item.service, item.channel) for item in reported})
    years = sorted({item.period.year for item in reported})
    findings = await _check_series(session, key, series, since=since)
    findings += await _check_years(session, key, years)
    rows = await session.execute(text(FLAGS_SINCE), key | {"since": since.replace(month=1)})
    found = {_key(finding) for finding in findings}
    resolved = [
        row.id
        for row in rows
        if row.resolved_at is None
        and (row.service, row.channel, row.period, row.measure, row.kind, row.fingerprint)
        not in found
        and (
            ((row.service, row.channel) in series and row.period >= since)
            or (row.kind == "heaping" and row.period.year in years)
        )
    ]
    if resolved:
        await session.execute(text(RESOLVE), {"region": region, "ids": resolved, "now": now})
    if findings:
        await session.execute(text(RAISE), key | {"now": now} | _columns(findings))
    return await _open_flags(session, key, reported)


async def _check_series(
    session: WriteSession, key: Mapping[str, str], series: Sequence[Series], *, since: date
) -> list[Finding]:
    services, channels = [service for service, _ in series], [channel for _, channel in series]
    history = add_months(since, -HISTORY_MONTHS)
    span: dict[str, Any] = {**key, "since": history}
    rows = await session.execute(text(FIGURES), span | {"services": services, "channels": channels})
    figures = _by_series(rows.tuples())
    clicks: dict[str, dict[date, int]] = {}
    if online := [service for service, channel in series if channel == "online"]:
        for row in await session.execute(text(CLICKS), span | {"services": online}):
            clicks.setdefault(row.service, {})[row.month] = row.clicks
    return [
        replace(finding, service=service, channel=channel)
        for (service, channel), months in figures.items()
        for finding in check_series(
            months, clicks=clicks.get(service, {}) if channel == "online" else None
        )
        if finding.period >= since
    ]


async def _check_years(
    session: WriteSession, key: Mapping[str, str], years: Sequence[int]
) -> list[Finding]:
    span = {"first": date(years[0], 1, 1), "last": date(years[-1], 12, 1)}
    rows = await session.execute(text(FIGURES_OF_YEARS), {**key, **span})
    series = _by_series(rows.tuples()).values()
    # In a thread: the first of them imports scipy, which takes a second.
    found = [await asyncio.to_thread(find_heaping, series, date(year, 1, 1)) for year in years]
    return [finding for finding in found if finding is not None]


def _by_series(
    rows: Iterable[tuple[Any, ...]],
) -> dict[Series, dict[date, dict[Measure, int]]]:
    figures: dict[Series, dict[date, dict[Measure, int]]] = {}
    for service, channel, period, measure, value in rows:
        figures.setdefault((service, channel), {}).setdefault(period, {})[measure] = value
    return figures


def _key(finding: Finding) -> Key:
    return (
        finding.service or "",
        finding.channel or "",
        finding.period,
        finding.measure or "",
        finding.kind,
        finding.fingerprint,
    )


def _columns(findings: Sequence[Finding]) -> dict[str, list[Any]]:
    keys = [_key(finding) for finding in findings]
    services, channels, periods, measures, kinds, fingerprints = map(list, zip(*keys, strict=True))
    return {
        "ids": [new_id() for _ in findings],
        "services": services,
        "channels": channels,
        "periods": periods,
        "measures": measures,
        "kinds": kinds,
        "fingerprints": fingerprints,
        "certainties": [finding.certainty for finding in findings],
        "facts": [json.dumps(dict(finding.facts)) for finding in findings],
    }


async def _open_flags(
    session: WriteSession, key: Mapping[str, str], reported: Sequence[ReportedMonth]
) -> list[StatisticFlag]:
    months = set(reported)
    years = {item.period.year for item in reported}
    rows = await session.execute(text(LIST_FLAGS), {**key, "state": "open"})
    flags = [_flag(row) for row in rows.mappings()]
    return [
        flag
        for flag in flags
        if (flag.service is None and int(flag.period[:4]) in years)
        or (
            flag.service is not None
            and flag.channel is not None
            and ReportedMonth(flag.service, flag.channel, parse_period(flag.period)) in months
        )
    ][:MAX_RETURNED]


async def list_flags(
    session: ReadSession, region: str, agency: str, *, state: FlagState | None
) -> list[StatisticFlag]:
    """Return the flags on an agency's figures."""
    parameters = {"region": region, "agency": agency, "state": state}
    rows = await session.execute(text(LIST_FLAGS), parameters)
    return [_flag(row) for row in rows.mappings()]


async def count_flags(session: ReadSession, region: str) -> list[FlagCount]:
    """Return the number of flags by agency, kind and state."""
    rows = await session.execute(text(COUNT_FLAGS), {"region": region})
    return [FlagCount.model_validate(dict(row)) for row in rows.mappings()]


async def lock_flag(session: WriteSession, region: str, flag: UUID) -> StatisticFlag | None:
    """Return a flag and lock it until the end of the transaction."""
    rows = await session.execute(text(LOCK_FLAG), {"region": region, "id": flag})
    row = rows.mappings().one_or_none()
    return None if row is None else _flag(row)


async def explain_flag(
    session: WriteSession, region: str, flag: UUID, explanation: str, *, by: str, now: datetime
) -> StatisticFlag:
    """Store the explanation of a flag."""
    rows = await session.execute(
        text(EXPLAIN),
        {"region": region, "id": flag, "explanation": explanation, "by": by, "now": now},
    )
    return _flag(rows.mappings().one())


def _flag(row: RowMapping) -> StatisticFlag:
    state: FlagState = "open"
    if row["resolved_at"] is not None:
        state = "resolved"
    elif row["explanation"] is not None:
        state = "explained"
    texts, texts_en = (
        describe(
            row["kind"],
            service=row["service"],
            channel=row["channel"] or None,
            period=row["period"],
            measure=row["measure"] or None,
            facts=row["facts"],
            messages=translator(language),
        )
        for language in ("id", "en")
    )
    return StatisticFlag(
        id=row["id"],
        agency=row["agency"],
        service=row["service"] or None,
        channel=row["channel"] or None,
        period=f"{row['period']:%Y-%m}",
        measure=row["measure"] or None,
        kind=row["kind"],
        certainty=row["certainty"],
        state=state,
        message=texts.message,
        message_en=texts_en.message,
        remedy=texts.remedy,
        remedy_en=texts_en.remedy,
        facts=row["facts"],
        explanation=row["explanation"],
        raised_at=row["raised_at"],
        resolved_at=row["resolved_at"],
    )


async def flagged_months(
    session: ReadSession | WriteSession, region: str, *, first: date, last: date
) -> set[tuple[str, date]]:
    """Return the agencies and months from `first` to `last` whose figures are likely wrong."""
    span = {"region": region, "first": first, "last": last}
    rows = await session.execute(text(FLAGGED_MONTHS), span)
    return {(row.agency, row.month) for row in rows}
