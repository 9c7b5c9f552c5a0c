"""Events name only what exists, and a key only what is its own; so nobody's words are published."""

import json
from typing import Any
from uuid import uuid4

import pytest

from services.feedback.app import create_app
from services.feedback.events.fast_path import EventProtocol
from services.feedback.reference_data import ReferenceCodes
from services.platform.identity import Caller
from tests.conftest import Room, agency_caller, room
from tests.feedback.sending import USAGE, event, load, pointers, send_events, sums
from tests.feedback.test_fast_path import batch, head, responses_of, served
from tests.rows import hide_table, restore_table
from tests.waiting import until

EVENTS = f"{USAGE}/events"
OFFERED = [("dukcapil", "ktp-el"), ("dukcapil", "kartu-keluarga"), ("dinkes", "imunisasi")]
HUB = Caller(subject="gateway", scopes=frozenset({"usage:write"}))
ADMIN = Caller(subject="key-of-nobody", scopes=frozenset({"admin"}))


@pytest.fixture(scope="module")
def hall(office: Room) -> Room:
    """Provide the service with two agencies and their services."""
    load(office, obligations=OFFERED)
    return office


def post(office: Room, caller: Caller, *events: dict[str, Any], query: str = "") -> Any:
    return office.post(EVENTS + query, {"events": list(events)}, caller=caller)


@pytest.mark.parametrize(
    ("wrong", "instead"),
    [
        ({"service": "ktp-e"}, "'ktp-el'"),
        ({"service": "layanan-palsu-0-1"}, "/api/v1/services"),
        ({"link": "simgb"}, "'simbg'"),
        ({"link": "poster-abcde"}, "/api/v1/links"),
        ({"district": "12.12.03"}, "'12.12.0"),
        ({"district": "31.71.01"}, "districts"),
    ],
)
def test_a_name_that_does_not_exist_refuses_the_batch_and_a_similar_one_is_suggested(
    hall: Room, wrong: dict[str, str], instead: str
) -> None:
    before = sums(hall)
    answer = send_events(hall, "dukcapil", event(service="ktp-el"), event(**wrong))
    assert pointers(answer, 422) == [f"#/events/1/{next(iter(wrong))}"]
    assert instead in answer.json()["errors"][0]["detail"]
    assert sums(hall) == before


@pytest.mark.parametrize(
    ("theirs", "field"),
    [
        ({"service": "imunisasi"}, "service"),
        ({"service": "imunisasi", "source": "kiosk"}, "service"),
        ({"source": "gateway"}, "source"),
        ({"source": "poster", "link": "simbg"}, "source"),
        ({"agency": "dinkes"}, "agency"),
    ],
)
def test_what_belongs_to_others_refuses_the_batch(
    hall: Room, theirs: dict[str, str], field: str
) -> None:
    before = sums(hall)
    answer = send_events(hall, "dukcapil", event(), event(**theirs))
    assert pointers(answer, 403) == [f"#/events/1/{field}"]
    assert "dukcapil" in answer.json()["detail"]
    assert sums(hall) == before


@pytest.mark.parametrize(
    ("wrong", "field", "status"),
    [
        ({"agency": "dinkse"}, "agency", 422),
        ({"agency": "dinkes", "service": "ktp-el"}, "service", 422),
        ({"service": "ktp"}, "service", 422),
        ({"source": "gateway"}, "source", 403),
        ({"source": "poster"}, "source", 403),
    ],
)
def test_an_administrator_may_report_for_every_agency_but_not_invent(
    hall: Room, wrong: dict[str, str], field: str, status: int
) -> None:
    right = event(agency="dinkes", service="imunisasi", link="oss", district="12.12.01")
    assert post(hall, ADMIN, right, event(service="ktp-el")).status_code == 200
    assert pointers(post(hall, ADMIN, event(**wrong)), status) == [f"#/events/0/{field}"]


def test_the_hub_reports_its_own_clicks_and_visits(hall: Room) -> None:
    visit = event(kind="page_view", source="poster", link="poster-k7m2x", service="ktp-el")
    assert post(hall, HUB, event(source="gateway", link="simbg"), visit).status_code == 200


