"""The reporting calendar: a month is due by the end of the 10th of the next one, in Jakarta."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Room
from tests.feedback.conftest import new_agency
from tests.feedback.sending import USAGE, expect_reports, report_at, send_statistics, statistic

JAKARTA = ZoneInfo("Asia/Jakarta")


def reporting(office: Room, period: int = 2024) -> dict[str, Any]:
    answer = office.get(f"{USAGE}/reporting", period=period)
    assert answer.status_code == 200, answer.text
    return answer.json()


def obligations_met(office: Room, agency: str, period: int = 2024) -> tuple[int, int, int]:
    """Months that an agency owed in a year, and those that it reported on time and late."""
    found = next(a for a in reporting(office, period)["agencies"] if a["agency"] == agency)
    return found["expected"], found["on_time"], found["late"]


@pytest.mark.parametrize(
    ("period", "reported_at", "on_time"),
    [
        ("2024-03", "2024-04-10T23:59:59.999999+07:00", True),
        ("2024-03", "2024-04-11T00:00:00+07:00", False),
        ("2024-03", "2024-04-10T16:59:59Z", True),
        ("2024-03", "2024-04-10T17:00:00Z", False),
        ("2024-12", "2025-01-10T23:59:59+07:00", True),
        ("2024-12", "2025-01-11T00:00:00+07:00", False),
        ("2024-01", "2024-02-10T12:00:00+07:00", True),
        ("2024-02", "2024-02-29T12:00:00+07:00", True),
    ],
)
def test_the_deadline_is_midnight_after_the_10th_in_jakarta(
    office: Room, agency: str, period: str, reported_at: str, on_time: bool
) -> None:
    expect_reports(office, (agency, "ktp"))
    report_at(office, datetime.fromisoformat(reported_at), statistic(agency, period=period))
    assert obligations_met(office, agency) == (12, int(on_time), int(not on_time))


def test_a_month_counts_by_its_first_report_and_a_correction_does_not_make_it_late(
    office: Room, agency: str
) -> None:
    expect_reports(office, (agency, "ktp"), (agency, "akta"))
    first = statistic(agency)
    report_at(office, datetime(2024, 4, 2, tzinfo=UTC), first)
    report_at(office, datetime(2024, 9, 1, tzinfo=UTC), first | {"counters": {"submitted": 9}})
    report_at(office, datetime(2024, 9, 1, tzinfo=UTC), statistic(agency, "akta"))
    assert obligations_met(office, agency) == (12, 1, 0)


def test_an_agency_that_never_reported_has_every_past_month_open(office: Room, agency: str) -> None:
    expect_reports(office, (agency, "ktp"), (agency, "akta"))
    assert obligations_met(office, agency) == (12, 0, 0)
    assert reporting(office, 2099) == {
        "period": 2099,
        "expected": 0,
        "on_time": 0,
        "late": 0,
        "on_time_flagged": 0,
        "late_flagged": 0,
        "services_expected": 0,
        "services_reported": 0,
        "agencies": [],
    }


def test_only_due_or_reported_months_of_the_present_year_are_obligations(
    office: Room, agency: str
) -> None:
    expect_reports(office, (agency, "ktp"))
    now = datetime.now(JAKARTA)
    deadlines = [
        datetime(now.year + month // 12, month % 12 + 1, 11, tzinfo=JAKARTA)
        for month in range(1, 13)
    ]
    due = sum(deadline <= now for deadline in deadlines)
    agencies = reporting(office, now.year)["agencies"]
    assert [one["expected"] for one in agencies] == ([due] if due else [])
    send_statistics(office, agency, statistic(agency, period=f"{now:%Y-%m}"))
    assert obligations_met(office, agency, now.year) == (due + 1, 1, 0)


def test_a_report_of_a_month_long_past_is_late(office: Room, agency: str) -> None:
    expect_reports(office, (agency, "ktp"))
    send_statistics(office, agency, statistic(agency))
    assert obligations_met(office, agency) == (12, 0, 1)


def test_the_totals_are_those_of_the_agencies(office: Room, agency: str) -> None:
    other = new_agency()
    expect_reports(office, (agency, "ktp"), (other, "kir"))
    report_at(office, datetime(2024, 4, 2, tzinfo=UTC), statistic(agency))
    report_at(office, datetime(2024, 6, 1, tzinfo=UTC), statistic(other, "kir"))
    found = reporting(office)
    assert [one["agency"] for one in found["agencies"]] == sorted([agency, other])
    assert (found["expected"], found["on_time"], found["late"]) == (24, 1, 1)


def test_an_agency_without_services_has_no_obligations(office: Room, agency: str) -> None:
    expect_reports(office, (agency, "ktp"), ("dishub", "kir"))
    report_at(office, datetime(2024, 4, 2, tzinfo=UTC), statistic(agency))
    expect_reports(office, ("dishub", "kir"))
    assert [one["agency"] for one in reporting(office)["agencies"]] == ["dishub"]


@pytest.mark.parametrize("period", ["1999", "2100", "2024-03", "x"])
def test_a_period_is_a_year_of_this_century(office: Room, period: str) -> None:
    answer = office.get(f"{USAGE}/reporting", period=period)
    assert answer.status_code == 422
    assert [error["parameter"] for error in answer.json()["errors"]] == ["period"]


@pytest.mark.slow
@given(
    st.dictionaries(
        st.integers(1, 12),
        st.datetimes(datetime(2024, 1, 1), datetime(2025, 3, 1), timezones=st.just(UTC)),
        min_size=1,
    )
)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_on_time_and_late_follow_the_calendar(office: Room, reports: dict[int, datetime]) -> None:
    agency = new_agency()
    expect_reports(office, (agency, "ktp"))
    on_time = 0
    for month, moment in reports.items():
        # As an import of old figures would: the store itself does not know the calendar.
        at = max(moment, datetime(2024, month, 1, tzinfo=JAKARTA) + timedelta(seconds=1))
        report_at(office, at, statistic(agency, period=f"2024-{month:02}"))
        local = at.astimezone(JAKARTA)
        months_later = (local.year - 2024) * 12 + local.month - month
        on_time += months_later < 1 or (months_later == 1 and local.day <= 10)
    assert obligations_met(office, agency) == (12, on_time, len(reports) - on_time)
