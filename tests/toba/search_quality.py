"""How well a search engine answers the questions of `questions*.yaml`."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from tests.toba.typing_errors import with_one_error

QUESTIONS = ("questions.yaml", "questions-second.yaml", "questions-third.yaml")
"""The files of questions, in the order in which they were written."""


class Question(BaseModel):
    """A question and what it should find; `questions.yaml` explains the fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ask: str
    first: tuple[str, ...] = ()
    find: tuple[str, ...] = ()
    complaint: bool = False
    nothing: bool = False


@dataclass(frozen=True)
class Answer:
    """What an engine answers."""

    found: Sequence[str]
    """Services, best first."""
    leads_to_complaints: bool = False
    has_suggestion: bool = False


@dataclass
class Quality:
    """Counts over all questions, with the questions that were answered wrongly."""

    asked: int = 0
    first: int = 0
    within_five: int = 0
    empty: int = 0
    changed_asked: int = 0
    changed_first: int = 0
    changed_empty: int = 0
    complaints_asked: int = 0
    complaints: int = 0
    absent_asked: int = 0
    absent: int = 0
    wrong: list[str] = field(default_factory=list[str])

    @property
    def precision_at_1(self) -> float:
        return self.first / self.asked

    @property
    def recall_at_5(self) -> float:
        return self.within_five / self.asked

    @property
    def precision_with_one_error(self) -> float:
        return self.changed_first / self.changed_asked

    def lines(self) -> Iterator[str]:
        """Yield the figures as text."""
        yield (
            f"precision at 1 {self.precision_at_1:.3f}, recall at 5 {self.recall_at_5:.3f}, "
            f"empty {self.empty} of {self.asked}"
        )
        yield (
            f"one typing error: precision at 1 {self.precision_with_one_error:.3f}, "
            f"empty {self.changed_empty} of {self.changed_asked}"
        )
        yield (
            f"led to complaints {self.complaints} of {self.complaints_asked}; "
            f"nothing claimed where nothing exists {self.absent} of {self.absent_asked}"
        )


def read_questions() -> list[Question]:
    """Return the questions of all files in their order."""
    return [
        Question(**item)
        for name in QUESTIONS
        for item in yaml.safe_load(Path(__file__).with_name(name).read_text("utf-8"))
    ]


def measure(ask: Callable[[str], Answer], questions: Sequence[Question]) -> Quality:
    """Ask an engine every question and its variants with one typing error."""
    quality = Quality()
    for question in questions:
        answer = ask(question.ask)
        if question.nothing:
            quality.absent_asked += 1
            quality.absent += not answer.found or answer.has_suggestion
        if question.complaint:
            quality.complaints_asked += 1
            quality.complaints += answer.leads_to_complaints
            if not answer.leads_to_complaints:
                quality.wrong.append(f"{question.ask}: does not lead to complaints")
        if not question.first:
            continue
        quality.asked += 1
        is_first = answer.found[:1] != [] and answer.found[0] in question.first
        five = set(answer.found[:5])
        is_found = five >= set(question.find) if question.find else bool(five & {*question.first})
        quality.first += is_first
        quality.within_five += is_found
        quality.empty += not answer.found
        if not is_first:
            quality.wrong.append(f"{question.ask}: {answer.found[:5]}, not {question.first}")
        for kind, changed in with_one_error(question.ask):
            found = ask(changed).found
            quality.changed_asked += 1
            quality.changed_empty += not found
            if found[:1] != [] and found[0] in question.first:
                quality.changed_first += 1
            else:
                quality.wrong.append(f"{changed} ({kind}): {found[:3]}, not {question.first}")
    return quality
