"""No sequence of questions about results concerns fewer than five people."""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from services.feedback.surveys.k_anonymity import SMALLEST_GROUP, Bundle, Cell, Label, seal
from services.feedback.surveys.periods import Period, parse_period, period_around

CELLS = st.builds(
    Cell,
    month=st.sampled_from([date(2025, month, 1) for month in (1, 2, 4, 8)] + [date(2024, 5, 1)]),
    service=st.sampled_from(["ktp-el", "pbg", ""]),
    agency=st.sampled_from(["dukcapil", "pupr"]),
    channel=st.sampled_from(["online", "counter"]),
    district=st.sampled_from(["12.12.01", "12.12.02", ""]),
)
WAVES = st.lists(
    st.tuples(st.lists(CELLS, max_size=12), st.integers(0, 200)), min_size=1, max_size=6
)
"""Responses that come, and the days until somebody asks for results."""


@dataclass
class History:
    """What was asked and answered over time: every published set of respondents."""

    waiting: dict[int, Cell] = field(default_factory=dict[int, Cell])
    bundles: list[tuple[Bundle, frozenset[int]]] = field(
        default_factory=list[tuple[Bundle, frozenset[int]]]
    )
    published: set[frozenset[int]] = field(default_factory=set[frozenset[int]])
    cells: dict[int, Cell] = field(default_factory=dict[int, Cell])

    def come(self, cells: Sequence[Cell]) -> None:
        for cell in cells:
            person = len(self.cells)
            self.cells[person] = self.waiting[person] = cell

    def ask(self, today: date) -> None:
        """Everything that can be asked for today is asked for."""
        for bundle in seal(Counter(self.waiting.values()), today=today):
            people = frozenset(p for p, cell in self.waiting.items() if cell in bundle.cells)
            self.bundles.append((bundle, people))
            for person in people:
                del self.waiting[person]
        labels = [bundle.label for bundle, _ in self.bundles]
        periods = {
            period_around(label.period.first, span)
            for label in labels
            for span in ("month", "quarter", "semester", "year")
        }
        wanted = [
            {None, *(getattr(label, name) for label in labels)}
            for name in ("service", "agency", "channel", "district")
        ]
        for period in periods:
            for values in itertools.product(*wanted):
                self.published.add(self.answer(period, values))

    def answer(self, period: Period, values: Sequence[str | None]) -> frozenset[int]:
        """Whom the results of this question are about."""
        return frozenset(
            person
            for bundle, people in self.bundles
            if bundle.label.period.within(period) and fits(bundle.label, values)
            for person in people
        )


def fits(label: Label, values: Sequence[str | None]) -> bool:
    known = (label.service, label.agency, label.channel, label.district)
    return all(value in (None, mine) for value, mine in zip(values, known, strict=True))


def history_of(waves: Sequence[tuple[list[Cell], int]]) -> History:
    history, today = History(), date(2025, 1, 5)
    for cells, days in waves:
        history.come(cells)
        today += timedelta(days=days)
        history.ask(today)
    return history


def atoms_of(sets: set[frozenset[int]], people: int) -> Counter[tuple[bool, ...]]:
    """The people by the published sets in which they are: nobody can tell those of one apart."""
    ordered = sorted(sets, key=sorted)
    return Counter(tuple(person in each for each in ordered) for person in range(people))


