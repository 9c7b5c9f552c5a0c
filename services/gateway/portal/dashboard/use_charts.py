"""Charts of the use of services and of what citizens say, by name; None where nothing is known."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from sqlmodel import select

from services.feedback.client import OptionCount, UsageCount, UsageDimension
from services.gateway.link_monitoring.reason_texts import short_title
from services.gateway.link_monitoring.records import LinkRecord
from services.gateway.portal.charts.chart import Cell, Chart, Column
from services.gateway.portal.charts.count_drawings import CountBar, count_bars
from services.gateway.portal.dashboard.node_addresses import chart_address
from services.gateway.portal.labels import CHANNELS
from services.gateway.portal.page import Page
from services.gateway.portal.surveys.result_charts import (
    HIGHEST_LEVEL,
    ends_of,
    level_bar,
    mean_levels,
    sample_words,
)
from services.gateway.regency.districts import list_districts
from services.platform.database import Database
from services.platform.service import API, get_region
from services.platform.translation import N_, Message

MOST_BARS = 20
"""Bars of a chart; the others are summed up in one."""

UseChart = Callable[[Page, int], Awaitable[Chart | None]]


@dataclass(frozen=True)
class Count:
    """Sums of use by a dimension: which measures are summed up (None: all), and their words."""

    by: UsageDimension
    measures: frozenset[str] | None
    head: Message
    title: Message
    key: Message | None = None


SUBMITTED = frozenset({"submitted"})

COUNTS: Mapping[str, Count] = {
    "bulan": Count("month", SUBMITTED, N_("Bulan"), N_("Permohonan masuk per bulan, %(year)s")),
    "layanan": Count(
        "service", SUBMITTED, N_("Layanan"), N_("Permohonan masuk per layanan, %(year)s")
    ),
    "kanal": Count(
        "channel", SUBMITTED, N_("Cara"), N_("Permohonan masuk per cara mengurus, %(year)s")
    ),
    "portal": Count(
        "link",
        frozenset({"click_out"}),
        N_("Portal"),
        N_("Kunjungan ke portal lewat e-Mall, %(year)s"),
    ),
    "kecamatan": Count(
        "district",
        None,
        N_("Kecamatan"),
        N_("Kegiatan daring yang tercatat per kecamatan, %(year)s"),
        key=N_(
            "Halaman, pencarian, kunjungan ke portal, dan formulir, bila pengirimnya menyebut "
            "kecamatan; dibulatkan ke bawah ke kelipatan lima agar tidak seorang pun dikenali."
        ),
    ),
}
"""The charts of sums, by their names in addresses."""


async def count_chart(page: Page, year: int, *, name: str) -> Chart | None:
    """Return the chart of the sums of a year; None without any."""
    count = COUNTS[name]
    sums = await _sums(page, year, count)
    if not sums:
        return None
    names = await _names(page, count.by, sums)
    if count.by == "month":
        rows: list[tuple[str, float]] = [(names[month], sums[month]) for month in sorted(sums)]
    else:
        rows = _largest(page, sums, names)
    return _chart(
        page,
        year,
        [CountBar(label, page.messages.number(value), value) for label, value in rows],
        name=name,
        head=page.messages.translate(count.head),
        measure=page.messages.translate(count.title, year=year),
        key="" if count.key is None else page.messages.translate(count.key),
        data=f"{API}/usage/summary?from={year}-01-01&to={year}-12-31&group_by={count.by}",
    )


async def _names(page: Page, by: UsageDimension, codes: Iterable[str]) -> Mapping[str, str]:
    """Return the names of codes of a dimension; codes without one are shown as they are."""
    match by:
        case "month":
            return {code: page.messages.month_name(int(code[-2:])) for code in codes}
        case "service":
            services = await page.catalog.list_service_names()
            return {one.slug: str(page.in_language(one, "name")) for one in services}
        case "channel":
            return page.messages.labels(CHANNELS)
        case "district":
            async with _database(page).read_session() as session:
                return dict(await list_districts(session, get_region(page.request)))
        case "link":
            titles = select(LinkRecord.slug, LinkRecord.content).where(
                LinkRecord.region == get_region(page.request)
            )
            async with _database(page).read_session() as session:
                rows = (await session.execute(titles)).all()
            return {
                slug: short_title(str(page.in_language(content, "title"))) for slug, content in rows
            }


def _database(page: Page) -> Database:
    return page.request.app.state.database


async def satisfaction(page: Page, year: int) -> Chart | None:
    """Return the mean of each element of satisfaction, the lowest first."""
    found = await page.feedback.find_results("skm", period=str(year))
    if found is None or found.satisfaction is None:
        return None
    levels = sorted(mean_levels(page, found), key=lambda level: level.value)
    return _chart(
        page,
        year,
        [level_bar(page, level) for level in levels],
        name="kepuasan",
        head=page.messages.gettext("Unsur"),
        measure=page.messages.gettext(
            "Kepuasan per unsur, nilai 1 sampai 4, %(n)s jawaban, %(period)s",
            n=page.messages.number(found.satisfaction.n),
            period=year,
        ),
        key=sample_words(page, found.by_sample, [level.interval is not None for level in levels]),
        data=f"{API}/surveys/skm/results?period={year}",
        digits=2,
        most=HIGHEST_LEVEL,
    )


async def awareness(page: Page, year: int) -> Chart | None:
    """Return how many of those who answered know the mall and use it."""
    found = await page.feedback.find_results("awareness", period=str(year))
    if found is None or not found.n:
        return None
    questions = {question.code: question for question in found.questions}
    bars: list[CountBar] = []
    for code, label in (
        ("knows_emall", page.messages.gettext("Tahu e-Mall")),
        ("knows_service_online", page.messages.gettext("Tahu layanannya ada secara daring")),
        ("used", page.messages.gettext("Pernah memakai layanan daring")),
    ):
        for option in getattr(questions.get(code), "options", []):
            if option.code == "yes":
                bars.append(_share_bar(page, label, option))
    if not bars:
        return None
    return _chart(
        page,
        year,
        bars,
        name="kenal",
        head=page.messages.gettext("Tahap"),
        measure=page.messages.gettext(
            "Persen dari %(n)s jawaban, %(year)s", n=page.messages.number(found.n), year=year
        ),
        key=sample_words(page, found.by_sample, [bar.interval is not None for bar in bars]),
        data=f"{API}/surveys/awareness/results?period={year}",
        most=100,
    )


async def complaints(page: Page, year: int) -> Chart | None:
    """Return the share of comments to each agency that were answered in time."""
    found = await page.feedback.get_comment_summary(str(year))
    groups = [group for group in found.items if group.value]
    if not groups:
        return None
    agencies = {one.slug: one.short_name for one in await page.catalog.list_agencies()}
    bars = [
        CountBar(
            f"{agencies.get(group.value or '', group.value or '')} ({group.n})",
            page.messages.percent(group.in_time / group.n),
            group.in_time / group.n * 100,
        )
        for group in groups
    ]
    return _chart(
        page,
        year,
        sorted(bars, key=lambda bar: bar.value),
        name="aduan",
        head=page.messages.gettext("Instansi (jumlah)"),
        measure=page.messages.gettext("Persen pesan yang dijawab tepat waktu, %(year)s", year=year),
        data=f"{API}/comments/summary?period={year}&by=agency",
        most=100,
    )


USE_CHARTS: Mapping[str, UseChart] = {
    **{name: partial(count_chart, name=name) for name in COUNTS},
    "kenal": awareness,
    "kepuasan": satisfaction,
    "aduan": complaints,
}
"""The charts by their names in addresses."""


async def _sums(page: Page, year: int, count: Count) -> dict[str, int]:
    """Return the sums by the codes of a dimension."""
    summary = await page.feedback.get_usage(date(year, 1, 1), date(year, 12, 31), by=count.by)
    sums: Counter[str] = Counter()
    for item in summary.items:
        code = _code(item, count.by)
        if code is not None and (count.measures is None or item.measure in count.measures):
            sums[code] += item.value
    return dict(sums)


def _code(item: UsageCount, by: UsageDimension) -> str | None:
    match by:
        case "month":
            return item.month
        case "service":
            return item.service
        case "channel":
            return item.channel
        case "link":
            return item.link
        case "district":
            return item.district


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


def _share_bar(page: Page, label: str, option: OptionCount) -> CountBar:
    """Return the bar of a share in percent."""
    share = option.share * 100
    ends = ends_of(option.low, option.high)
    return CountBar(
        label,
        page.messages.percent(option.share),
        share,
        None if ends is None else (ends[0] * 100, ends[1] * 100),
    )


def _chart(
    page: Page,
    year: int,
    bars: Sequence[CountBar],
    *,
    name: str,
    head: str,
    measure: str,
    data: str,
    key: str = "",
    digits: int = 0,
    most: float | None = None,
) -> Chart:
    highest = max(bars, key=lambda bar: bar.value)
    columns = [Column(head), Column(page.messages.gettext("Nilai"), digits)]
    rows: list[list[Cell]] = [[bar.label, bar.value] for bar in bars]
    if any(bar.interval is not None for bar in bars):
        columns += [
            Column(page.messages.gettext("Rentang dari"), digits, "down"),
            Column(page.messages.gettext("Rentang sampai"), digits, "up"),
        ]
        rows = [
            [*row, *(bar.interval or (None, None))] for row, bar in zip(rows, bars, strict=True)
        ]
    return Chart(
        drawing=count_bars(bars, name=name, title=measure, most=most),
        finding=page.messages.gettext(
            "Tertinggi: %(name)s (%(value)s)", name=highest.label, value=highest.figure
        ),
        measure=measure,
        key=key,
        source=page.messages.gettext("Sumber: e-Mall %(place)s.", place=page.place or ""),
        columns=columns,
        rows=rows,
        address=chart_address(year, name),
        data=data,
    )
