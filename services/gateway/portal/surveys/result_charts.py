"""Charts of the results of a survey: its answers, elements of satisfaction, and the rounds."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from services.feedback.client import RoundSummary, SurveyDetail, SurveyResults
from services.gateway.portal.charts.chart import Cell, Chart, Column
from services.gateway.portal.charts.count_drawings import (
    BarGroup,
    CountBar,
    count_bars,
    grouped_bars,
)
from services.gateway.portal.charts.drawing import Drawing
from services.gateway.portal.page import Page
from services.gateway.portal.surveys.periods import period_words
from services.platform.service import API

MOST_ROUNDS = 4
"""Rounds, or years, that are compared: each is a request to feedback, all at once."""
HIGHEST_LEVEL = 4


@dataclass(frozen=True)
class Level:
    """A mean level from 1 to 4 by name."""

    code: str
    label: str
    value: float
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class ShownResults:
    """The results of a period that a page shows, and what they are asked for by."""

    detail: SurveyDetail
    results: SurveyResults
    agency: str | None

    @property
    def slug(self) -> str:
        """The name of the survey in addresses."""
        return self.results.survey

    @property
    def query(self) -> str:
        """The query parameters of the address of these results."""
        parameters = {"period": self.results.period}
        return urlencode(parameters | ({"agency": self.agency} if self.agency else {}))


ResultChart = Callable[[Page, ShownResults], Awaitable[Chart | None]]


async def elements_chart(page: Page, shown: ShownResults) -> Chart | None:
    """Return the mean of each element of satisfaction, the lowest first."""
    if shown.results.satisfaction is None:
        return None
    levels = sorted(mean_levels(page, shown.results), key=lambda level: level.value)
    bars = [level_bar(page, level) for level in levels]
    measure = page.messages.gettext(
        "Kepuasan per unsur, nilai 1 sampai 4, %(n)s jawaban, %(period)s",
        n=page.messages.number(shown.results.satisfaction.n),
        period=period_words(page.messages, shown.results.period),
    )
    return _chart(
        page,
        shown,
        "unsur",
        drawing=count_bars(bars, name="elements", title=measure, most=HIGHEST_LEVEL),
        finding=page.messages.gettext(
            "Terendah: %(name)s (%(value)s)", name=bars[0].label, value=bars[0].figure
        ),
        measure=measure,
        columns=[Column(page.messages.gettext("Unsur")), *level_columns(page)],
        rows=[[level.label, level.value, *(level.interval or (None, None))] for level in levels],
    )


async def answers_chart(page: Page, shown: ShownResults) -> Chart | None:
    """Return the share of each answer to each question."""
    results = shown.results
    asked = [question for question in results.questions if question.options]
    if not asked:
        return None
    groups = [
        BarGroup(
            str(page.in_language(question, "text")),
            [
                CountBar(
                    str(page.in_language(option, "text")),
                    page.messages.percent(option.share),
                    option.share,
                    ends_of(option.low, option.high),
                )
                for option in question.options
            ],
        )
        for question in asked
    ]
    measure = page.messages.gettext(
        "Bagian jawaban per pertanyaan, %(n)s jawaban, %(period)s",
        n=page.messages.number(results.n or 0),
        period=period_words(page.messages, results.period),
    )
    rows: list[list[Cell]] = [
        [
            str(page.in_language(question, "text")),
            str(page.in_language(option, "text")),
            option.count,
            option.share * 100,
            None if option.low is None else option.low * 100,
            None if option.high is None else option.high * 100,
        ]
        for question in asked
        for option in question.options
    ]
    return _chart(
        page,
        shown,
        "jawaban",
        drawing=grouped_bars(groups, name="answers", title=measure, most=1),
        finding=str(page.in_language(shown.detail.survey, "title")),
        measure=measure,
        columns=[
            Column(page.messages.gettext("Pertanyaan")),
            Column(page.messages.gettext("Jawaban")),
            Column(page.messages.gettext("Jumlah")),
            Column(page.messages.gettext("Persen")),
            Column(page.messages.gettext("Rentang dari"), rounded="down"),
            Column(page.messages.gettext("Rentang sampai"), rounded="up"),
        ],
        rows=rows,
    )


async def rounds_chart(page: Page, shown: ShownResults) -> Chart | None:
    """Return the mean levels of each round, of a survey without rounds of each year."""
    spans = _spans(page, shown)
    found = await asyncio.gather(
        *(
            page.feedback.find_results(
                shown.slug, period=span.period, agency=shown.agency, survey_round=span.round
            )
            for span in spans
        )
    )
    levels = {
        span.label: {level.code: level for level in mean_levels(page, results)}
        for span, results in zip(spans, found, strict=True)
        if results is not None
    }
    levels = {label: known for label, known in levels.items() if known}
    if len(levels) < 2:
        return None
    names = {code: level.label for known in levels.values() for code, level in known.items()}
    groups = [
        BarGroup(
            name,
            [
                level_bar(page, known[code], label=label)
                for label, known in levels.items()
                if code in known
            ],
        )
        for code, name in names.items()
    ]
    measure = page.messages.gettext(
        "Nilai rata-rata 1 sampai 4 dari waktu ke waktu, %(first)s sampai %(last)s",
        first=next(iter(levels)),
        last=next(reversed(levels)),
    )
    rows: list[list[Cell]] = [
        [name, label, known[code].value, *(known[code].interval or (None, None))]
        for code, name in names.items()
        for label, known in levels.items()
        if code in known
    ]
    return _chart(
        page,
        shown,
        "putaran",
        drawing=grouped_bars(groups, name="rounds", title=measure, most=HIGHEST_LEVEL),
        finding=_change(page, levels, names),
        measure=measure,
        columns=[
            Column(page.messages.gettext("Unsur")),
            Column(page.messages.gettext("Putaran")),
            *level_columns(page),
        ],
        rows=rows,
    )


RESULT_CHARTS: Mapping[str, ResultChart] = {
    "unsur": elements_chart,
    "jawaban": answers_chart,
    "putaran": rounds_chart,
}
"""The charts of results by their names in addresses."""


def mean_levels(page: Page, results: SurveyResults) -> list[Level]:
    """Return the elements of satisfaction, without them the questions with levels.

    An element has the interval of its question if both are of the same respondents.
    """
    questions = {question.code: question for question in results.questions}
    if results.satisfaction is not None:
        return [
            Level(
                element.code,
                str(page.in_language(element, "text")),
                element.nrr,
                ends_of(question.low, question.high)
                if (question := questions.get(element.code)) is not None
                and question.answered == results.satisfaction.n
                else None,
            )
            for element in results.satisfaction.elements
        ]
    return [
        Level(
            question.code,
            str(page.in_language(question, "text")),
            question.mean,
            ends_of(question.low, question.high),
        )
        for question in results.questions
        if question.mean is not None and question.options
    ]


def level_bar(page: Page, level: Level, *, label: str | None = None) -> CountBar:
    """Return the bar of a mean level."""
    figure = page.messages.number(level.value, 2)
    return CountBar(label or level.label, figure, level.value, level.interval)


def level_columns(page: Page) -> list[Column]:
    """Return the columns of a mean level: it, and the ends of its interval."""
    return [
        Column(page.messages.gettext("Nilai"), 2),
        Column(page.messages.gettext("Rentang dari"), 2, "down"),
        Column(page.messages.gettext("Rentang sampai"), 2, "up"),
    ]


def ends_of(low: float | None, high: float | None) -> tuple[float, float] | None:
    """Return an interval; None without one."""
    return None if low is None or high is None else (low, high)


def sample_words(page: Page, by_sample: Mapping[str, int], intervals: Sequence[bool]) -> str:
    """Return whom the figures stand for, and what the thin line is; `intervals`: which have one."""
    if intervals and all(intervals):
        return page.messages.gettext("Garis tipis: rentang kesalahan 95%%.")
    if any(intervals):
        return page.messages.gettext(
            "Garis tipis: rentang kesalahan 95%%. Tanpa garis: respondennya tidak dipilih sebagai "
            "sampel, sehingga besar kesalahannya tidak diketahui."
        )
    if set(by_sample) <= {"drawn"}:
        return page.messages.gettext("Responden dipilih secara acak.")
    return page.messages.gettext(
        "Tanpa rentang kesalahan: responden tidak dipilih secara acak, jadi angkanya hanya tentang "
        "mereka yang menjawab."
    )


@dataclass(frozen=True)
class _Span:
    label: str
    period: str
    round: str | None


def _spans(page: Page, shown: ShownResults) -> list[_Span]:
    """Return the last rounds that have begun, or years up to the shown one; the earliest first.

    A round is named by the day on which it opened, which also tells how far apart two are.
    """
    rounds: Sequence[RoundSummary] = sorted(
        (one for one in shown.detail.rounds if one.state != "planned"),
        key=lambda one: (one.opens_on, one.round),
    )
    if rounds:
        days = Counter(one.opens_on for one in rounds)
        return [
            _Span(
                page.messages.long_date(one.opens_on)
                + (f" ({one.round})" if days[one.opens_on] > 1 else ""),
                str(one.opens_on.year),
                one.round,
            )
            for one in rounds[-MOST_ROUNDS:]
        ]
    last = shown.results.year
    return [_Span(str(year), str(year), None) for year in range(last - MOST_ROUNDS + 1, last + 1)]


def _change(page: Page, levels: Mapping[str, Mapping[str, Level]], names: Mapping[str, str]) -> str:
    """Return what changed most from the first to the last."""
    first, *_, last = levels.values()
    common = [code for code in names if code in first and code in last]
    if not common:
        return page.messages.gettext("Tidak ada unsur yang dinilai pada keduanya")
    code = max(common, key=lambda one: abs(last[one].value - first[one].value))
    return page.messages.gettext(
        "Paling berubah: %(name)s, dari %(before)s menjadi %(after)s",
        name=names[code],
        before=page.messages.number(first[code].value, 2),
        after=page.messages.number(last[code].value, 2),
    )


def _chart(
    page: Page,
    shown: ShownResults,
    name: str,
    *,
    drawing: Drawing,
    finding: str,
    measure: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Cell]],
) -> Chart:
    return Chart(
        drawing=drawing,
        finding=finding,
        measure=measure,
        key=sample_words(page, shown.results.by_sample, [row[-2] is not None for row in rows]),
        source=page.messages.gettext("Sumber: e-Mall %(place)s.", place=page.place or ""),
        columns=columns,
        rows=rows,
        address=f"/survei/{shown.slug}/hasil/bagan/{name}",
        data=f"{API}/surveys/{shown.slug}/results?{shown.query}",
        query=shown.query,
    )
