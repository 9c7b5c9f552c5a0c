"""Rounds of surveys: the days on which they are answered, and how respondents are found."""

from datetime import date, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from services.feedback.surveys.skm import ikm_of, tally
from services.platform.service import API
from tests.conftest import DEFAULT_ZONE, Room, agency_caller
from tests.feedback.questionnaires import (
    ELEMENTS,
    faults_of,
    load,
    question,
    respond,
    results,
    skm_survey,
    survey,
)

LEAD = agency_caller("diskominfo", "metrics:draft")
OTHER = agency_caller("dukcapil", "metrics:draft")
COLLECTOR = agency_caller("diskominfo", "surveys:collect")
TODAY = datetime.now(DEFAULT_ZONE).date()
MOVE_ROUNDS = "UPDATE feedback.survey_round SET opens_on = :day, closes_on = :day"
FIRST, LAST = date(TODAY.year, 1, 1), date(TODAY.year, 12, 31)


def days(first: date = TODAY, last: date = TODAY, **more: Any) -> dict[str, Any]:
    return {"opens_on": str(first), "closes_on": str(last), "sample": "self_selected"} | more


def put_round(
    room: Room,
    content: dict[str, Any],
    *,
    code: str = "now",
    slug: str = "own",
    caller: Any = LEAD,
    etag: str | None = None,
) -> httpx.Response:
    headers = room.token(caller) | ({"If-Match": etag} if etag else {})
    return room.client.put(f"{API}/surveys/{slug}/rounds/{code}", json=content, headers=headers)


def rounds(room: Room, slug: str = "own") -> list[dict[str, Any]]:
    found = room.get(f"{API}/surveys/{slug}/rounds")
    assert found.status_code == 200, found.text
    return found.json()["items"]


def test_a_survey_with_rounds_is_answered_only_while_one_is_open(feedback: Room) -> None:
    load(feedback, survey())
    assert respond(feedback, {"Q": "yes"}).status_code == 201
    gone = days(TODAY - timedelta(days=1), TODAY - timedelta(days=1))
    assert put_round(feedback, gone, code="gone").status_code == 201
    for mode in ("api", "page", "qr", "kiosk", "enumerator"):
        refused = respond(feedback, {"Q": "yes"}, mode=mode, caller=COLLECTOR)
        assert list(faults_of(refused)) == ["#/answered_on"]
        assert gone["opens_on"] in faults_of(refused)["#/answered_on"]
    assert put_round(feedback, days()).status_code == 201
    assert respond(feedback, {"Q": "yes"}).status_code == 201
    assert [(each["round"], each["state"]) for each in rounds(feedback)] == [
        ("now", "open"),
        ("gone", "closed"),
    ]


def test_an_enumerators_late_answer_belongs_to_the_round_of_its_day(feedback: Room) -> None:
    load(feedback, survey())
    first = TODAY - timedelta(days=10)
    if first.year != TODAY.year:
        pytest.skip("a round lies within one year")
    closed = days(first, TODAY - timedelta(days=5), sample="drawn", asked=10, population=1000)
    assert put_round(feedback, closed, code="drawn").status_code == 201
    for _ in range(6):
        asked = respond(
            feedback, {"Q": "yes"}, mode="enumerator", caller=COLLECTOR, answered_on=str(first)
        )
        assert asked.status_code == 201, asked.text
    today = respond(feedback, {"Q": "yes"}, mode="enumerator", caller=COLLECTOR)
    assert list(faults_of(today)) == ["#/answered_on"]
    found = results(feedback, round="drawn")
    assert (found["n"], found["by_sample"]) == (6, {"drawn": 6})
    assert (found["finite_population"], found["response_rate"]) == (1000, 0.6)


