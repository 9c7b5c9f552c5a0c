"""The survey form: submitted fields become a response, rejected answers get a message."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs
from uuid import UUID

from services.feedback.client import Invited, Question, Survey, SurveyDetail
from services.platform.problems import Problem
from services.platform.translation import N_, Translator

Answers = dict[str, str | int | list[str]]
Fields = Mapping[str, Sequence[str]]

MAX_FIELDS = 1000
MAX_RELATION_FIELDS = 10_000
"""Of a form that asks about each of 300 partners."""
MAX_TOKEN_LENGTH = 80
MAX_HIDDEN_LENGTH = 300

PLEASE_CORRECT = N_("Beberapa jawaban belum lengkap; lihat tanda merah di bawah.")
NOT_SENT = N_(
    "Jawaban belum terkirim karena gangguan. Silakan kirim lagi; tidak terhitung dua kali."
)
STORED_BEFORE = N_(
    "Jawaban dari formulir ini sudah tercatat. Untuk menjawab lagi, buka halaman survei ini lagi."
)
REJECTED = N_("Jawaban tidak dapat diterima untuk layanan atau hari ini.")


def parse_fields(body: bytes, *, most: int = MAX_FIELDS) -> dict[str, list[str]]:
    """Return the fields of an `application/x-www-form-urlencoded` body, unless they are more."""
    try:
        return parse_qs(
            body.decode("ascii", errors="replace"), errors="replace", max_num_fields=most
        )
    except ValueError:
        return {}


def form_fields(fields: Fields) -> dict[str, str]:
    """Return the form's token and its hidden field, as far as they are well-formed."""
    sent = {name: fields[name][0] for name in ("form_token", "website") if fields.get(name)}
    token = sent.get("form_token", "")
    if len(token) > MAX_TOKEN_LENGTH or not re.fullmatch(r"[\x21-\x7e]+", token):
        sent.pop("form_token", None)
    if "website" in sent:
        sent["website"] = "".join(filter(str.isprintable, sent["website"]))[:MAX_HIDDEN_LENGTH]
    return sent


def response_id(fields: Fields) -> str | None:
    """Return the id of the form, by which a repeated submission counts once."""
    try:
        return str(UUID(fields["id"][0]))
    except (KeyError, ValueError):
        return None


def answers_of(detail: SurveyDetail, fields: Fields) -> Answers:
    """Return the answers to the questions that apply, as far as they are filled in."""
    answers: Answers = {}
    for question in detail.survey.questions:
        if question.kind_rules.is_relational:
            continue
        values = [value for value in fields.get(question.code, ()) if value]
        if values and is_asked(question, answers):
            answer_type = detail.inputs[question.code].answer_type
            answers[question.code] = _answer(answer_type, values)
    return answers


def relations_of(
    detail: SurveyDetail, fields: Fields, partners: Sequence[Invited]
) -> dict[str, list[dict[str, object]]]:
    """Return what is stated about partners, as far as it is filled in.

    Without any, it is missing, unless it is said that there is none.
    """
    question = detail.survey.relational
    if question is None or question.relation is None:
        return {}
    stated: list[dict[str, object]] = []
    for partner in partners:
        name = f"{question.code}.{partner.code}"
        frequency = _first(fields, name)
        exchanges = [value[:40] for value in fields.get(f"{name}.exchange", ())]
        levels = {
            part: [_first(fields, f"{name}.{part}.{item.code}") for item in items]
            for part, items in (
                ("trust", question.relation.trust),
                ("value", question.relation.value),
            )
        }
        rated = {
            part: [int(level) if level in {*"1234"} else 0 for level in given]
            for part, given in levels.items()
            if any(given)
        }
        if frequency or exchanges or rated:
            about: dict[str, object] = {"partner": partner.code, "frequency": frequency}
            stated.append(about | {"exchanges": exchanges} | rated)
    if stated or "none" in fields.get(question.code, ()):
        return {question.code: stated}
    return {}


def _first(fields: Fields, name: str) -> str:
    return next(iter(fields.get(name, ())), "")[:40]


def is_asked(question: Question, answers: Answers) -> bool:
    """Return whether the answers so far lead to a question."""
    return question.show_if is None or question.show_if.is_met(answers)


def _answer(answer_type: str, values: list[str]) -> str | int | list[str]:
    if answer_type == "array":
        return values
    value = values[0]
    is_integer = answer_type == "integer" and value.isascii() and value.isdigit()
    return int(value) if is_integer and len(value) < 12 else value[:40]


@dataclass(frozen=True)
class FormErrors:
    """The questions whose answers were rejected, and a message about the response."""

    questions: frozenset[str] = frozenset()
    response: str | None = None


def form_errors(survey: Survey, problem: Problem, messages: Translator) -> FormErrors:
    """Return the questions that a problem document names, and a message."""
    codes = {question.code for question in survey.questions}
    pointers = [error.pointer or "" for error in problem.errors]
    named = {re.sub("^#/(answers|relations)/", "", each).partition("/")[0] for each in pointers}
    if "#/id" in pointers:
        return FormErrors(response=messages.translate(STORED_BEFORE))
    wrong = frozenset(codes & named)
    return FormErrors(wrong, messages.translate(PLEASE_CORRECT if wrong else REJECTED))