def derivable(sets: set[frozenset[int]], target: frozenset[int], people: int) -> bool:
    """Whether figures of the target follow from figures of the sets by adding and subtracting.

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
def test_by_no_differences_can_fewer_than_five_be_told_apart(
    waves: list[tuple[list[Cell], int]],
) -> None:
    history = history_of(waves)
    # Adding and subtracting published figures treats the people of an atom alike: any set that
    # can be derived is a union of atoms. So it is enough that no atom is smaller than five.
    atoms = atoms_of(history.published, len(history.cells))
    never = tuple(False for _ in history.published)
    assert all(count >= SMALLEST_GROUP for atom, count in atoms.items() if atom != never)


@settings(max_examples=25, deadline=None)
@given(WAVES, st.data())
def test_no_small_group_follows_by_solving_for_it(
    waves: list[tuple[list[Cell], int]], data: st.DataObject
) -> None:
    history = history_of(waves)
    people = len(history.cells)
    if people:
        small = data.draw(
            st.frozensets(st.integers(0, people - 1), min_size=1, max_size=SMALLEST_GROUP - 1)
        )
        assert not derivable(history.published, small, people)


def test_the_check_itself_finds_a_difference() -> None:
    everybody, most = frozenset(range(9)), frozenset(range(7))
    assert derivable({everybody, most}, frozenset({7, 8}), 9)
    assert not derivable({everybody, most}, frozenset({8}), 9)


@given(WAVES)
@settings(deadline=None)
def test_a_label_is_true_of_everybody_in_the_bundle(
    waves: list[tuple[list[Cell], int]],
) -> None:
    history = history_of(waves)
    seen: set[int] = set()
    for bundle, people in history.bundles:
        assert len(people) >= SMALLEST_GROUP
        assert not people & seen
        seen |= people
        for person in people:
            cell = history.cells[person]
            month = period_around(cell.month, "month")
            assert month.within(bundle.label.period)
            for name in ("service", "agency", "channel", "district"):
                assert getattr(bundle.label, name) in (None, getattr(cell, name))


@given(st.lists(CELLS, max_size=40))
@settings(deadline=None)
def test_when_a_year_is_long_over_at_most_four_wait(cells: list[Cell]) -> None:
    for year in (2024, 2025):
        waiting = Counter(cell for cell in cells if cell.month.year == year)
        bundles = seal(waiting, today=date(2027, 1, 1))
        sealed = sum(waiting[cell] for bundle in bundles for cell in bundle.cells)
        assert waiting.total() - sealed < SMALLEST_GROUP


def cell(month: int = 3, **more: str) -> Cell:
    given = {"service": "ktp-el", "agency": "dukcapil", "channel": "online", "district": ""} | more
    return Cell(month=date(2025, month, 1), **given)


MARCH = date(2025, 3, 20)


def test_five_alike_are_published_at_once_with_all_that_they_share() -> None:
    [bundle] = seal({cell(district="12.12.01"): 5}, today=MARCH)
    assert bundle.label == Label(
        parse_period("2025-03"), "ktp-el", "dukcapil", "online", "12.12.01"
    )
    assert seal({cell(district="12.12.01"): 4}, today=MARCH) == []


def test_five_of_several_districts_are_published_without_the_district() -> None:
    [bundle] = seal({cell(district="12.12.01"): 3, cell(district="12.12.02"): 2}, today=MARCH)
    assert (bundle.label.channel, bundle.label.district) == ("online", None)


def test_different_channels_wait_for_the_end_of_the_month_and_its_late_answers() -> None:
    waiting = {cell(channel="online"): 3, cell(channel="counter"): 2}
    assert seal(waiting, today=date(2025, 4, 14)) == []
    [bundle] = seal(waiting, today=date(2025, 4, 15))
    assert (bundle.label.service, bundle.label.channel) == ("ktp-el", None)


def test_a_service_that_few_use_waits_for_its_quarter_rather_than_lose_its_name() -> None:
    waiting = {cell(1): 2, cell(2): 2, cell(3): 1, cell(3, service="pbg", agency="pupr"): 4}
    [bundle] = seal(waiting, today=date(2025, 4, 15))
    assert bundle.label == Label(parse_period("2025-Q1"), "ktp-el", "dukcapil", "online", "")
    assert bundle.label.period.span == "quarter"


def test_at_the_end_of_the_year_the_rest_is_pooled() -> None:
    waiting = {cell(1): 2, cell(9, service="pbg", agency="pupr"): 4}
    [bundle] = seal(waiting, today=date(2026, 1, 15))
    assert bundle.label == Label(parse_period("2025"), None, None, "online", "")