@pytest.mark.slow
def test_samples_are_told_apart_and_selected(feedback: Room) -> None:
    load(feedback, survey(question("Q"), slug="apart"))
    for _ in range(5):
        respond(feedback, {"Q": "yes"}, slug="apart", mode="enumerator", caller=COLLECTOR)
    assert put_round(feedback, days(sample="quota"), slug="apart").status_code == 201
    for _ in range(6):
        respond(feedback, {"Q": "no"}, slug="apart", mode="enumerator", caller=COLLECTOR)
    for _ in range(7):
        respond(feedback, {"Q": "yes"}, slug="apart")
    all_of_them = results(feedback, slug="apart")
    assert all_of_them["by_sample"] == {"enumerated": 5, "quota": 6, "self_selected": 7}
    assert all_of_them["samples"] is None
    quota = results(feedback, slug="apart", sample="quota")
    assert (quota["n"], quota["samples"], quota["by_sample"]) == (6, ["quota"], {"quota": 6})
    asked = results(feedback, slug="apart", sample=["quota", "enumerated"])
    assert (asked["n"], asked["finite_population"]) == (11, None)
    assert results(feedback, slug="apart", sample="drawn")["n"] is None
    assert results(feedback, slug="apart", round="now")["n"] == 13
    assert feedback.get(f"{API}/surveys/apart/results", sample="lucky").status_code == 422


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sample", "has_interval", "why"),
    [("drawn", True, None), ("quota", False, "quotas"), ("self_selected", True, None)],
)
def test_only_a_drawn_sample_has_an_interval(
    feedback: Room, sample: str, why: str | None, *, has_interval: bool
) -> None:
    load(feedback, skm_survey())
    put_round(feedback, days(sample=sample), slug="skm")
    for level in (2, 3, 3, 3, 4):
        answers = dict.fromkeys(ELEMENTS, level)
        respond(feedback, answers, slug="skm", mode="enumerator", caller=COLLECTOR)
    found = results(feedback, slug="skm")["satisfaction"]
    assert (found["low"] is not None) == has_interval
    assert (why or "") in (found["no_interval_because"] or "")


def test_an_interval_is_corrected_for_a_finite_population(feedback: Room) -> None:
    load(feedback, skm_survey())
    assert put_round(feedback, days(sample="drawn", population=9), slug="skm").status_code == 201
    levels = (2, 3, 3, 3, 4)
    for level in levels:
        answers = dict.fromkeys(ELEMENTS, level)
        respond(feedback, answers, slug="skm", mode="enumerator", caller=COLLECTOR)
    found = results(feedback, slug="skm")
    of_many = ikm_of(tally([dict.fromkeys(ELEMENTS, level) for level in levels]))
    assert found["finite_population"] == 9
    half = float(of_many.ikm - of_many.low) * (4 / 8) ** 0.5
    assert found["satisfaction"]["low"] == pytest.approx(75 - half, abs=0.01)
    assert found["satisfaction"]["high"] == pytest.approx(75 + half, abs=0.01)
    # A part of it is of another population.
    part = results(feedback, slug="skm", channel="online")
    assert part["finite_population"] is None


def test_a_population_smaller_than_its_sample_is_none(feedback: Room) -> None:
    load(feedback, survey())
    put_round(feedback, days(sample="drawn", population=5, asked=5))
    for _ in range(6):
        respond(feedback, {"Q": "yes"}, mode="enumerator", caller=COLLECTOR)
    found = results(feedback)
    assert (found["n"], found["finite_population"], found["response_rate"]) == (6, None, None)


