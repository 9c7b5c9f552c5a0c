"""Whether pages of services helped: sums by service, day and answer, and nothing of a person."""

from datetime import datetime, timedelta
from typing import Any

import httpx

from services.platform.local_time import DEFAULT_ZONE
from tests.conftest import Room
from tests.feedback.answering import new_address
from tests.feedback.conftest import offering_agency
from tests.feedback.sending import USAGE
from tests.rows import rows

HELPFULNESS = f"{USAGE}/helpfulness"


def tell(office: Room, service: str, *, helpful: bool, address: str) -> httpx.Response:
    headers = office.token() | {"X-Forwarded-For": address}
    body = {"service": service, "helpful": helpful}
    return office.client.post(HELPFULNESS, json=body, headers=headers)


def counted(office: Room, **parameters: Any) -> list[tuple[str | None, int, int]]:
    answer = office.get(HELPFULNESS, **parameters)
    assert answer.status_code == 200, answer.text
    return [(one["day"], one["helpful"], one["unhelpful"]) for one in answer.json()["items"]]


def test_an_answer_counts_once_a_day_for_a_sender_and_service(office: Room) -> None:
    offering_agency(office, "akta", "kk")
    first, second = new_address(), new_address()
    assert tell(office, "akta", helpful=True, address=first).json() == {"counted": True}
    assert tell(office, "akta", helpful=False, address=first).json() == {"counted": False}
    assert tell(office, "akta", helpful=False, address=second).json() == {"counted": True}
    assert tell(office, "kk", helpful=True, address=first).json() == {"counted": True}

    today = datetime.now(DEFAULT_ZONE).date()
    assert counted(office, service="akta") == [(None, 1, 1)]
    assert counted(office, service="akta", by_day="true") == [(str(today), 1, 1)]
    assert len(counted(office)) >= 2
    before: dict[str, Any] = {
        "from": str(today - timedelta(days=9)),
        "to": str(today - timedelta(days=1)),
    }
    assert counted(office, **before) == []
    stored = rows(office.settings, "SELECT * FROM feedback.helpfulness WHERE service = 'akta'")
    assert {tuple(row) for row in stored} == {
        ("12.12", "akta", today, True, 1),
        ("12.12", "akta", today, False, 1),
    }


def test_what_cannot_be_counted_is_refused_by_its_field(office: Room) -> None:
    offering_agency(office, "ktp")
    unknown = tell(office, "tidak-ada", helpful=True, address=new_address())
    assert unknown.status_code == 409
    assert unknown.json()["errors"][0]["pointer"] == "#/service"
    for wrong in ({}, {"helpful": 0}, {"helpful": "ya"}):
        assert office.post(HELPFULNESS, {"service": "ktp", **wrong}).status_code == 422
    spans: tuple[tuple[dict[str, Any], str], ...] = (
        ({"by_day": "true"}, "service"),
        ({"from": "2024-01-01", "to": "2026-01-01"}, "from"),
        ({"from": "2026-02-01", "to": "2026-01-01"}, "from"),
    )
    for span, parameter in spans:
        refused = office.get(HELPFULNESS, **span)
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["parameter"] == parameter
    assert counted(office, to="0001-01-02") == []
