"""Stakeholders answer a round by invitation: one link each, one response each."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.platform.identity import ANONYMOUS
from services.platform.service import API
from tests.conftest import Room, agency_caller
from tests.feedback.questionnaires import faults_of, load, question, respond, results, survey
from tests.feedback.test_survey_rounds import (
    COLLECTOR,
    LEAD,
    OTHER,
    TODAY,
    days,
    put_round,
    rounds,
)
from tests.rows import rows as stored_rows

ADMIN = agency_caller("setda", "admin")
CODES = [f"opd-{number}" for number in range(8)]
PATH = f"{API}/surveys/own/rounds/now/invitations"


def invited(codes: Sequence[str]) -> dict[str, Any]:
    return {"invited": [{"code": code, "name": f"Dinas {code}", "name_en": code} for code in codes]}


def invite(room: Room, codes: Sequence[str] = CODES, *, caller: Any = LEAD) -> httpx.Response:
    return room.client.post(PATH, json=invited(codes), headers=room.token(caller))


def listed(room: Room, **query: Any) -> dict[str, Any]:
    found = room.client.get(PATH, params=query, headers=room.token(LEAD))
    assert found.status_code == 200, found.text
    assert found.headers["cache-control"] == "no-store"
    return found.json()


def tokens(answer: dict[str, Any]) -> dict[str, str]:
    return {
        item["code"]: item["path"].rpartition("/")[2] for item in answer["items"] if item["path"]
    }


def answer_by(room: Room, token: str | None, *, level: int = 3, **more: Any) -> httpx.Response:
    given: dict[str, Any] = {"mode": "invitation"} | ({"token": token} if token else {}) | more
    return respond(room, {"T1": level}, address="10.9.9.9", **given)


def subject_of(room: Room, token: str) -> httpx.Response:
    headers = room.token(ANONYMOUS) | {"Invitation-Token": token}
    return room.client.get(f"{API}/surveys/invitations/subject", headers=headers)


@pytest.fixture
def opened(feedback: Room) -> Room:
    load(feedback, survey(question("T1", "scale4")))
    assert put_round(feedback, days(sample="invited")).status_code == 201
    return feedback


def test_each_invited_stakeholder_answers_once_and_nobody_else_does(opened: Room) -> None:
    links = tokens(invite(opened).json())
    assert list(links) == CODES
    assert len(set(links.values())) == len(CODES)
    for mode in ("api", "page", "qr", "kiosk", "enumerator"):
        other = respond(opened, {"T1": 3}, mode=mode, caller=COLLECTOR)
        assert list(faults_of(other)) == ["#/mode"]
    for code in CODES[:6]:  # from one office's network, all of them count
        assert answer_by(opened, links[code]).status_code == 201
    for token in (links[CODES[0]], "a" * 16, None):
        assert list(faults_of(answer_by(opened, token))) == ["#/token"]
    found = results(opened)
    assert (found["n"], found["senders"]) == (6, 6)
    assert (found["by_sample"], found["by_mode"]) == ({"invited": 6}, {"invitation": 6})
    assert (found["finite_population"], found["response_rate"]) == (8, 0.75)
    [summary] = rounds(opened)
    assert (summary["asked"], summary["answered"], summary["response_rate"]) == (8, 6, 0.75)


def test_a_response_that_is_refused_does_not_use_up_the_link(opened: Room) -> None:
    token = tokens(invite(opened).json())[CODES[0]]
    assert list(faults_of(answer_by(opened, token, level=9))) == ["#/answers/T1"]
    first = answer_by(opened, token, id="0195d2a4-7c1e-4b60-9a55-3f1c2d4e5a62")
    assert first.status_code == 201
    again = answer_by(opened, token, id="0195d2a4-7c1e-4b60-9a55-3f1c2d4e5a62")
    assert (again.status_code, again.json()["repeated"]) == (200, True)


def test_reminders_go_to_those_who_have_not_answered_by_the_same_links(opened: Room) -> None:
    links = tokens(invite(opened).json())
    answer_by(opened, links[CODES[0]])
    waiting = listed(opened, answered=False)
    assert (waiting["invited"], waiting["answered"], len(waiting["items"])) == (8, 1, 7)
    assert tokens(waiting) == {code: links[code] for code in CODES[1:]}
    done = listed(opened, answered=True)["items"]
    assert [(item["code"], item["path"]) for item in done] == [(CODES[0], None)]
    # A repeated invitation keeps links and answers, and may name further stakeholders.
    again = invite(opened, [*CODES, "late"]).json()
    assert {code: tokens(again)[code] for code in CODES[1:]} == tokens(waiting)
    assert again["invited"] == 9


def test_nothing_stored_tells_who_answered_what(opened: Room) -> None:
    links = tokens(invite(opened).json())
    assert answer_by(opened, links[CODES[0]]).status_code == 201
    written = "SELECT *, xmin::text AS written_by FROM feedback."
    [response] = stored_rows(opened.settings, f"{written}response")
    text = str(dict(response))
    assert CODES[0] not in text
    assert links[CODES[0]] not in text
    assert response["sender"] is None
    for table, left in (("survey_invitation", 8), ("invitation_token", 7)):
        kept = stored_rows(opened.settings, f"{written}{table}")
        assert len(kept) == left
        assert not any(token in str(dict(row)) for row in kept for token in links.values())
        # No row of the transaction that stored the response names an invitation.
        assert response["written_by"] not in {row["written_by"] for row in kept}


def test_only_who_opened_the_round_sees_its_invitations(opened: Room) -> None:
    assert invite(opened, caller=OTHER).status_code == 403
    assert invite(opened, caller=COLLECTOR).status_code == 403
    assert invite(opened, caller=ANONYMOUS).status_code == 401
    assert invite(opened, caller=ADMIN).status_code == 200
    for caller, status in ((OTHER, 403), (ANONYMOUS, 401), (ADMIN, 200)):
        found = opened.client.get(PATH, headers=opened.token(caller))
        assert found.status_code == status


def test_an_invitation_is_withdrawn_only_before_the_round_opens(opened: Room) -> None:
    invite(opened)
    path = f"{PATH}/{CODES[0]}"
    assert opened.client.delete(path, headers=opened.token(LEAD)).status_code == 409
    later = days(TODAY + timedelta(days=1), TODAY + timedelta(days=1), sample="invited")
    if later["opens_on"][:4] != str(TODAY.year):
        pytest.skip("a round lies within one year")
    assert put_round(opened, later, code="later").status_code == 201
    path = f"{API}/surveys/own/rounds/later/invitations"
    asked = invited(CODES[:2])
    links = tokens(opened.client.post(path, json=asked, headers=opened.token(LEAD)).json())
    assert subject_of(opened, links[CODES[0]]).status_code == 404
    assert list(faults_of(answer_by(opened, links[CODES[0]]))) == ["#/token"]
    for code, status in ((CODES[0], 204), (CODES[0], 404), ("nobody", 404)):
        gone = opened.client.delete(f"{path}/{code}", headers=opened.token(LEAD))
        assert gone.status_code == status
    again = tokens(opened.client.post(path, json=asked, headers=opened.token(LEAD)).json())
    assert again[CODES[0]] != links[CODES[0]]


def test_a_token_tells_who_is_invited_and_who_else(opened: Room) -> None:
    links = tokens(invite(opened, CODES[:3]).json())
    found = subject_of(opened, links[CODES[1]])
    assert found.status_code == 200
    subject = found.json()
    assert (subject["survey"], subject["round"]) == ("own", "now")
    assert subject["invited"]["code"] == CODES[1]
    assert [one["code"] for one in subject["partners"]] == [CODES[0], CODES[2]]
    assert subject_of(opened, "a" * 16).status_code == 404
    assert subject_of(opened, "A").status_code == 422
    answer_by(opened, links[CODES[1]])
    assert subject_of(opened, links[CODES[1]]).status_code == 404


def test_who_is_invited_must_be_clear(opened: Room) -> None:
    assert invite(opened, ["a", "a"]).status_code == 422
    assert invite(opened, []).status_code == 422
    assert invite(opened, ["A b"]).status_code == 422
    assert invite(opened, [f"o-{n}" for n in range(301)]).status_code == 422
    assert invite(opened, [f"o-{n}" for n in range(300)]).status_code == 200
    assert invite(opened, ["one-more"]).status_code == 409
    assert put_round(opened, days(sample="invited", population=4), code="b").status_code == 422


def test_only_a_round_by_invitation_takes_invitations(feedback: Room) -> None:
    load(feedback, survey(question("T1", "scale4")), survey(slug="rated", needs_token=True))
    put_round(feedback, days(sample="drawn"))
    assert invite(feedback).status_code == 409
    refused = answer_by(feedback, "a" * 16)
    assert list(faults_of(refused)) == ["#/mode"]
    tokened = put_round(feedback, days(sample="invited"), slug="rated")
    assert list(faults_of(tokened)) == ["#/sample"]