def test_each_result_names_its_fault(hall: Room) -> None:
    events = [event(service="ktp-el"), event(service="ktp"), event(source="gateway"), event()]
    items = post(hall, agency_caller("dukcapil", "usage:write"), *events, query="?detail=1").json()
    assert [item["result"] for item in items["items"]] == [
        "accepted", "rejected", "rejected", "accepted",
    ]  # fmt: skip
    found = [error["pointer"] for item in items["items"] for error in item["errors"]]
    assert found == ["#/events/1/service", "#/events/2/source"]


def test_a_name_in_a_cloud_event_is_located(hall: Room) -> None:
    cloud = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "/kiosk",
        "type": "id.emall.usage.search.v1",
        "time": "2024-03-05T12:00:00+07:00",
        "data": {"source": "kiosk", "service": "ktp"},
    }
    answer = hall.client.post(
        EVENTS,
        content=json.dumps(cloud),
        headers=hall.token(agency_caller("dukcapil", "usage:write"))
        | {"Content-Type": "application/cloudevents+json"},
    )
    assert pointers(answer, 422) == ["#/data/service"]


def test_thousands_of_made_up_names_are_refused_quickly_and_the_summary_remains(
    hall: Room,
) -> None:
    before = sums(hall, "service")
    events = [event(service=f"layanan-palsu-{n}", link=f"x-{n}") for n in range(5_000)]
    answer = send_events(hall, "dukcapil", *events)
    assert len(pointers(answer, 422)) == 100
    assert sums(hall, "service") == before


def test_the_protocol_leaves_a_wrong_name_to_the_application(hall: Room) -> None:
    right, wrong = batch(event(service="ktp-el")), batch(event(service="imunisasi"))
    with served(hall.settings, EventProtocol) as address:
        requests = [head(hall, "dukcapil", len(body)) + body for body in (right, wrong)]
        statuses = [responses_of(address, request)[0][0] for request in requests]
    assert [status[:12] for status in statuses] == [b"HTTP/1.1 200", b"HTTP/1.1 403"]


@pytest.fixture
def own_hall(feedback: Room) -> Room:
    """Provide the service with a catalogue that the test may change."""
    load(feedback, obligations=OFFERED)
    return feedback


def test_a_new_name_is_known_at_once_and_a_removed_one_soon_unknown(own_hall: Room) -> None:
    assert pointers(send_events(own_hall, "pupr", event(service="pbg")), 422)
    load(own_hall, obligations=[*OFFERED, ("pupr", "pbg")])
    assert send_events(own_hall, "pupr", event(service="pbg")).status_code == 200
    assert send_events(own_hall, "pupr", event(link="simbg")).status_code == 200
    load(own_hall, obligations=OFFERED, references=ReferenceCodes())
    until(lambda: send_events(own_hall, "pupr", event(service="pbg")).status_code == 422)
    assert pointers(send_events(own_hall, "pupr", event(link="simbg")), 422)


def test_without_a_catalogue_only_events_without_names_are_counted(feedback: Room) -> None:
    assert send_events(feedback, "dukcapil", event()).status_code == 200
    assert pointers(send_events(feedback, "dukcapil", event(service="ktp-el")), 422)


@pytest.mark.slow
@pytest.mark.parametrize("table", ["feedback.reference_code", "feedback.reporting_obligation"])
def test_names_that_cannot_be_read_are_no_crash(own_hall: Room, table: str) -> None:
    """A started service knows the last names; one that never read any asks to try again."""
    assert send_events(own_hall, "dukcapil", event(service="ktp-el")).status_code == 200
    hide_table(own_hall.settings, table)
    assert send_events(own_hall, "dukcapil", event(service="ktp-el")).status_code == 200
    assert pointers(send_events(own_hall, "dukcapil", event(service="ktp")), 422)
    with room(create_app, own_hall.settings) as restarted:
        answer = send_events(restarted, "dukcapil", event(service="ktp-el"))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        restore_table(own_hall.settings, table)
        assert send_events(restarted, "dukcapil", event(service="ktp-el")).status_code == 200
