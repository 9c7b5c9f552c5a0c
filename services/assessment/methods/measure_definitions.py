"""Measure definitions: the vocabulary in which a method states what an indicator counts.

Each measure answers one question about the evidence of a year. A new indicator is written with
these terms in `methods/*.yaml`; only a new kind of question needs code.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints
from typing_extensions import TypeAliasType

from services.assessment.types import Code, Sector
from services.platform.packs import PackModel
from services.platform.types import TEXT_PATTERN, Slug

View = Literal[
    "stakeholders",
    "meetings",
    "action_items",
    "attendance",
    "agreements_in_force",
    "agreements_ended",
    "decisions_in_force",
    "programmes",
    "risks",
    "recognitions_24_months",
]
"""Rows of evidence of a year: in force at its end, or held, due or ended in it."""

AnswerCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]+$", max_length=80)]

Wanted = Annotated[str, StringConstraints(pattern=TEXT_PATTERN, max_length=300)]

Value = bool | Wanted | Annotated[list[Wanted], Field(max_length=100)]


def _by_field(condition: dict[Code, Value]) -> dict[Code, Value]:
    return dict(sorted(condition.items()))


Condition = Annotated[dict[Code, Value], AfterValidator(_by_field)]
"""Fields and what they must be: a value, one of several values, or `recorded` for any value.

Ordered by field, so that random streams and reasons, which name conditions, do not depend on the
order in which a method's file or a bundle states them.
"""


class Count(PackModel):
    """The number of rows that match the conditions; null if no row of the kind is recorded."""

    kind: Literal["count"]
    of: View
    where: Condition = Field(
        default_factory=dict[Code, Value],
        description="Values that the fields of a row must have, by field.",
    )


class Share(PackModel):
    """The share of rows `where` that match `that`, without rows that do not record it."""

    kind: Literal["share"]
    of: View
    where: Condition = Field(
        default_factory=dict[Code, Value],
        description="Values that the fields of a row must have to be counted at all, by field.",
    )
    that: Condition = Field(
        min_length=1, description="Values that the counted share must have, by field."
    )


class RequiredItems(PackModel):
    """The share of required items that the decisions in force establish."""

    kind: Literal["required"]
    field: Literal["instruments", "procedures"] = Field(
        description="Whether instruments or procedures are required."
    )
    required: list[Code] = Field(
        min_length=1, max_length=100, description="Codes of the items that must be established."
    )

    def subjects_of_absence(self) -> dict[str, list[Code]]:
        """Return the subjects of a known absence, with the items that each states to be absent."""
        one_by_one = {f"{self.field}_{code}": [code] for code in self.required}
        return {self.field: self.required, **one_by_one}


class Attained(PackModel):
    """The largest share of these boolean fields that are true in one row."""

    kind: Literal["attained"]
    of: View
    fields: list[Code] = Field(
        min_length=1,
        max_length=100,
        description="Boolean fields of a row, of which the share that is true is taken.",
    )


class Observed(PackModel):
    """The newest observation of a subject that is valid in the year."""

    kind: Literal["observed"]
    subject: Code
    contradictions: Literal["last_key", "range"] = Field(
        "last_key",
        description="If several are the newest: `range`, from the lowest to the highest, with a "
        "notice if they contradict each other; or `last_key`, the one whose key is the last. "
        "Of a method whose registers are `declared`, and of a composite index, always `range`.",
    )


class SectorsPresent(PackModel):
    """The share of the three sectors that attended a meeting of the year."""

    kind: Literal["sectors_present"]


class Evenness(PackModel):
    """Pielou's evenness of attendance over the three sectors: entropy / log 3."""

    kind: Literal["evenness"]


class Attending(PackModel):
    """The share of active stakeholders of these sectors who attended a meeting of the year."""

    kind: Literal["attending"]
    sectors: list[Sector] = Field(
        min_length=1, max_length=100, description="Sectors whose stakeholders are counted."
    )


class Ties(PackModel):
    """The share of pairs of active stakeholders with a lasting tie.

    A tie is lasting if the two met at least `meetings` times in the year or share an agreement in
    force, or, if `reported` says so, report it in the relational survey.
    """

    kind: Literal["ties"]
    meetings: int = Field(
        2, ge=1, description="Number of meetings of a year from which on a tie is lasting."
    )
    reported: Literal["both", "either"] | None = Field(
        default=None,
        description="Whether a tie that both report, or that either reports, counts; default: "
        "reported ties do not count.",
    )
    survey: Slug = Field(
        default="stakeholders", description="The survey that asks about relations."
    )


class IndexProgress(PackModel):
    """Progress of an index from its first value to the plan's target, 0-1."""

    kind: Literal["index_progress"]
    index: Slug = Field(description="Name of the index.")


SampleKind = Literal["self_selected", "enumerated", "drawn", "quota", "invited"]
"""How the respondents of a survey were found, as its results tell them apart."""


class SurveyMeasure(PackModel):
    """What a survey's respondents say, all of them or those of certain samples."""

    survey: Slug
    samples: list[SampleKind] | None = Field(
        None,
        min_length=1,
        max_length=5,
        description="How respondents must have been found to count: answered by themselves, asked "
        "by enumerators without a design on record, drawn at random, asked until quotas were "
        "filled, or invited; default: all count.",
    )

    @property
    def report_key(self) -> str:
        """The key of the report that it reads: the survey's, of certain samples or of all."""
        return " ".join([self.survey, *sorted(set(self.samples or ()))])


