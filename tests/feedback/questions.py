"""Builders of surveys: a small one with every kind of question, and the satisfaction survey."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx

from services.feedback.surveys.definition import Survey
from services.feedback.surveys.skm import ELEMENTS
from services.platform.identity import ANONYMOUS, Caller
from tests.conftest import Room
from tests.feedback.answering import answer
from tests.feedback.sending import SURVEYS


def option(code: str) -> dict[str, str]:
    return {"code": code, "text": f"Jawaban {code}", "text_en": f"Answer {code}"}


def question(code: str, kind: str, *codes: str, **more: Any) -> dict[str, Any]:
    return {
        "code": code,
        "kind": kind,
        "text": f"Pertanyaan {code}?",
        "text_en": f"Question {code}?",
        "options": [option(one) for one in codes],
    } | more


def scale(code: str, **more: Any) -> dict[str, Any]:
    return question(code, "scale4", "no", "hardly", "rather", "yes", **more)


EVERY_KIND = (
    question("used", "single", "yes", "no"),
    question("knows", "multiple", "oss", "simbg", "none"),
    scale("liked"),
    question("why", "multiple", "signal", "device", required=False),
    scale("again", required=False),
)


def survey(slug: str, *questions: dict[str, Any], kind: str = "own", **more: Any) -> Survey:
    content = {
        "slug": slug,
        "kind": kind,
        "title": "Survei",
        "title_en": "Survey",
        "introduction": "",
        "introduction_en": "",
        "questions": list(questions or EVERY_KIND),
    }
    return Survey.model_validate(content | more)


def skm_survey(slug: str) -> Survey:
    return survey(slug, *(scale(code) for code in ELEMENTS), kind="skm")


def answers(**more: Any) -> dict[str, Any]:
    """Good answers to the required questions of every kind."""
    return {"used": "yes", "knows": ["oss", "simbg"], "liked": 3} | more


def respond(
    office: Room,
    slug: str,
    given: Mapping[Any, Any],
    *,
    day: str | None = "2024-05-14",
    caller: Caller = ANONYMOUS,
    **more: Any,
) -> httpx.Response:
    """Answer a survey, each time as another person; with a day as if it had been then."""
    body = {"id": str(uuid4()), "answers": dict(given)} | more
    return answer(office, slug, body, day=day, caller=caller)


def results(office: Room, slug: str, period: int = 2024, **more: Any) -> dict[str, Any]:
    office.form_bundles()
    found = office.get(f"{SURVEYS}/{slug}/results", period=period, **more)
    assert found.status_code == 200, found.text
    return found.json()
