"""Surveys over HTTP: what may be answered, that it counts once, and what is published of it."""

from collections import Counter
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.feedback.surveys.skm import ELEMENTS
from tests.conftest import Room, agency_caller
from tests.feedback.questions import (
    EVERY_KIND,
    answers,
    question,
    respond,
    results,
    scale,
    skm_survey,
    survey,
)
from tests.feedback.sending import SURVEYS, load, pointers

JAKARTA = ZoneInfo("Asia/Jakarta")
NUMBERS = count(1)
ENUMERATOR = agency_caller("diskominfo", "surveys:collect")


def new_slug() -> str:
    return f"survey-{next(NUMBERS)}"


@pytest.fixture
def slug(office: Room) -> str:
    """Provide a survey with every kind of question, which no other test uses."""
    name = new_slug()
    load(office, survey(name))
    return name


def test_surveys_are_listed_with_their_addresses(office: Room, slug: str) -> None:
    [item] = office.get(SURVEYS).json()["items"]
    assert item == {
        "slug": slug,
        "kind": "own",
        "title": "Survei",
        "title_en": "Survey",
        "version": 1,
        "needs_token": False,
        "languages": ["id", "en"],
        "questions": 5,
        "href": f"{SURVEYS}/{slug}",
        "results_href": f"{SURVEYS}/{slug}/results",
    }
    assert office.get(item["href"]).json()["survey"]["slug"] == slug
    assert office.get(item["results_href"]).status_code == 200


def test_a_survey_lists_its_questions(office: Room, slug: str) -> None:
    detail = office.get(f"{SURVEYS}/{slug}").json()
    asked = [(one["code"], one["kind"], one["required"]) for one in detail["survey"]["questions"]]
    assert asked == [
        ("used", "single", True),
        ("knows", "multiple", True),
        ("liked", "scale4", True),
        ("why", "multiple", False),
        ("again", "scale4", False),
    ]


def test_a_survey_that_is_not_there_is_not_found(office: Room) -> None:
    for path in ("", "/results"):
        assert office.get(f"{SURVEYS}/nothing{path}").status_code == 404
    assert respond(office, "nothing", {}).status_code == 404


@pytest.mark.parametrize(
    "given",
    [
        answers(),
        answers(used="no", knows=["none"], liked=1),
        answers(knows=["simbg", "oss"], liked=4, why=["device"], again=2),
        answers(why=[]),
        answers(liked=4.0),  # an integer of JSON Schema
    ],
)
def test_good_answers_to_every_kind_of_question_are_taken_without_a_key(
    office: Room, slug: str, given: dict[str, Any]
) -> None:
    answer = respond(office, slug, given)
    assert answer.status_code == 201
    stored = answer.json()
    assert (stored["survey"], stored["version"], stored["repeated"]) == (slug, 1, False)
    assert stored["state"] == "counted"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"used": "maybe"}, "must be one of yes, no"),
        ({"used": ["yes"]}, "must be one of yes, no"),
        ({"used": 1}, "must be one of yes, no"),
        ({"used": ""}, "must be one of yes, no"),
        ({"used": "\x00"}, "must be one of yes, no"),
        ({"knows": "oss"}, "must be a list of some of oss, simbg, none"),
        ({"knows": ["oss", "moon"]}, "must be a list of some of oss, simbg, none"),
        ({"knows": ["oss", "oss"]}, "must not name an option twice"),
        ({"knows": []}, "must name at least one option"),
        ({"liked": 0}, "must be 1, 2, 3 or 4"),
        ({"liked": 5}, "must be 1, 2, 3 or 4"),
        ({"liked": "3"}, "must be 1, 2, 3 or 4"),
        ({"liked": 10**30}, "must be 1, 2, 3 or 4"),
        ({"again": ["3"]}, None),
        ({"again": [3]}, None),
        ({"liked": True}, None),
        ({"liked": 2.5}, None),
        ({"liked": None}, None),
        ({"used": "x" * 41}, None),
        ({"used": {"yes": 1}}, None),
        ({"colour": "blue"}, "is not a question of this survey"),
    ],
)
def test_an_answer_that_does_not_fit_is_named(
    office: Room, slug: str, change: dict[str, Any], said: str | None
) -> None:
    answer = respond(office, slug, answers(**change))
    status = 422 if said is None else 409
    [name] = change
    for pointer in pointers(answer, status):
        assert f"{pointer}/".startswith(f"#/answers/{name}/")
    if said is not None:
        assert [error["detail"] for error in answer.json()["errors"]] == [said]


