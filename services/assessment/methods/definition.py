"""Method definitions: a tree of indicators, an index of levels, or a satisfaction index."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    TypeAdapter,
    model_validator,
)

from services.assessment.methods.actions import ActionDefinition, Measured
from services.assessment.methods.data_rules import Imputation, OutlierTreatment
from services.assessment.methods.measure_definitions import Measure, Observed
from services.assessment.methods.predicates import Predicate, predicate_of
from services.assessment.methods.rules import (
    Aggregation,
    EqualWeights,
    Goalposts,
    Logarithm,
    Mean,
    MinMax,
    Normalisation,
    RegisterRule,
    Weights,
)
from services.assessment.methods.verdict_scale import VerdictScale
from services.platform.packs import PackModel, content_hash
from services.platform.types import ShortText, Slug, StrictNumber, Text

Fraction_ = Annotated[
    str, StringConstraints(pattern=r"^(0|[1-9]\d*)(\.\d+|/[1-9]\d*)$", max_length=40)
]
"""An exact number: `1/9`, or `0.11`."""

NodeCode = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)?$", min_length=1, max_length=80)
]


MAX_VERSION = 2**31 - 1
"""The highest version that has an address."""
MAX_DEPTH = 12
"""Levels of nodes above the indicators of a composite index."""


class NamedNode(PackModel):
    """A node of the tree with its names."""

    code: NodeCode
    name: ShortText
    name_en: ShortText


class WeightedNode(NamedNode):
    """A node below another, with its weight among its siblings."""

    weight: float = Field(1, gt=0, le=1000, description="Only with weights of the kind `given`.")


class IndicatorDefinition(WeightedNode):
    """An indicator: its measure and the rule that scores it from 0 to 100."""

    reason: Text | None = Field(None, description="Why it is scored between these ends.")
    source: ShortText | None = Field(None, description="Where the question comes from.")
    goalposts: Goalposts = Goalposts(min=0, max=1)
    normalisation: Normalisation = Field(
        MinMax(), description="Rule that turns a raw value into a score from 0 to 100."
    )
    measure: Measure

    @model_validator(mode="after")
    def _has_logarithms(self) -> Self:
        if isinstance(self.normalisation, Logarithm) and self.goalposts.min <= 0:
            raise ValueError(
                f"a normalisation of the kind 'log' needs goalposts above 0, not "
                f"{self.goalposts.min:g}"
            )
        return self


class ElementDefinition(WeightedNode):
    """An element, or a driver: the mean of its indicators."""

    reason: Text | None = Field(None, description="Of a driver: why its direction is this one.")
    indicators: list[IndicatorDefinition] = Field(min_length=1, max_length=1000)


class DimensionDefinition(WeightedNode):
    """A dimension: the mean of its elements."""

    elements: list[ElementDefinition] = Field(min_length=1, max_length=1000)


class MethodBase(PackModel):
    """Fields that every method has."""

    id: Slug = Field(description="Name of the method in addresses, such as `cgr-2015`.")
    version: Annotated[int, StrictNumber] = Field(ge=1, le=MAX_VERSION)
    name: ShortText
    name_en: ShortText
    description: Text
    description_en: Text
    valid_from: date | None = None
    valid_to: date | None = None
    provisional: bool = False
    sources: list[ShortText] = Field(
        min_length=1, max_length=100, description="Papers and regulations that it follows."
    )

    @model_validator(mode="after")
    def _dates_in_order(self) -> Self:
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError("valid_to must not lie before valid_from")
        return self

    def document(self) -> dict[str, Any]:
        """Return the method as it is hashed, stored and published: without default values."""
        return self.model_dump(mode="json", exclude_defaults=True)

    def hash(self) -> str:
        """Return the SHA-256 of the method's content; equal hashes mean equal methods.

        A rule added later whose default is the present behaviour changes no hash.
        """
        return content_hash(self.document())

    def is_valid_in(self, year: int) -> bool:
        """Return whether the method is in force on any day of a year."""
        begun = self.valid_from is None or self.valid_from.year <= year
        return begun and (self.valid_to is None or self.valid_to.year >= year)

    def validity(self) -> str:
        """Return the validity period in words."""
        first = f"from {self.valid_from}" if self.valid_from else ""
        last = f"until {self.valid_to}" if self.valid_to else ""
        return " ".join(part for part in (first, last) if part) or "without end"


class CollaborationMethod(MethodBase):
    """A tree of indicators: index, dimensions and elements, with drivers beside it."""

    kind: Literal["collaboration"]
    index: NamedNode = Field(description="Name of the index at the top of the tree.")
    weights: Weights = EqualWeights()
    aggregation: Aggregation = Field(
        Aggregation(), description="How parts are combined at each level of the tree."
    )
    registers: RegisterRule = Field(
        "assumed",
        description="`declared`: only a register that is declared complete for the year proves "
        "absence, and every node has the bounds that the evidence proves. `assumed`: what is "
        "recorded is taken for all that there is, and nodes have no bounds.",
    )
    minimum_coverage: float = Field(
        0.5, ge=0, le=1, description="An element with a smaller share of evidence is null."
    )
    minimum_elements: float = Field(
        0,
        ge=0,
        le=1,
        description="A dimension with a smaller share of elements that have a value is null; with "
        "none it always is.",
    )
    minimum_dimensions: float = Field(
        1,
        ge=0,
        le=1,
        description="With a smaller share of dimensions that have a value the index is null.",
    )
    minimum_indicators: float = Field(
        0,
        ge=0,
        le=1,
        description="With a smaller share of the dimensions' indicators that have evidence the "
        "index is null.",
    )
    verdicts: VerdictScale | None = Field(
        None, description="Words of studies and the bands of scores that they stand for."
    )
    dimensions: list[DimensionDefinition] = Field(min_length=1, max_length=1000)
    drivers: list[ElementDefinition] = Field(
        default_factory=list[ElementDefinition], max_length=1000
    )
    actions: list[ActionDefinition] = Field(
        default_factory=list[ActionDefinition],
        max_length=100,
        description="What can be done to raise the scores; with `registers: declared` only.",
    )

    def elements(self) -> Iterator[ElementDefinition]:
        for dimension in self.dimensions:
            yield from dimension.elements
        yield from self.drivers

    def indicators(self) -> Iterator[IndicatorDefinition]:
        for element in self.elements():
            yield from element.indicators

    @model_validator(mode="after")
    def _codes_are_unique(self) -> "CollaborationMethod":
        codes = [self.index.code, *(dimension.code for dimension in self.dimensions)]
        codes += [element.code for element in self.elements()]
        codes += [indicator.code for indicator in self.indicators()]
        _check_codes(codes)
        for element in self.elements():
            for indicator in element.indicators:
                if not indicator.code.startswith(f"{element.code}."):
                    raise ValueError(f"{indicator.code} must start with {element.code!r} and a dot")
        return self

    @model_validator(mode="after")
    def _actions_fit(self) -> "CollaborationMethod":
        if self.actions and self.registers != "declared":
            raise ValueError("actions need 'registers: declared': they raise what is proven")
        codes = [action.code for action in self.actions]
        if len(set(codes)) < len(codes):
            raise ValueError("codes of actions must be unique")
        known = {indicator.code for indicator in self.indicators()}
        for action in self.actions:
            for change in action.changes:
                if isinstance(change, Measured) and change.indicator not in known:
                    raise ValueError(f"{action.code}: there is no indicator {change.indicator!r}")
        return self

    @model_validator(mode="after")
    def _weights_only_if_given(self) -> "CollaborationMethod":
        _check_weights(self.weights, [*self.dimensions, *self.elements(), *self.indicators()])
        return self


def _check_codes(codes: Sequence[str]) -> None:
    """Raise `ValueError` if a code is used twice."""
    twice = sorted(code for code, times in Counter(codes).items() if times > 1)
    if twice:
        raise ValueError(f"codes must be unique; used twice: {', '.join(twice)}")


def _check_weights(weights: Weights, parts: Sequence[WeightedNode]) -> None:
    """Raise `ValueError` if a part has a weight that the method would not use."""
    for part in parts:
        if weights.kind != "given" and part.weight != 1:
            raise ValueError(
                f"{part.code} has a weight of {part.weight:g}, but weights.kind is "
                f"{weights.kind!r}; write 'given', or leave the weight out"
            )


class CompositeNode(WeightedNode):
    """A node of a composite index: the mean of its parts."""

    mean: Mean = Field("arithmetic", description="Kind of mean by which the parts are combined.")
    goalposts: Goalposts | None = Field(
        None,
        description="Means that score 0 and 100: the node is rescaled between them. Default: as "
        "the mean is.",
    )
    minimum_coverage: float = Field(
        0.5, ge=0, le=1, description="With a smaller share of parts that have a value it is null."
    )
    parts: list["CompositePart"] = Field(min_length=1, max_length=100)

    @model_validator(mode="after")
    def _rises_with_its_parts(self) -> Self:
        if self.goalposts is not None and self.goalposts.direction == "lower":
            raise ValueError(
                f"{self.code}: a node rises with its parts; give its indicators the direction "
                "'lower' instead of the node"
            )
        return self


def _kind_of_part(value: object) -> str:
    """Return which of the two kinds a part is, by the field that only nodes have."""
    if isinstance(value, Mapping):
        return "node" if "parts" in value else "indicator"
    return "node" if isinstance(value, CompositeNode) else "indicator"


CompositePart = Annotated[
    Annotated[CompositeNode, Tag("node")] | Annotated[IndicatorDefinition, Tag("indicator")],
    Discriminator(_kind_of_part),
]


class CompositeMethod(MethodBase):
    """A composite index of any depth: a root whose parts are nodes or indicators."""

    kind: Literal["composite"]
    root: CompositeNode = Field(description="Node at the top of the tree.")
    weights: Weights = EqualWeights()
    minimum_indicators: float = Field(
        0,
        ge=0,
        le=1,
        description="With a smaller share of indicators that have evidence the index is null.",
    )
    imputation: Imputation | None = Field(
        None, description="Of missing values in a table of units; an assessment has none."
    )
    treatment: OutlierTreatment | None = Field(
        None, description="Of outliers in a table of units, after imputation."
    )

    @property
    def index(self) -> NamedNode:
        return self.root

    @property
    def registers(self) -> RegisterRule:
        """Return the rule by which every node has bounds, as a composite index always has."""
        return "declared"

    def nodes(self) -> Iterator[CompositeNode]:
        """Yield the root and all nodes below it, parents before their parts."""
        waiting = [self.root]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += [part for part in reversed(node.parts) if isinstance(part, CompositeNode)]

    def indicators(self) -> Iterator[IndicatorDefinition]:
        """Yield the indicators of all nodes."""
        for node in self.nodes():
            yield from (part for part in node.parts if isinstance(part, IndicatorDefinition))

    @model_validator(mode="after")
    def _codes_are_unique(self) -> Self:
        _check_codes([part.code for part in (*self.nodes(), *self.indicators())])
        return self

    @model_validator(mode="after")
    def _weights_only_if_given(self) -> Self:
        _check_weights(self.weights, [*self.nodes(), *self.indicators()])
        return self

    @model_validator(mode="after")
    def _transforms_what_minmax_scores(self) -> Self:
        if self.treatment is None or self.treatment.transform is None:
            return self
        for one in self.indicators():
            measure = one.measure
            if not isinstance(measure, Observed) or measure.subject in self.treatment.exempt:
                continue
            if not isinstance(one.normalisation, MinMax):
                raise ValueError(
                    f"{one.code}: only a normalisation of the kind 'minmax' scores what "
                    f"treatment.transform may change; write {measure.subject!r} into "
                    "treatment.exempt, or transform: null"
                )
        return self

    @model_validator(mode="after")
    def _is_not_too_deep(self) -> Self:
        depth, level = 0, [self.root]
        while level:
            depth += 1
            level = [
                part for node in level for part in node.parts if isinstance(part, CompositeNode)
            ]
        if depth > MAX_DEPTH:
            raise ValueError(f"a tree may have {MAX_DEPTH} levels of nodes, not {depth}")
        return self


LevelNumber = Annotated[int, Field(ge=0, le=100)]


class LevelIndicator(PackModel):
    """An indicator scored by level, with its weight in percent."""

    number: int = Field(ge=1, description="Number of the indicator in the regulation.")
    name: ShortText | None = Field(
        None, description="Name of the indicator; null if the method gives none."
    )
    aspect: ShortText = Field(description="Aspect of the index to which the indicator belongs.")
    domain: ShortText | None = None
    weight: float = Field(gt=0, le=100, description="Weight in percent; all together are 100.")
    criteria: dict[LevelNumber, Text] = Field(
        default_factory=dict[int, str],
        max_length=101,
        description="What each level requires, as the regulation says; without it the method knows "
        "no criteria.",
    )


class LevelsMethod(MethodBase):
    """An index of levels: sum of level x weight / 100."""

    kind: Literal["levels"]
    levels: tuple[int, int] = Field(description="Lowest and highest level.")
    indicators: list[LevelIndicator] = Field(min_length=1, max_length=1000)
    predicates: list[Predicate] = Field(min_length=1, max_length=1000)

    @model_validator(mode="after")
    def _weights_and_order(self) -> "LevelsMethod":
        total = sum(indicator.weight for indicator in self.indicators)
        if abs(total - 100) > 1e-9:
            raise ValueError(f"the weights must sum to 100, not {total:g}")
        lows = [predicate.low for predicate in self.predicates]
        if lows != sorted(set(lows)):
            raise ValueError("predicates must rise by their low")
        if self.levels[0] >= self.levels[1]:
            raise ValueError("the lowest level must lie below the highest")
        numbers = [indicator.number for indicator in self.indicators]
        twice = sorted({number for number in numbers if numbers.count(number) > 1})
        if twice:
            raise ValueError(f"numbers must be unique; used twice: {', '.join(map(str, twice))}")
        for one in self.indicators:
            if any(not self.levels[0] <= level <= self.levels[1] for level in one.criteria):
                raise ValueError(f"the criteria of indicator {one.number} are of other levels")
        return self

    def predicate_of(self, value: float) -> str:
        """Return the predicate of a value by the method's ranges."""
        return predicate_of(value, self.predicates)


class SatisfactionElement(PackModel):
    """One of the nine elements of service satisfaction (PermenPANRB 14/2017)."""

    code: ShortText
    name: ShortText
    name_en: ShortText


class SatisfactionMethod(MethodBase):
    """The satisfaction index: IKM = 25 x sum(NRR x weight)."""

    kind: Literal["satisfaction"]
    weights: list[Fraction_] = Field(
        min_length=1,
        max_length=100,
        description="Weights that a regency may choose; the first is the default.",
    )
    elements: list[SatisfactionElement] = Field(min_length=1, max_length=1000)
    predicates: list[Predicate] = Field(min_length=1, max_length=1000)


AnyMethod = CollaborationMethod | CompositeMethod | LevelsMethod | SatisfactionMethod
TreeMethod = CollaborationMethod | CompositeMethod
"""A method whose index is the root of a tree of indicators."""

Method = Annotated[AnyMethod, Field(discriminator="kind")]
METHOD: TypeAdapter[AnyMethod] = TypeAdapter(Method)
