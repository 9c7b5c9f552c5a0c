"""Yearly availability report of links as PDF, in Indonesian."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from services.gateway.link_monitoring.checks import COVERAGE_INTERVALS
from services.gateway.link_monitoring.reason_texts import reason_text
from services.gateway.link_monitoring.sla import LinkIncident, LinkSla, SlaReport, combine
from services.gateway.link_monitoring.status import FAILURES_TO_OPEN, SUCCESSES_TO_CLOSE
from services.gateway.link_monitoring.uptime import UptimePeriod
from services.platform.pdf import ZERO_WIDTH_SPACE, allow_breaks, render_pdf
from services.platform.translation import translator

TEMPLATE = Path(__file__).parent / "templates" / "sla.typ"
TITLE = "Laporan tahunan ketersediaan tautan"

INDONESIAN = translator("id")
ZONE_NAMES = {
    "Asia/Jakarta": "Waktu Indonesia Barat (WIB)",
    "Asia/Makassar": "Waktu Indonesia Tengah (WITA)",
    "Asia/Jayapura": "Waktu Indonesia Timur (WIT)",
}
NOT_MEASURED = "tidak diukur"
NO_MEASURED_TIME = "tidak terhitung"
NO_VALUE = "–"
MAX_HEADER_LENGTH = 40


def render_sla_pdf(report: SlaReport, *, now: datetime) -> bytes:
    """Return the report as a PDF with A4 pages."""
    return render_pdf(_template(), to_document(report, now=now))


def to_document(report: SlaReport, *, now: datetime) -> dict[str, Any]:
    """Return the report's texts and figures as input of the template."""
    zone = ZoneInfo(report.time_zone)
    local = now.astimezone(zone)
    return {
        "title": TITLE,
        "year": str(report.year),
        "place": allow_breaks(report.region_name),
        "header": _truncate(report.region_name),
        "date": {"year": local.year, "month": local.month, "day": local.day},
        "facts": [
            ["Kabupaten/kota", allow_breaks(report.region_name)],
            ["Tahun", f"{report.year}{_progress(report.year, today=local.date())}"],
            ["Ditulis", _format_time(now, zone)],
            ["Jumlah tautan", str(len(report.links))],
        ],
        "method": method_paragraphs(report.check_seconds, report.time_zone),
        "summary": _summary(report),
        "links": [_link(link, year=report.year, now=now, zone=zone) for link in report.links],
    }


def method_paragraphs(check_seconds: int, time_zone: str) -> list[str]:
    """Return the paragraphs that explain how the figures are calculated."""
    interval = "Pemeriksaan berkala dimatikan ketika laporan ini ditulis."
    if check_seconds:
        interval = (
            f"Setiap tautan diperiksa setiap {_format_duration(check_seconds)} (menurut pengaturan "
            "ketika laporan ini ditulis)."
        )
    return [
        f"{interval} Hasil sebuah pemeriksaan berlaku sampai pemeriksaan berikutnya, paling lama "
        f"{COVERAGE_INTERVALS} kali selang itu; waktu selebihnya tidak diketahui dan tidak "
        "dihitung.",
        "Ketersediaan adalah waktu berfungsi dibagi waktu terukur. Waktu terukur adalah waktu "
        "berfungsi ditambah waktu gangguan; portal yang menjawab tetapi perlu perhatian, "
        "misalnya lambat, terhitung berfungsi. Waktu gangguan yang ada tidak pernah dibulatkan "
        "menjadi 100%.",
        "Pemeliharaan adalah waktu yang diumumkan sebelumnya. Waktu itu tidak termasuk waktu "
        "terukur, tidak dihitung sebagai gangguan, dan tidak membuka insiden.",
        f"Bulan tanpa pemeriksaan ditulis “{NOT_MEASURED}”; bulan yang diperiksa tetapi tanpa "
        f"waktu terukur, misalnya karena pemeliharaan, ditulis “{NO_MEASURED_TIME}”.",
        f"Insiden dibuka oleh {FAILURES_TO_OPEN} pemeriksaan gagal berturut-turut dan ditutup oleh "
        f"{SUCCESSES_TO_CLOSE} pemeriksaan baik, atau dibuka dan ditutup oleh petugas. Insiden "
        "dihitung pada bulan mulainya; yang mulai sebelum tahun ini dan berlanjut ke dalamnya "
        "terdaftar, tetapi tidak dihitung.",
        "Waktu jawab p50 dan p95: separuh dan 95% jawaban datang dalam waktu itu. Dari hari yang "
        "pemeriksaannya tidak disimpan lagi satu per satu, dipakai rata-rata angka harian.",
        f"Semua waktu adalah {ZONE_NAMES[time_zone]}.",
    ]


