"""No sequence of questions about results concerns fewer than five people."""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from services.feedback.periods import Period, parse_period, period_around
from services.feedback.small_groups import (
    DIMENSIONS,
    MIN_GROUP_SIZE,
    BundleKey,
    BundlePlan,
    Group,
    plan_bundles,
)

GROUPS = st.builds(
    Group,
    month=st.sampled_from([date(2025, month, 1) for month in (1, 2, 4, 8)] + [date(2024, 5, 1)]),
    service=st.sampled_from(["ktp-el", "pbg", ""]),
    agency=st.sampled_from(["dukcapil", "pupr"]),
    detail=st.sampled_from(["online", "counter"]),
    fine_detail=st.sampled_from(["12.12.01", "12.12.02", ""]),
)
WAVES = st.lists(
    st.tuples(st.lists(GROUPS, max_size=12), st.integers(0, 200)), min_size=1, max_size=6
)
"""Responses that come, and the days until somebody asks for results."""


@dataclass
class History:
    """The queries and responses over time: every published set of respondents."""

    pending: dict[int, Group] = field(default_factory=dict[int, Group])
    bundles: list[tuple[BundlePlan, frozenset[int]]] = field(
        default_factory=list[tuple[BundlePlan, frozenset[int]]]
    )
    published: set[frozenset[int]] = field(default_factory=set[frozenset[int]])
    groups: dict[int, Group] = field(default_factory=dict[int, Group])

    def come(self, groups: Sequence[Group]) -> None:
        for group in groups:
            person = len(self.groups)
            self.groups[person] = self.pending[person] = group

    def ask(self, today: date) -> None:
        """Send every query that is possible today."""
        for bundle in plan_bundles(Counter(self.pending.values()), today=today):
            people = frozenset(p for p, group in self.pending.items() if group in bundle.groups)
            self.bundles.append((bundle, people))
            for person in people:
                del self.pending[person]
        keys = [bundle.key for bundle, _ in self.bundles]
        periods = {
            period_around(key.period.first, span)
            for key in keys
            for span in ("month", "quarter", "semester", "year")
        }
        wanted = [{None, *(getattr(key, name) for key in keys)} for name in DIMENSIONS]
        for period in periods:
            for values in itertools.product(*wanted):
                self.published.add(self.answer(period, values))

    def answer(self, period: Period, values: Sequence[str | None]) -> frozenset[int]:
        """Return the respondents that the results of this question are about."""
        return frozenset(
            person
            for bundle, people in self.bundles
            if bundle.key.period.is_within(period) and fits(bundle.key, values)
            for person in people
        )


def fits(key: BundleKey, values: Sequence[str | None]) -> bool:
    known = (key.service, key.agency, key.detail, key.fine_detail)
    return all(value in (None, mine) for value, mine in zip(values, known, strict=True))


def history_of(waves: Sequence[tuple[list[Group], int]]) -> History:
    history, today = History(), date(2025, 1, 5)
    for groups, days in waves:
        history.come(groups)
        today += timedelta(days=days)
        history.ask(today)
    return history


def atoms_of(sets: set[frozenset[int]], people: int) -> Counter[tuple[bool, ...]]:
    """Group people by the published sets they are in: those of one group are indistinguishable."""
    ordered = sorted(sets, key=sorted)
    return Counter(tuple(person in each for each in ordered) for person in range(people))


def derivable(sets: set[frozenset[int]], target: frozenset[int], people: int) -> bool:
    """Return whether the target's figures follow from those of the sets by adding and subtracting.

    Gauss over fractions: is the target's row in the span of the rows of the sets?
    """
    rows = [[Fraction(person in each) for person in range(people)] for each in sets]
    wanted = [Fraction(person in target) for person in range(people)]
    for column in range(people):
        pivot = next((row for row in rows if row[column]), None)
        if pivot is None:
            continue
        rows = [row for row in rows if row is not pivot]
        for row in (*rows, wanted):
            if factor := row[column] / pivot[column]:
                for place in range(column, people):
                    row[place] -= factor * pivot[place]
    return not any(wanted)


@settings(max_examples=150, deadline=None)
@given(WAVES)
def test_no_differences_of_results_isolate_fewer_than_five(
    waves: list[tuple[list[Group], int]],
) -> None:
    history = history_of(waves)
    # Adding and subtracting published figures treats the people of an atom alike: any set that
    # can be derived is a union of atoms. So it is enough that no atom is smaller than five.
    atoms = atoms_of(history.published, len(history.groups))
    never = tuple(False for _ in history.published)
    assert all(count >= MIN_GROUP_SIZE for atom, count in atoms.items() if atom != never)


