"""No sequence of questions about results concerns fewer than five people, however many answers
they sent, and whatever one party issued and used itself."""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.feedback.periods import Period, parse_period, period_around
from services.feedback.small_groups import (
    DIMENSIONS,
    MIN_GROUP_SIZE,
    BundleKey,
    BundlePlan,
    Group,
    Person,
    are_enough,
    plan_bundles,
)

GROUPS = st.builds(
    Group,
    month=st.sampled_from([date(2025, month, 1) for month in (1, 2, 4, 8)] + [date(2024, 5, 1)]),
    service=st.sampled_from(["ktp-el", "pbg", ""]),
    agency=st.sampled_from(["dukcapil", "pupr"]),
    detail=st.sampled_from(["online", "counter"]),
    fine_detail=st.sampled_from(["12.12.01", "12.12.02", ""]),
    collector=st.sampled_from(["", "", "", "dukcapil"]),
)
PEOPLE = st.builds(
    Person,
    st.sampled_from([f"sender-{number}" for number in range(12)]),
    st.sampled_from(["", "", "dukcapil 2025-01-05", "pupr 2025-01-05"]),
)
RESPONSES = st.tuples(GROUPS, PEOPLE)
WAVES = st.lists(
    st.tuples(st.lists(RESPONSES, max_size=20), st.integers(0, 200)), min_size=1, max_size=6
)
"""Responses that senders send, of whom some send many, and the days until somebody asks."""


@dataclass
class History:
    """The queries and responses over time: every published set of responses."""

    pending: dict[int, Group] = field(default_factory=dict[int, Group])
    bundles: list[tuple[BundlePlan, frozenset[int]]] = field(
        default_factory=list[tuple[BundlePlan, frozenset[int]]]
    )
    published: set[frozenset[int]] = field(default_factory=set[frozenset[int]])
    groups: dict[int, Group] = field(default_factory=dict[int, Group])
    people: dict[int, Person] = field(default_factory=dict[int, Person])

    def come(self, responses: Sequence[tuple[Group, Person]]) -> None:
        for group, person in responses:
            response = len(self.groups)
            self.groups[response] = self.pending[response] = group
            self.people[response] = person

    def people_of(self, responses: Iterable[int]) -> list[Person]:
        return [self.people[response] for response in responses]

    def ask(self, today: date) -> None:
        """Send every query that is possible today."""
        pending: defaultdict[Group, list[Person]] = defaultdict(list)
        for response, group in self.pending.items():
            pending[group].append(self.people[response])
        for bundle in plan_bundles(pending, today=today):
            members = frozenset(r for r, group in self.pending.items() if group in bundle.groups)
            self.bundles.append((bundle, members))
            for response in members:
                del self.pending[response]
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
        """Return the responses that the results of this question are about."""
        return frozenset(
            response
            for bundle, members in self.bundles
            if bundle.key.period.is_within(period) and fits(bundle.key, values)
            for response in members
        )


def fits(key: BundleKey, values: Sequence[str | None]) -> bool:
    known = (key.service, key.agency, key.detail, key.fine_detail)
    return all(value in (None, mine) for value, mine in zip(values, known, strict=True))


Waves = list[tuple[list[tuple[Group, Person]], int]]


def history_of(waves: Waves) -> History:
    history, today = History(), date(2025, 1, 5)
    for responses, days in waves:
        history.come(responses)
        today += timedelta(days=days)
        history.ask(today)
    return history


def atoms_of(sets: set[frozenset[int]], responses: int) -> list[list[int]]:
    """Return the published responses by the sets they are in: those alike are indistinguishable."""
    ordered = sorted(sets, key=sorted)
    atoms: defaultdict[tuple[bool, ...], list[int]] = defaultdict(list)
    for response in range(responses):
        atoms[tuple(response in each for each in ordered)].append(response)
    return [members for atom, members in atoms.items() if any(atom)]


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


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(WAVES)
def test_no_differences_of_results_isolate_fewer_than_five_people(waves: Waves) -> None:
    history = history_of(waves)
    # Adding and subtracting published figures treats the responses of an atom alike: any set that
    # can be derived is a union of atoms. So it is enough that no atom is of fewer than five people.
    for atom in atoms_of(history.published, len(history.groups)):
        assert len({person.id for person in history.people_of(atom)}) >= MIN_GROUP_SIZE


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(WAVES)
def test_no_party_isolates_fewer_than_five_by_what_it_issued_and_used(waves: Waves) -> None:
    history = history_of(waves)
    for atom in atoms_of(history.published, len(history.groups)):
        people = history.people_of(atom)
        for issue in {person.issue for person in people} - {""}:
            own = {person.id for person in people if person.issue == issue}
            assert len({person.id for person in people} - own) >= MIN_GROUP_SIZE


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(WAVES)
def test_whoever_heard_answers_has_no_others_beside_them(waves: Waves) -> None:
    history = history_of(waves)
    for atom in atoms_of(history.published, len(history.groups)):
        heard = {history.groups[response].collector for response in atom} - {""}
        for collector in heard:
            others = [r for r in atom if history.groups[r].collector != collector]
            ids = {person.id for person in history.people_of(others)}
            assert not ids or len(ids) >= MIN_GROUP_SIZE