def test_a_round_is_changed_until_it_has_responses_and_never_once_it_is_closed(
    feedback: Room,
) -> None:
    load(feedback, survey())
    made = put_round(feedback, days(TODAY, LAST, sample="drawn"))
    assert (made.status_code, made.headers["location"]) == (201, f"{API}/surveys/own/rounds/now")
    tag = made.headers["etag"]
    changed = days(FIRST, LAST, sample="quota", population=90)
    assert put_round(feedback, changed).status_code == 428
    assert put_round(feedback, changed, etag='"old"').status_code == 412
    assert put_round(feedback, changed, etag=tag, caller=OTHER).status_code == 403
    stored = put_round(feedback, changed, etag=tag)
    assert (stored.status_code, stored.json()["content"]) == (200, changed | {"asked": None})
    respond(feedback, {"Q": "yes"})
    tag = stored.headers["etag"]
    for wrong, field in (
        (changed | {"sample": "drawn"}, "#/sample"),
        (changed | {"opens_on": str(TODAY + timedelta(days=1))}, "#/opens_on"),
        (changed | {"closes_on": str(TODAY - timedelta(days=1))}, "#/closes_on"),
    ):
        if date.fromisoformat(wrong["opens_on"]) <= date.fromisoformat(wrong["closes_on"]):
            assert list(faults_of(put_round(feedback, wrong, etag=tag))) == [field]
    ended = put_round(feedback, changed | {"closes_on": str(TODAY)}, etag=tag)
    assert ended.status_code == 200
    assert feedback.client.delete(
        f"{API}/surveys/own/rounds/now", headers=feedback.token(LEAD)
    ).status_code == 409  # fmt: skip


def test_a_closed_round_stays_as_it_is_and_an_unanswered_one_can_be_deleted(feedback: Room) -> None:
    load(feedback, survey())
    gone = days(TODAY - timedelta(days=1), TODAY - timedelta(days=1))
    tag = put_round(feedback, gone, code="gone").headers["etag"]
    longer = gone | {"closes_on": str(TODAY)}
    assert list(faults_of(put_round(feedback, longer, code="gone", etag=tag))) == ["#/closes_on"]
    path = f"{API}/surveys/own/rounds/gone"
    assert feedback.client.delete(path, headers=feedback.token(OTHER)).status_code == 403
    assert feedback.client.delete(path, headers=feedback.token(LEAD)).status_code == 204
    assert feedback.client.delete(path, headers=feedback.token(LEAD)).status_code == 404
    assert respond(feedback, {"Q": "yes"}).status_code == 201


def test_rounds_do_not_overlap(feedback: Room) -> None:
    load(feedback, survey())
    assert put_round(feedback, days(FIRST, TODAY), code="a").status_code == 201
    overlapping = put_round(feedback, days(TODAY, LAST), code="b")
    assert "must not overlap the round a" in faults_of(overlapping)["#/opens_on"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (days(TODAY, TODAY - timedelta(days=1)), "closes_on must not be before opens_on"),
        (days(LAST, LAST + timedelta(days=1)), "in the same year"),
        (days(sample="self_selected", asked=4), "asked must be omitted"),
        (days(sample="drawn", asked=4, population=3), "asked must not be above population"),
        (days(sample="random"), "drawn"),
        (days() | {"opens_on": "soon"}, "date"),
    ],
)
def test_a_round_that_contradicts_itself_is_refused(
    office: Room, wrong: dict[str, Any], message: str
) -> None:
    load(office, survey())
    refused = put_round(office, wrong)
    assert refused.status_code == 422
    assert message in refused.text


def test_rounds_need_a_key_and_a_survey(feedback: Room) -> None:
    load(feedback, survey())
    assert put_round(feedback, days(), caller=COLLECTOR).status_code == 403
    assert put_round(feedback, days(), slug="none").status_code == 404
    assert put_round(feedback, days(), code="A_b").status_code == 422
    assert feedback.get(f"{API}/surveys/none/rounds").status_code == 404
    assert feedback.get(f"{API}/surveys/own/rounds/none").status_code == 404


@pytest.mark.slow
def test_a_closed_rounds_small_groups_are_pooled_without_waiting_for_the_year(
    feedback: Room,
) -> None:
    load(feedback, survey())
    put_round(feedback, days(FIRST, LAST))
    for service in ("ktp-el", "pbg"):
        for _ in range(3):
            respond(feedback, {"Q": "yes"}, service=service)
    assert results(feedback)["n"] is None
    ended = {"day": TODAY - timedelta(days=20)}
    feedback.store(lambda session: session.execute(text(MOVE_ROUNDS), ended))
    assert results(feedback)["n"] == 6
