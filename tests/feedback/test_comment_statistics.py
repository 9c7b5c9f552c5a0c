"""What is published of comments: promises kept, medians, and never a group under five."""

from datetime import date, datetime, timedelta
from itertools import count
from statistics import median
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from services.feedback.comments.statistics import (
    Outcome,
    Tally,
    group_of,
    outcome_of,
    plan_comment_bundles,
    tally_of,
)
from services.feedback.small_groups import MIN_GROUP_SIZE, Person
from services.platform.local_time import DEFAULT_ZONE
from tests.conftest import Room
from tests.feedback.complaints import ADMIN, COMMENTS, answer, call, comment, file, move, send
from tests.feedback.conftest import new_agency
from tests.feedback.feedback_rows import pass_ten_days, set_received_on

DAY = date(2026, 3, 2)
OUTCOMES = st.lists(st.builds(Outcome, st.booleans(), st.none() | st.integers(0, 90)), max_size=30)


@pytest.mark.parametrize(
    ("settled", "today", "wanted"),
    [
        (DAY + timedelta(days=1), DAY, Outcome(in_time=True, days=1)),
        (date(2026, 5, 4), DAY, Outcome(in_time=False, days=38)),
        (DAY, DAY, Outcome(in_time=True, days=0)),
        (None, date(2026, 5, 1), None),
        (None, date(2026, 5, 2), Outcome(in_time=False, days=None)),
    ],
)
def test_a_comment_is_settled_by_an_end_or_time(
    settled: date | None, today: date, wanted: Outcome | None
) -> None:
    found = outcome_of(received=DAY, answer_by=date(2026, 4, 1), settled=settled, today=today)
    assert found == wanted


@given(OUTCOMES, OUTCOMES)
def test_tallies_add_up_with_their_median(first: list[Outcome], second: list[Outcome]) -> None:
    together = tally_of(first) + tally_of(second)
    assert together == tally_of(first + second)
    assert Tally.model_validate_json(together.model_dump_json()) == together
    days = [outcome.days for outcome in first + second if outcome.days is not None]
    assert together.median_days() == (median(days) if days else None)


GROUPS = st.builds(
    group_of,
    received=st.dates(date(2026, 1, 1), date(2026, 6, 30)),
    service=st.sampled_from(["", "ktp-el", "pbg"]),
    agency=st.sampled_from(["dukcapil", "pupr"]),
    kind=st.sampled_from(["complaint", "praise"]),
    category=st.sampled_from(["time", "fee"]),
)


@given(st.dictionaries(GROUPS, st.integers(1, 7), max_size=20), st.dates(DAY, date(2027, 12, 31)))
def test_no_bundle_is_of_fewer_than_five_whenever_it_is_formed(
    pending: dict[Any, int], today: date
) -> None:
    numbers = count()
    people = {group: [Person(str(next(numbers))) for _ in range(n)] for group, n in pending.items()}
    for plan in plan_comment_bundles(people, today=today):
        assert sum(pending[group] for group in plan.groups) >= MIN_GROUP_SIZE


def summary(office: Room, agency: str, **query: str) -> dict[str, Any]:
    office.form_bundles()
    asked = urlencode({"agency": agency} | query)
    return office.get(f"{COMMENTS}/summary?{asked}").json()


@pytest.mark.slow
def test_an_agency_shows_once_five_of_its_comments_are_settled(office: Room, agency: str) -> None:
    filed = [file(office, agency=agency) for _ in range(7)]
    for one in filed[:3]:
        answer(office, one["ticket"])
    move(office, filed[3]["ticket"], "closed")
    spam = file(office, agency=agency, website="x")
    move(office, spam["ticket"], "closed")
    move(office, filed[6]["ticket"], "merged", into=filed[5]["ticket"])
    assert summary(office, agency)["items"] == []
    move(office, filed[4]["ticket"], "forwarded", number="1")
    shown = summary(office, agency)
    assert shown["period"] == str(datetime.now(DEFAULT_ZONE).year)
    assert shown["items"] == [
        {
            "value": agency,
            "n": 5,
            "answered": 5,
            "in_time": 5,
            "median_working_days": 0.0,
        }
    ]
    # The sixth waits for four more: the figure does not move by one.
    answer(office, filed[5]["ticket"])
    assert summary(office, agency)["n"] == 5
    by_category = summary(office, agency, by="category")["items"]
    assert [(item["value"], item["n"]) for item in by_category] == [("time", 5)]
    assert summary(office, agency, period="2020")["items"] == []