def test_every_answer_that_is_wrong_or_missing_is_named(office: Room, slug: str) -> None:
    answer = respond(office, slug, {"used": "maybe", "again": 9})
    assert sorted(pointers(answer, 409)) == [
        "#/answers/again",
        "#/answers/knows",
        "#/answers/liked",
        "#/answers/used",
    ]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"answers": {"9": 1}}, "answers/9"),
        ({"answers": {"a/b~c": 1}}, "answers/a~1b~0c"),
        ({"answers": []}, "answers"),
        ({"answered_on": "14-05-2024"}, "answered_on"),
        ({"id": "1"}, "id"),
        ({"service": "KTP"}, "service"),
        ({"agency": "a b"}, "agency"),
        ({"channel": "pigeon"}, "channel"),
        ({"district": "12.12"}, "district"),
        ({"name": "somebody"}, "name"),
    ],
)
def test_a_wrong_field_of_a_response_is_named(
    office: Room, slug: str, change: dict[str, Any], where: str
) -> None:
    assert pointers(respond(office, slug, answers(), **change), 422) == [f"#/{where}"]


@pytest.mark.parametrize("district", ["12.12.99", "12.12.00", "31.71.01"])
def test_a_district_that_does_not_exist_is_named(office: Room, slug: str, district: str) -> None:
    answer = respond(office, slug, answers(), district=district)
    assert pointers(answer, 409) == ["#/district"]


@pytest.mark.parametrize("day", ["2019-12-31", "9999-12-31"])
def test_a_day_that_cannot_be_true_is_named(office: Room, slug: str, day: str) -> None:
    assert pointers(respond(office, slug, answers(), answered_on=day), 409) == ["#/answered_on"]


def test_today_is_today_in_jakarta_and_tomorrow_is_refused(office: Room, slug: str) -> None:
    today = datetime.now(JAKARTA).date()
    without = respond(office, slug, answers()).json()
    assert without["answered_on"] in (today.isoformat(), str(today + timedelta(days=1)))
    given = respond(office, slug, answers(), answered_on=today.isoformat())
    assert given.status_code == 201
    after = today + timedelta(days=2)
    assert pointers(respond(office, slug, answers(), answered_on=after.isoformat()), 409) == [
        "#/answered_on"
    ]


def test_a_response_that_is_sent_again_is_200_and_counts_once(office: Room, slug: str) -> None:
    given = str(uuid4())
    first = respond(office, slug, answers(), id=given)
    again = respond(office, slug, answers(), id=given)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json() | {"repeated": True, "answered_on": "2024-05-14"}
    for _ in range(4):
        respond(office, slug, answers())
    found = results(office, slug)
    assert found["n"] == 5
    assert counts(found, "used") == {"yes": 5, "no": 0}


@pytest.mark.parametrize(
    "change",
    [
        {"answers": answers(used="no")},
        {"answers": answers(liked=1)},
        {"channel": "phone"},
        {"answered_on": "2024-05-13"},
    ],
)
def test_an_id_of_another_response_is_refused(
    office: Room, slug: str, change: dict[str, Any]
) -> None:
    given = str(uuid4())
    respond(office, slug, answers(), id=given)
    other = dict(change)
    refused = respond(office, slug, other.pop("answers", answers()), id=given, **other)
    assert pointers(refused, 409) == ["#/id"]
    assert respond(office, slug, answers(), id=given).json()["repeated"] is True


def test_one_id_may_answer_two_surveys(office: Room) -> None:
    one, other = new_slug(), new_slug()
    load(office, survey(one), survey(other))
    given = str(uuid4())
    assert respond(office, one, answers(), id=given).status_code == 201
    assert respond(office, other, answers(), id=given).status_code == 201


def test_without_an_id_every_response_counts(office: Room, slug: str) -> None:
    sent = [respond(office, slug, answers(), id=None).json()["id"] for _ in range(5)]
    assert len(set(sent)) == 5
    assert results(office, slug)["n"] == 5


def counts(found: dict[str, Any], code: str) -> dict[str, int]:
    [asked] = [one for one in found["questions"] if one["code"] == code]
    return {one["code"]: one["count"] for one in asked["options"]}


@pytest.mark.parametrize("number", [0, 1, 4])
def test_results_of_fewer_than_five_are_suppressed(office: Room, slug: str, number: int) -> None:
    for _ in range(number):
        respond(office, slug, answers())
    assert results(office, slug) == {
        "survey": slug,
        "version": 1,
        "versions": [],
        "year": 2024,
        "period": "2024",
        "service": None,
        "agency": None,
        "channel": None,
        "district": None,
        "round": None,
        "samples": None,
        "rounds": [],
        "sample": None,
        "finite_population": None,
        "response_rate": None,
        "n": None if number else 0,
        "senders": None,
        "by_mode": {},
        "by_sample": {},
        "suppressed": number > 0,
        "questions": [],
        "scales": [],
        "satisfaction": None,
    }


