"""Who owes which month: one calendar for lists, feeds and the count of reports."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from services.feedback.statistics.obligations import MonthlyObligation, deadline, last_closed_months
from services.platform.local_time import DEFAULT_ZONE
from tests.conftest import Room
from tests.feedback.conftest import new_agency
from tests.feedback.sending import (
    USAGE,
    expect_reports,
    load,
    report_at,
    send_statistics,
    statistic,
)

JAKARTA = ZoneInfo("Asia/Jakarta")


def all_months(office: Room, agency: str, **span: str) -> list[dict[str, Any]]:
    wanted: dict[str, Any] = {"agency": agency, **span}
    answer = office.get(f"{USAGE}/completeness", **wanted)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def completeness(office: Room, agency: str, **span: str) -> list[dict[str, Any]]:
    """Return the months of which a report is asked for."""
    months = all_months(office, agency, **span)
    return [month for month in months if month["state"] != "not_asked"]


def test_a_month_shows_the_state_of_its_obligations(office: Room, agency: str) -> None:
    expect_reports(office, (agency, "ktp"), (agency, "akta"))
    report_at(office, datetime(2024, 4, 10, 12, tzinfo=JAKARTA), statistic(agency))
    [march] = completeness(office, agency, **{"from": "2024-03", "to": "2024-03"})
    assert march == {
        "agency": agency,
        "period": "2024-03",
        "due_on": "2024-04-10",
        "state": "on_time",
        "complete": False,
        "services_expected": 2,
        "services_reported": 1,
        "services_not_asked": 0,
        "received_at": "2024-04-10T05:00:00Z",
        "completed_at": None,
    }
    report_at(office, datetime(2024, 4, 12, 12, tzinfo=JAKARTA), statistic(agency, "akta"))
    [march] = completeness(office, agency, **{"from": "2024-03", "to": "2024-03"})
    assert (march["state"], march["complete"], march["services_reported"]) == ("on_time", True, 2)
    assert march["completed_at"] == "2024-04-12T05:00:00Z"


def test_without_a_span_it_is_the_twelve_months_that_are_over(office: Room, agency: str) -> None:
    expect_reports(office, (agency, "ktp"))
    found = completeness(office, agency)
    first, last = last_closed_months(datetime.now(UTC), DEFAULT_ZONE, count=12)
    assert [item["period"] for item in found][:: len(found) - 1] == [
        f"{first:%Y-%m}",
        f"{last:%Y-%m}",
    ]
    assert len(found) == 12
    assert {item["state"] for item in found[:-1]} == {"missing"}


@pytest.mark.parametrize(
    "span", [{"from": "2024-03", "to": "2024-02"}, {"from": "2001-01", "to": "2024-02"}]
)
def test_a_span_has_1_to_60_months(office: Room, span: dict[str, Any]) -> None:
    answer = office.get(f"{USAGE}/completeness", **span)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == "from"


@pytest.mark.parametrize(("span", "months"), [({"to": "2000-02"}, 2), ({"from": "2099-12"}, 1)])
def test_a_span_begins_and_ends_with_the_months_that_can_be_written(
    office: Room, agency: str, span: dict[str, str], months: int
) -> None:
    expect_reports(office, (agency, "ktp"))
    assert len(completeness(office, agency, **span)) == months


@pytest.mark.slow
@given(
    st.dictionaries(
        st.tuples(st.integers(1, 12), st.sampled_from(["ktp", "akta"])),
        st.datetimes(datetime(2024, 1, 1), datetime(2025, 3, 1), timezones=st.just(UTC)),
        max_size=8,
    )
)
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_assessments_count_of_reports_is_that_of_the_months(
    office: Room, reports: dict[tuple[int, str], datetime]
) -> None:
    agency = new_agency()
    expect_reports(office, (agency, "ktp"), (agency, "akta"))
    for (month, service), at in reports.items():
        sent_at = max(at, datetime(2024, month, 2, tzinfo=UTC))
        report_at(office, sent_at, statistic(agency, service, period=f"2024-{month:02}"))
    found = completeness(office, agency, **{"from": "2024-01", "to": "2024-12"})
    states = [item["state"] for item in found]
    counted = office.get(f"{USAGE}/reporting", period=2024).json()["agencies"]
    [mine] = [one for one in counted if one["agency"] == agency]
    assert mine == {
        "agency": agency,
        "expected": 12,
        "on_time": states.count("on_time"),
        "late": states.count("late"),
        "on_time_flagged": 0,
        "late_flagged": 0,
    }
    assert sum(item["services_reported"] for item in found) == len(reports)
    whole = {m for m, _ in reports if {(m, "ktp"), (m, "akta")} <= reports.keys()}
    assert {int(item["period"][5:]) for item in found if item["complete"]} == whole


def test_an_obligation_begins_in_the_month_of_its_first_load(office: Room, agency: str) -> None:
    def periods() -> list[str]:
        months = completeness(office, agency, **{"from": "2024-01", "to": "2024-12"})
        return [f"{item['period']} {item['services_expected']}" for item in months]

    def expected() -> list[int]:
        counted = office.get(f"{USAGE}/reporting", period=2024).json()["agencies"]
        return [item["expected"] for item in counted if item["agency"] == agency]

    send_statistics(office, agency, statistic(agency))  # of March, before it was obliged to
    load(office, obligations=[(agency, "ktp")], month=date(2024, 9, 1))
    assert (periods(), expected()) == ([f"2024-{n:02} 1" for n in range(9, 13)], [4])
    load(office, obligations=[(agency, "ktp"), (agency, "akta")], month=date(2024, 11, 1))
    assert periods() == ["2024-09 1", "2024-10 1", "2024-11 2", "2024-12 2"]
    load(office, obligations=[(agency, "ktp")], month=date(2025, 3, 1))
    assert (len(periods()), expected()) == (4, [4])


def test_all_obligations_begin_in_the_month_that_the_pack_states(office: Room, agency: str) -> None:
    pair = [(agency, "ktp")]
    load(office, obligations=pair, month=date(2024, 9, 1))
    for since, months in ((date(2024, 11, 1), 2), (date(2024, 3, 1), 10)):
        changes = load(office, obligations=pair, month=date(2025, 1, 1), since=since)
        assert [(change.kind, change.fields) for change in changes] == [
            ("reporting obligation", ("since",))
        ]
        assert len(completeness(office, agency, **{"from": "2024-01", "to": "2024-12"})) == months
    assert load(office, obligations=pair, month=date(2025, 1, 1)) == []


def test_of_a_service_that_is_not_owed_nothing_is_missing_and_a_report_is_taken(
    office: Room, agency: str
) -> None:
    def months() -> list[tuple[str, int]]:
        found = completeness(office, agency, **{"from": "2024-03", "to": "2024-03"})
        return [(item["state"], item["services_expected"]) for item in found]

    active, inactive = (agency, "ktp"), (agency, "akta")
    load(office, obligations=[active], not_owed=[inactive])
    assert months() == [("missing", 1)]
    load(office, obligations=[], not_owed=[active, inactive])
    assert months() == []
    report_at(office, datetime(2024, 4, 5, tzinfo=JAKARTA), statistic(agency, "akta"))
    assert months() == []
    # Once it is owed, it is from then on.
    load(office, obligations=[active], not_owed=[inactive], month=date(2024, 4, 1))
    assert months() == []
    found = completeness(office, agency, **{"from": "2024-01", "to": "2024-05"})
    assert [item["period"] for item in found] == ["2024-04", "2024-05"]


def states(office: Room, agency: str) -> dict[str, tuple[str, int, int]]:
    """Return state, and the numbers of services asked for and not asked for, of months of 2024."""
    found = all_months(office, agency, **{"from": "2024-01", "to": "2024-12"})
    return {
        item["period"][-2:]: (item["state"], item["services_expected"], item["services_not_asked"])
        for item in found
    }


def test_what_nobody_asked_for_is_told_from_what_was_asked_and_not_given(
    office: Room, agency: str
) -> None:
    load(office, obligations=[(agency, "ktp")], not_owed=[(agency, "kk")], month=date(2024, 3, 1))
    load(
        office,
        obligations=[(agency, "ktp"), (agency, "akta")],
        not_owed=[(agency, "kk")],
        month=date(2024, 5, 1),
    )
    report_at(office, datetime(2024, 2, 5, tzinfo=JAKARTA), statistic(agency, period="2024-01"))
    found = states(office, agency)
    assert [found[month] for month in ("01", "02", "03", "04", "05")] == [
        ("not_asked", 0, 3),
        ("not_asked", 0, 3),
        ("missing", 1, 2),
        ("missing", 1, 2),
        ("missing", 2, 1),
    ]
    january = all_months(office, agency, **{"from": "2024-01", "to": "2024-01"})[0]
    assert (january["due_on"], january["complete"]) == (None, None)
    assert january["received_at"] is not None


def test_what_was_asked_and_not_given_stays_missing_after_the_obligation_ended(
    office: Room, agency: str
) -> None:
    pair = [(agency, "ktp")]

    def owed() -> list[str]:
        return [month for month, found in states(office, agency).items() if found[1]]

    load(office, obligations=pair, month=date(2024, 3, 1))
    # In June it ends: of June nobody asks any more, and the months before stay asked.
    load(office, not_owed=pair, month=date(2024, 7, 1))
    assert owed() == ["03", "04", "05"]
    load(office, not_owed=pair, month=date(2024, 9, 1))
    assert owed() == ["03", "04", "05"]
    load(office, obligations=pair, month=date(2024, 10, 1))
    load(office, obligations=pair, month=date(2024, 12, 1))
    assert owed() == ["03", "04", "05", "10", "11", "12"]
    assert states(office, agency)["07"] == ("not_asked", 0, 1)
    counted = office.get(f"{USAGE}/reporting", period=2024).json()["agencies"]
    assert [one["expected"] for one in counted if one["agency"] == agency] == [6]


@pytest.mark.parametrize(
    ("since", "months"),
    [
        (date(2024, 2, 1), ["02", "03", "04", "05", "10", "11", "12"]),
        (date(2024, 5, 1), ["05", "10", "11", "12"]),
        (date(2024, 11, 1), ["11", "12"]),
    ],
)
def test_a_stated_month_moves_the_first_beginning_and_fills_no_gap(
    office: Room, agency: str, since: date, months: list[str]
) -> None:
    pair = [(agency, "ktp")]
    load(office, obligations=pair, month=date(2024, 3, 1))
    load(office, not_owed=pair, month=date(2024, 7, 1))
    load(office, obligations=pair, month=date(2024, 10, 1))
    for _ in range(2):
        load(office, obligations=pair, month=date(2024, 12, 1), since=since)
        assert [month for month, found in states(office, agency).items() if found[1]] == months


def test_a_year_before_an_obligation_begins_expects_nothing(office: Room, agency: str) -> None:
    load(office, obligations=[(agency, "ktp")], month=date(2025, 1, 1))
    found = office.get(f"{USAGE}/reporting", period=2024).json()
    assert (found["expected"], found["agencies"]) == (0, [])


@given(st.dates(datetime(2000, 1, 1).date(), datetime(2090, 1, 1).date()), st.integers(1, 28))
def test_the_due_day_is_the_last_day_before_the_deadline(month: Any, due_day: int) -> None:
    owed = MonthlyObligation("a", month.replace(day=1), 1, 0, 0, None, None, ("x",))
    end = deadline(owed.month, due_day=due_day, zone=DEFAULT_ZONE)
    assert end.date() == owed.due_on(due_day) + timedelta(days=1)
    assert owed.due_on(due_day).day == due_day
    assert owed.state(now=end, due_day=due_day, zone=DEFAULT_ZONE) == "missing"
    assert owed.state(now=end - timedelta(seconds=1), due_day=due_day, zone=DEFAULT_ZONE) == "open"


def test_the_calendar_has_open_obligations_with_an_alarm_and_drops_fulfilled_ones(
    office: Room, agency: str
) -> None:
    expect_reports(office, (agency, "ktp"))

    def feed() -> dict[str, Any]:
        answer = office.get(f"{USAGE}/reminders.ics", agency=agency)
        assert answer.headers["content-type"].startswith("text/calendar")
        events = Calendar.from_ical(answer.content).walk("VEVENT")
        return {str(event["uid"]): event for event in events}

    before = feed()
    assert len(before) == 14
    _, last = last_closed_months(datetime.now(UTC), DEFAULT_ZONE, count=12)
    uid = f"{office.settings.region}-statistics-{agency}-{last:%Y-%m}@emall"
    event = before[uid]
    assert event.start.day == office.settings.reporting_due_day
    assert "0 dari 1 layanan" in str(event["description"])
    [alarm] = event.walk("VALARM")
    assert alarm["trigger"].dt == timedelta(days=-3)
    send_statistics(office, agency, statistic(agency, period=f"{last:%Y-%m}"))
    assert feed().keys() == before.keys() - {uid}
    assert office.get(f"{USAGE}/reminders.ics", agency="nobody").status_code == 200
    assert office.get(f"{USAGE}/reminders.ics").status_code == 422
