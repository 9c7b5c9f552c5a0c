"""Keeps doubts about figures: raised when figures come, resolved by corrections, explained."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import text

from services.feedback.statistics.plausibility_checks import (
    HISTORY,
    Doubt,
    doubts_about,
    heaping,
    months_before,
)
from services.feedback.statistics.reporting_schemas import FlagState, StatisticFlag
from services.feedback.statistics.schemas import ChannelKind, Measure
from services.platform.database import ReadSession, WriteSession
from services.platform.ids import new_id
from services.platform.translation import N_, Message, Translator, translator

MOST_SHOWN = 200

FIGURES = """
-- The standing figures of these series of an agency since a month.
SELECT s.service, s.channel, s.period, s.measure, s.value
FROM feedback.statistic s
JOIN unnest(CAST(:services AS text[]), CAST(:channels AS text[])) AS g (service, channel)
    ON g.service = s.service AND g.channel = s.channel
WHERE s.region = :region AND s.agency = :agency AND s.is_current AND s.period >= :since
ORDER BY s.period
"""

FIGURES_OF_YEARS = """
-- All standing figures of an agency in these years.
SELECT service, channel, period, measure, value
FROM feedback.statistic
WHERE region = :region AND agency = :agency AND is_current
  AND period BETWEEN :first AND :last
ORDER BY period
"""

CLICKS = """
-- How many people the hub led to the portals of these services, by month.
SELECT f.service, m.month, sum(m.events)::bigint AS clicks
FROM feedback.facet f
JOIN feedback.monthly_usage m ON m.region = f.region AND m.facet = f.id
WHERE f.region = :region AND f.kind = 'click_out' AND f.service = ANY(CAST(:services AS text[]))
  AND m.month >= :since
GROUP BY f.service, m.month
"""

KNOWN = """
-- The doubts of an agency since a month that may have changed with these series.
SELECT id, service, channel, period, measure, kind, about, resolved_at
FROM feedback.statistic_flag
WHERE region = :region AND agency = :agency AND period >= :since
"""

RAISE = """
-- New doubts; one that was resolved and comes back is open again.
INSERT INTO feedback.statistic_flag AS known
    (region, id, agency, service, channel, period, measure, kind, about, certainty, facts,
     raised_at)
SELECT :region, g.id, :agency, g.service, g.channel, g.period, g.measure, g.kind, g.about,
       g.certainty, g.facts::jsonb, :now
FROM unnest(CAST(:ids AS uuid[]), CAST(:services AS text[]), CAST(:channels AS text[]),
            CAST(:periods AS date[]), CAST(:measures AS text[]), CAST(:kinds AS text[]),
            CAST(:abouts AS text[]), CAST(:certainties AS text[]), CAST(:facts AS text[]))
    AS g (id, service, channel, period, measure, kind, about, certainty, facts)
ON CONFLICT (region, agency, service, channel, period, measure, kind, about)
DO UPDATE SET certainty = excluded.certainty, facts = excluded.facts, resolved_at = NULL
"""

RESOLVE = """
-- Doubts that no figure gives cause for any more.
UPDATE feedback.statistic_flag SET resolved_at = :now
WHERE region = :region AND id = ANY(CAST(:ids AS uuid[])) AND resolved_at IS NULL
"""

LISTED = """
-- Doubts about the figures of an agency, newest month first.
SELECT * FROM feedback.statistic_flag
WHERE region = :region AND agency = :agency
  AND (:state ::text IS NULL OR :state = CASE
        WHEN resolved_at IS NOT NULL THEN 'resolved'
        WHEN explanation IS NOT NULL THEN 'explained' ELSE 'open' END)
ORDER BY period DESC, id
LIMIT 1000
"""

COUNTS = """
-- How many doubts there are, by agency, kind and state.
SELECT agency, kind,
       CASE WHEN resolved_at IS NOT NULL THEN 'resolved'
            WHEN explanation IS NOT NULL THEN 'explained' ELSE 'open' END AS state,
       count(*) AS flags
FROM feedback.statistic_flag
WHERE region = :region
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
"""

DOUBTED_MONTHS = """
-- Months of agencies in doubt: more than possibly wrong, neither corrected nor explained. Digits
-- that are too round cast it on all months of their year.
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

BY_ID = "SELECT * FROM feedback.statistic_flag WHERE region = :region AND id = :id FOR UPDATE"