def test_citizen_list_and_figures_agree_when_the_clock_of_a_comment_ended(
    office: Room, agency: str
) -> None:
    names = ("waits", "said", "on", "head", "double", "out")
    filed = {name: file(office, agency=agency) for name in names}
    tickets = {name: one["ticket"] for name, one in filed.items()}
    answer(office, tickets["said"])
    move(office, tickets["on"], "forwarded", number="8812345")
    move(office, tickets["double"], "merged", into=tickets["head"])
    move(office, tickets["out"], "forwarded", number="8812346")

    def reported() -> dict[str, str]:
        """Return the public state of each, with which the list and its filter agree."""
        found = {
            name: call(office, "GET", one["href"]).json()["service_level"]["status"]
            for name, one in filed.items()
        }
        listed = listed_by(office, agency)
        assert listed == {tickets[name]: standing for name, standing in found.items()}
        late = {ticket for ticket, standing in listed.items() if standing == "overdue"}
        assert set(listed_by(office, agency, overdue="true")) == late
        return found

    ended = {"said": "met", "on": "met"}
    assert reported() == ended | {"out": "met"} | dict.fromkeys(
        ("waits", "head", "double"), "running"
    )
    pass_ten_days(office.settings, agency, forwarded_today=tickets["out"])
    assert reported() == ended | {"out": "missed"} | dict.fromkeys(
        ("waits", "head", "double"), "overdue"
    )
    # An answer to what was forwarded does not set its clock going again.
    for name in ("on", "head", "waits"):
        answer(office, tickets[name])
    assert reported() == ended | dict.fromkeys(("waits", "head", "double", "out"), "missed")
    year = (datetime.now(DEFAULT_ZONE) - timedelta(days=10)).year
    [counted] = summary(office, agency, period=str(year))["items"]
    assert (counted["n"], counted["in_time"]) == (5, 2)


def listed_by(office: Room, agency: str, **query: str) -> dict[str, str]:
    """Return the tickets of the agency's list, each with the state of its deadline."""
    asked = urlencode({"agency": agency} | query)
    items = call(office, "GET", f"{COMMENTS}?{asked}", caller=ADMIN).json()["items"]
    return {item["ticket"]: item["service_level"]["status"] for item in items}


PERIODS = ("2024", "2024-Q1", "2024-01", "2024-02")
WAVES = st.lists(
    st.lists(
        st.tuples(st.sampled_from(("ktp-el", "pbg")), st.sampled_from((1, 2, 5))),
        min_size=1,
        max_size=9,
    ),
    min_size=1,
    max_size=3,
)
ADDRESSES = count(1)


def settle(office: Room, agency: str, wave: list[tuple[str, int]]) -> None:
    """Comments of some months of 2024, each from a sender of its own, all answered."""
    for service, month in wave:
        body = comment(office.settings, agency=agency, service=service)
        filed = send(office, body, x_forwarded_for=f"2001:db8:{next(ADDRESSES):x}::1").json()
        answer(office, filed["ticket"]).raise_for_status()
        received = date(2024, month, 3)
        set_received_on(office.settings, filed["ticket"], received)


def published(office: Room, agency: str) -> dict[tuple[str | None, ...], int]:
    """Every figure that can be asked for: service, period, dimension, value."""
    found: dict[tuple[str | None, ...], int] = {}
    for service in (None, "ktp-el", "pbg"):
        for period in PERIODS:
            for by in ("service", "category", "month"):
                asked = {"period": period, "by": by} | ({"service": service} if service else {})
                reported = summary(office, agency, **asked)
                found[service, period, by] = reported["n"]
                for item in reported["items"]:
                    found[service, period, by, item["value"]] = item["n"]
    return found


@pytest.mark.slow
@example(waves=[[("ktp-el", 1)] * 6, [("pbg", 1), ("ktp-el", 2)] * 4, [("pbg", 5)]])
@settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(waves=WAVES)
def test_no_two_figures_differ_by_fewer_than_five_comments(
    office: Room, waves: list[list[tuple[str, int]]]
) -> None:
    agency = new_agency()
    before: dict[tuple[str | None, ...], int] = {}
    for wave in waves:
        settle(office, agency, wave)
        after = published(office, agency)
        pairs = [(after[key], n) for key, n in before.items()]  # today's less yesterday's
        for (service, period, *group), n in after.items():
            if group[1:]:
                pairs.append((after[service, period, group[0]], n))  # the whole less a group
            elif service is not None:
                pairs.append((after[None, period, group[0]], n))  # all services less one
            if period != "2024" and not group[1:]:
                pairs.append((after[service, "2024", group[0]], n))  # a year less its parts
        assert all(n >= MIN_GROUP_SIZE for n in after.values() if n)
        assert {whole - part for whole, part in pairs}.isdisjoint({-1, 1, 2, 3, 4}), pairs
        before = after
