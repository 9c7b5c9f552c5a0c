"""A survey as a form: what was filled in becomes a response, what was refused stands beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

Answers = dict[str, str | int | list[str]]
Fields = Mapping[str, Sequence[str]]

MOST_FIELDS = 1000


def fields_of(body: bytes) -> dict[str, list[str]]:
    """The fields of a form as a browser sends them (application/x-www-form-urlencoded)."""
    try:
        return parse_qs(
            body.decode("ascii", errors="replace"), errors="replace", max_num_fields=MOST_FIELDS
        )
    except ValueError:
        return {}


def response_id(fields: Fields) -> str | None:
    """The id that the form was given, by which a second submission counts once."""
    try:
        return str(UUID(fields["id"][0]))
    except (KeyError, ValueError):
        return None


def answers_of(survey: Mapping[str, Any], fields: Fields) -> Answers:
    """The answers to the questions that were asked, as far as they are filled in."""
    answers: Answers = {}
    for question in survey["questions"]:
        given = [value for value in fields.get(question["code"], ()) if value]
        if given and is_asked(question, answers):
            answers[question["code"]] = _answer(question["kind"], given)
    return answers


def is_asked(question: Mapping[str, Any], answers: Answers) -> bool:
    """Whether the answers before a question lead to it."""
    condition = question["show_if"]
    if condition is None:
        return True
    given = answers.get(condition["question"])
    chosen = given if isinstance(given, list) else [given]
    return any(choice in condition["any_of"] for choice in chosen)


def _answer(kind: str, given: list[str]) -> str | int | list[str]:
    if kind == "multiple":
        return given
    value = given[0]
    is_number = kind in {"scale4", "number"} and value.isascii() and value.isdigit()
    return int(value) if is_number and len(value) < 12 else value[:40]


@dataclass(frozen=True)
class Faults:
    """What was refused: by question, and of the response as a whole."""

    questions: dict[str, str] = field(default_factory=dict[str, str])
    whole: str | None = None


def faults_of(
    survey: Mapping[str, Any], problem: Mapping[str, Any], words: Mapping[str, str]
) -> Faults:
    """The faults of a problem document in words for the person who answers."""
    questions = {question["code"]: question for question in survey["questions"]}
    faults: dict[str, str] = {}
    for error in problem.get("errors", []):
        code = str(error.get("pointer") or "").removeprefix("#/answers/").partition("/")[0]
        if code in questions:
            faults[code] = _help(questions[code], words)
    return Faults(faults, words["please_correct"] if faults else words["not_accepted"])


def _help(question: Mapping[str, Any], words: Mapping[str, str]) -> str:
    if question["kind"] == "multiple":
        return words["choose_some"]
    if question["kind"] == "number":
        return f"{words['give_number']} {question['low']} {words['to']} {question['high']}."
    return words["choose_one"]