def test_results_of_five_count_every_option(office: Room, slug: str) -> None:
    given = [
        answers(liked=1),
        answers(liked=4, knows=["none"]),
        answers(liked=4, used="no", knows=["oss"]),
        answers(liked=4, again=2),
        answers(liked=4, why=["signal"]),
    ]
    for one in given:
        respond(office, slug, one)
    found = results(office, slug)
    assert (found["n"], found["suppressed"], found["satisfaction"]) == (5, False, None)
    assert counts(found, "used") == {"yes": 4, "no": 1}
    assert counts(found, "knows") == {"oss": 4, "simbg": 3, "none": 1}
    assert counts(found, "liked") == {"no": 1, "hardly": 0, "rather": 0, "yes": 4}
    liked = found["questions"][2]
    assert (liked["mean"], liked["answered"]) == (3.4, 5)
    assert [one["share"] for one in liked["options"]] == [0.2, 0, 0, 0.8]
    assert found["questions"][0]["mean"] is None


def test_a_question_that_fewer_than_five_answered_is_left_out(office: Room, slug: str) -> None:
    for number in range(6):
        respond(office, slug, answers(again=1) | ({"why": ["device"]} if number < 4 else {}))
    codes = [one["code"] for one in results(office, slug)["questions"]]
    assert codes == ["used", "knows", "liked", "again"]


def test_results_are_of_one_year(office: Room, slug: str) -> None:
    for day in ("2023-12-31", "2024-01-01", "2024-12-31", "2025-01-01"):
        for _ in range(5):
            respond(office, slug, answers(), day=day)
    assert [results(office, slug, period)["n"] for period in (2022, 2023, 2024, 2025)] == [
        0,
        5,
        10,
        5,
    ]
    this_year = office.get(f"{SURVEYS}/{slug}/results").json()
    assert this_year["year"] == datetime.now(JAKARTA).year


@pytest.mark.parametrize(
    ("name", "value"), [("period", "99"), ("period", "x"), ("weight", "1/10"), ("weight", "")]
)
def test_a_wrong_question_about_results_is_named(
    office: Room, slug: str, name: str, value: Any
) -> None:
    answer = office.get(f"{SURVEYS}/{slug}/results", **{name: value})
    assert answer.status_code == 422
    assert [error["parameter"] for error in answer.json()["errors"]] == [name]


ANSWERS = st.fixed_dictionaries(
    {
        "used": st.sampled_from(["yes", "no"]),
        "knows": st.lists(st.sampled_from(["oss", "simbg", "none"]), min_size=1, unique=True),
        "liked": st.integers(1, 4),
    },
    optional={
        "why": st.lists(st.sampled_from(["signal", "device"]), unique=True),
        "again": st.integers(1, 4),
    },
)


@pytest.mark.slow
@given(st.lists(ANSWERS, max_size=9))
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_results_are_those_of_a_plain_count(office: Room, given: list[dict[str, Any]]) -> None:
    slug = new_slug()
    load(office, survey(slug))
    for one in given:
        assert respond(office, slug, one).status_code == 201
    found = results(office, slug)
    if len(given) < 5:
        assert found["questions"] == []
        return
    expected: dict[str, Counter[Any]] = {}
    for one in given:
        for code, answer in one.items():
            chosen = answer if isinstance(answer, list) else [answer]
            expected.setdefault(code, Counter()).update(chosen)
    for asked in found["questions"]:
        reported = [one[asked["code"]] for one in given if asked["code"] in one]
        assert asked["answered"] == len(reported) >= 5
        for level, one in enumerate(asked["options"], start=1):
            key = level if asked["mean"] is not None else one["code"]
            assert one["count"] == expected[asked["code"]][key]
            assert one["share"] == pytest.approx(one["count"] / len(reported))
    shown = {asked["code"] for asked in found["questions"]}
    for code in {one["code"] for one in EVERY_KIND} - shown:
        assert sum(code in one for one in given) < 5


TOTALS = (105, 101, 100, 116, 102, 105, 106, 105, 115)


def worked_example() -> list[dict[str, int]]:
    """29 responses with the totals of the regulation's example, level by level."""
    responses: list[dict[str, int]] = [{} for _ in range(29)]
    for code, total in zip(ELEMENTS, TOTALS, strict=True):
        low, more = divmod(total, 29)
        for number, response in enumerate(responses):
            response[code] = low + (number < more)
    return responses


