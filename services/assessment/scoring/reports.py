"""The fields of other services' reports that measures read.

The evidence of an assessment holds a report as it was received; other fields are ignored. Reports
in stored assessments and in bundles may be of an earlier version.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from services.assessment.scoring.scores import NoIntervalReason

ReportName = Literal["catalog", "usage", "reporting", "comments", "survey", "ties"]


class Report(BaseModel):
    """A report, or a part of one."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, defer_build=True)


class OptionCount(Report):
    """How many chose an option of a question."""

    code: str
    count: int


class QuestionCounts(Report):
    """The answers to one question of a survey."""

    code: str
    answered: int
    options: list[OptionCount]


class ScaleSums(Report):
    """Respondents by the sum of their levels, 1-4, over the questions of a scale."""

    questions: list[str]
    sums: dict[int, int]


class IkmResult(Report):
    """The index IKM of a satisfaction survey, with its interval if it has one.

    Evidence from before self-selected samples were told apart always has one, and no deviation.
    """

    ikm: float
    n: int = 1
    low: float | None = None
    high: float | None = None
    standard_deviation: float = 0


class SurveyReport(Report):
    """Results of a survey in a year."""

    n: int | None
    suppressed: bool
    questions: list[QuestionCounts] = Field(default_factory=list[QuestionCounts])
    scales: list[ScaleSums] | None = None
    """None in evidence from before respondents were counted by their sums."""
    satisfaction: IkmResult | None = None
    by_mode: dict[str, int] | None = None
    """Responses by mode; None in evidence from before modes were reported."""
    by_sample: dict[str, int] | None = None
    """Responses by how respondents were found; None in evidence from before that was reported."""
    finite_population: int | None = None
    """How many people the respondents stand for, if all are a sample of a known population."""

    @property
    def no_interval_because(self) -> NoIntervalReason | None:
        """Why the figures have no interval: respondents were neither drawn nor invited."""
        if self.by_sample is None:
            asked = self.by_mode is None or self.by_mode.keys() == {"enumerator"}
            return None if asked else "self_selected"
        if {"self_selected", "unknown"} & self.by_sample.keys():
            return "self_selected"
        return "quota" if "quota" in self.by_sample else None

    def correction(self, n: int) -> float:
        """Return the finite population correction of a variance, (N - n) / (N - 1), else 1."""
        population = self.finite_population
        if population is None or population < n or self.no_interval_because is not None:
            return 1
        return (population - n) / max(1, population - 1)

    def question(self, code: str) -> QuestionCounts | None:
        """Return the answers to a question; None if it has none."""
        return next((q for q in self.questions if q.code == code and q.answered), None)

    def scale(self, questions: Collection[str]) -> ScaleSums | None:
        """Return the sums over exactly these questions; None if there are none."""
        wanted = set(questions)
        return next((s for s in self.scales or () if set(s.questions) == wanted), None)


class StatedTie(Report):
    """A tie as one side reports it."""

    reporter: str
    partner: str


class TiesReport(Report):
    """The ties that stakeholders reported in a round of the relational survey."""

    round: str
    invited: int
    answered: int
    reporters: list[str]
    ties: list[StatedTie]

    @property
    def response_rate(self) -> float:
        """The share of those invited who answered."""
        return self.answered / self.invited if self.invited else 0

    def reports(self, keys: Collection[str]) -> Counter[tuple[str, str]]:
        """Return, for each pair of these stakeholders in order, how many of the two report it."""
        stated = {
            (tie.reporter, tie.partner)
            for tie in self.ties
            if tie.reporter != tie.partner and {tie.reporter, tie.partner} <= {*keys}
        }
        return Counter((min(pair), max(pair)) for pair in stated)


class ReportedMonths(Report):
    """How many monthly reports were received on time and late, and how many of each are in doubt.

    Evidence in stored assessments and in bundles of format 1 has the earlier name of the latter
    fields, or none from before doubts were counted.
    """

    on_time: int
    late: int
    on_time_flagged: int = Field(
        0, validation_alias=AliasChoices("on_time_flagged", "on_time_doubted")
    )
    late_flagged: int = Field(0, validation_alias=AliasChoices("late_flagged", "late_doubted"))

    @property
    def received(self) -> int:
        """How many reports were received."""
        return self.on_time + self.late

    @property
    def flagged(self) -> int:
        """How many received reports are in doubt."""
        return self.on_time_flagged + self.late_flagged


class ReportingReport(ReportedMonths):
    """Monthly reports expected and received in a year."""

    expected: int
    agencies: list[ReportedMonths]


class CommentCounts(Report):
    """Settled comments of a group, and those answered within their service level."""

    n: int
    in_time: int


class CommentReport(Report):
    """How the comments of a year were answered, by agency."""

    items: list[CommentCounts]


class UsageCount(Report):
    """The sum of a counter through one channel."""

    measure: str
    value: int
    channel: str | None = None


class UsageReport(Report):
    """Usage in a year by channel."""

    items: list[UsageCount]


class CatalogReport(Report):
    """The published share of the catalogue's service standards.

    Evidence from before the catalogue was read as of the year's end has no moments.
    """

    as_of: datetime | None = None
    first_published_at: datetime | None = None
    services: int
    standard_share: float | None
    digital_services: int
    digital_in_operation: int
    own_digital_services: int | None = None
    """None in evidence from before portals of national bodies were told apart."""
    own_digital_in_operation: int | None = None

    @property
    def precedes_the_catalogue(self) -> bool:
        """Whether it is of a moment at which nothing had been published yet."""
        if self.as_of is None:
            return False
        return self.first_published_at is None or self.as_of < self.first_published_at


REPORTS: Mapping[ReportName, type[Report]] = {
    "catalog": CatalogReport,
    "usage": UsageReport,
    "reporting": ReportingReport,
    "comments": CommentReport,
    "survey": SurveyReport,
    "ties": TiesReport,
}