@settings(max_examples=25, deadline=None)
@given(WAVES, st.data())
def test_no_small_group_follows_by_solving_for_it(waves: Waves, data: st.DataObject) -> None:
    history = history_of(waves)
    senders = sorted({person.id for person in history.people.values()})
    if senders:
        few = data.draw(st.sets(st.sampled_from(senders), min_size=1, max_size=MIN_GROUP_SIZE - 1))
        theirs = [r for r, person in history.people.items() if person.id in few]
        small = data.draw(st.frozensets(st.sampled_from(theirs), min_size=1))
        assert not derivable(history.published, small, len(history.groups))


def test_the_check_itself_finds_a_difference() -> None:
    everybody, most = frozenset(range(9)), frozenset(range(7))
    assert derivable({everybody, most}, frozenset({7, 8}), 9)
    assert not derivable({everybody, most}, frozenset({8}), 9)


@pytest.mark.slow
@given(WAVES)
@settings(deadline=None)
def test_a_bundle_key_is_true_of_every_response_in_the_bundle(waves: Waves) -> None:
    history = history_of(waves)
    seen: set[int] = set()
    for bundle, members in history.bundles:
        assert are_enough(history.people_of(members))
        assert not members & seen
        seen |= members
        assert len({history.groups[response].collector for response in members}) == 1
        for response in members:
            group = history.groups[response]
            month = period_around(group.month, "month")
            assert month.is_within(bundle.key.period)
            for name in DIMENSIONS:
                assert getattr(bundle.key, name) in (None, getattr(group, name))


@given(st.lists(GROUPS, max_size=40))
@settings(deadline=None)
def test_when_a_year_is_long_over_at_most_four_of_those_asked_alike_wait(
    groups: list[Group],
) -> None:
    for year in (2024, 2025):
        pending = {
            group: of_them(n)
            for group, n in Counter(group for group in groups if group.month.year == year).items()
        }
        bundles = plan_bundles(pending, today=date(2027, 1, 1))
        bundled = {group for bundle in bundles for group in bundle.groups}
        for collector in ("", "dukcapil"):
            waiting = [g for g in pending if g.collector == collector and g not in bundled]
            assert sum(len(pending[g]) for g in waiting) < MIN_GROUP_SIZE


NUMBERS = itertools.count()


def of_them(n: int, *, issue: str = "") -> list[Person]:
    """Return so many different people."""
    return [Person(f"person-{next(NUMBERS)}", issue) for _ in range(n)]


def test_many_responses_of_few_people_are_not_enough() -> None:
    four = of_them(4)
    assert not are_enough([*four * 10])
    assert are_enough([*four, *of_them(1)])
    assert not are_enough([])


def test_an_issue_counts_only_with_five_people_outside_of_it() -> None:
    monday, tuesday = of_them(5, issue="dukcapil monday"), of_them(5, issue="dukcapil tuesday")
    assert not are_enough(monday)
    assert not are_enough([*monday, *tuesday[:4]])
    assert not are_enough([*monday, *of_them(4)])
    assert are_enough([*monday, *tuesday])
    assert are_enough([*monday, *of_them(5)])
    # Whoever has a part in the issue is no outsider, even if it also answers without.
    insiders = [Person(person.id) for person in monday]
    assert not are_enough([*monday, *insiders, *tuesday[:4]])


def test_three_issues_hide_each_other() -> None:
    days = [of_them(3, issue=f"dukcapil {day}") for day in range(3)]
    assert are_enough(person for day in days for person in day)
    assert not are_enough(person for day in days[:2] for person in day)


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
    [bundle] = plan_bundles({group(fine_detail="12.12.01"): of_them(5)}, today=MARCH)
    assert bundle.key == BundleKey(
        parse_period("2025-03"), "ktp-el", "dukcapil", "online", "12.12.01"
    )
    assert plan_bundles({group(fine_detail="12.12.01"): of_them(4)}, today=MARCH) == []


def test_five_of_several_districts_are_published_without_the_district() -> None:
    [bundle] = plan_bundles(
        {group(fine_detail="12.12.01"): of_them(3), group(fine_detail="12.12.02"): of_them(2)},
        today=MARCH,
    )
    assert (bundle.key.detail, bundle.key.fine_detail) == ("online", None)


def test_different_channels_wait_for_the_end_of_the_month_and_its_late_answers() -> None:
    pending = {group(detail="online"): of_them(3), group(detail="counter"): of_them(2)}
    assert plan_bundles(pending, today=date(2025, 4, 14)) == []
    [bundle] = plan_bundles(pending, today=date(2025, 4, 15))
    assert (bundle.key.service, bundle.key.detail) == ("ktp-el", None)


def test_a_service_that_few_use_waits_for_its_quarter_rather_than_lose_its_name() -> None:
    pending = {
        group(1): of_them(2),
        group(2): of_them(2),
        group(3): of_them(1),
        group(3, service="pbg", agency="pupr"): of_them(4),
    }
    [bundle] = plan_bundles(pending, today=date(2025, 4, 15))
    assert bundle.key == BundleKey(parse_period("2025-Q1"), "ktp-el", "dukcapil", "online", "")
    assert bundle.key.period.span == "quarter"


def test_at_the_end_of_the_year_the_rest_is_pooled() -> None:
    pending = {group(1): of_them(2), group(9, service="pbg", agency="pupr"): of_them(4)}
    [bundle] = plan_bundles(pending, today=date(2026, 1, 15))
    assert bundle.key == BundleKey(parse_period("2025"), None, None, "online", "")
