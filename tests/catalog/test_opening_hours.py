"""When places are open: weekly and monthly rules, pauses, holidays, exceptions, midnight, zones."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.catalog.opening_hours import (
    OpeningException,
    OpeningRule,
    OpenState,
    opening_intervals,
    state_at,
)

JAKARTA = ZoneInfo("Asia/Jakarta")
ZONES = [JAKARTA, ZoneInfo("Asia/Makassar"), ZoneInfo("Asia/Jayapura")]
TWO_WEEKS = 14


def rule(byday: str, opens: str, closes: str, **more: Any) -> OpeningRule:
    return OpeningRule.model_validate(
        {"byday": byday.split(), "opens": opens, "closes": closes} | more
    )


OFFICE = [
    rule("MO TU WE TH", "08:00", "16:00"),
    rule("FR", "08:00", "11:30"),
    rule("FR", "13:30", "16:30"),
]
POLICE = [rule("MO TU WE TH FR SA SU", "00:00", "00:00", on_holidays=True)]


def at(moment: str, zone: ZoneInfo = JAKARTA) -> datetime:
    return datetime.fromisoformat(moment).replace(tzinfo=zone)


def state(
    rules: list[OpeningRule],
    moment: str,
    *,
    exceptions: list[OpeningException] | None = None,
    zone: ZoneInfo = JAKARTA,
) -> tuple[bool, str | None]:
    found = state_at(rules, exceptions or [], at(moment, zone), zone)
    change = found.changes_at
    return found.is_open, None if change is None else f"{change.replace(tzinfo=None)}"[:16]


@pytest.mark.parametrize("zone", ZONES, ids=str)
@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-30 07:59", (False, "2026-11-30 08:00")),  # Monday
        ("2026-11-30 08:00", (True, "2026-11-30 16:00")),
        ("2026-11-30 16:00", (False, "2026-12-01 08:00")),
        ("2026-12-04 11:29", (True, "2026-12-04 11:30")),  # Friday
        ("2026-12-04 12:00", (False, "2026-12-04 13:30")),
        ("2026-12-04 14:00", (True, "2026-12-04 16:30")),
        ("2026-12-05 09:00", (False, "2026-12-07 08:00")),  # Saturday
        ("2026-12-25 09:00", (False, "2026-12-28 08:00")),  # Christmas, a Friday
        ("2026-12-24 09:00", (False, "2026-12-28 08:00")),  # joint leave
        ("2026-08-17 09:00", (False, "2026-08-18 08:00")),  # Independence Day
        ("2027-01-01 09:00", (False, "2027-01-04 08:00")),  # the next year's first holiday
    ],
)
def test_an_office_is_open_on_working_days(
    moment: str, expected: tuple[bool, str], zone: ZoneInfo
) -> None:
    assert state(OFFICE, moment, zone=zone) == expected


def test_the_same_moment_is_another_hour_in_each_zone() -> None:
    moment = at("2026-11-30 15:30")
    assert [state_at(OFFICE, [], moment, zone).is_open for zone in ZONES] == [True, False, False]
    early = at("2026-11-30 06:30")
    assert [state_at(OFFICE, [], early, zone).is_open for zone in ZONES] == [False, False, True]


@pytest.mark.parametrize("moment", ["2026-12-25 00:00", "2026-12-31 23:59", "2026-11-29 03:00"])
def test_a_place_that_never_closes_is_open_without_an_end(moment: str) -> None:
    assert state(POLICE, moment) == (True, None)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-12-04 21:59", (False, "2026-12-04 22:00")),
        ("2026-12-04 23:30", (True, "2026-12-05 02:00")),
        ("2026-12-05 01:59", (True, "2026-12-05 02:00")),
        ("2026-12-05 02:00", (False, "2026-12-11 22:00")),
    ],
)
def test_hours_may_pass_midnight(moment: str, expected: tuple[bool, str]) -> None:
    assert state([rule("FR", "22:00", "02:00")], moment) == expected


def test_hours_that_touch_at_midnight_are_one_opening() -> None:
    rules = [rule("FR", "20:00", "00:00"), rule("SA", "00:00", "04:00")]
    assert state(rules, "2026-12-04 23:00") == (True, "2026-12-05 04:00")


@pytest.mark.parametrize(
    ("byday", "days"),
    [
        ("2TU", ["2026-12-08"]),
        ("-1FR", ["2026-12-25"]),
        ("5TH", ["2026-12-31"]),
        ("1MO 3MO", ["2026-12-07", "2026-12-21"]),
    ],
)
def test_rules_may_name_days_of_a_month(byday: str, days: list[str]) -> None:
    rules = [rule(byday, "09:00", "12:00", on_holidays=True)]
    month = [date(2026, 12, 1) + timedelta(days=n) for n in range(31)]
    open_days = [str(day) for day in month if opening_intervals(rules, [], day, JAKARTA)]
    assert open_days == days


def test_a_rule_holds_between_its_days() -> None:
    ramadan = rule("MO", "08:00", "14:00", valid_from="2026-02-18", valid_until="2026-03-19")
    mondays = ("2026-02-16", "2026-02-23", "2026-03-16", "2026-03-23")
    found = [
        bool(opening_intervals([ramadan], [], date.fromisoformat(day), JAKARTA)) for day in mondays
    ]
    assert found == [False, True, True, False]


def test_an_exception_replaces_the_hours_of_its_day() -> None:
    closed = OpeningException.model_validate({"on": "2026-11-30"})
    short = OpeningException.model_validate(
        {"on": "2026-12-25", "opens": "09:00", "closes": "10:00"}
    )
    assert state(OFFICE, "2026-11-30 09:00", exceptions=[closed]) == (False, "2026-12-01 08:00")
    assert state(OFFICE, "2026-12-25 09:30", exceptions=[short]) == (True, "2026-12-25 10:00")
    assert state(POLICE, "2026-11-29 12:00", exceptions=[closed]) == (True, "2026-11-30 00:00")


def test_without_hours_a_place_is_not_open() -> None:
    assert state([], "2026-11-30 09:00") == (False, None)


clock = st.integers(0, 95).map(lambda n: f"{n // 4:02}:{n % 4 * 15:02}")
rules_of_a_week = st.lists(
    st.builds(
        lambda days, opens, closes, holidays: rule(
            " ".join(sorted(days)), opens, closes, on_holidays=holidays
        ),
        st.sets(st.sampled_from(["MO", "WE", "FR", "SA", "SU"]), min_size=1),
        clock,
        clock,
        st.booleans(),
    ),
    max_size=4,
)


@given(rules_of_a_week, st.integers(0, TWO_WEEKS * 24 * 4), st.sampled_from(ZONES))
def test_the_state_holds_until_it_changes(
    rules: list[OpeningRule], quarters: int, zone: ZoneInfo
) -> None:
    moment = at("2026-12-18 00:00", zone) + timedelta(minutes=15 * quarters)
    now = state_at(rules, [], moment, zone)
    if now.changes_at is None:
        return
    minute = timedelta(minutes=1)
    assert now.changes_at > moment
    assert state_at(rules, [], now.changes_at - minute, zone).is_open == now.is_open
    assert state_at(rules, [], now.changes_at, zone).is_open != now.is_open
    inside = any(
        one.start <= moment < one.end
        for day in (moment.date() - timedelta(days=1), moment.date())
        for one in opening_intervals(rules, [], day, zone)
    )
    assert now.is_open == inside
    assert isinstance(now, OpenState)


@pytest.mark.parametrize(
    ("model", "content", "place"),
    [
        (OpeningException, {"on": "2026-12-01", "opens": "08:00"}, ("closes",)),
        (OpeningException, {"on": "2026-12-01", "closes": "08:00"}, ("opens",)),
        (
            OpeningRule,
            {
                "byday": ["MO"],
                "opens": "08:00",
                "closes": "09:00",
                "valid_from": "2026-02-01",
                "valid_until": "2026-01-01",
            },
            ("valid_until",),
        ),
        (OpeningRule, {"byday": ["MO"], "opens": "8:00", "closes": "09:00"}, ("opens",)),
        (OpeningRule, {"byday": ["6MO"], "opens": "08:00", "closes": "09:00"}, ("byday", 0)),
    ],
)
def test_what_contradicts_itself_is_named(
    model: type[OpeningRule], content: dict[str, Any], place: tuple[str | int, ...]
) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(content)
    assert [error["loc"] for error in caught.value.errors()] == [place]