def _summary(report: SlaReport) -> list[list[str]]:
    """Return a row for each link, and one for all of them."""
    rows = [
        [
            allow_breaks(link.title),
            _host(link),
            *_uptime_cells(link.total, sum(link.incidents_opened.values())),
        ]
        for link in report.links
    ]
    total = combine((link.total for link in report.links), year=report.year)
    opened = sum(sum(link.incidents_opened.values()) for link in report.links)
    return [*rows, ["Semua tautan", "", *_uptime_cells(total, opened)]]


def _link(link: LinkSla, *, year: int, now: datetime, zone: ZoneInfo) -> dict[str, Any]:
    opened = link.incidents_opened
    months = [
        [
            INDONESIAN.month_name(n),
            *_uptime_cells(link.months.get(n), opened.get(n, 0)),
            *_response_cells(link.months.get(n)),
        ]
        for n in range(1, 13)
    ]
    total = [
        f"Tahun {year}",
        *_uptime_cells(link.total, sum(opened.values())),
        *_response_cells(link.total),
    ]
    return {
        "title": allow_breaks(link.title),
        "facts": [["Host", _host(link)], ["Pengelola", allow_breaks(link.operator)]],
        "months": [*months, total],
        "incidents": _incidents(link.incidents, now=now, zone=zone),
    }


def _incidents(
    incidents: Sequence[LinkIncident], *, now: datetime, zone: ZoneInfo
) -> list[list[str]]:
    return [
        [
            _format_time(incident.opened_at, zone),
            "masih berlangsung"
            if incident.closed_at is None
            else _format_time(incident.closed_at, zone),
            _format_duration(
                round(((incident.closed_at or now) - incident.opened_at).total_seconds())
            ),
            allow_breaks(reason_text(incident.reason, "id") or incident.title),
        ]
        for incident in incidents
    ]


def _uptime_cells(period: UptimePeriod | None, incidents: int) -> list[str]:
    """Return the cells uptime, hours measured, down and in maintenance, checks, incidents."""
    if period is None:
        return [NOT_MEASURED, NO_VALUE, NO_VALUE, NO_VALUE, "0", str(incidents)]
    return [
        _format_percent(period),
        _format_hours(period.observed_seconds),
        _format_hours(period.broken_seconds),
        _format_hours(period.maintenance_seconds),
        INDONESIAN.number(period.checks),
        str(incidents),
    ]


def _response_cells(period: UptimePeriod | None) -> list[str]:
    """Return the response times p50 and p95."""
    if period is None:
        return [NO_VALUE, NO_VALUE]
    values = (period.response_ms_p50, period.response_ms_p95)
    return [NO_VALUE if value is None else INDONESIAN.number(round(value)) for value in values]


def _format_percent(period: UptimePeriod) -> str:
    if period.uptime is None:
        return NO_MEASURED_TIME
    shown = round(period.uptime * 100, 3)
    if period.broken_seconds:
        # Downtime is never rounded away.
        shown = min(shown, 99.999)
    return INDONESIAN.number(shown, 3)


def _format_hours(seconds: int) -> str:
    return INDONESIAN.number(seconds / 3600, 2)


def _format_duration(seconds: int) -> str:
    """Return a duration in its largest non-zero unit and the next smaller one."""
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, left = divmod(rest, 60)
    units = ((days, "hari"), (hours, "jam"), (minutes, "menit"), (left, "detik"))
    non_zero = [n for n, (number, _) in enumerate(units) if number]
    first = non_zero[0] if non_zero else len(units) - 1
    parts = [f"{number} {unit}" for number, unit in units[first : first + 2] if number]
    return " ".join(parts) or "0 detik"


def _format_time(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{INDONESIAN.long_date(local.date())} pukul {INDONESIAN.clock(local)} {local:%Z}"


def _progress(year: int, *, today: date) -> str:
    if year > today.year:
        return " (belum dimulai)"
    return " (masih berjalan)" if year == today.year else ""


def _host(link: LinkSla) -> str:
    host = urlsplit(link.url).hostname or link.url
    return f".{ZERO_WIDTH_SPACE}".join(allow_breaks(label) for label in host.split("."))


def _truncate(text: str) -> str:
    return text if len(text) <= MAX_HEADER_LENGTH else f"{text[: MAX_HEADER_LENGTH - 1].rstrip()}…"


@cache
def _template() -> bytes:
    return TEMPLATE.read_bytes()