@settings(max_examples=25, deadline=None)
@given(WAVES, st.data())
def test_no_small_group_follows_by_solving_for_it(
    waves: list[tuple[list[Group], int]], data: st.DataObject
) -> None:
    history = history_of(waves)
    people = len(history.groups)
    if people:
        small = data.draw(
            st.frozensets(st.integers(0, people - 1), min_size=1, max_size=MIN_GROUP_SIZE - 1)
        )
        assert not derivable(history.published, small, people)


def test_the_check_itself_finds_a_difference() -> None:
    everybody, most = frozenset(range(9)), frozenset(range(7))
    assert derivable({everybody, most}, frozenset({7, 8}), 9)
    assert not derivable({everybody, most}, frozenset({8}), 9)


@given(WAVES)
@settings(deadline=None)
def test_a_bundle_key_is_true_of_every_response_in_the_bundle(
    waves: list[tuple[list[Group], int]],
) -> None:
    history = history_of(waves)
    seen: set[int] = set()
    for bundle, people in history.bundles:
        assert len(people) >= MIN_GROUP_SIZE
        assert not people & seen
        seen |= people
        for person in people:
            group = history.groups[person]
            month = period_around(group.month, "month")
            assert month.is_within(bundle.key.period)
            for name in DIMENSIONS:
                assert getattr(bundle.key, name) in (None, getattr(group, name))


@given(st.lists(GROUPS, max_size=40))
@settings(deadline=None)
def test_when_a_year_is_long_over_at_most_four_wait(groups: list[Group]) -> None:
    for year in (2024, 2025):
        pending = Counter(group for group in groups if group.month.year == year)
        bundles = plan_bundles(pending, today=date(2027, 1, 1))
        bundled = sum(pending[group] for bundle in bundles for group in bundle.groups)
        assert pending.total() - bundled < MIN_GROUP_SIZE


def group(month: int = 3, **more: str) -> Group:
    given = {
        "service": "ktp-el",
        "agency": "dukcapil",
        "detail": "online",
        "fine_detail": "",
    } | more
    return Group(month=date(2025, month, 1), **given)


MARCH = date(2025, 3, 20)


def test_five_alike_are_published_at_once_with_all_that_they_share() -> None:
    [bundle] = plan_bundles({group(fine_detail="12.12.01"): 5}, today=MARCH)
    assert bundle.key == BundleKey(
        parse_period("2025-03"), "ktp-el", "dukcapil", "online", "12.12.01"
    )
    assert plan_bundles({group(fine_detail="12.12.01"): 4}, today=MARCH) == []


def test_five_of_several_districts_are_published_without_the_district() -> None:
    [bundle] = plan_bundles(
        {group(fine_detail="12.12.01"): 3, group(fine_detail="12.12.02"): 2}, today=MARCH
    )
    assert (bundle.key.detail, bundle.key.fine_detail) == ("online", None)


def test_different_channels_wait_for_the_end_of_the_month_and_its_late_answers() -> None:
    pending = {group(detail="online"): 3, group(detail="counter"): 2}
    assert plan_bundles(pending, today=date(2025, 4, 14)) == []
    [bundle] = plan_bundles(pending, today=date(2025, 4, 15))
    assert (bundle.key.service, bundle.key.detail) == ("ktp-el", None)


def test_a_service_that_few_use_waits_for_its_quarter_rather_than_lose_its_name() -> None:
    pending = {group(1): 2, group(2): 2, group(3): 1, group(3, service="pbg", agency="pupr"): 4}
    [bundle] = plan_bundles(pending, today=date(2025, 4, 15))
    assert bundle.key == BundleKey(parse_period("2025-Q1"), "ktp-el", "dukcapil", "online", "")
    assert bundle.key.period.span == "quarter"


def test_at_the_end_of_the_year_the_rest_is_pooled() -> None:
    pending = {group(1): 2, group(9, service="pbg", agency="pupr"): 4}
    [bundle] = plan_bundles(pending, today=date(2026, 1, 15))
    assert bundle.key == BundleKey(parse_period("2025"), None, None, "online", "")
