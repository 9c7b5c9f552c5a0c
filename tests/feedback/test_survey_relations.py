"""Whom stakeholders report to work with: asked by invitation, published after the round."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from services.platform.service import API
from tests.conftest import Room
from tests.feedback.questionnaires import (
    faults_of,
    load,
    question,
    relational,
    respond,
    results,
    survey,
)
from tests.feedback.test_survey_invitations import CODES, answer_by, invite, tokens
from tests.feedback.test_survey_rounds import LEAD, MOVE_ROUNDS, TODAY, days, put_round
from tests.rows import rows as stored_rows

QUESTIONS = (question("T1", "scale4"), relational("partners"))


def report(partner: str, **more: Any) -> dict[str, Any]:
    return {"partner": partner, "frequency": "often", "exchanges": ["data"]} | more


@pytest.fixture
def links(feedback: Room) -> dict[str, str]:
    load(feedback, survey(*QUESTIONS))
    assert put_round(feedback, days(sample="invited")).status_code == 201
    return tokens(invite(feedback).json())


def state(room: Room, token: str, *reports: dict[str, Any], **more: Any) -> httpx.Response:
    return answer_by(room, token, relations={"partners": list(reports)}, **more)


def close(room: Room) -> None:
    """Let the round have been open on the last day of the year before."""
    day = {"day": TODAY.replace(month=1, day=1) - timedelta(days=1)}
    room.store(lambda session: session.execute(text(MOVE_ROUNDS), day))


def ties(room: Room, **query: Any) -> httpx.Response:
    return room.get(f"{API}/surveys/own/ties", **query)


def test_ties_are_published_as_reported_once_the_round_is_closed(
    feedback: Room, links: dict[str, str]
) -> None:
    a, b, c, *_ = CODES
    assert state(feedback, links[a], report(b), report(c, frequency="rarely")).status_code == 201
    assert state(feedback, links[b], report(a, exchanges=[])).status_code == 201
    assert state(feedback, links[c]).status_code == 201
    assert ties(feedback).status_code == 404
    close(feedback)
    found = ties(feedback, period=str(TODAY.year - 1)).json()
    assert (found["invited"], found["answered"], found["response_rate"]) == (8, 3, 0.375)
    assert (found["stakeholders"], found["reporters"]) == (CODES, [a, b, c])
    assert [(t["reporter"], t["partner"], t["frequency"]) for t in found["ties"]] == [
        (a, b, "often"),
        (a, c, "rarely"),
        (b, a, "often"),
    ]
    assert found["ties"][0]["exchanges"] == ["data"]
    assert [option["code"] for option in found["frequencies"]] == ["rarely", "often"]
    assert ties(feedback, period=str(TODAY.year)).status_code == 404


def test_ratings_of_a_partner_are_published_as_means_of_five_raters(
    feedback: Room, links: dict[str, str]
) -> None:
    target, few, *raters = CODES
    for at, rater in enumerate(raters):
        rated = [report(target, trust=[4, 3, 2], value=[at % 4 + 1] * 3)]
        if at < 4:
            rated.append(report(few, trust=[1, 1, 1]))
        assert state(feedback, links[rater], *rated).status_code == 201
    close(feedback)
    [rating] = ties(feedback, period=str(TODAY.year - 1)).json()["ratings"]
    assert (rating["partner"], rating["raters"], rating["trust"]) == (target, 6, 3)
    assert rating["value"] == pytest.approx((1 + 2 + 3 + 4 + 1 + 2) / 6)


def test_statements_are_kept_apart_from_anonymous_answers(
    feedback: Room, links: dict[str, str]
) -> None:
    a, b, *_ = CODES
    for code in CODES[:6]:
        other = b if code == a else a
        assert state(feedback, links[code], report(other)).status_code == 201
    answers = stored_rows(feedback.settings, "SELECT answers::text FROM feedback.response")
    assert {row["answers"] for row in answers} == {'{"T1": 3}'}
    found = results(feedback)
    assert [each["code"] for each in found["questions"]] == ["T1"]
    path = f"{API}/surveys/own/exports/codebook.csv"
    exported = feedback.client.get(path, headers=feedback.token(LEAD))
    assert "partners" not in exported.text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ([report("stranger")], "0/partner"),
        ([report(CODES[0])], "0/partner"),
        ([report(CODES[1]), report(CODES[1])], "1/partner"),
        ([report(CODES[1], frequency="daily")], "0/frequency"),
        ([report(CODES[1], exchanges=["gold"])], "0/exchanges"),
        ([report(CODES[1], exchanges=["data", "data"])], "0/exchanges"),
    ],
)
def test_a_statement_that_does_not_fit_is_refused_by_its_place(
    feedback: Room, links: dict[str, str], wrong: list[dict[str, Any]], place: str
) -> None:
    refused = state(feedback, links[CODES[0]], *wrong)
    assert list(faults_of(refused)) == [f"#/relations/partners/{place}"]
    assert state(feedback, links[CODES[0]], report(CODES[1])).status_code == 201


@pytest.mark.slow
@pytest.mark.parametrize(
    "wrong", [{"trust": [1, 2]}, {"trust": [0, 1, 2]}, {"value": [5, 1, 1]}, {"value": [1.5, 1, 1]}]
)
def test_a_rating_is_three_levels(
    feedback: Room, links: dict[str, str], wrong: dict[str, Any]
) -> None:
    assert state(feedback, links[CODES[0]], report(CODES[1], **wrong)).status_code == 422


def test_relations_are_asked_only_by_invitation_and_then_required(
    feedback: Room, links: dict[str, str]
) -> None:
    missing = answer_by(feedback, links[CODES[0]])
    assert list(faults_of(missing)) == ["#/relations/partners"]
    other = answer_by(feedback, links[CODES[0]], relations={"T1": []})
    assert "#/relations/T1" in faults_of(other)
    load(feedback, survey(*QUESTIONS, slug="open"))
    assert respond(feedback, {"T1": 3}, slug="open").status_code == 201
    stated = respond(feedback, {"T1": 3}, slug="open", relations={"partners": [report("a")]})
    assert list(faults_of(stated)) == ["#/relations/partners"]
    named = respond(feedback, {"T1": 3, "partners": ["a"]}, slug="open")
    assert list(faults_of(named)) == ["#/answers/partners"]
