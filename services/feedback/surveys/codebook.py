"""Responses as a table of coded columns, the same for every file format."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from services.feedback.surveys.columns import (
    FACTS,
    LONGEST_NAME,
    RESERVED,
    option_column,
    same_name,
)
from services.feedback.surveys.definition import Question

Value = int | str | None


@dataclass(frozen=True)
class Column:
    """A variable: its name, what it means, and the words for its values."""

    name: str
    label: str
    label_en: str
    kind: Literal["text", "nominal", "ordinal", "number"]
    values: Mapping[int, tuple[str, str, str]]
    """By number: the option's code, its text and its English text."""


@dataclass(frozen=True)
class Table:
    """Responses without anything that tells who."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]


@dataclass(frozen=True)
class Answered:
    """A response as it is exported: its month or its bundle's period, not its day; no id.

    What is empty was not said, or is hidden by the bundle.
    """

    period: str
    version: int | None
    service: str
    agency: str
    channel: str
    district: str
    mode: str
    answers: Mapping[str, Any]


CHOSEN = {0: ("0", "Tidak dipilih", "Not chosen"), 1: ("1", "Dipilih", "Chosen")}


def table_of(questions: Sequence[Question], responses: Sequence[Answered]) -> Table:
    """A column per fact and per question; of several options, a column for each."""
    columns = [
        Column(name, label, label_en, "number" if name == "version" else "text", {})
        for name, label, label_en in FACTS
    ]
    for question in questions:
        columns += _columns(question)
    # The order must not tell who came first.
    rows = sorted(
        ((*_facts(r), *(v for q in questions for v in _values(q, r.answers))) for r in responses),
        key=lambda row: tuple(str(value) for value in row),
    )
    return Table(tuple(_apart(columns)), tuple(rows))


def _apart(columns: Sequence[Column]) -> Iterator[Column]:
    """Columns under names of their own: an earlier version may have had the code of another
    question, but for its capitals, or one that could still be a fact's or a word of SPSS."""
    taken = set(RESERVED)
    for column in columns:
        name, number = column.name, 1
        while same_name(name) in taken:
            number += 1
            name = f"{column.name[: LONGEST_NAME - 4]}_{number}"
        taken.add(same_name(name))
        yield replace(column, name=name)


def _facts(response: Answered) -> list[Value]:
    return [
        response.period,
        response.version,
        response.service,
        response.agency,
        response.channel,
        response.district,
        response.mode,
    ]


def _columns(question: Question) -> list[Column]:
    if question.kind == "multiple":
        return [
            Column(
                option_column(question.code, option.code),
                f"{question.text} {option.text}",
                f"{question.text_en} {option.text_en}",
                "nominal",
                CHOSEN,
            )
            for option in question.options
        ]
    kind: Literal["nominal", "ordinal", "number"] = "nominal"
    if question.kind != "single":
        kind = "ordinal" if question.kind == "scale4" else "number"
    values = {
        number: (
            str(number) if question.kind == "scale4" else option.code,
            option.text,
            option.text_en,
        )
        for number, option in enumerate(question.options, start=1)
    }
    return [Column(question.code, question.text, question.text_en, kind, values)]


def _values(question: Question, answers: Mapping[str, Any]) -> list[Value]:
    answer = answers.get(question.code)
    if answer is not None and not question.takes(answer):
        answer = None  # of an earlier version, when the question was of another kind
    if question.kind == "multiple":
        return [
            None if answer is None else int(option.code in answer) for option in question.options
        ]
    if question.kind == "single":
        codes = [option.code for option in question.options]
        return [codes.index(answer) + 1 if answer in codes else None]
    return [answer]