def ask(office: Room, slug: str, given: dict[str, int]) -> httpx.Response:
    """Answer a survey that an enumerator asks, whose respondents did not choose themselves."""
    return respond(office, slug, given, mode="enumerator", caller=ENUMERATOR)


def test_the_worked_example_gives_its_ikm_with_both_weights(office: Room) -> None:
    slug = new_slug()
    load(office, skm_survey(slug))
    for response in worked_example():
        assert ask(office, slug, response).status_code == 201
    found = results(office, slug)["satisfaction"]
    assert (found["ikm"], found["grade"], found["weight"]) == (91.48, "A", "1/9")
    assert [element["total"] for element in found["elements"]] == list(TOTALS)
    assert [element["code"] for element in found["elements"]] == list(ELEMENTS)
    assert found["elements"][0]["nrr"] == pytest.approx(105 / 29)
    assert found["low"] < 91.48 < found["high"] <= 100
    assert found["no_interval_because"] is None
    old = results(office, slug, weight="0.11")["satisfaction"]
    assert (old["ikm"], old["grade"], old["weight"]) == (90.56, "A", "0.11")


def test_with_the_old_weight_the_lowest_answers_still_have_a_grade(office: Room) -> None:
    slug = new_slug()
    load(office, skm_survey(slug))
    for _ in range(5):
        ask(office, slug, dict.fromkeys(ELEMENTS, 1))
    found = results(office, slug, weight="0.11")["satisfaction"]
    assert (found["ikm"], found["grade"], found["low"], found["high"]) == (24.75, "D", 24.75, 24.75)


def test_an_element_of_the_satisfaction_survey_cannot_be_left_out(office: Room) -> None:
    slug = new_slug()
    load(office, skm_survey(slug))
    lacking = dict.fromkeys(ELEMENTS[:-1], 4)
    assert pointers(respond(office, slug, lacking), 409) == ["#/answers/U9"]


def test_answers_stay_with_the_version_they_were_given_to(office: Room) -> None:
    slug = new_slug()
    load(office, survey(slug))
    respond(office, slug, answers())
    load(office, survey(slug, *EVERY_KIND, question("new", "single", "a", "b")))
    assert pointers(respond(office, slug, answers()), 409) == ["#/answers/new"]
    assert respond(office, slug, answers(new="a")).json()["version"] == 2


def test_answers_to_an_earlier_wording_count_on(office: Room) -> None:
    slug = new_slug()
    load(office, survey(slug))
    for _ in range(5):
        respond(office, slug, answers())
    load(office, survey(slug, title="Survei yang baru"))
    found = results(office, slug)
    assert (found["n"], found["version"]) == (5, 2)
    assert counts(found, "used") == {"yes": 5, "no": 0}


def test_a_question_that_changed_its_kind_leaves_results_readable(office: Room) -> None:
    slug = new_slug()
    load(office, survey(slug, scale("a"), question("b", "single", "yes", "no")))
    for _ in range(5):
        respond(office, slug, {"a": 3, "b": "yes"})
    load(office, survey(slug, question("a", "single", "yes", "no"), scale("b")))
    for _ in range(5):
        respond(office, slug, {"a": "yes", "b": 2})
    found = results(office, slug)
    assert counts(found, "a") == {"yes": 5, "no": 0}
    assert counts(found, "b") == {"no": 0, "hardly": 5, "rather": 0, "yes": 0}
    assert [one["answered"] for one in found["questions"]] == [5, 5]


def test_a_survey_that_becomes_the_satisfaction_survey_leaves_out_what_fits_no_element(
    office: Room,
) -> None:
    slug = new_slug()
    load(office, survey(slug, *(question(code, "single", "yes", "no") for code in ELEMENTS)))
    for _ in range(5):
        respond(office, slug, dict.fromkeys(ELEMENTS, "yes"))
    load(office, skm_survey(slug))
    assert results(office, slug)["satisfaction"] is None
    for _ in range(5):
        respond(office, slug, dict.fromkeys(ELEMENTS, 4))
    assert results(office, slug)["satisfaction"]["ikm"] == 100


def test_a_retired_survey_accepts_no_responses_and_retains_earlier_ones(office: Room) -> None:
    slug = new_slug()
    load(office, survey(slug))
    for _ in range(5):
        respond(office, slug, answers())
    load(office)
    assert office.get(SURVEYS).json()["items"] == []
    assert office.get(f"{SURVEYS}/{slug}").status_code == 404
    assert respond(office, slug, answers()).status_code == 404
    load(office, survey(slug))
    assert office.get(f"{SURVEYS}/{slug}").json()["version"] == 2
    assert results(office, slug)["n"] == 5
