"""Yearly availability report of links as CSV."""

from collections.abc import Iterator
from datetime import date, timedelta

from services.gateway.link_monitoring.sla import SlaReport
from services.gateway.link_monitoring.uptime import UptimePeriod
from services.platform.spreadsheets.csv_export import CsvValue, Delimiter, write_csv

COLUMNS = (
    "link",
    "title",
    "operator",
    "period",
    "uptime_percent",
    "ok_minutes",
    "caution_minutes",
    "broken_minutes",
    "maintenance_minutes",
    "unknown_minutes",
    "checks",
    "response_ms_p50",
    "response_ms_p95",
    "response_ms_p99",
    "incidents",
)


def render_csv(report: SlaReport, *, today: date, delimiter: Delimiter) -> bytes:
    """Return the report as CSV: one row per link and month with checks, and one for the year."""
    return write_csv(COLUMNS, _rows(report, today=today), delimiter=delimiter)


def _rows(report: SlaReport, *, today: date) -> Iterator[list[CsvValue]]:
    begin, end = date(report.year, 1, 1), date(report.year + 1, 1, 1)
    for link in report.links:
        names = (link.slug, link.title, link.operator)
        for month, period in sorted(link.months.items()):
            month_end = (period.period + timedelta(days=31)).replace(day=1)
            seconds = _elapsed(period.period, month_end, today=today)
            values = _values(period, seconds, link.incidents_opened.get(month, 0))
            yield [*names, f"{period.period:%Y-%m}", *values]
        if link.total is not None:
            seconds = _elapsed(begin, end, today=today)
            values = _values(link.total, seconds, sum(link.incidents_opened.values()))
            yield [*names, str(report.year), *values]


def _elapsed(begin: date, end: date, *, today: date) -> int:
    """Return the seconds of a period up to and including today."""
    return max((min(end, today + timedelta(days=1)) - begin).days, 0) * 86_400


def _values(period: UptimePeriod, elapsed_seconds: int, incidents: int) -> list[CsvValue]:
    """Return the cells of a period from `uptime_percent` on."""
    seconds = (
        period.ok_seconds,
        period.caution_seconds,
        period.broken_seconds,
        period.maintenance_seconds,
    )
    percentiles = (period.response_ms_p50, period.response_ms_p95, period.response_ms_p99)
    return [
        None if period.uptime is None else round(period.uptime * 100, 3),
        *(round(value / 60) for value in seconds),
        round(max(elapsed_seconds - sum(seconds), 0) / 60),
        period.checks,
        *(None if value is None else round(value) for value in percentiles),
        incidents,
    ]
