"""What a method is: a tree of indicators, an index of levels, or a satisfaction index."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, TypeAdapter, model_validator

from services.assessment.methods.measures import Measure
from services.platform.fields import Line, Slug, Text
from services.platform.packs import PackModel, content_hash

NodeCode = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)?$", min_length=1, max_length=80)
]


class Goalposts(PackModel):
    """Raw values that score 0 and 100, fixed in the method: no score moves because of another's."""

    min: float
    max: float
    direction: Literal["higher", "lower"] = "higher"

    @model_validator(mode="after")
    def _apart(self) -> "Goalposts":
        if self.min >= self.max:
            raise ValueError("min must lie below max")
        return self


class Named(PackModel):
    """A node of the tree with its names."""

    code: NodeCode
    name: Line
    name_en: Line


class IndicatorDefinition(Named):
    """One indicator: its measure and the goalposts that turn it into 0-100."""

    goalposts: Goalposts = Goalposts(min=0, max=1)
    measure: Measure


class ElementDefinition(Named):
    """An element, or a driver: the mean of its indicators."""

    indicators: list[IndicatorDefinition] = Field(min_length=1)


class DimensionDefinition(Named):
    """A dimension: the mean of its elements."""

    elements: list[ElementDefinition] = Field(min_length=1)


class MethodHead(PackModel):
    """What every method says of itself."""

    id: Slug
    version: int = Field(ge=1)
    name: Line
    name_en: Line
    description: Text
    description_en: Text
    valid_from: date | None = None
    valid_to: date | None = None
    provisional: bool = False
    sources: list[Line] = Field(min_length=1, description="Papers and regulations it follows.")

    def hash(self) -> str:
        """SHA-256 of the method's content: two methods with one hash are the same."""
        return content_hash(self.model_dump(mode="json"))


class CollaborationMethod(MethodHead):
    """A tree of indicators: index, dimensions, elements; beside it drivers."""

    kind: Literal["collaboration"]
    index: Named
    minimum_coverage: float = Field(
        0.5, ge=0, le=1, description="An element with a smaller share of evidence is null."
    )
    dimensions: list[DimensionDefinition] = Field(min_length=1)
    drivers: list[ElementDefinition] = Field(default_factory=list[ElementDefinition])

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
        twice = sorted({code for code in codes if codes.count(code) > 1})
        if twice:
            raise ValueError(f"codes must be unique; used twice: {', '.join(twice)}")
        for element in self.elements():
            for indicator in element.indicators:
                if not indicator.code.startswith(f"{element.code}."):
                    raise ValueError(f"{indicator.code} must start with {element.code!r} and a dot")
        return self


class Predicate(PackModel):
    """A word for a range of an index: from `low` on, below the next one's `low`."""

    name: Line
    low: float


class LevelIndicator(PackModel):
    """An indicator that has a level, and its weight in percent."""

    number: int = Field(ge=1)
    name: Line | None = None
    aspect: Line
    domain: Line | None = None
    weight: float = Field(gt=0, le=100)


class LevelsMethod(MethodHead):
    """An index of levels: sum of level x weight / 100."""

    kind: Literal["levels"]
    levels: tuple[int, int] = Field(description="Lowest and highest level.")
    indicators: list[LevelIndicator] = Field(min_length=1)
    predicates: list[Predicate] = Field(min_length=1)

    @model_validator(mode="after")
    def _weights_and_order(self) -> "LevelsMethod":
        total = sum(indicator.weight for indicator in self.indicators)
        if abs(total - 100) > 1e-9:
            raise ValueError(f"the weights must sum to 100, not {total:g}")
        lows = [predicate.low for predicate in self.predicates]
        if lows != sorted(set(lows)):
            raise ValueError("predicates must rise by their low")
        return self

    def predicate_of(self, value: float) -> str:
        """The word for a value by the ranges."""
        fitting = [predicate for predicate in self.predicates if predicate.low <= value]
        return (fitting or self.predicates)[-1 if fitting else 0].name


class SatisfactionElement(PackModel):
    """One of the nine elements of service satisfaction."""

    code: Line
    name: Line
    name_en: Line


class SatisfactionMethod(MethodHead):
    """The satisfaction index: IKM = 25 x sum(NRR x weight)."""

    kind: Literal["satisfaction"]
    weights: list[Line] = Field(min_length=1)
    elements: list[SatisfactionElement] = Field(min_length=1)
    predicates: list[Predicate] = Field(min_length=1)


Method = Annotated[
    CollaborationMethod | LevelsMethod | SatisfactionMethod, Field(discriminator="kind")
]
METHOD: TypeAdapter[CollaborationMethod | LevelsMethod | SatisfactionMethod] = TypeAdapter(Method)
