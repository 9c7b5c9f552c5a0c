"""Doubts are shown at once, kept, resolved by corrections and answered by explanations."""

from datetime import datetime
from typing import Any

import httpx
import pytest

from services.platform.local_time import DEFAULT_ZONE
from tests.conftest import ANONYMOUS, Room, agency_caller
from tests.feedback.sending import (
    USAGE,
    event,
    expect_reports,
    send_events,
    send_statistics,
    statistic,
)
from tests.feedback.sheets import HEADS, upload, workbook

FLAGS = f"{USAGE}/statistics/flags"


@pytest.fixture
def agency(office: Room, agency: str) -> str:
    expect_reports(office, (agency, "ktp"), (agency, "akta"))
    return agency


def half_a_year(agency: str, **more: Any) -> list[dict[str, Any]]:
    values = (101, 98, 104, 99, 102, 97)
    return [
        statistic(agency, period=f"2024-0{n}", counters={"submitted": value}) | more
        for n, value in enumerate(values, start=1)
    ]


def flags(office: Room, agency: str, **parameters: str) -> list[dict[str, Any]]:
    caller = agency_caller(agency, "usage:write")
    return office.get(FLAGS, caller=caller, **parameters).json()["items"]


def explain(office: Room, flag: str, said: Any, agency: str) -> httpx.Response:
    caller = agency_caller(agency, "usage:write")
    return office.post(f"{FLAGS}/{flag}/explanation", {"explanation": said}, caller=caller)


def test_a_jump_is_flagged_at_once_and_resolved_by_a_correction(office: Room, agency: str) -> None:
    assert send_statistics(office, agency, *half_a_year(agency)).json()["flags"] == []
    july = statistic(agency, period="2024-07", counters={"submitted": 1010})
    [flag] = send_statistics(office, agency, july).json()["flags"]
    assert (flag["kind"], flag["measure"], flag["period"]) == ("jump", "submitted", "2024-07")
    assert (flag["certainty"], flag["state"]) == ("likely", "open")
    assert "1.010" in flag["message"]
    assert "1,010" in flag["message_en"]
    assert "100" in flag["message"]
    assert flag["remedy"]
    assert flags(office, agency) == [flag]
    again = send_statistics(office, agency, july).json()
    assert [one["id"] for one in again["flags"]] == [flag["id"]]
    corrected = july | {"counters": {"submitted": 101}, "reason": "Nol berlebih"}
    assert send_statistics(office, agency, corrected).json()["flags"] == []
    [flag_now] = flags(office, agency)
    assert (flag_now["id"], flag_now["state"]) == (flag["id"], "resolved")
    assert flag_now["resolved_at"] is not None
    assert flags(office, agency, state="open") == []
    [back] = send_statistics(office, agency, july).json()["flags"]
    assert (back["id"], back["state"]) == (flag["id"], "open")


def test_an_explanation_is_stored_without_personal_data(office: Room, agency: str) -> None:
    send_statistics(office, agency, *half_a_year(agency))
    july = statistic(agency, period="2024-07", counters={"submitted": 1010})
    [flag] = send_statistics(office, agency, july).json()["flags"]
    explained = explain(office, flag["id"], "Kata Siti, 0812-3456-7890", agency).json()
    assert explained["explanation"] == "Kata Siti, [telepon]"
    assert explained["personal_data"] == ["phone"]


def test_an_explanation_answers_a_doubt_for_good(office: Room, agency: str) -> None:
    send_statistics(office, agency, *half_a_year(agency))
    july = statistic(agency, period="2024-07", counters={"submitted": 1010})
    [flag] = send_statistics(office, agency, july).json()["flags"]
    answer = explain(office, flag["id"], "Pekan pelayanan keliling", agency)
    assert answer.status_code == 200
    assert answer.json()["state"] == "explained"
    assert send_statistics(office, agency, july).json()["flags"] == []
    [flag_now] = flags(office, agency, state="explained")
    assert flag_now["explanation"] == "Pekan pelayanan keliling"
    assert explain(office, flag["id"], "x", "dishub").status_code == 403
    assert explain(office, flag["id"], "", agency).status_code == 422
    assert explain(office, flag["id"], "  ", agency).status_code == 422
    unknown = "01960000-0000-7000-8000-000000000000"
    assert explain(office, unknown, "x", agency).status_code == 404
    fixed = july | {"counters": {"submitted": 100}}
    send_statistics(office, agency, fixed)
    assert explain(office, flag["id"], "x", agency).status_code == 409


def doubted(office: Room, agency: str, period: int) -> tuple[int, int]:
    """Months of a year that came, and those of them that are in doubt."""
    found = office.get(f"{USAGE}/reporting", period=period).json()
    [one] = [each for each in found["agencies"] if each["agency"] == agency]
    assert found["on_time_flagged"] + found["late_flagged"] == sum(
        each["on_time_flagged"] + each["late_flagged"] for each in found["agencies"]
    )
    return one["on_time"] + one["late"], one["on_time_flagged"] + one["late_flagged"]


