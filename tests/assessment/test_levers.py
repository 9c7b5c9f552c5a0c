"""Levers: each action as a change of the evidence, and no lever that missing evidence makes."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.assessment.methods.definition import CollaborationMethod
from services.assessment.methods.library import read_methods
from services.assessment.scoring.assess import assess
from services.assessment.scoring.inputs import Facts
from services.assessment.scoring.items import Item
from services.assessment.scoring.levers import levers_of
from services.assessment.scoring.results import Lever
from tests.assessment.evidence_builders import agreement, report, toba_items
from tests.assessment.test_assess import small_method
from tests.conftest import Hub


def cgr() -> CollaborationMethod:
    method = read_methods()["cgr-2015"]
    assert isinstance(method, CollaborationMethod)
    return method


def levers(*more: Item) -> dict[str, Lever]:
    facts = Facts(period=2024, items=[*toba_items(), *more])
    return {lever.code: lever for lever in levers_of(cgr(), facts)}


def proven(*more: Item) -> float:
    facts = Facts(period=2024, items=[*toba_items(), *more])
    found = assess(cgr(), facts, seed=1, draws=100).index.proven
    assert found is not None
    return found


def test_the_gain_of_an_agreement_is_that_of_a_real_one() -> None:
    gain = levers()["sign_agreement"].index.proven
    real = proven(agreement("a", ["it-del", "pt-toba-jaya-net"])) - proven()
    assert gain.worst == gain.best == pytest.approx(real, abs=1e-4)
    assert gain.best > 0


def test_what_is_surely_proven_goes_first_and_an_unknown_outcome_proves_nothing_before() -> None:
    found = list(levers().values())
    sure = [lever.index.proven.worst for lever in found]
    assert sure == sorted(sure, reverse=True)
    survey = levers()["hold_awareness_round"]
    assert not survey.is_certain
    assert survey.index.proven.worst == 0 < survey.index.proven.best
    assert survey.effort == 3
    assert survey.who


def test_no_action_lowers_what_is_proven() -> None:
    for lever in levers().values():
        for node in (lever.index, *lever.nodes):
            assert node.proven.worst >= 0, lever.code
            assert node.proven.best >= node.proven.worst, lever.code


def test_an_action_for_a_driver_says_so_and_leaves_the_index() -> None:
    lever = levers()["reply_in_time"]
    assert (lever.index.proven.best, [node.code for node in lever.nodes]) == (0, ["uncertainty"])
    assert lever.nodes[0].proven.best == 50


def test_what_is_done_already_is_no_lever() -> None:
    answered = report("comments", "comments", {"items": [{"n": 20, "in_time": 20}]})
    assert "reply_in_time" in levers()
    assert "reply_in_time" not in levers(answered)


@pytest.mark.slow
def test_levers_of_a_stored_assessment_over_http(toba_hub: Hub) -> None:
    key = toba_hub.auth("diskominfo", "metrics:draft")
    body = {"period": 2024, "draws": 100}
    stored = toba_hub.client.post("/api/v1/assessments", json=body, headers=key).json()
    answer = toba_hub.client.get(f"/api/v1/assessments/{stored['id']}/levers")
    assert answer.status_code == 200, answer.text
    codes = [item["code"] for item in answer.json()["items"]]
    assert {"declare_meetings", "adopt_risk_register", "sign_agreement"} <= set(codes)
    missing = toba_hub.client.get(f"/api/v1/assessments/{'0' * 8}-0000-7000-8000-{'0' * 12}/levers")
    assert missing.status_code == 404


def test_an_empty_list_of_levers_has_its_reason_and_a_year_without_evidence_has_levers(
    toba_hub: Hub,
) -> None:
    own = toba_hub.auth("diskominfo", "metrics:draft")
    client = toba_hub.client
    document = small_method().document()
    assert client.post("/api/v1/methods", json=document, headers=own).status_code == 201
    body = {"period": 2024, "draws": 100, "method": document["id"]}
    stored = client.post("/api/v1/assessments", json=body, headers=own).json()
    for _ in range(2):  # computed, and kept
        answer = client.get(f"{stored['href']}/levers")
        assert answer.json()["items"] == []
        assert answer.json()["reason"] == f"the method {document['id']} names no actions"
    body = {"period": 2003, "draws": 100}
    empty = client.post("/api/v1/assessments", json=body, headers=own).json()
    assert empty["index"]["value"] is None
    found = client.get(f"{empty['href']}/levers").json()
    assert found["reason"] is None
    assert "adopt_risk_register" in {item["code"] for item in found["items"]}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"registers": "assumed"}, "actions need 'registers: declared'"),
        ({"actions": [{"indicator": "moon.walk"}]}, "there is no indicator 'moon.walk'"),
    ],
)
def test_actions_that_do_not_fit_the_method_are_named(change: dict[str, Any], said: str) -> None:
    document = cgr().model_dump(mode="json")
    if "actions" in change:
        measured = {"kind": "measured", "worst": 0, "best": 1} | change["actions"][0]
        change = {"actions": [document["actions"][0] | {"changes": [measured]}]}
    with pytest.raises(ValidationError, match=said):
        CollaborationMethod.model_validate(document | change)
