"""Satisfaction index from the totals of its elements, by the method's weights and predicates."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from pydantic import Field

from services.assessment.methods.definition import SatisfactionMethod
from services.assessment.methods.predicates import predicate_of
from services.assessment.scoring.scores import ScoreModel

HIGHEST_ANSWER = 4


class SatisfactionScores(ScoreModel):
    """IKM = 25 x sum(NRR x weight), rounded to two decimals before it is graded."""

    n: int
    weight: str
    value: float
    grade: str
    nrr: dict[str, float] = Field(description="Mean answer of each element, 1-4.")


def score_satisfaction(
    method: SatisfactionMethod,
    totals: Mapping[str, int],
    *,
    n: int,
    weight: str | None = None,
) -> SatisfactionScores:
    """Return the index of n complete responses; `ValueError` names an impossible total."""
    chosen = method.weights[0] if weight is None else weight
    if chosen not in method.weights:
        raise ValueError(f"the weight must be one of {', '.join(method.weights)}, not {chosen}")
    if n < 1:
        raise ValueError("an index needs at least one response")
    codes = [element.code for element in method.elements]
    if set(totals) != set(codes):
        raise ValueError(f"a total of each element is needed: {', '.join(codes)}")
    for code in codes:
        if not n <= totals[code] <= HIGHEST_ANSWER * n:
            raise ValueError(
                f"{code}: {n} answers of 1-4 sum to {n}-{HIGHEST_ANSWER * n}, not {totals[code]}"
            )
    means = {code: Fraction(totals[code], n) for code in codes}
    index = _two_decimals(25 * sum(means.values(), Fraction(0)) * Fraction(chosen))
    return SatisfactionScores(
        n=n,
        weight=chosen,
        value=float(index),
        grade=predicate_of(float(index), method.predicates),
        nrr={code: float(round(mean, 4)) for code, mean in means.items()},
    )


def _two_decimals(value: Fraction) -> Decimal:
    """Round half up to two decimals, as the regulation's tables do."""
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return exact.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
