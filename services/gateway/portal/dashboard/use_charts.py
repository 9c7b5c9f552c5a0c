"""Charts of the use of services and of what citizens say, by name; None where nothing is known."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date

from services.feedback.client import UsageCount, UsageDimension
from services.gateway.portal.charts.chart import Cell, Chart, Column
from services.gateway.portal.charts.count_drawings import CountBar, count_bars
from services.gateway.portal.dashboard.node_addresses import chart_address
from services.gateway.portal.labels import CHANNELS
from services.gateway.portal.page import Page

MOST_BARS = 20
"""Bars of a chart; the others are summed up in one."""

UseChart = Callable[[Page, int], Awaitable[Chart | None]]


async def by_month(page: Page, year: int) -> Chart | None:
    """Return the applications that were received in each month."""
    sums = await _sums(page, year, "month", "submitted")
    if not sums:
        return None
    months = [f"{year}-{number:02}" for number in range(1, 13)]
    known = [month for month in months if month in sums]
    labels = {month: page.messages.month_name(int(month[-2:])) for month in known}
    return _chart(
        page,
        year,
        [(labels[month], sums[month]) for month in known],
        name="bulan",
        head=page.messages.gettext("Bulan"),
        measure=page.messages.gettext("Permohonan masuk per bulan, %(year)s", year=year),
    )


async def by_service(page: Page, year: int) -> Chart | None:
    """Return the applications that were received for each service."""
    sums = await _sums(page, year, "service", "submitted")
    if not sums:
        return None
    services = await page.catalog.list_service_names()
    names = {one.slug: str(page.in_language(one, "name")) for one in services}
    return _chart(
        page,
        year,
        _largest(page, sums, names),
        name="layanan",
        head=page.messages.gettext("Layanan"),
        measure=page.messages.gettext("Permohonan masuk per layanan, %(year)s", year=year),
    )


async def by_channel(page: Page, year: int) -> Chart | None:
    """Return the applications that were received in each way."""
    sums = await _sums(page, year, "channel", "submitted")
    if not sums:
        return None
    return _chart(
        page,
        year,
        _largest(page, sums, page.messages.labels(CHANNELS)),
        name="kanal",
        head=page.messages.gettext("Cara"),
        measure=page.messages.gettext("Permohonan masuk per cara mengurus, %(year)s", year=year),
    )


async def by_portal(page: Page, year: int) -> Chart | None:
    """Return how often visitors went on to each portal."""
    sums = await _sums(page, year, "link", "click_out")
    if not sums:
        return None
    return _chart(
        page,
        year,
        _largest(page, sums, {}),
        name="portal",
        head=page.messages.gettext("Portal"),
        measure=page.messages.gettext("Kunjungan ke portal lewat e-Mall, %(year)s", year=year),
    )


async def satisfaction(page: Page, year: int) -> Chart | None:
    """Return the mean of each element of satisfaction, the lowest first."""
    found = await page.feedback.find_results("skm", period=str(year))
    if found is None or found.satisfaction is None:
        return None
    elements = sorted(found.satisfaction.elements, key=lambda element: element.nrr)
    rows = [(str(page.in_language(element, "text")), element.nrr) for element in elements]
    return _chart(
        page,
        year,
        rows,
        name="kepuasan",
        head=page.messages.gettext("Unsur"),
        measure=page.messages.gettext(
            "Kepuasan per unsur, nilai 1 sampai 4, %(n)s jawaban, %(year)s",
            n=page.messages.number(found.satisfaction.n),
            year=year,
        ),
        key=_sample_words(page, found.by_sample),
        digits=2,
        most=4,
    )


async def awareness(page: Page, year: int) -> Chart | None:
    """Return how many of those who answered know the mall and use it."""
    found = await page.feedback.find_results("awareness", period=str(year))
    if found is None or not found.n:
        return None
    questions = {question.code: question for question in found.questions}
    rows: list[tuple[str, float]] = []
    for code, label in (
        ("knows_emall", page.messages.gettext("Tahu e-Mall")),
        ("knows_service_online", page.messages.gettext("Tahu layanannya ada secara daring")),
        ("used", page.messages.gettext("Pernah memakai layanan daring")),
    ):
        yes = [one for one in getattr(questions.get(code), "options", []) if one.code == "yes"]
        rows += [(label, one.share * 100) for one in yes]
    if not rows:
        return None
    return _chart(
        page,
        year,
        rows,
        name="kenal",
        head=page.messages.gettext("Tahap"),
        measure=page.messages.gettext(
            "Persen dari %(n)s jawaban, %(year)s", n=page.messages.number(found.n), year=year
        ),
        key=_sample_words(page, found.by_sample),
        most=100,
    )


async def complaints(page: Page, year: int) -> Chart | None:
    """Return the share of comments to each agency that were answered in time."""
    found = await page.feedback.get_comment_summary(str(year))
    groups = [group for group in found.items if group.value]
    if not groups:
        return None
    agencies = {one.slug: one.short_name for one in await page.catalog.list_agencies()}
    rows = sorted(
        (
            (
                f"{agencies.get(group.value or '', group.value or '')} ({group.n})",
                group.in_time / group.n * 100,
            )
            for group in groups
        ),
        key=lambda row: row[1],
    )
    return _chart(
        page,
        year,
        rows,
        name="aduan",
        head=page.messages.gettext("Instansi (jumlah)"),
        measure=page.messages.gettext("Persen pesan yang dijawab tepat waktu, %(year)s", year=year),
        most=100,
    )


USE_CHARTS: Mapping[str, UseChart] = {
    "bulan": by_month,
    "layanan": by_service,
    "kanal": by_channel,
    "portal": by_portal,
    "kenal": awareness,
    "kepuasan": satisfaction,
    "aduan": complaints,
}
"""The charts by their names in addresses."""


async def _sums(page: Page, year: int, by: UsageDimension, measure: str) -> dict[str, int]:
    """Return the sums of a measure by the codes of a dimension."""
    summary = await page.feedback.get_usage(date(year, 1, 1), date(year, 12, 31), by=by)
    sums: Counter[str] = Counter()
    for item in summary.items:
        code = _code(item, by)
        if item.measure == measure and code is not None:
            sums[code] += item.value
    return dict(sums)


def _code(item: UsageCount, by: UsageDimension) -> str | None:
    codes = {"month": item.month, "service": item.service, "channel": item.channel}
    return item.link if by == "link" else codes[by]


def _largest(
    page: Page, sums: Mapping[str, int], names: Mapping[str, str]
) -> list[tuple[str, float]]:
    """Return the largest sums by name, and the sum of the others."""
    ordered = sorted(sums.items(), key=lambda pair: (-pair[1], pair[0]))
    rows: list[tuple[str, float]] = [
        (names.get(code, code), value) for code, value in ordered[:MOST_BARS]
    ]
    others = sum(value for _, value in ordered[MOST_BARS:])
    return [*rows, (page.messages.gettext("Lainnya"), others)] if others else rows


def _sample_words(page: Page, by_sample: Mapping[str, int]) -> str:
    """Return whom the figures stand for."""
    if set(by_sample) <= {"drawn"}:
        return page.messages.gettext("Responden dipilih secara acak.")
    return page.messages.gettext(
        "Tanpa rentang kesalahan: responden tidak dipilih secara acak, jadi angkanya hanya tentang "
        "mereka yang menjawab."
    )


def _chart(
    page: Page,
    year: int,
    rows: Sequence[tuple[str, float]],
    *,
    name: str,
    head: str,
    measure: str,
    key: str = "",
    digits: int = 0,
    most: float | None = None,
) -> Chart:
    bars = [CountBar(label, page.messages.number(value, digits), value) for label, value in rows]
    highest = max(bars, key=lambda bar: bar.value)
    cells: list[list[Cell]] = [[label, value] for label, value in rows]
    place = ""
    if page.regency is not None:
        place = page.messages.choose(page.regency.name, en=page.regency.name_en)
    return Chart(
        drawing=count_bars(bars, name=name, title=measure, most=most),
        finding=page.messages.gettext(
            "Tertinggi: %(name)s (%(value)s)", name=highest.label, value=highest.figure
        ),
        measure=measure,
        key=key,
        source=page.messages.gettext("Sumber: e-Mall %(place)s.", place=place),
        columns=[Column(head), Column(page.messages.gettext("Nilai"), digits)],
        rows=cells,
        address=chart_address(year, name),
    )
