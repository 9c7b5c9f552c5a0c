"""The satisfaction index IKM of the survey SKM (PermenPANRB 14/2017, annex)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from statistics import NormalDist, stdev
from typing import Literal

ELEMENTS = ("U1", "U2", "U3", "U4", "U5", "U6", "U7", "U8", "U9")
Grade = Literal["A", "B", "C", "D"]
Weight = Literal["1/9", "0.11"]

WEIGHTS: Mapping[Weight, Fraction] = {"1/9": Fraction(1, 9), "0.11": Fraction(11, 100)}
"""1/9 is exact; 0.11 is for a regency that must match its older reports."""

_LOWEST_OF_GRADE: tuple[tuple[Decimal, Grade], ...] = (
    (Decimal("88.31"), "A"),
    (Decimal("76.61"), "B"),
    (Decimal("65.00"), "C"),
    (Decimal("25.00"), "D"),
)


@dataclass(frozen=True)
class ElementResult:
    """One of the nine elements: its total, and its mean value (NRR) between 1 and 4."""

    code: str
    total: int
    nrr: Fraction


@dataclass(frozen=True)
class IkmResult:
    """The index of a set of responses, with the 95% interval of its mean."""

    n: int
    weight: Weight
    ikm: Decimal
    grade: Grade
    low: Decimal
    high: Decimal
    elements: tuple[ElementResult, ...]


def two_decimals(value: Fraction) -> Decimal:
    """Rounded half up to two decimals, as the regulation's tables are."""
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return exact.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def grade(ikm: Decimal) -> Grade:
    """The grade of an index that is rounded to two decimals: D 25-64.99 ... A 88.31-100."""
    for lowest, name in _LOWEST_OF_GRADE:
        if ikm >= lowest:
            return name
    raise ValueError(f"an IKM is at least 25.00, not {ikm}")


def ikm_of_totals(totals: Sequence[int], n: int, *, weight: Weight = "1/9") -> Decimal:
    """IKM = 25 x sum(NRR x weight), with NRR = total of an element / n."""
    if n < 1:
        raise ValueError("an IKM needs at least one response")
    index = sum((Fraction(total, n) for total in totals), Fraction(0))
    return two_decimals(25 * index * WEIGHTS[weight])


def ikm_result(responses: Sequence[Mapping[str, int]], *, weight: Weight = "1/9") -> IkmResult:
    """The index of complete responses (each element 1-4) and the interval of its mean.

    The interval is the normal one over the respondents' own indices, clipped to the scale (25-100;
    with the weight 0.11 24.75-99); with one respondent it is the whole scale.
    """
    n = len(responses)
    totals = [sum(response[code] for response in responses) for code in ELEMENTS]
    ikm = ikm_of_totals(totals, n, weight=weight)
    low, high = (ikm_of_totals([level] * len(ELEMENTS), 1, weight=weight) for level in (1, 4))
    if n > 1:
        own = [
            float(25 * WEIGHTS[weight] * sum(response[code] for code in ELEMENTS))
            for response in responses
        ]
        half = Decimal(NormalDist().inv_cdf(0.975) * stdev(own) / math.sqrt(n))
        half = half.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
        low, high = max(low, ikm - half), min(high, ikm + half)
    elements = tuple(
        ElementResult(code, total, Fraction(total, n))
        for code, total in zip(ELEMENTS, totals, strict=True)
    )
    # With the weight 0.11 nine ones give 24.75, under the regulation's own scale.
    graded = max(ikm, Decimal("25.00"))
    return IkmResult(n, weight, ikm, grade(graded), low, high, elements)
