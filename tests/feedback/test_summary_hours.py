"""Usage by the day and by the hour: in Jakarta's time, of a bounded span, equal to the months."""

from typing import Any

import pytest

from tests.conftest import Room
from tests.feedback.sending import (
    event,
    expect_reports,
    send_events,
    send_statistics,
    statistic,
    summary,
    sums,
)


def send_at(office: Room, agency: str, *moments: str, **more: Any) -> None:
    events = [event(occurred_at=moment, **more) for moment in moments]
    assert send_events(office, agency, *events).status_code == 200


def test_hours_and_days_are_those_of_jakarta(office: Room, agency: str) -> None:
    send_at(
        office,
        agency,
        "2024-03-04T16:59:59Z",  # the last second of the 4th in Jakarta
        "2024-03-04T17:00:00Z",
        "2024-03-05T00:59:59+07:00",
        "2024-03-05T23:30:00+07:00",
    )
    span = {"agency": agency, "from": "2024-03-05", "to": "2024-03-05"}
    assert sums(office, "hour", **span) == {
        ("form_end", "2024-03-05T00:00:00+07:00"): 2,
        ("form_end", "2024-03-05T23:00:00+07:00"): 1,
    }
    assert sums(office, "day", **span | {"from": "2024-03-01"}) == {
        ("form_end", "2024-03-04"): 1,
        ("form_end", "2024-03-05"): 3,
    }


def test_days_add_up_to_months_and_leave_monthly_statistics_out(office: Room, agency: str) -> None:
    expect_reports(office, (agency, "ktp"))
    send_at(office, agency, "2024-03-31T23:00:00+07:00", "2024-04-01T01:00:00+07:00", service="ktp")
    send_at(office, agency, "2024-04-09T10:00:00+07:00", kind="search")
    assert send_statistics(office, agency, statistic(agency)).status_code == 200
    by_month = {
        key: value
        for key, value in sums(office, "service,month", agency=agency).items()
        if key[0] != "submitted"
    }
    found: dict[tuple[Any, ...], int] = {}
    for (measure, service, month, _), value in sums(
        office, "service,month,day", agency=agency
    ).items():
        key = (measure, service, month)
        found[key] = found.get(key, 0) + value
    assert found == by_month
    assert len(by_month) == 3


@pytest.mark.parametrize(
    ("group_by", "first", "last", "status"),
    [
        ("hour", "2024-03-01", "2024-03-31", 200),
        ("hour", "2024-03-01", "2024-04-01", 422),
        ("day", "2024-01-01", "2024-12-31", 200),
        ("day", "2024-01-01", "2025-01-01", 422),
        ("day", "0001-01-01", "9999-12-31", 422),
        ("hour", "2024-03-02", "2024-03-01", 200),
    ],
)
def test_the_length_of_a_period_is_limited_by_its_resolution(
    office: Room, group_by: str, first: str, last: str, status: int
) -> None:
    answer = summary(office, **{"from": first, "to": last}, group_by=group_by)
    assert answer.status_code == status, answer.text
    if status == 422:
        [error] = answer.json()["errors"]
        assert error["parameter"] == "from"


def test_without_a_span_hours_are_those_of_the_last_day(office: Room, agency: str) -> None:
    send_at(office, agency, "2024-03-04T10:00:00+07:00", "2024-03-05T10:00:00+07:00")
    answer = summary(office, to="2024-03-05", group_by="hour", agency=agency)
    assert [cell["hour"] for cell in answer.json()["items"]] == ["2024-03-05T10:00:00+07:00"]
    assert summary(office, group_by="hour").status_code == 200
