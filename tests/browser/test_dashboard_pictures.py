"""The pictures of the dashboard: no label is cut off or lies on another, at any length."""

from collections.abc import Sequence

import pytest
from playwright.sync_api import Page

from services.gateway.portal.charts.calendar_drawings import (
    DayBar,
    MonthRow,
    day_bars,
    month_cells,
)
from services.gateway.portal.charts.count_drawings import (
    BarGroup,
    CountBar,
    count_bars,
    grouped_bars,
)
from services.gateway.portal.charts.score_drawings import (
    ScoreBar,
    Series,
    YearMark,
    YearValue,
    score_bars,
    value_line,
    year_lines,
)
from services.gateway.portal.dashboard.reporting_chart import LOOKS as CELL_LOOKS
from tests.browser.conftest import OpenTab
from tests.browser.overflow import overflow

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MISPLACED = """
() => [...document.querySelectorAll('svg.picture')].flatMap(picture => {
    const frame = picture.getBoundingClientRect();
    const texts = [...picture.querySelectorAll('text')].map(text =>
        ({words: text.textContent, box: text.getBoundingClientRect()}));
    const outside = texts.filter(({box}) => box.left < frame.left - 1.5
        || box.right > frame.right + 1.5 || box.top < frame.top - 0.5
        || box.bottom > frame.bottom + 0.5).map(({words}) => 'outside: ' + words);
    const over = texts.flatMap(({words, box}, at) => texts.slice(at + 1)
        .filter(other => box.left < other.box.right - 0.5 && other.box.left < box.right - 0.5
            && box.top + 3 < other.box.bottom && other.box.top + 3 < box.bottom)
        .map(other => `${words} over ${other.words}`));
    return [...outside, ...over];
})
"""
"""Texts that leave their picture or lie on others. A letter such as T reaches a pixel past its room
to the left, for which pictures have room on a page and a margin in a file."""
LETTERS = """
() => [...document.querySelectorAll('svg.picture text')].map(text =>
        [parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a, text.textContent])
    .filter(([size]) => size < 11.9)
"""
"""Texts of pictures whose letters are smaller than 12 pixels of the screen."""
LONG = "Pengaturan prosedural dan kelembagaan antarperangkat daerah " * 4
WORD = "MWQ" * 40
LOOKS = ((320, "light"), (360, "dark"), (1280, "light"))


def drawn(label: str, years: Sequence[int]) -> str:
    bar = ScoreBar(label, "100", 100, (90, 100), (0, 100), "/dasbor")
    marks = [YearMark(year, "100", 100, (0, 100)) for year in years]
    bars = score_bars(
        [bar, bar, ScoreBar(label, "–", None, None, (0, 0), "/dasbor", is_whole=True)],
        name="bars",
        title=label,
        description=label,
    )
    lines = year_lines(
        [Series(label, marks), Series(label, marks)], name="lines", title=label, description=label
    )
    counts = count_bars(
        [CountBar(label, "1.234.567.890", 1e9), CountBar("", "0", 0)], name="counts", title=label
    )
    values = value_line(
        [YearValue(year, 2.5, "2,50", is_target=year == years[-1]) for year in years],
        level=2.6,
        name="values",
        title=label,
        description=label,
    )
    shares = [
        CountBar(label, "100%", 1, (0.9, 1.0)),
        CountBar("", "0%", 0, (0.0, 0.1)),
    ]
    groups = grouped_bars(
        [BarGroup(label, shares), BarGroup("", shares)], name="groups", title=label
    )
    cells = [*CELL_LOOKS, *CELL_LOOKS][:12]
    months = month_cells(
        [MonthRow(label, label, cells)] * 7,
        looks=CELL_LOOKS,
        labels=dict.fromkeys(CELL_LOOKS, label),
        months=["Mei"] * 12,
        name="months",
        title=label,
    )
    days = day_bars(
        [DayBar(None), DayBar(0), DayBar(0.999), DayBar(1)] * 8,
        first="30 September",
        last="31 Desember",
        name="days",
        title=label,
        description=label,
    )
    drawings = (bars, lines, counts, values, groups, months, days)
    return "".join(one.inline() for one in drawings)


def show(page: Page, pictures: str) -> None:
    page.evaluate("pictures => { document.querySelector('main').innerHTML = pictures; }", pictures)


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_the_labels_of_the_pages_lie_within_the_pictures_and_apart(
    open_tab: OpenTab, width: int, scheme: str
) -> None:
    with open_tab(width=width, color_scheme=scheme) as tab:
        for path in (
            "/dasbor?tahun=2024",
            "/dasbor/2024/unsur/trust",
            "/dasbor?tahun=2024&lang=en",
            "/dasbor/2024/bagan/unsur",
            "/dasbor/2024/bagan/spbe-2020",
            "/dasbor/2024/tayangan",
            "/dasbor/skenario?tahun=2024&discovery.forum=80",
            "/embed/2024/unsur",
        ):
            tab.open(path)
            assert tab.page.locator("svg.picture text").count() > 0
            assert tab.page.evaluate(MISPLACED) == []
            assert tab.page.evaluate(LETTERS) == []
            assert overflow(tab.page) == []


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("label", ["X", LONG, WORD])
@pytest.mark.parametrize("years", [[2024], [2023, 2024], list(range(2005, 2027))])
def test_so_do_labels_of_any_length_and_any_number_of_years(
    open_tab: OpenTab, width: int, label: str, years: list[int]
) -> None:
    with open_tab(width=width) as tab:
        tab.open("/dasbor?tahun=2024")  # for the page's style
        show(tab.page, drawn(label, years))
        assert tab.page.locator("svg.picture").count() == 7
        assert tab.page.evaluate(MISPLACED) == []


def test_a_name_in_the_picture_leads_to_its_page(open_tab: OpenTab) -> None:
    with open_tab() as tab:
        tab.open("/dasbor?tahun=2024")
        first = tab.page.locator("svg.picture a").nth(1)
        name = first.locator("text").first.text_content()
        first.click()
        tab.page.wait_for_url("**/dasbor/2024/unsur/*")
        assert tab.page.locator("h1").text_content() == name
        assert tab.console_errors == []
