"""The yearly report of links as PDF, in Indonesian."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from services.gateway.link_monitoring.checks import HOLDS
from services.gateway.link_monitoring.reason_texts import in_words
from services.gateway.link_monitoring.sla import LinkIncident, LinkYear, SlaYear, together
from services.gateway.link_monitoring.status import CLOSES_AFTER, OPENS_AFTER
from services.gateway.link_monitoring.uptime import UptimePeriod
from services.platform.local_time import JAKARTA
from services.platform.pdf import ZERO_WIDTH_SPACE, allow_breaks, render_pdf
from services.platform.translation import translator

TEMPLATE = Path(__file__).parent / "templates" / "sla.typ"
TITLE = "Laporan tahunan ketersediaan tautan"

INDONESIAN = translator("id")
NOT_MEASURED = "tidak diukur"
NOT_COUNTED = "tidak terhitung"
NOTHING = "–"
HEADER_LETTERS = 40


def to_pdf(report: SlaYear, *, now: datetime) -> bytes:
    """The year on pages of A4."""
    return render_pdf(_template(), document_of(report, now=now))


def document_of(report: SlaYear, *, now: datetime) -> dict[str, Any]:
    """The words and figures of the report, as the template sets them."""
    local = now.astimezone(JAKARTA)
    return {
        "title": TITLE,
        "year": str(report.year),
        "place": allow_breaks(report.place),
        "header": _shortened(report.place),
        "date": {"year": local.year, "month": local.month, "day": local.day},
        "facts": [
            ["Kabupaten/kota", allow_breaks(report.place)],
            ["Tahun", f"{report.year}{_progress(report.year, today=local.date())}"],
            ["Ditulis", _moment(now)],
            ["Jumlah tautan", str(len(report.links))],
        ],
        "method": method_of(report.check_seconds),
        "summary": _summary(report),
        "links": [_link(link, year=report.year, now=now) for link in report.links],
    }


def method_of(check_seconds: int) -> list[str]:
    """How the figures came about."""
    every = "Pemeriksaan berkala dimatikan ketika laporan ini ditulis."
    if check_seconds:
        every = (
            f"Setiap tautan diperiksa setiap {_span(check_seconds)} (menurut pengaturan ketika "
            "laporan ini ditulis)."
        )
    return [
        f"{every} Hasil sebuah pemeriksaan berlaku sampai pemeriksaan berikutnya, paling lama "
        f"{HOLDS} kali selang itu; waktu selebihnya tidak diketahui dan tidak dihitung.",
        "Ketersediaan adalah waktu berfungsi dibagi waktu terukur. Waktu terukur adalah waktu "
        "berfungsi ditambah waktu gangguan; portal yang menjawab tetapi perlu perhatian, "
        "misalnya lambat, terhitung berfungsi. Waktu gangguan yang ada tidak pernah dibulatkan "
        "menjadi 100%.",
        "Pemeliharaan adalah waktu yang diumumkan sebelumnya. Waktu itu tidak termasuk waktu "
        "terukur, tidak dihitung sebagai gangguan, dan tidak membuka insiden.",
        f"Bulan tanpa pemeriksaan ditulis “{NOT_MEASURED}”; bulan yang diperiksa tetapi tanpa "
        f"waktu terukur, misalnya karena pemeliharaan, ditulis “{NOT_COUNTED}”.",
        f"Insiden dibuka oleh {OPENS_AFTER} pemeriksaan gagal berturut-turut dan ditutup oleh "
        f"{CLOSES_AFTER} pemeriksaan baik, atau dibuka dan ditutup oleh petugas. Insiden dihitung "
        "pada bulan mulainya; yang mulai sebelum tahun ini dan berlanjut ke dalamnya terdaftar, "
        "tetapi tidak dihitung.",
        "Waktu jawab p50 dan p95: separuh dan 95% jawaban datang dalam waktu itu. Dari hari yang "
        "pemeriksaannya tidak disimpan lagi satu per satu, dipakai rata-rata angka harian.",
        "Semua waktu adalah Waktu Indonesia Barat (WIB).",
    ]


def _summary(report: SlaYear) -> list[list[str]]:
    """A row for each link, and one for all of them."""
    rows = [
        [allow_breaks(link.title), _host(link), *_figures(link.whole, sum(link.begun.values()))]
        for link in report.links
    ]
    whole = together((link.whole for link in report.links), year=report.year)
    begun = sum(sum(link.begun.values()) for link in report.links)
    return [*rows, ["Semua tautan", "", *_figures(whole, begun)]]


def _link(link: LinkYear, *, year: int, now: datetime) -> dict[str, Any]:
    begun, whole = link.begun, link.whole
    months = [
        [
            INDONESIAN.month_name(n),
            *_figures(link.months.get(n), begun.get(n, 0)),
            *_times(link.months.get(n)),
        ]
        for n in range(1, 13)
    ]
    total = [f"Tahun {year}", *_figures(whole, sum(begun.values())), *_times(whole)]
    return {
        "title": allow_breaks(link.title),
        "facts": [["Host", _host(link)], ["Pengelola", allow_breaks(link.operator)]],
        "months": [*months, total],
        "incidents": _incidents(link.incidents, now=now),
    }


def _incidents(incidents: Sequence[LinkIncident], *, now: datetime) -> list[list[str]]:
    return [
        [
            _moment(incident.opened_at),
            "masih berlangsung" if incident.closed_at is None else _moment(incident.closed_at),
            _span(round(((incident.closed_at or now) - incident.opened_at).total_seconds())),
            allow_breaks(in_words(incident.reason, "id") or incident.title),
        ]
        for incident in incidents
    ]


def _figures(period: UptimePeriod | None, begun: int) -> list[str]:
    """Uptime, hours measured, broken and in maintenance, checks, incidents."""
    if period is None:
        return [NOT_MEASURED, NOTHING, NOTHING, NOTHING, "0", str(begun)]
    return [
        _percent(period),
        _hours(period.ok_seconds + period.caution_seconds + period.broken_seconds),
        _hours(period.broken_seconds),
        _hours(period.maintenance_seconds),
        INDONESIAN.number(period.checks),
        str(begun),
    ]


def _times(period: UptimePeriod | None) -> list[str]:
    """The response times p50 and p95."""
    if period is None:
        return [NOTHING, NOTHING]
    known = (period.response_ms_p50, period.response_ms_p95)
    return [NOTHING if value is None else INDONESIAN.number(round(value)) for value in known]


def _percent(period: UptimePeriod) -> str:
    if period.uptime is None:
        return NOT_COUNTED
    shown = round(period.uptime * 100, 3)
    if period.broken_seconds:
        shown = min(shown, 99.999)
    return INDONESIAN.number(shown, 3)


def _hours(seconds: int) -> str:
    return INDONESIAN.number(seconds / 3600, 2)


def _span(seconds: int) -> str:
    """A length of time in its two largest units that count."""
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, left = divmod(rest, 60)
    units = ((days, "hari"), (hours, "jam"), (minutes, "menit"), (left, "detik"))
    counted = [n for n, (number, _) in enumerate(units) if number]
    first = counted[0] if counted else len(units) - 1
    parts = [f"{number} {unit}" for number, unit in units[first : first + 2] if number]
    return " ".join(parts) or "0 detik"


def _moment(at: datetime) -> str:
    local = at.astimezone(JAKARTA)
    return f"{INDONESIAN.long_date(local.date())} pukul {INDONESIAN.clock(local)} WIB"


def _progress(year: int, *, today: date) -> str:
    if year > today.year:
        return " (belum dimulai)"
    return " (masih berjalan)" if year == today.year else ""


def _host(link: LinkYear) -> str:
    host = urlsplit(link.url).hostname or link.url
    return f".{ZERO_WIDTH_SPACE}".join(allow_breaks(label) for label in host.split("."))


def _shortened(text: str) -> str:
    return text if len(text) <= HEADER_LETTERS else f"{text[: HEADER_LETTERS - 1].rstrip()}…"


@cache
def _template() -> bytes:
    return TEMPLATE.read_bytes()
