"""Service levels (SLA): working days within which a comment must be answered, with their source."""

from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict

from services.platform.working_days import after_working_days

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
ServiceLevelId = Literal["information", "ordinary", "supervisory"]
KINDS: tuple[Kind, ...] = get_args(Kind)

KIND_NAMES: dict[Kind, tuple[str, str]] = {
    "complaint": ("Pengaduan", "Complaint"),
    "question": ("Pertanyaan", "Question"),
    "comment": ("Saran atau masukan", "Comment"),
    "praise": ("Apresiasi", "Praise"),
}

FILE = Path(__file__).with_name("service_levels.json")


class Data(BaseModel):
    """Base of the models of `service_levels.json`."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ServiceLevel(Data):
    """A period in which a comment must be answered."""

    id: ServiceLevelId
    working_days: int
    name: str
    name_en: str


class CategoryName(Data):
    """A category that a comment may have."""

    code: Category
    name: str
    name_en: str
    service_level: ServiceLevelId | None = None
    """Overrides the service level of the kind, for complaints."""


class Regulation(Data):
    """A regulation that service levels come from."""

    title: str
    used_for: str


class ServiceLevels(Data):
    """The content of `service_levels.json`."""

    sources: list[Regulation]
    note: str
    verify_working_days: int
    service_levels: list[ServiceLevel]
    by_kind: dict[Kind, ServiceLevelId]
    categories: list[CategoryName]

    def find(self, service_level: ServiceLevelId) -> ServiceLevel:
        """Return the service level with this id."""
        return next(level for level in self.service_levels if level.id == service_level)

    def level_for(self, kind: Kind, category: Category) -> ServiceLevel:
        """Return the service level of a comment; only a complaint can be supervisory."""
        override: ServiceLevelId | None = next(
            c.service_level for c in self.categories if c.code == category
        )
        if kind == "complaint" and override is not None:
            return self.find(override)
        return self.find(self.by_kind[kind])

    def verify_by(self, received: date) -> date:
        """Return the last day for the review of a comment."""
        return after_working_days(received, self.verify_working_days)


@cache
def service_levels() -> ServiceLevels:
    """Return the service levels in force."""
    return ServiceLevels.model_validate_json(FILE.read_bytes())