EXPLAIN = """
-- Keeps why a figure is right.
UPDATE feedback.statistic_flag
SET explanation = :explanation, explained_at = :now, explained_by = :by
WHERE region = :region AND id = :id
RETURNING *
"""

Series = tuple[str, ChannelKind]
Key = tuple[str, str, date, str, str, str]


@dataclass(frozen=True, order=True)
class Touched:
    """A month of one service through one channel for which figures came."""

    service: str
    channel: ChannelKind
    period: date


async def review(
    session: WriteSession, region: str, agency: str, touched: Sequence[Touched], *, now: datetime
) -> list[StatisticFlag]:
    """Looks at the figures that came and those they are compared with; the open doubts about them.

    The caller holds the agency's lock.
    """
    if not touched:
        return []
    names = {"region": region, "agency": agency}
    since = min(item.period for item in touched)
    series: list[Series] = sorted({(item.service, item.channel) for item in touched})
    years = sorted({item.period.year for item in touched})
    doubts = await _doubts_about_series(session, names, series, since=since)
    doubts += await _doubts_about_years(session, names, years)
    rows = await session.execute(text(KNOWN), names | {"since": since.replace(month=1)})
    found = {_key(doubt) for doubt in doubts}
    gone = [
        row.id
        for row in rows
        if row.resolved_at is None
        and (row.service, row.channel, row.period, row.measure, row.kind, row.about) not in found
        and (
            ((row.service, row.channel) in series and row.period >= since)
            or (row.kind == "heaping" and row.period.year in years)
        )
    ]
    if gone:
        await session.execute(text(RESOLVE), {"region": region, "ids": gone, "now": now})
    if doubts:
        await session.execute(text(RAISE), names | {"now": now} | _columns(doubts))
    return await _open_about(session, names, touched)


async def _doubts_about_series(
    session: WriteSession, names: Mapping[str, str], series: Sequence[Series], *, since: date
) -> list[Doubt]:
    services, channels = [service for service, _ in series], [channel for _, channel in series]
    history = months_before(since, HISTORY)
    span: dict[str, Any] = {**names, "since": history}
    rows = await session.execute(text(FIGURES), span | {"services": services, "channels": channels})
    figures = _by_series(rows.tuples())
    clicks: dict[str, dict[date, int]] = {}
    if online := [service for service, channel in series if channel == "online"]:
        for row in await session.execute(text(CLICKS), span | {"services": online}):
            clicks.setdefault(row.service, {})[row.month] = row.clicks
    return [
        replace(doubt, service=service, channel=channel)
        for (service, channel), months in figures.items()
        for doubt in doubts_about(
            months, clicks=clicks.get(service, {}) if channel == "online" else None
        )
        if doubt.period >= since
    ]


async def _doubts_about_years(
    session: WriteSession, names: Mapping[str, str], years: Sequence[int]
) -> list[Doubt]:
    span = {"first": date(years[0], 1, 1), "last": date(years[-1], 12, 1)}
    rows = await session.execute(text(FIGURES_OF_YEARS), {**names, **span})
    figures = _by_series(rows.tuples())
    found = [heaping(figures.values(), date(year, 1, 1)) for year in years]
    return [doubt for doubt in found if doubt is not None]


def _by_series(
    rows: Iterable[tuple[Any, ...]],
) -> dict[Series, dict[date, dict[Measure, int]]]:
    figures: dict[Series, dict[date, dict[Measure, int]]] = {}
    for service, channel, period, measure, value in rows:
        figures.setdefault((service, channel), {}).setdefault(period, {})[measure] = value
    return figures


def _key(doubt: Doubt) -> Key:
    return (
        doubt.service or "",
        doubt.channel or "",
        doubt.period,
        doubt.measure or "",
        doubt.kind,
        doubt.about,
    )


def _columns(doubts: Sequence[Doubt]) -> dict[str, list[Any]]:
    keys = [_key(doubt) for doubt in doubts]
    services, channels, periods, measures, kinds, abouts = map(list, zip(*keys, strict=True))
    return {
        "ids": [new_id() for _ in doubts],
        "services": services,
        "channels": channels,
        "periods": periods,
        "measures": measures,
        "kinds": kinds,
        "abouts": abouts,
        "certainties": [doubt.certainty for doubt in doubts],
        "facts": [json.dumps(dict(doubt.facts)) for doubt in doubts],
    }


