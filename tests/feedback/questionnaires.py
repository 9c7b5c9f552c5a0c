"""Surveys for tests, as data, and ways to load and answer them."""

from collections.abc import Mapping
from typing import Any

import httpx

from services.feedback.surveys.definition import Survey
from services.feedback.surveys.pack import load_surveys
from services.platform.identity import ANONYMOUS, Caller
from services.platform.packs import Change
from services.platform.service import API
from tests.conftest import Room
from tests.feedback.answering import answer

ELEMENTS = tuple(f"U{n}" for n in range(1, 10))


def option(code: str, **more: Any) -> dict[str, Any]:
    return {"code": code, "text": f"Pilihan {code}", "text_en": f"Option {code}"} | more


def question(code: str, kind: str = "single", **more: Any) -> dict[str, Any]:
    codes = {"scale4": ("a", "b", "c", "d"), "number": ()}.get(kind, ("yes", "no"))
    options = [option(each) for each in codes]
    text = {"text": f"Tanya {code}", "text_en": f"Question {code}"}
    return {"code": code, "kind": kind, **text, "options": options} | more


RELATION: dict[str, Any] = {
    "frequencies": [option("rarely"), option("often")],
    "exchanges": [option("data"), option("staff")],
    "levels": [option(code) for code in "abcd"],
    "trust": [option(code) for code in ("t1", "t2", "t3")],
    "value": [option(code) for code in ("v1", "v2", "v3")],
}


def relational(code: str, **more: Any) -> dict[str, Any]:
    return question(code, "relational", **{"options": [], "relation": RELATION} | more)


def survey(*questions: Mapping[str, Any], **more: Any) -> Survey:
    given: dict[str, Any] = {
        "slug": "own",
        "kind": "own",
        "title": "Survei",
        "title_en": "Survey",
        "introduction": "",
        "introduction_en": "",
        "questions": [dict(each) for each in questions] or [question("Q")],
    }
    return Survey.model_validate(given | more)


def skm_survey(**more: Any) -> Survey:
    return survey(*[question(code, "scale4") for code in ELEMENTS], slug="skm", kind="skm", **more)


def load(feedback: Room, *surveys: Survey) -> list[Change]:
    """Replace the surveys of the service under test."""
    region = feedback.settings.region
    return feedback.store(lambda session: load_surveys(session, region, surveys))


def respond(
    feedback: Room,
    answers: Mapping[str, Any],
    *,
    slug: str = "own",
    caller: Caller = ANONYMOUS,
    address: str | None = None,
    day: str | None = None,
    **more: Any,
) -> httpx.Response:
    """Answer a survey, each time as another person; with a day as if it had been then."""
    body = {"answers": dict(answers)} | more
    return answer(feedback, slug, body, caller=caller, address=address, day=day)


def results(feedback: Room, *, slug: str = "own", **parameters: Any) -> dict[str, Any]:
    feedback.form_bundles()
    found = feedback.get(f"{API}/surveys/{slug}/results", **parameters)
    assert found.status_code == 200, found.text
    return found.json()


def faults_of(refused: httpx.Response) -> dict[str, str]:
    assert refused.status_code == 409, refused.text
    return {error["pointer"]: error["detail"] for error in refused.json()["errors"]}
