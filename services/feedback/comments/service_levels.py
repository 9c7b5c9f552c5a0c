"""Within how many working days what must have happened to a comment: data, with its source."""

from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict

from services.feedback.comments.working_days import after_working_days

Kind = Literal["comment", "complaint", "question", "praise"]
Category = Literal[
    "requirements",
    "procedure",
    "time",
    "fee",
    "officer",
    "facility",
    "portal",
    "information",
    "access",
    "levy",
    "other",
]
PromiseId = Literal["information", "ordinary", "supervisory"]
KINDS: tuple[Kind, ...] = get_args(Kind)

KIND_NAMES: dict[Kind, tuple[str, str]] = {
    "complaint": ("Pengaduan", "Complaint"),
    "question": ("Pertanyaan", "Question"),
    "comment": ("Saran atau masukan", "Comment"),
    "praise": ("Apresiasi", "Praise"),
}

FILE = Path(__file__).with_name("service_levels.json")


class Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Promise(Data):
    """A period to follow up."""

    id: PromiseId
    working_days: int
    name: str
    name_en: str


class CategoryName(Data):
    """What a comment may be about."""

    code: Category
    name: str
    name_en: str
    promise: PromiseId | None = None
    """Where the category decides, whatever the kind."""


class PromiseSource(Data):
    """A regulation."""

    title: str
    used_for: str


class Promises(Data):
    """`promises.json`"""

    sources: list[PromiseSource]
    note: str
    verify_working_days: int
    promises: list[Promise]
    by_kind: dict[Kind, PromiseId]
    categories: list[CategoryName]

    def of(self, kind: Kind, category: Category) -> Promise:
        """The promise to a comment; only a complaint can be of supervisory content."""
        decided = next(c.promise for c in self.categories if c.code == category)
        wanted = self.by_kind[kind]
        if kind == "complaint" and decided is not None:
            wanted = decided
        return next(promise for promise in self.promises if promise.id == wanted)

    def verify_by(self, received: date) -> date:
        return after_working_days(received, self.verify_working_days)


@cache
def promises() -> Promises:
    """The promises as they are in force."""
    return Promises.model_validate_json(FILE.read_bytes())
