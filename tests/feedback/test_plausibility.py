"""Doubts about figures: raised for what cannot be or hardly is, and not for what is."""

import random
from collections.abc import Mapping, Sequence
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from services.feedback.statistics.plausibility_checks import (
    BY_CHANCE,
    FEWEST_CLICKS,
    FEWEST_MONTHS,
    Months,
    click_outs,
    doubts_about,
    heaping,
    impossible,
    jumps,
    months_before,
    robust_z,
)
from services.feedback.statistics.schemas import Measure

COUNTS = st.integers(0, 100_000)


def months(count: int, *, until: date = date(2024, 12, 1)) -> list[date]:
    return [months_before(until, by) for by in reversed(range(count))]


def series(values: Sequence[int]) -> dict[date, int]:
    return dict(zip(months(len(values)), values, strict=True))


def counters(**of: Sequence[int]) -> dict[date, dict[Measure, int]]:
    """Months of these counters."""
    names: dict[str, Measure] = {
        "submitted": "submitted",
        "in_review": "in_review",
        "completed": "completed",
        "rejected": "rejected",
        "returned": "returned",
    }
    count = max(map(len, of.values()))
    return {
        month: {names[name]: values[n] for name, values in of.items() if n < len(values)}
        for n, month in enumerate(months(count))
    }


@given(st.lists(COUNTS, min_size=FEWEST_MONTHS, max_size=24), COUNTS)
def test_a_robust_z_does_not_care_for_one_wild_month_or_for_the_order(
    history: list[int], value: int
) -> None:
    z, median = robust_z(value, history, least=1)
    assert (z, median) == robust_z(value, history[::-1], least=1)
    assert (z > 0) == (value > median)
    assert (z < 0) == (value < median)
    assert min(history) <= median <= max(history)


@given(st.integers(0, 10_000), st.integers(FEWEST_MONTHS, 30))
def test_a_steady_figure_is_no_jump_and_one_that_trebles_is(level: int, count: int) -> None:
    steady = [level] * count
    assert list(jumps(series(steady), "submitted")) == []
    found = list(jumps(series([*steady, 3 * level + 30]), "submitted"))
    assert [doubt.period for doubt in found] == [date(2024, 12, 1)]
    assert found[0].facts["median"] == level
    fallen = list(jumps(series([*[level + 100] * count, 0]), "submitted"))
    assert [doubt.period for doubt in fallen] == [date(2024, 12, 1)]


@given(st.lists(COUNTS, max_size=FEWEST_MONTHS))
def test_without_a_history_nothing_is_a_jump(values: list[int]) -> None:
    assert list(jumps(series(values), "submitted")) == []


@given(st.lists(COUNTS, min_size=7, max_size=40), st.data())
def test_a_month_is_judged_by_those_before_it_alone(values: list[int], data: st.DataObject) -> None:
    """What was said of a month stays, whatever comes later."""
    until = data.draw(st.integers(1, len(values)))
    whole = series(values)
    begun = dict(list(whole.items())[:until])
    last = max(begun)
    assert list(jumps(begun, "submitted")) == [
        doubt for doubt in jumps(whole, "submitted") if doubt.period <= last
    ]


def test_chance_alone_seldom_makes_a_jump() -> None:
    rng = random.Random(7)
    flagged = months_judged = 0
    for _ in range(150):
        mean = rng.choice((20, 80, 300))
        values = [sum(rng.random() < 0.01 for _ in range(mean * 100)) for _ in range(14)]
        flagged += len(list(jumps(series(values), "submitted")))
        months_judged += len(values) - FEWEST_MONTHS
    assert flagged / months_judged < 0.01


@given(
    st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500), st.integers(0, 99)), min_size=1)
)
def test_figures_that_add_up_are_never_impossible(flows: list[tuple[int, int, int]]) -> None:
    """A simulated desk: what is decided was there, what is left is in review."""
    left = 0
    submitted, in_review, completed, rejected = [], [], [], []
    for came, wanted, refused in flows:
        there = left + came
        done = min(wanted, there)
        no = min(refused, there - done)
        left = there - done - no
        submitted.append(came)
        in_review.append(left)
        completed.append(done)
        rejected.append(no)
    desk = counters(
        submitted=submitted, in_review=in_review, completed=completed, rejected=rejected
    )
    assert list(impossible(desk)) == []
    without_stock = counters(submitted=submitted, completed=completed, rejected=rejected)
    in_a_year = dict(list(without_stock.items())[:12])
    assert list(impossible(in_a_year)) == []


