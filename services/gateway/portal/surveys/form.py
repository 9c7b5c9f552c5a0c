"""The survey form: submitted fields become a response, rejected answers get a message."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from services.platform.translation import N_, Translator

Answers = dict[str, str | int | list[str]]
Fields = Mapping[str, Sequence[str]]

MAX_FIELDS = 1000

PLEASE_CORRECT = N_("Beberapa jawaban belum lengkap; lihat tanda merah di bawah.")
NOT_SENT = N_(
    "Jawaban belum terkirim karena gangguan. Silakan kirim lagi; tidak terhitung dua kali."
)
REJECTED = N_("Jawaban tidak dapat diterima untuk layanan atau hari ini.")


def parse_fields(body: bytes) -> dict[str, list[str]]:
    """Return the fields of an `application/x-www-form-urlencoded` body."""
    try:
        return parse_qs(
            body.decode("ascii", errors="replace"), errors="replace", max_num_fields=MAX_FIELDS
        )
    except ValueError:
        return {}


def response_id(fields: Fields) -> str | None:
    """Return the id of the form, by which a repeated submission counts once."""
    try:
        return str(UUID(fields["id"][0]))
    except (KeyError, ValueError):
        return None


def answers_of(survey: Mapping[str, Any], fields: Fields) -> Answers:
    """Return the answers to the questions that apply, as far as they are filled in."""
    answers: Answers = {}
    for question in survey["questions"]:
        values = [value for value in fields.get(question["code"], ()) if value]
        if values and is_asked(question, answers):
            answers[question["code"]] = _answer(question["kind"], values)
    return answers


def is_asked(question: Mapping[str, Any], answers: Answers) -> bool:
    """Return whether the answers so far lead to a question."""
    condition = question["show_if"]
    if condition is None:
        return True
    answer = answers.get(condition["question"])
    chosen = answer if isinstance(answer, list) else [answer]
    return any(choice in condition["any_of"] for choice in chosen)


def _answer(kind: str, values: list[str]) -> str | int | list[str]:
    if kind == "multiple":
        return values
    value = values[0]
    is_number = kind in {"scale4", "number"} and value.isascii() and value.isdigit()
    return int(value) if is_number and len(value) < 12 else value[:40]


@dataclass(frozen=True)
class FormErrors:
    """Messages about rejected answers, by question, and one about the response."""

    questions: dict[str, str] = field(default_factory=dict[str, str])
    response: str | None = None


def form_errors(
    survey: Mapping[str, Any], problem: Mapping[str, Any], messages: Translator
) -> FormErrors:
    """Return the messages for the answers that a problem document names."""
    questions = {question["code"]: question for question in survey["questions"]}
    errors: dict[str, str] = {}
    for error in problem.get("errors", []):
        code = str(error.get("pointer") or "").removeprefix("#/answers/").partition("/")[0]
        if code in questions:
            errors[code] = _hint(questions[code], messages)
    return FormErrors(errors, messages.translate(PLEASE_CORRECT if errors else REJECTED))


def _hint(question: Mapping[str, Any], messages: Translator) -> str:
    """How to answer a question, as the templates put it too."""
    _ = messages.gettext
    if question["kind"] == "multiple":
        return _("Pilih sedikitnya satu jawaban; pilihan terakhir berdiri sendiri.")
    if question["kind"] == "number":
        return _(
            "Isi dengan angka %(low)s sampai %(high)s.", low=question["low"], high=question["high"]
        )
    return _("Pilih satu jawaban.")
