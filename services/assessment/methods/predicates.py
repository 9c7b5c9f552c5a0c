"""Names of the ranges of an index, such as "Baik"."""

from collections.abc import Sequence

from pydantic import Field

from services.platform.packs import PackModel
from services.platform.types import ShortText


class Predicate(PackModel):
    """The name of a range of an index, from `low` up to the next range's `low`."""

    name: ShortText = Field(description="Name of the range, such as `Baik`.")
    low: float = Field(description="Lowest value of the range.")


def predicate_of(value: float, predicates: Sequence[Predicate]) -> str:
    """Return the name of a value's range: the last that starts at or below it, else the first."""
    fitting = [predicate for predicate in predicates if predicate.low <= value]
    return (fitting or list(predicates))[-1 if fitting else 0].name
