"""Webhooks are told once for each agency and month that statistics are owed."""

import json
import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from services.platform.settings import Settings
from tests.feedback.feedback_rows import store_obligation
from tests.gateway.parts import send_due_reminders
from tests.gateway.portals import Portal, always, portal
from tests.gateway.watched import Watched, watched

pytestmark = pytest.mark.slow


@pytest.fixture
def receiver() -> Iterator[Portal]:
    with portal(always(204, b"")) as running:
        yield running


@pytest.fixture
def hub(empty: Settings) -> Iterator[Watched]:
    with watched(empty, simbg="https://simbg.example/") as running:
        yield running


def remind(hub: Watched, at: str) -> int:
    return send_due_reminders(hub, now=datetime.fromisoformat(at))


def owes(hub: Watched, agency: str, *services: str) -> None:
    for service in services:
        store_obligation(hub.settings, agency, service)


def test_an_agency_is_reminded_once_of_a_month_that_is_not_complete(
    hub: Watched, receiver: Portal
) -> None:
    hub.post("webhooks", {"url": receiver.address})
    owes(hub, "dukcapil", "ktp-el", "akta")
    owes(hub, "dishub", "kir")
    month = {"channel": "counter", "period": "2024-03", "counters": {"submitted": 1}}
    for agency, service in (("dishub", "kir"), ("dukcapil", "akta")):
        body = {"statistics": [month | {"agency": agency, "service": service}]}
        answer = hub.client.post("/api/v1/usage/statistics", json=body, headers=hub.admin)
        assert answer.status_code == 200, answer.text
    assert remind(hub, "2024-04-06T23:59:00+07:00") == 0
    assert remind(hub, "2024-04-07T00:01:00+07:00") == 1
    assert remind(hub, "2024-04-07T00:02:00+07:00") == 0
    assert remind(hub, "2024-04-30T12:00:00+07:00") == 0
    end = time.monotonic() + 30
    while not receiver.asked:
        assert time.monotonic() < end
        time.sleep(0.05)
    [asked] = receiver.asked
    message = json.loads(asked.body)
    assert message["type"] == "statistics.due"
    assert message["data"] == {
        "agency": "dukcapil",
        "period": "2024-03",
        "due_on": "2024-04-10",
        "services_expected": 2,
        "services_reported": 1,
        "calendar": "/api/v1/usage/reminders.ics?agency=dukcapil",
    }
    assert "dukcapil" not in hub.client.get("/status.atom").text
    assert remind(hub, "2024-05-08T12:00:00+07:00") == 2
