"""Pauses of the clocks of service standards: each stop is paired with the event that ended it."""

from datetime import UTC, datetime, timedelta

import pytest

from services.gateway.connectors.oss.clock_stops import (
    LicenceEvent,
    Pause,
    pair_pauses,
    pauses_by_month,
)
from services.platform.local_time import DEFAULT_ZONE

START = datetime(2026, 3, 1, tzinfo=UTC)
ENDS = ("42", "44", "50", "90")


def pauses(*story: tuple[str, str, float]) -> list[tuple[str, float, float]]:
    """Return licence, first day and length of each pause of events (licence, code, day)."""
    events = [
        LicenceEvent(licence, code, START + timedelta(days=day)) for licence, code, day in story
    ]
    return [
        (pause.licence, (pause.started_at - START) / timedelta(days=1), pause.days)
        for pause in pair_pauses(events, stops=("41", "43"), ends=ENDS)
    ]


def test_a_licence_that_stops_twice_has_two_pauses() -> None:
    story = [("A", "41", 0), ("A", "42", 3), ("A", "41", 5), ("A", "42", 5.5)]
    assert pauses(*story) == [("A", 0, 3), ("A", 5, 0.5)]


def test_licences_are_independent_in_any_order_of_events() -> None:
    story = [("B", "44", 9), ("A", "41", 0), ("B", "43", 1), ("A", "42", 2)]
    assert pauses(*story) == [("A", 0, 2), ("B", 1, 8)]


def test_a_second_stop_continues_the_first() -> None:
    assert pauses(("A", "41", 0), ("A", "43", 2), ("A", "44", 6)) == [("A", 0, 6)]


@pytest.mark.parametrize("end", ["50", "90"])
def test_a_decision_ends_a_pause_too(end: str) -> None:
    assert pauses(("A", "41", 0), ("A", end, 4)) == [("A", 0, 4)]


def test_an_open_stop_or_an_end_without_a_stop_is_no_pause() -> None:
    assert pauses(("A", "41", 0), ("B", "42", 1), ("A", "20", 2)) == []


def test_a_month_has_the_pauses_that_ended_in_it_by_jakarta_time() -> None:
    late = datetime(2026, 3, 31, 17, 30, tzinfo=UTC)  # April in Jakarta
    pauses = [Pause(f"{number}", late - timedelta(days=2), late) for number in range(5)]
    earlier = [Pause("A", START, START + timedelta(days=7))]
    assert pauses_by_month([*pauses, *earlier], min_licences=5, zone=DEFAULT_ZONE) == {
        "2026-04": (5, 10.0)
    }


def test_pauses_of_few_licences_are_left_out() -> None:
    pauses = [Pause("A", START, START + timedelta(days=1))] * 9
    assert pauses_by_month(pauses, min_licences=5, zone=DEFAULT_ZONE) == {}