def test_a_month_is_in_doubt_until_it_is_corrected_or_explained(office: Room, agency: str) -> None:
    send_statistics(office, agency, *half_a_year(agency))
    assert doubted(office, agency, 2024) == (6, 0)
    july = statistic(agency, period="2024-07", counters={"submitted": 1010})
    [flag] = send_statistics(office, agency, july).json()["flags"]
    assert doubted(office, agency, 2024) == (7, 1)
    send_statistics(office, agency, july | {"counters": {"submitted": 101}, "reason": "x"})
    assert doubted(office, agency, 2024) == (7, 0)
    send_statistics(office, agency, july | {"reason": "y"})
    assert doubted(office, agency, 2024) == (7, 1)
    explain(office, flag["id"], "Pekan pelayanan keliling", agency)
    assert doubted(office, agency, 2024) == (7, 0)


def test_what_is_only_possibly_wrong_puts_no_month_in_doubt(office: Room, agency: str) -> None:
    send_statistics(office, agency, *half_a_year(agency))
    july = statistic(agency, period="2024-07", counters={"submitted": 145})
    [flag] = send_statistics(office, agency, july).json()["flags"]
    assert flag["certainty"] == "possible"
    assert doubted(office, agency, 2024) == (7, 0)


@pytest.mark.slow
def test_a_file_is_checked_before_it_is_stored_and_a_dry_run_stores_no_flag(
    office: Room, agency: str
) -> None:
    rows = [("ktp", "loket", "2024-01", 10, 2, None), ("ktp", "loket", "2024-02", 5, 900, None)]
    file = workbook(*rows, heads=HEADS)
    tried = upload(office, agency, file, dry_run="true").json()
    assert [flag["kind"] for flag in tried["flags"]] == ["impossible"]
    assert flags(office, agency) == []
    stored = upload(office, agency, file).json()
    assert [flag["kind"] for flag in stored["flags"]] == ["impossible"]
    assert [flag["kind"] for flag in flags(office, agency)] == ["impossible"]


def test_round_figures_of_a_year_raise_one_flag_about_the_agency(office: Room, agency: str) -> None:
    year = [
        statistic(
            agency, period=f"2023-{n:02}", counters={"submitted": 100 + 5 * n, "completed": c}
        )
        for n in range(1, 13)
        for c in (95 + 5 * n,)
    ]
    [flag] = send_statistics(office, agency, *year).json()["flags"]
    assert (flag["kind"], flag["service"], flag["channel"]) == ("heaping", None, None)
    assert "24 dari 24" in flag["message"]
    assert flag["certainty"] == "likely"
    assert doubted(office, agency, 2023) == (12, 12)
    assert doubted(office, agency, 2024)[1] == 0
    [same] = send_statistics(office, agency, year[0]).json()["flags"]
    assert same["id"] == flag["id"]


def test_online_applications_are_compared_with_counted_clicks(office: Room, agency: str) -> None:
    now = datetime.now(DEFAULT_ZONE)  # a month begins at the regency's midnight
    clicks = [
        event(kind="click_out", service=f"{agency}-x", occurred_at=now.isoformat())
        for _ in range(40)
    ]
    expect_reports(office, (agency, f"{agency}-x"))
    send_events(office, agency, *clicks)
    month = statistic(
        agency, f"{agency}-x", channel="online", period=f"{now:%Y-%m}", counters={"submitted": 0}
    )
    [flag] = send_statistics(office, agency, month).json()["flags"]
    assert flag["kind"] == "click_outs"
    assert "40 orang" in flag["message"]
    by_hand = statistic(agency, f"{agency}-x", period=f"{now:%Y-%m}", counters={"submitted": 0})
    assert send_statistics(office, agency, by_hand).json()["flags"] == []


def test_the_public_sees_how_many_doubts_there_are_and_none_of_them(
    office: Room, agency: str
) -> None:
    send_statistics(office, agency, *half_a_year(agency))
    july = statistic(agency, period="2024-07", counters={"submitted": 1010})
    send_statistics(office, agency, july)
    public = office.get(FLAGS, caller=ANONYMOUS).json()
    assert public["items"] == []
    mine = [count for count in public["counts"] if count["agency"] == agency]
    assert mine == [{"agency": agency, "kind": "jump", "state": "open", "flags": 1}]
    other = agency_caller("dishub", "usage:write")
    assert office.get(FLAGS, caller=other, agency=agency).status_code == 403
    admin = agency_caller("diskominfo", "admin")
    assert len(office.get(FLAGS, caller=admin, agency=agency).json()["items"]) == 1
