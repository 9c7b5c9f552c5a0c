"""Score tree of an assessment: values, intervals, coverage and evidence by node."""

from collections.abc import Iterator
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field

from services.assessment.methods.rules import Goalposts, MinMax, Normalisation
from services.platform.types import Href

IntervalKind = Literal["range", "wilson", "bootstrap", "normal", "simulation"]
"""The origin of an interval: a range, or a statistical method."""

NoIntervalReason = Literal["self_selected", "quota", "full_count", "incomplete"]
"""Why the error of a figure is not estimated: respondents were not drawn, they chose themselves or
were chosen to fill quotas, and no formula for samples holds the error of that; everything was
counted; or what was counted may not be all, which the bounds show."""


class ScoreModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Interval(ScoreModel):
    """The uncertainty of a score, on its own scale."""

    low: float
    high: float
    by: IntervalKind = Field(
        description="Ends of a `range`; else a 95% interval by Wilson's formula, by bootstrap, as "
        "normal, or from a Monte Carlo simulation.",
    )


class EvidenceLink(ScoreModel):
    """A piece of evidence that was read."""

    kind: str = Field(description="Kind of evidence, as in its address.")
    key: str
    version: int | None = Field(description="Version that was read; null of a report.")
    href: Href


class Node(ScoreModel):
    """A node of the tree. A value of null is not zero: `reason` states what is missing."""

    code: str
    name: str
    name_en: str
    proven: float | None = Field(
        default=None,
        description="The score if everything that is not known turned out worst. Null only in "
        "assessments by a method that takes registers as complete.",
    )
    possible: float | None = Field(
        default=None, description="The score if everything that is not known turned out best."
    )
    value: float | None = Field(
        description="The estimate, 0-100: the mean of what is known, or null if evidence is "
        "insufficient."
    )
    interval: Interval | None = Field(
        description="What sampling and stated ranges leave open; null if value is, or if it is not "
        "estimated."
    )
    no_interval_because: NoIntervalReason | None = Field(
        default=None,
        description="Why the error of a value is not estimated. `self_selected`: it is of a survey "
        "whose respondents chose themselves; `quota`: of one whose enumerators chose whom they "
        "asked, until quotas were filled; `full_count`: nothing was sampled; `incomplete`: what "
        "was counted may not be all, see `proven` and `possible`.",
    )
    coverage: float = Field(ge=0, le=1, description="Share of its indicators that have evidence.")
    reason: str | None = Field(description="Reason for a missing value.")
    missing_first: list[str] = Field(
        default_factory=list[str],
        description="Of a node without a value: the fewest indicators whose evidence would give it "
        "one.",
    )
    href: Href | None = Field(None, description="Address of this node in a stored assessment.")

    @property
    def bounds(self) -> tuple[float, float] | None:
        """What is proven and what is possible; None by a method without bounds."""
        if self.proven is None or self.possible is None:
            return None
        return self.proven, self.possible


class IndicatorScore(Node):
    """An indicator: a raw value, and the rule by which it scores."""

    raw: float | None = Field(description="The value before normalisation.")
    goalposts: Goalposts
    normalisation: Normalisation = Field(
        MinMax(), description="Rule that turned the raw value into a score from 0 to 100."
    )
    inputs: dict[str, float] = Field(description="The numbers that it was computed from.")
    evidence: list[EvidenceLink]
    notices: list[str] = Field(
        default_factory=list[str], description="Contradictions in the evidence that was read."
    )


class StudyVerdict(ScoreModel):
    """What a study says of an element or driver, beside its score."""

    word: str = Field(description="The word of the study.")
    band: str | None = Field(
        description="Band of scores that the method maps the word to; null if it does not know it."
    )
    score_band: str | None = Field(description="Band that the score lies in; null without one.")
    agrees: bool | None = Field(description="Whether both bands are the same.")
    statement: str | None = Field(
        description="What the study says, in words; null if only a judgement."
    )
    passage: str = Field(description="Where in its source it stands.")
    sources: list[str] = Field(description="Ids of its sources.")
    evidence: EvidenceLink = Field(description="Record of the verdict.")


class VerdictAgreement(ScoreModel):
    """How far scores and verdicts agree: Cohen's weighted kappa with linear weights.

    The interval is the asymptotic one of Fleiss, Cohen and Everitt (1969), which is rough for few
    nodes.
    """

    verdicts: int = Field(description="Verdicts on elements and drivers.")
    compared: int = Field(description="Those whose node has a score and whose word has a band.")
    equal: int = Field(description="Those in the same band as the score.")
    bands: list[str] = Field(description="Codes of the bands, the lowest first.")
    counts: list[list[int]] = Field(description="By band of the verdict, then of the score.")
    kappa: float | None = Field(description="1 is perfect agreement, 0 that of chance.")
    low: float | None = Field(description="Lower end of its 95% interval.")
    high: float | None = Field(
        description="Upper end of the interval; null if it cannot be computed."
    )
    reason: str | None = Field(description="Reason for a missing kappa.")


