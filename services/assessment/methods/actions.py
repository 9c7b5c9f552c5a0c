"""Actions that a method names, each as a change of the evidence of a year."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from services.assessment.types import Code, Register, Sector
from services.platform.packs import PackModel
from services.platform.types import ShortText

IndicatorCode = Annotated[str, Field(pattern=r"^[a-z0-9_]+\.[a-z0-9_]+$", max_length=80)]


class NewAgreement(PackModel):
    """A further agreement in force."""

    kind: Literal["agreement"]
    partner_sector: Sector = Field(description="Sector of the other party.")


class NewDecision(PackModel):
    """A further decision in force that establishes these instruments and procedures."""

    kind: Literal["decision"]
    instruments: list[Code] = Field(default_factory=list[Code], max_length=50)
    procedures: list[Code] = Field(default_factory=list[Code], max_length=50)

    @model_validator(mode="after")
    def _establishes_something(self) -> "NewDecision":
        if not self.instruments and not self.procedures:
            raise ValueError("a decision needs instruments or procedures")
        return self


class NewMeeting(PackModel):
    """A further meeting with all three sectors, a problem statement, minutes and a discussion."""

    kind: Literal["meeting"]
    meeting: Literal["forum", "team"] = Field(description="Kind of meeting.")


class FilledPosts(PackModel):
    """Every active leading post is recorded as filled."""

    kind: Literal["fill_posts"]


class DeclaredComplete(PackModel):
    """A register is declared complete for the year."""

    kind: Literal["declare"]
    register_name: Register


class Measured(PackModel):
    """An indicator gets a figure, which is not known before: from `worst` to `best`, as raw."""

    kind: Literal["measured"]
    indicator: IndicatorCode
    worst: float = Field(description="Lowest raw value that is to be expected.")
    best: float = Field(description="Highest raw value that is to be expected.")


Change = Annotated[
    NewAgreement | NewDecision | NewMeeting | FilledPosts | DeclaredComplete | Measured,
    Field(discriminator="kind"),
]


class ActionDefinition(PackModel):
    """Something that can be done, who can do it, and what it changes in the evidence."""

    code: Code
    name: ShortText
    name_en: ShortText
    who: ShortText = Field(description="Who can do it.")
    who_en: ShortText
    effort: int = Field(ge=1, le=5, description="From 1, a day of one office, to 5, years of many.")
    changes: list[Change] = Field(
        min_length=1,
        max_length=20,
        description="What it changes in the evidence, each with its own `kind`.",
    )
