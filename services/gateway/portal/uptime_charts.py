"""Charts of how much of each of the last days a portal worked."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from services.gateway.link_monitoring.reason_texts import short_title
from services.gateway.link_monitoring.uptime import Observed
from services.gateway.portal.charts.calendar_drawings import DayBar, day_bars
from services.gateway.portal.charts.chart import Cell, Chart, Column
from services.gateway.portal.page import Page
from services.platform.service import API

ADDRESS = "/status/bagan"
HOUR = timedelta(hours=1)


def uptime_chart(
    page: Page,
    link: Mapping[str, object],
    observed: Mapping[date, Observed],
    *,
    first: date,
    last: date,
) -> Chart:
    """Return the chart of a portal's days from the first to the last."""
    messages = page.messages
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    shares = {day: observed.get(day, Observed()).uptime for day in days}
    slug, title = str(link["slug"]), short_title(str(page.in_language(link, "title")))
    measure = messages.gettext(
        "%(portal)s: bagian waktu ketika berfungsi, per hari, %(first)s sampai %(last)s",
        portal=title,
        first=messages.long_date(first),
        last=messages.long_date(last),
    )
    finding = _finding(page, [share for share in shares.values() if share is not None])
    faults = "; ".join(
        f"{messages.day_of_year(day)}: {messages.percent(round_down(share), 1)}"
        for day, share in shares.items()
        if share is not None and share < 1
    )
    rows: list[list[Cell]] = [
        [
            messages.long_date(day),
            None if share is None else share * 100,
            observed.get(day, Observed()).duration / HOUR,
        ]
        for day, share in shares.items()
    ]
    return Chart(
        drawing=day_bars(
            [DayBar(share) for share in shares.values()],
            first=messages.day_of_year(first),
            last=messages.day_of_year(last),
            name=f"hari-{slug}",
            title=measure,
            description=f"{finding}. {faults}" if faults else f"{finding}.",
        ),
        finding=finding,
        measure=measure,
        key=messages.gettext(
            "Batang penuh: berfungsi sepanjang hari. Segitiga di bawahnya: terganggu pada hari "
            "itu. Berarsir: belum cukup lama diamati."
        ),
        source=messages.gettext(
            "Sumber: pemeriksaan berkala oleh e-Mall %(place)s.", place=page.place or ""
        ),
        columns=[
            Column(messages.gettext("Hari")),
            Column(messages.gettext("Berfungsi (persen)"), 1, "down"),
            Column(messages.gettext("Lama diamati (jam)"), 1),
        ],
        rows=rows,
        address=f"{ADDRESS}/{slug}",
        data=f"{API}/links/{slug}/uptime",
    )


def round_down(share: float) -> float:
    """Return a share rounded down to a thousandth: 99.99 % is not 100 %."""
    return int(share * 1000) / 1000


def _finding(page: Page, shares: Sequence[float]) -> str:
    """Return on how many of the observed days something was wrong."""
    if not shares:
        return page.messages.gettext("Belum cukup lama diamati")
    faulty = sum(share < 1 for share in shares)
    if not faulty:
        return page.messages.ngettext(
            "Tanpa gangguan dalam %(num)s hari pengamatan",
            "Tanpa gangguan dalam %(num)s hari pengamatan",
            len(shares),
        )
    return page.messages.gettext(
        "Terganggu pada %(faulty)s dari %(days)s hari pengamatan", faulty=faulty, days=len(shares)
    )
