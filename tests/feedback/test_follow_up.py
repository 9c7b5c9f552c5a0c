"""The follow-up plan of a survey: the lowest elements first, actions in versions, each agency's."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.feedback.surveys.skm import ELEMENTS
from tests.conftest import Room, agency_caller
from tests.feedback.questions import respond, skm_survey
from tests.feedback.sending import SURVEYS, load

PLAN = f"{SURVEYS}/skm/follow-up"


@pytest.fixture
def room(office: Room) -> Room:
    load(office, skm_survey("skm"))
    return office


def action(agency: str, **more: Any) -> dict[str, Any]:
    return {
        "agency": agency,
        "period": "2024",
        "element": "U3",
        "action": "Menambah loket pada hari pasar.",
        "owner": "Bidang Pelayanan",
        "due": "2025-03-31",
    } | more


def send(
    room: Room, agency: str, body: Any, *, path: str = PLAN, method: str = "POST", **headers: str
) -> httpx.Response:
    caller = agency_caller(agency, "usage:write")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return room.client.request(method, path, json=body, headers=room.token(caller) | named)


def plan_of(room: Room, agency: str, **more: Any) -> dict[str, Any]:
    room.form_bundles()
    answer = room.get(PLAN, period="2024", agency=agency, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_lowest_element_stands_first_with_its_actions(room: Room, agency: str) -> None:
    given = dict.fromkeys(ELEMENTS, 4) | {"U3": 2, "U8": 3}
    for _ in range(4):
        assert respond(room, "skm", given, agency=agency).status_code == 201
    assert plan_of(room, agency)["priorities"] == []
    assert respond(room, "skm", given, agency=agency).status_code == 201
    later, sooner = action(agency, due="2025-06-30"), action(agency)
    for body in (later, sooner):
        assert send(room, agency, body).status_code == 201
    plan = plan_of(room, agency)
    reported = [(each["element"], each["nrr"], each["actions"]) for each in plan["priorities"]]
    assert reported[:3] == [("U3", 2.0, 2), ("U8", 3.0, 0), ("U1", 4.0, 0)]
    assert len(reported) == 9
    assert [each["content"]["due"] for each in plan["items"]] == ["2025-03-31", "2025-06-30"]
    assert plan_of(room, "another-agency")["items"] == []


def test_a_change_needs_the_entity_tag_and_retains_the_version_before(
    room: Room, agency: str
) -> None:
    made = send(room, agency, action(agency))
    path = made.json()["href"]
    assert made.headers["location"] == path
    done = action(agency, state="done", outcome="Loket kedua buka sejak Maret.")
    assert send(room, agency, done, path=path, method="PUT").status_code == 428
    changed = send(room, agency, done, path=path, method="PUT", If_Match=made.headers["etag"])
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    late = send(
        room, agency, action(agency), path=path, method="PUT", If_Match=made.headers["etag"]
    )
    assert late.status_code == 412
    again = send(room, agency, done, path=path, method="PUT", If_Match=changed.headers["etag"])
    assert again.json()["version"] == 2
    read = room.get(path)
    assert read.headers["etag"] == changed.headers["etag"]
    assert read.json()["content"]["state"] == "done"
    assert room.get(path, version=1).json()["content"]["state"] == "planned"
    assert room.get(path, version=3).status_code == 404
    assert len(plan_of(room, agency)["items"]) == 1


def test_of_changes_that_come_at_once_one_is_taken(room: Room, agency: str) -> None:
    made = send(room, agency, action(agency))
    path, tag = made.json()["href"], made.headers["etag"]

    def change(number: int) -> int:
        body = action(agency, owner=f"Bidang {number}")
        return send(room, agency, body, path=path, method="PUT", If_Match=tag).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(change, range(8))) == [200] + [412] * 7
    assert room.get(path).json()["version"] == 2


def test_the_same_creation_sent_again_creates_nothing_more(room: Room, agency: str) -> None:
    answers = [send(room, agency, action(agency), Idempotency_Key="rtl-1") for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert len(plan_of(room, agency)["items"]) == 1
    other = send(room, agency, action(agency, element="U4"), Idempotency_Key="rtl-1")
    assert other.status_code == 409


def test_an_agency_plans_only_for_itself(room: Room, agency: str) -> None:
    made = send(room, agency, action(agency))
    path, tag = made.json()["href"], made.headers["etag"]
    assert send(room, "other", action(agency)).status_code == 403
    for body in (action(agency), action("other")):
        stolen = send(room, "other", body, path=path, method="PUT", If_Match=tag)
        assert stolen.status_code == 403
    away = send(room, agency, action("other"), path=path, method="PUT", If_Match=tag)
    assert away.status_code == 403
    assert room.client.post(PLAN, json=action(agency), headers=room.token()).status_code == 401


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"element": "U10"}, 409),
        ({"state": "done"}, 422),
        ({"state": "late"}, 422),
        ({"period": "2024-13"}, 422),
        ({"due": "tomorrow"}, 422),
        ({"owner": ""}, 422),
        ({"action": "\x00"}, 422),
    ],
)
def test_what_does_not_fit_is_named(
    room: Room, agency: str, more: dict[str, Any], status: int
) -> None:
    answer = send(room, agency, action(agency, **more))
    assert answer.status_code == status, answer.text
    assert answer.json()["errors"]


@pytest.mark.parametrize("service", ["of-another", "of-nobody"])
def test_an_agency_plans_only_for_its_own_services(room: Room, agency: str, service: str) -> None:
    load(room, skm_survey("skm"), obligations=[(agency, "own"), ("other", "of-another")])
    made = send(room, agency, action(agency, service="own"))
    assert made.status_code == 201, made.text
    refused = send(room, agency, action(agency, service=service))
    changed = send(
        room,
        agency,
        action(agency, service=service),
        path=made.json()["href"],
        method="PUT",
        If_Match=made.headers["etag"],
    )
    for answer in (refused, changed):
        assert answer.status_code == 409
        assert [error["pointer"] for error in answer.json()["errors"]] == ["#/service"]
    # An action about a service that the agency no longer offers is still brought to its end.
    load(room, skm_survey("skm"), obligations=[("other", "of-another")])
    ended = send(
        room,
        agency,
        action(agency, service="own", state="dropped", outcome="Layanan dihapus."),
        path=made.json()["href"],
        method="PUT",
        If_Match=made.headers["etag"],
    )
    assert ended.status_code == 200, ended.text


def test_what_is_not_there_is_not_found(room: Room, agency: str) -> None:
    missing = f"{PLAN}/{uuid4()}"
    assert room.get(missing).status_code == 404
    body = action(agency)
    put = send(room, agency, body, path=missing, method="PUT", If_Match='"x"')
    assert put.status_code == 404
    assert send(room, agency, body, path=f"{SURVEYS}/no-such/follow-up").status_code == 404
    assert room.get(f"{SURVEYS}/no-such/follow-up").status_code == 404
