"""Doubts about figures: raised for what cannot be or hardly is, and not for what is."""

import random
from collections.abc import Mapping, Sequence
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from services.feedback.statistics.counters import Measure
from services.feedback.statistics.plausibility_checks import (
    MAX_P_POSSIBLE,
    MIN_CLICKS,
    MIN_HISTORY,
    Months,
    check_series,
    find_click_out_mismatches,
    find_heaping,
    find_impossible,
    find_jumps,
    robust_z,
)
from services.platform.months import add_months

COUNTS = st.integers(0, 100_000)


def months(count: int, *, until: date = date(2024, 12, 1)) -> list[date]:
    return [add_months(until, -by) for by in reversed(range(count))]


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


@given(st.lists(COUNTS, min_size=MIN_HISTORY, max_size=24), COUNTS)
def test_a_robust_z_does_not_care_for_one_wild_month_or_for_the_order(
    history: list[int], value: int
) -> None:
    z, median = robust_z(value, history, min_sd=1)
    assert (z, median) == robust_z(value, history[::-1], min_sd=1)
    assert (z > 0) == (value > median)
    assert (z < 0) == (value < median)
    assert min(history) <= median <= max(history)


@given(st.integers(0, 10_000), st.integers(MIN_HISTORY, 30))
def test_a_steady_figure_is_no_jump_and_one_that_trebles_is(level: int, count: int) -> None:
    steady = [level] * count
    assert list(find_jumps(series(steady), "submitted")) == []
    found = list(find_jumps(series([*steady, 3 * level + 30]), "submitted"))
    assert [finding.period for finding in found] == [date(2024, 12, 1)]
    assert found[0].facts["median"] == level
    fallen = list(find_jumps(series([*[level + 100] * count, 0]), "submitted"))
    assert [finding.period for finding in fallen] == [date(2024, 12, 1)]


@given(st.lists(COUNTS, max_size=MIN_HISTORY))
def test_without_a_history_nothing_is_a_jump(values: list[int]) -> None:
    assert list(find_jumps(series(values), "submitted")) == []


@given(st.lists(COUNTS, min_size=7, max_size=40), st.data())
def test_a_month_is_compared_only_with_earlier_months(
    values: list[int], data: st.DataObject
) -> None:
    """What was said of a month stays, whatever comes later."""
    until = data.draw(st.integers(1, len(values)))
    whole = series(values)
    begun = dict(list(whole.items())[:until])
    last = max(begun)
    assert list(find_jumps(begun, "submitted")) == [
        finding for finding in find_jumps(whole, "submitted") if finding.period <= last
    ]


@pytest.mark.slow
def test_chance_seldom_makes_a_jump() -> None:
    rng = random.Random(7)
    flagged = months_judged = 0
    for _ in range(150):
        mean = rng.choice((20, 80, 300))
        values = [sum(rng.random() < 0.01 for _ in range(mean * 100)) for _ in range(14)]
        flagged += len(list(find_jumps(series(values), "submitted")))
        months_judged += len(values) - MIN_HISTORY
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
    assert list(find_impossible(desk)) == []
    without_stock = counters(submitted=submitted, completed=completed, rejected=rejected)
    in_a_year = dict(list(without_stock.items())[:12])
    assert list(find_impossible(in_a_year)) == []


@given(st.integers(0, 500), st.integers(0, 500), st.integers(1, 500))
def test_more_decided_than_there_was_is_impossible_by_one(
    opened: int, came: int, more: int
) -> None:
    def decided(by: int) -> Months:
        return counters(in_review=[opened], submitted=[0, came], completed=[0, opened + came + by])

    assert list(find_impossible(decided(0))) == []
    [finding] = find_impossible(decided(more))
    assert finding.certainty == "certain"
    assert finding.facts == {
        "decided": opened + came + more,
        "submitted": came,
        "open_before": opened,
    }


def test_without_a_figure_of_open_cases_a_first_month_is_not_checked() -> None:
    assert list(find_impossible(counters(submitted=[5], completed=[900]))) == []
    [finding] = find_impossible(counters(submitted=[10, 5], completed=[2, 900]))
    assert finding.certainty == "possible"


@given(st.lists(st.integers(2, 2_000), min_size=12, max_size=12, unique=True))
def test_a_year_of_round_figures_is_seen(fives: list[int]) -> None:
    rounded = [value * 5 for value in fives]
    year = counters(submitted=rounded, completed=[value + 5 for value in rounded])
    finding = find_heaping([year], date(2024, 6, 1))
    assert finding is not None
    assert (finding.period, finding.fingerprint) == (date(2024, 1, 1), "2024")
    assert finding.facts["round"] == finding.facts["figures"]
    assert finding.certainty == "likely"


@given(st.lists(st.integers(0, 4), min_size=20, max_size=60))
@settings(max_examples=60)
def test_heaping_is_flagged_exactly_when_the_binomial_test_rejects(digits: list[int]) -> None:
    """One series a figure, so that every figure takes part; digit 0 of five is a round one."""
    figures = [{date(2024, 3, 1): {"submitted": 100 + 10 * n + d}} for n, d in enumerate(digits)]
    typed: list[Mapping[date, Mapping[Measure, int]]] = [
        {month: {"submitted": given["submitted"]} for month, given in one.items()}
        for one in figures
    ]
    round_ones = sum(digit == 0 for digit in digits)
    by_chance = float(binom.sf(round_ones - 1, len(digits), 0.2))
    assert (find_heaping(typed, date(2024, 1, 1)) is not None) == (by_chance < MAX_P_POSSIBLE)


def test_few_figures_small_ones_and_copies_are_no_evidence_of_rounding() -> None:
    few = counters(submitted=[100] * 12)
    assert find_heaping([few], date(2024, 1, 1)) is None
    small = counters(submitted=[5, 0] * 6, completed=[0, 5] * 6)
    assert find_heaping([small] * 4, date(2024, 1, 1)) is None
    copied = counters(submitted=[100] * 12, completed=[100] * 12)
    assert find_heaping([copied], date(2024, 1, 1)) is None


def test_people_without_applications_are_in_doubt_and_a_usual_share_is_not() -> None:
    clicks = series([MIN_CLICKS] * 10)
    assert list(find_click_out_mismatches(series([12] * 10), clicks)) == []
    first = list(find_click_out_mismatches(series([0]), series([MIN_CLICKS])))
    assert [finding.certainty for finding in first] == ["possible"]
    assert list(find_click_out_mismatches(series([0]), series([MIN_CLICKS - 1]))) == []
    usual = [120, 118, 125, 119, 122, 121, 117, 120]
    clicks = series([100] * 9)
    [finding] = find_click_out_mismatches(series([*usual, 9]), clicks)
    assert finding.period == date(2024, 12, 1)
    assert finding.facts["submitted"] == 9


@pytest.mark.slow
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
    found = check_series(given_months, clicks=clicks)
    keys = [(d.kind, d.period, d.measure, d.fingerprint) for d in found]
    assert len(keys) == len(set(keys))
    assert all(finding.period in given_months for finding in found)
    turned = {month: given_months[month] for month in reversed(list(given_months))}
    again = check_series(turned, clicks=dict(reversed(clicks.items())))
    assert sorted(keys) == sorted((d.kind, d.period, d.measure, d.fingerprint) for d in again)


@pytest.mark.parametrize("by", [0, 1, 11, 12, 13, 300])
def test_months_are_added_across_years(by: int) -> None:
    day = add_months(date(2024, 3, 1), -by)
    assert (2024 - day.year) * 12 + 3 - day.month == by