class ElementScore(Node):
    """An element or a driver: the mean of its indicators."""

    indicators: list[IndicatorScore]
    verdicts: list[StudyVerdict] = Field(
        default_factory=list[StudyVerdict], description="Verdicts of studies; they score nothing."
    )


class DimensionScore(Node):
    """A dimension: the mean of its elements."""

    elements: list[ElementScore]


class ScoresWithProposals(ScoreModel):
    """Scores as they would be if every proposal were confirmed; no official figure reads them."""

    proposals: int = Field(description="Proposed records, corrections and withdrawals.")
    nodes: list[Node] = Field(
        description="Index, dimensions, elements and drivers, without intervals."
    )


class FormerEvidence(EvidenceLink):
    """A version that counted until it was corrected, withdrawn or disputed over the API."""

    index: Node | None = Field(
        description="The index as it would be if this version still counted; null if there are "
        "more of them than are computed."
    )


class LateEntry(EvidenceLink):
    """A record that was confirmed after its register was declared complete for the year."""

    index: Node | None = Field(
        description="The index as it would be without it; null if there are more of them than are "
        "computed."
    )


class SelfReports(ScoreModel):
    """How much of the index rests on what agencies say about themselves."""

    self_reported: int = Field(
        description="Pieces of its evidence that an agency recorded about itself or about the "
        "government, and the statistics that agencies post."
    )
    evidence: int = Field(description="All pieces of evidence that it reads.")
    share: float = Field(ge=0, le=1, description="Share of the index, from 0 to 1.")


class CompositeScore(Node):
    """A node of a composite index: the mean of its parts, rescaled if it has goalposts."""

    goalposts: Goalposts | None = None
    parts: list["CompositeScore | IndicatorScore"]


class Scores(ScoreModel):
    """The index with its dimensions and the drivers, or with the parts of a composite index."""

    index: Node
    dimensions: list[DimensionScore] = Field(default_factory=list[DimensionScore])
    drivers: list[ElementScore] = Field(default_factory=list[ElementScore])
    parts: list[CompositeScore | IndicatorScore] = Field(
        default_factory=list["CompositeScore | IndicatorScore"],
        description="Of a method of the kind `composite`: what the index is made of.",
    )
    agreement: VerdictAgreement | None = Field(
        default=None,
        description="Agreement with verdicts of studies; null without any.",
    )
    with_proposals: ScoresWithProposals | None = Field(
        default=None, description="Null if nothing is proposed."
    )
    former_evidence: list[FormerEvidence] = Field(
        default_factory=list[FormerEvidence],
        description="What counted before and what the index would be with it, so that no "
        "withdrawal or correction goes unseen.",
    )
    late_entries: list[LateEntry] = Field(
        default_factory=list[LateEntry],
        description="What was added to a register after it was declared complete, and what the "
        "index would be without it.",
    )
    self_reports: SelfReports | None = Field(
        default=None, description="Null if the index reads no evidence whose author is known."
    )

    def nodes(self) -> Iterator[Node]:
        """Yield every node, parents before children."""
        yield self.index
        for dimension in self.dimensions:
            yield dimension
            for element in dimension.elements:
                yield element
                yield from element.indicators
        for driver in self.drivers:
            yield driver
            yield from driver.indicators
        yield from (node for node, _ in self.composite_nodes())

    def composite_nodes(self) -> Iterator[tuple[CompositeScore | IndicatorScore, str]]:
        """Yield the nodes below a composite index, each with the code of its parent."""
        waiting = [(part, self.index.code) for part in reversed(self.parts)]
        while waiting:
            node, parent = waiting.pop()
            yield node, parent
            if isinstance(node, CompositeScore):
                waiting += [(part, node.code) for part in reversed(node.parts)]

    def node(self, code: str) -> Node | None:
        return next((node for node in self.nodes() if node.code == code), None)

    def neighbours(self, code: str) -> tuple[str | None, list[str]]:
        """Return the code of a node's parent and those of its children; a driver has no parent."""
        below = {self.index.code: [dimension.code for dimension in self.dimensions]}
        for dimension in self.dimensions:
            below[dimension.code] = [element.code for element in dimension.elements]
        elements = [element for dimension in self.dimensions for element in dimension.elements]
        for element in (*elements, *self.drivers):
            below[element.code] = [indicator.code for indicator in element.indicators]
        for node, above in self.composite_nodes():
            below.setdefault(above, []).append(node.code)
        parent = next((above for above, children in below.items() if code in children), None)
        return parent, below.get(code, [])

    def with_hrefs(self, base: str) -> "Scores":
        """Return these scores with the address of each node under `base`."""
        tree = {"index", "dimensions", "drivers"}
        return Scores.model_validate(
            _with_hrefs(self.model_dump(include=tree), base) | self.model_dump(exclude=tree)
        )


def _with_hrefs(value: Any, base: str) -> Any:
    if isinstance(value, list):
        return [_with_hrefs(item, base) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        members = {
            name: _with_hrefs(item, base) for name, item in cast("dict[str, Any]", value).items()
        }
        if "coverage" in members:
            members["href"] = f"{base}/{members['code']}"
        return members
    return value