class SurveyShare(SurveyMeasure):
    """The share of respondents to a question who chose an option."""

    kind: Literal["survey_share"]
    question: AnswerCode
    option: AnswerCode


class SurveyMean(SurveyMeasure):
    """The mean level, 1-4, over questions of a survey."""

    kind: Literal["survey_mean"]
    questions: list[AnswerCode] = Field(min_length=1, max_length=100)


class SatisfactionIndex(SurveyMeasure):
    """The satisfaction index IKM, 25-100."""

    kind: Literal["satisfaction"]


class Reported(PackModel):
    """The share of the monthly statistics expected of agencies that arrived on time."""

    kind: Literal["reported"]


class AgenciesReporting(PackModel):
    """The share of the agencies with statistics expected that sent any."""

    kind: Literal["agencies_reporting"]


class CommentsInTime(PackModel):
    """The share of the year's settled comments that were answered within their service level."""

    kind: Literal["comments_in_time"]


class UsageShare(PackModel):
    """The share of a counter of the agencies' statistics that belongs to a channel."""

    kind: Literal["usage_share"]
    counter: Literal["submitted", "in_review", "completed", "rejected", "returned"] = Field(
        description="Counter of applications."
    )
    channel: Literal["online", "counter", "phone", "visit", "email"]


class CatalogShare(PackModel):
    """A share reported by the catalogue."""

    kind: Literal["catalog_share"]
    of: Literal["standard", "digital_in_operation", "own_digital_in_operation"] = Field(
        description="`own`: without services on portals of national bodies."
    )


class AgenciesWith(PackModel):
    """The share of agencies that own a row matching the condition.

    Agencies are those of the active stakeholders; a row belongs to the agency of its owner.
    """

    kind: Literal["agencies_with"]
    of: Literal["programmes", "risks"] = Field(description="Register whose rows are looked at.")
    that: Condition = Field(
        min_length=1, description="Values that the fields of a row must have, by field."
    )


class HeldOfPlanned(PackModel):
    """The share of planned events, which are programmes of these kinds, that were held.

    Held are, of each kind, as many as the programmes recorded as held or the meetings of the kind
    in the year, whichever are more, for an event may be recorded as both; at most those planned.
    """

    kind: Literal["held_of_planned"]
    kinds: list[Literal["outreach", "training"]] = Field(
        min_length=1, max_length=2, description="Kinds of programmes that are planned as events."
    )


class AtLeast(PackModel):
    """The measure, but no less than `least` if the condition is met in full."""

    kind: Literal["at_least"]
    measure: "Measure"
    least: float = Field(
        description="Value below which the measure does not fall if the condition is met."
    )
    given: "Measure" = Field(description="The condition: a measure that is 1 if it is met.")


class LowerBound(PackModel):
    """The exact measure, else a range from the other one, the least that it can be, to `high`."""

    kind: Literal["lower_bound"]
    measure: "Measure"
    high: float = Field(description="Highest value that is possible.")
    exact: "Measure | None" = Field(
        None, description="Measure to take instead where it has evidence; null without one."
    )


class Complement(PackModel):
    """1 - the measure."""

    kind: Literal["complement"]
    measure: "Measure"


class Ratio(PackModel):
    """One measure over another."""

    kind: Literal["ratio"]
    numerator: "Measure" = Field(description="Measure above the line.")
    denominator: "Measure" = Field(description="Measure below the line.")


class MeanOf(PackModel):
    """The mean of measures; null if one of them is null."""

    kind: Literal["mean_of"]
    measures: list["Measure"] = Field(min_length=2, max_length=1000)


class FirstOf(PackModel):
    """The first measure that has evidence."""

    kind: Literal["first_of"]
    measures: list["Measure"] = Field(min_length=2, max_length=1000)


Measure = TypeAliasType(
    "Measure",
    Annotated[
        Count
        | Share
        | RequiredItems
        | Attained
        | Observed
        | SectorsPresent
        | Evenness
        | Attending
        | Ties
        | IndexProgress
        | SurveyShare
        | SurveyMean
        | SatisfactionIndex
        | Reported
        | AgenciesReporting
        | CommentsInTime
        | UsageShare
        | CatalogShare
        | AgenciesWith
        | HeldOfPlanned
        | AtLeast
        | LowerBound
        | Complement
        | Ratio
        | MeanOf
        | FirstOf,
        Field(discriminator="kind", description="What is measured; `kind` says how."),
    ],
)
"""A named type, so that schemas state the union once and refer to it."""


def nested_measures(measure: "Measure") -> "Iterator[Measure]":
    """Yield a measure and all the measures inside it."""
    yield measure
    match measure:
        case Complement():
            inner = [measure.measure]
        case LowerBound():
            inner = [measure.measure, *([measure.exact] if measure.exact else [])]
        case AtLeast():
            inner = [measure.measure, measure.given]
        case Ratio():
            inner = [measure.numerator, measure.denominator]
        case MeanOf() | FirstOf():
            inner = measure.measures
        case _:
            inner = []
    for part in inner:
        yield from nested_measures(part)