async def _open_about(
    session: WriteSession, names: Mapping[str, str], touched: Sequence[Touched]
) -> list[StatisticFlag]:
    months = set(touched)
    years = {item.period.year for item in touched}
    rows = await session.execute(text(LISTED), {**names, "state": "open"})
    flags = [flag_of(row) for row in rows.mappings()]
    return [
        flag
        for flag in flags
        if (flag.service is None and int(flag.period[:4]) in years)
        or (
            flag.service is not None
            and flag.channel is not None
            and Touched(flag.service, flag.channel, date.fromisoformat(f"{flag.period}-01"))
            in months
        )
    ][:MOST_SHOWN]


async def list_flags(
    session: ReadSession, region: str, agency: str, *, state: FlagState | None
) -> list[StatisticFlag]:
    """The doubts about an agency's figures."""
    parameters = {"region": region, "agency": agency, "state": state}
    rows = await session.execute(text(LISTED), parameters)
    return [flag_of(row) for row in rows.mappings()]


def flag_of(row: Mapping[Any, Any]) -> StatisticFlag:
    """A stored doubt, said in words."""
    facts: dict[str, float] = row["facts"]
    what, remedy = _describe(row, facts, translator("id"))
    what_en, remedy_en = _describe(row, facts, translator("en"))
    state: FlagState = "open"
    if row["resolved_at"] is not None:
        state = "resolved"
    elif row["explanation"] is not None:
        state = "explained"
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
        what=what,
        what_en=what_en,
        remedy=remedy,
        remedy_en=remedy_en,
        facts=facts,
        explanation=row["explanation"],
        raised_at=row["raised_at"],
        resolved_at=row["resolved_at"],
    )


COUNTERS: Mapping[str, Message] = {
    "submitted": N_("masuk"),
    "in_review": N_("proses"),
    "completed": N_("selesai"),
    "rejected": N_("ditolak"),
    "returned": N_("dikembalikan"),
}

CHANNEL_NAMES: Mapping[str, Message] = {
    "online": N_("daring"),
    "counter": N_("loket"),
    "phone": N_("telepon"),
    "visit": N_("kunjungan"),
    "email": N_("surel"),
}


def _describe(
    row: Mapping[Any, Any], facts: Mapping[str, float], messages: Translator
) -> tuple[str, str]:
    """What is hard to believe and why, and the remedy, in a language."""
    _ = messages.gettext
    values: dict[str, str] = {
        name: messages.number(value, 0 if float(value).is_integer() else 1)
        for name, value in facts.items()
    }
    channel = CHANNEL_NAMES.get(row["channel"])
    values["series"] = _(
        "%(service)s (%(channel)s), %(month)s",
        service=row["service"],
        channel="" if channel is None else messages.translate(channel),
        month=messages.month(row["period"]),
    )
    remedy = _("Periksa angkanya; betulkan, atau jelaskan mengapa angka ini benar.")
    match row["kind"]:
        case "jump":
            values["counter"] = messages.translate(COUNTERS[row["measure"]])
            what = _(
                "%(series)s: %(counter)s %(value)s, padahal biasanya sekitar %(median)s "
                "(%(months)s bulan sebelumnya).",
                **values,
            )
        case "impossible":
            what = _(
                "%(series)s: %(decided)s selesai, ditolak, atau dikembalikan, padahal hanya "
                "%(submitted)s masuk dan paling banyak %(open_before)s tersisa dari bulan "
                "sebelumnya.",
                **values,
            )
        case "heaping":
            what = _(
                "Tahun %(year)s: %(round)s dari %(figures)s angka berakhir dengan 0 atau 5; "
                "kebetulan hanya memberi seperlima. Mungkin angka perkiraan.",
                year=row["period"].year,
                **values,
            )
            remedy = _("Ambil angka dari buku register atau aplikasi, lalu betulkan atau jelaskan.")
        case _:
            what = _(
                "%(series)s: %(submitted)s permohonan daring, padahal e-Mall mengantar "
                "%(clicks)s orang ke portalnya.",
                **values,
            )
            remedy = _(
                "Periksa apakah semua permohonan daring terhitung dan portal berfungsi; "
                "betulkan, atau jelaskan."
            )
    return what, remedy


async def doubted_months(
    session: ReadSession | WriteSession, region: str, *, first: date, last: date
) -> set[tuple[str, date]]:
    """Agencies and their months of a span whose figures are in doubt."""
    span = {"region": region, "first": first, "last": last}
    rows = await session.execute(text(DOUBTED_MONTHS), span)
    return {(row.agency, row.month) for row in rows}
