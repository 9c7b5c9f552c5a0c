"""Response models of published indices."""

from datetime import date
from typing import Literal

from pydantic import Field

from services.assessment.methods.predicates import Predicate
from services.assessment.scoring.results import LevelSteps, TargetPath
from services.platform.api_model import ApiModel
from services.platform.types import Href


class PublishedValue(ApiModel):
    """A value of an index as printed, beside the predicate by the regulation's ranges."""

    year: int | None = Field(description="Null for a national minimum that has no year.")
    role: Literal["published", "target", "national_minimum"]
    value: float = Field(description="Value as printed, on the scale of the index.")
    predicate_published: str | None = Field(description="The printed predicate, if any.")
    predicate_by_ranges: str = Field(description="The predicate by the regulation's ranges.")
    agrees: bool | None = Field(
        description="Whether the two predicates are equal; null if none was printed."
    )
    method_in_force: bool | None = Field(
        description="Whether the index was in force in that year; a plan may aim past its end. "
        "Null without a year."
    )
    note: str | None
    source_hrefs: list[str]


class IndexItem(ApiModel):
    """An index with its values."""

    id: str = Field(description="Name of the index in addresses, such as `spbe-2020`.")
    name: str
    name_en: str
    provisional: bool
    valid_from: date | None
    valid_to: date | None
    predicates: list[Predicate] = Field(description="Each range from its `low` on.")
    values: list[PublishedValue]
    path: TargetPath | None = Field(
        description="The linear path from the last published value to the next target."
    )
    level_steps: LevelSteps | None = Field(
        description="How many steps of one level the path takes: the levels are not published, so "
        "the numbers hold for all levels with that value. Null without a path."
    )
    href: Href
    method_href: Href