@given(st.integers(0, 500), st.integers(0, 500), st.integers(1, 500))
def test_more_decided_than_there_was_is_impossible_by_one(
    opened: int, came: int, more: int
) -> None:
    def decided(by: int) -> Months:
        return counters(in_review=[opened], submitted=[0, came], completed=[0, opened + came + by])

    assert list(impossible(decided(0))) == []
    [doubt] = impossible(decided(more))
    assert doubt.certainty == "certain"
    assert doubt.facts == {
        "decided": opened + came + more,
        "submitted": came,
        "open_before": opened,
    }


def test_where_nobody_said_what_was_open_a_first_month_is_not_judged() -> None:
    assert list(impossible(counters(submitted=[5], completed=[900]))) == []
    [doubt] = impossible(counters(submitted=[10, 5], completed=[2, 900]))
    assert doubt.certainty == "possible"


@given(st.lists(st.integers(2, 2_000), min_size=12, max_size=12, unique=True))
def test_a_year_of_round_figures_is_seen(fives: list[int]) -> None:
    rounded = [value * 5 for value in fives]
    year = counters(submitted=rounded, completed=[value + 5 for value in rounded])
    doubt = heaping([year], date(2024, 6, 1))
    assert doubt is not None
    assert (doubt.period, doubt.about) == (date(2024, 1, 1), "2024")
    assert doubt.facts["round"] == doubt.facts["figures"]
    assert doubt.certainty == "likely"


@given(st.lists(st.integers(0, 4), min_size=20, max_size=60))
@settings(max_examples=60)
def test_heaping_is_said_exactly_where_the_binomial_test_says_it(digits: list[int]) -> None:
    """One series a figure, so that every figure takes part; digit 0 of five is a round one."""
    figures = [{date(2024, 3, 1): {"submitted": 100 + 10 * n + d}} for n, d in enumerate(digits)]
    typed: list[Mapping[date, Mapping[Measure, int]]] = [
        {month: {"submitted": given["submitted"]} for month, given in one.items()}
        for one in figures
    ]
    round_ones = sum(digit == 0 for digit in digits)
    by_chance = float(binom.sf(round_ones - 1, len(digits), 0.2))
    assert (heaping(typed, date(2024, 1, 1)) is not None) == (by_chance < BY_CHANCE)


def test_few_figures_small_ones_and_copies_say_nothing_about_rounding() -> None:
    few = counters(submitted=[100] * 12)
    assert heaping([few], date(2024, 1, 1)) is None
    small = counters(submitted=[5, 0] * 6, completed=[0, 5] * 6)
    assert heaping([small] * 4, date(2024, 1, 1)) is None
    copied = counters(submitted=[100] * 12, completed=[100] * 12)
    assert heaping([copied], date(2024, 1, 1)) is None


def test_people_without_applications_are_in_doubt_and_a_usual_share_is_not() -> None:
    clicks = series([FEWEST_CLICKS] * 10)
    assert list(click_outs(series([12] * 10), clicks)) == []
    first = list(click_outs(series([0]), series([FEWEST_CLICKS])))
    assert [doubt.certainty for doubt in first] == ["possible"]
    assert list(click_outs(series([0]), series([FEWEST_CLICKS - 1]))) == []
    usual = [120, 118, 125, 119, 122, 121, 117, 120]
    clicks = series([100] * 9)
    [doubt] = click_outs(series([*usual, 9]), clicks)
    assert doubt.period == date(2024, 12, 1)
    assert doubt.facts["submitted"] == 9


@given(
    st.dictionaries(
        st.dates(date(2020, 1, 1), date(2024, 12, 1)).map(lambda day: day.replace(day=1)),
        st.dictionaries(
            st.sampled_from(["submitted", "in_review", "completed", "rejected", "returned"]),
            st.integers(0, 1_000_000_000),
        ),
        max_size=30,
    ),
    st.dictionaries(
        st.dates(date(2020, 1, 1), date(2024, 12, 1)).map(lambda day: day.replace(day=1)),
        st.integers(1, 1_000_000_000),
        max_size=30,
    ),
)
def test_any_figures_are_judged_once_each_and_in_whichever_order_they_come(
    given_months: Months, clicks: dict[date, int]
) -> None:
    found = doubts_about(given_months, clicks=clicks)
    keys = [(d.kind, d.period, d.measure, d.about) for d in found]
    assert len(keys) == len(set(keys))
    assert all(doubt.period in given_months for doubt in found)
    turned = {month: given_months[month] for month in reversed(list(given_months))}
    again = doubts_about(turned, clicks=dict(reversed(clicks.items())))
    assert sorted(keys) == sorted((d.kind, d.period, d.measure, d.about) for d in again)


@pytest.mark.parametrize("by", [0, 1, 11, 12, 13, 300])
def test_months_before_are_counted_over_the_years(by: int) -> None:
    day = months_before(date(2024, 3, 1), by)
    assert (2024 - day.year) * 12 + 3 - day.month == by
