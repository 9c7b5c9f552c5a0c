"""The chart of who reported which month: on time, late, missing, in shapes and words."""

from collections import Counter
from collections.abc import Mapping, Sequence

from services.feedback.client import ReportingMonth
from services.gateway.portal.charts.calendar_drawings import CellLook, MonthRow, month_cells
from services.gateway.portal.charts.chart import Cell, Chart, Column
from services.gateway.portal.dashboard.node_addresses import chart_address
from services.gateway.portal.page import Page
from services.gateway.portal.upload.labels import LABELS
from services.platform.service import API

NAME = "pelaporan"
"""Its name in addresses."""

NOT_ASKED = "not_asked"

LOOKS: Mapping[str, CellLook] = {
    "on_time": CellLook(fill="count"),
    "on_time_partly": CellLook(fill="count", is_half=True),
    "late": CellLook(fill="hatch"),
    "late_partly": CellLook(fill="hatch", is_half=True),
    "missing": CellLook(sign="cross"),
    "open": CellLook(),
    NOT_ASKED: CellLook(sign="dash", has_frame=False),
}
"""By state; reports of a part of the services fill a half."""


async def reporting_chart(page: Page, year: int) -> Chart | None:
    """Return the chart of a year; None if no agency is asked for a report in it."""
    return calendar_chart(page, year, await reporting_months(page, year))


async def reporting_months(page: Page, year: int) -> Mapping[str, Sequence[ReportingMonth | None]]:
    """Return the months of a year of each agency, None for those that nobody speaks of."""
    items = await page.feedback.list_reporting_months(first=f"{year}-01", last=f"{year}-12")
    agencies: dict[str, list[ReportingMonth | None]] = {}
    for item in items:
        months = agencies.setdefault(item.agency, [None] * 12)
        months[int(item.period[-2:]) - 1] = item
    names = {one.slug: one.short_name for one in await page.catalog.list_agencies()}
    return {names.get(slug, slug): months for slug, months in agencies.items()}


def is_asked(months: Sequence[ReportingMonth | None]) -> bool:
    """Return whether any month must be reported."""
    return any(month is not None and month.state != NOT_ASKED for month in months)


def calendar_chart(
    page: Page, year: int, agencies: Mapping[str, Sequence[ReportingMonth | None]]
) -> Chart | None:
    """Return the chart of these agencies; None if none of them is asked for a report."""
    messages = page.messages
    asked = {name: months for name, months in agencies.items() if is_asked(months)}
    if not asked:
        return None
    words = _words(page)
    found = _summary(page, [month for months in asked.values() for month in months])
    measure = messages.gettext("Laporan bulanan statistik per instansi, %(year)s", year=year)
    rows: list[list[Cell]] = [
        [
            name,
            messages.month_name(number),
            words[_look(month)],
            None if month is None else month.services_reported,
            None if month is None else month.services_expected,
        ]
        for name, months in asked.items()
        for number, month in enumerate(months, 1)
    ]
    return Chart(
        drawing=month_cells(
            [
                MonthRow(name, _summary(page, months), [_look(month) for month in months])
                for name, months in asked.items()
            ],
            looks=LOOKS,
            labels=words,
            months=[messages.month_abbreviation(number) for number in range(1, 13)],
            name="reporting",
            title=measure,
        ),
        finding=f"{found[:1].upper()}{found[1:]}",
        measure=measure,
        key=messages.gettext("Setengah kotak: baru sebagian layanan dilaporkan."),
        source=messages.gettext("Sumber: e-Mall %(place)s.", place=page.place or ""),
        data=f"{API}/usage/completeness?from={year}-01&to={year}-12",
        columns=[
            Column(messages.gettext("Instansi")),
            Column(messages.gettext("Bulan")),
            Column(messages.gettext("Keadaan")),
            Column(messages.gettext("Layanan dilaporkan")),
            Column(messages.gettext("Layanan yang wajib")),
        ],
        rows=rows,
        address=chart_address(year, NAME),
    )


def _look(month: ReportingMonth | None) -> str:
    if month is None:
        return NOT_ASKED
    is_partly = month.state in ("on_time", "late") and not month.complete
    return f"{month.state}_partly" if is_partly else month.state


def _words(page: Page) -> dict[str, str]:
    """Return what each look means, in the order of the legend."""
    labels = page.messages.labels(LABELS)
    partly = page.messages.gettext("sebagian")
    return {
        look: f"{labels[look.removesuffix('_partly')]}, {partly}"
        if look.endswith("_partly")
        else labels[look]
        for look in LOOKS
    }


def _summary(page: Page, months: Sequence[ReportingMonth | None]) -> str:
    """Return how many of the months are in each state, in words."""
    labels = page.messages.labels(LABELS)
    counts = Counter(month.state for month in months if month is not None)
    return ", ".join(
        f"{labels[state]} {counts[state]}"
        for state in ("on_time", "late", "missing", "open")
        if counts[state]
    )
