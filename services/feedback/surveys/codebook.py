"""Responses as a table of coded columns, the same for every file format."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from services.feedback.surveys.columns import (
    CONTEXT_COLUMNS,
    MAX_NAME_LENGTH,
    SPSS_RESERVED_WORDS,
    Column,
    Value,
    normalised_name,
)
from services.feedback.surveys.definition import Question
from services.feedback.surveys.question_kinds.base import Answer


@dataclass(frozen=True)
class Table:
    """Responses without anything that identifies a person."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]


@dataclass(frozen=True)
class ExportedResponse:
    """A response as it is exported: with its month or its bundle's period; no day and no id.

    An empty value was not given, or is hidden by the bundle.
    """

    period: str
    version: int | None
    service: str
    agency: str
    channel: str
    district: str
    mode: str
    answers: Mapping[str, Answer]


def build_table(questions: Sequence[Question], responses: Sequence[ExportedResponse]) -> Table:
    """Return the responses as a table, sorted so that their order of arrival is not visible."""
    columns = [
        Column(name, label, label_en, "number" if name == "version" else "text", {})
        for name, label, label_en in CONTEXT_COLUMNS
    ]
    for question in questions:
        columns += question.columns()
    rows = sorted(
        (
            (*_context_values(r), *(v for q in questions for v in _values(q, r.answers)))
            for r in responses
        ),
        key=lambda row: tuple(str(value) for value in row),
    )
    return Table(tuple(_with_unique_names(columns)), tuple(rows))


def _with_unique_names(columns: Sequence[Column]) -> Iterator[Column]:
    """Yield the columns with unique names.

    Codes of earlier versions may collide: with another question's code in another case, with a
    context column, or with a reserved word of SPSS.
    """
    taken = set(SPSS_RESERVED_WORDS)
    for column in columns:
        name, number = column.name, 1
        while normalised_name(name) in taken:
            number += 1
            name = f"{column.name[: MAX_NAME_LENGTH - 4]}_{number}"
        taken.add(normalised_name(name))
        yield replace(column, name=name)


def _context_values(response: ExportedResponse) -> list[Value]:
    return [
        response.period,
        response.version,
        response.service,
        response.agency,
        response.channel,
        response.district,
        response.mode,
    ]


def _values(question: Question, answers: Mapping[str, Answer]) -> list[Value]:
    answer = answers.get(question.code)
    if answer is not None and not question.has_answer_type(answer):
        answer = None  # of an earlier version, when the question was of another kind
    return question.kind_rules.column_values(question, answer)
