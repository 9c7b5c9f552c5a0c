"""The satisfaction index IKM of the survey SKM (PermenPANRB 14/2017, annex)."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from statistics import NormalDist
from typing import Literal

ELEMENTS = ("U1", "U2", "U3", "U4", "U5", "U6", "U7", "U8", "U9")
Grade = Literal["A", "B", "C", "D"]
Weight = Literal["1/9", "0.11"]

WEIGHTS: Mapping[Weight, Fraction] = {"1/9": Fraction(1, 9), "0.11": Fraction(11, 100)}
"""1/9 is exact; 0.11 matches older reports of a regency."""

_GRADE_THRESHOLDS: tuple[tuple[Decimal, Grade], ...] = (
    (Decimal("88.31"), "A"),
    (Decimal("76.61"), "B"),
    (Decimal("65.00"), "C"),
    (Decimal("25.00"), "D"),
)


@dataclass(frozen=True)
class ElementResult:
    """One of the nine elements: its total and its mean value (NRR), between 1 and 4."""

    code: str
    total: int
    nrr: Fraction


@dataclass(frozen=True)
class IkmResult:
    """The index of a set of responses with the 95% confidence interval of its mean."""

    n: int
    weight: Weight
    ikm: Decimal
    grade: Grade
    low: Decimal
    high: Decimal
    standard_deviation: float
    """Of the respondents' individual indices; 0 with one respondent."""
    elements: tuple[ElementResult, ...]


def two_decimals(value: Fraction) -> Decimal:
    """Round half up to two decimals, as in the regulation's tables."""
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return exact.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def grade(ikm: Decimal) -> Grade:
    """Return the grade of an index rounded to two decimals: D 25-64.99 ... A 88.31-100."""
    for lowest, name in _GRADE_THRESHOLDS:
        if ikm >= lowest:
            return name
    raise ValueError(f"an IKM is at least 25.00, not {ikm}")


def ikm_of_totals(totals: Sequence[int], n: int, *, weight: Weight = "1/9") -> Decimal:
    """Return the IKM: 25 x sum(NRR x weight), with NRR = total of an element / n."""
    if n < 1:
        raise ValueError("an IKM needs at least one response")
    index = sum((Fraction(total, n) for total in totals), Fraction(0))
    return two_decimals(25 * index * WEIGHTS[weight])


@dataclass(frozen=True)
class Tally:
    """The sums that the index needs of complete responses; tallies of disjoint sets add up."""

    n: int
    totals: Mapping[str, int]
    """Sum of the answers, by element."""
    sum_of_scores: int
    """Sum of the scores; a respondent's score is the sum of the nine answers."""
    sum_of_squares: int
    """Sum of the squared scores."""

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            n=self.n + other.n,
            totals={code: self.totals[code] + other.totals[code] for code in ELEMENTS},
            sum_of_scores=self.sum_of_scores + other.sum_of_scores,
            sum_of_squares=self.sum_of_squares + other.sum_of_squares,
        )


def tally(responses: Iterable[Mapping[str, int]]) -> Tally:
    """Return the tally of complete responses (each element 1-4)."""
    rows = [[response[code] for code in ELEMENTS] for response in responses]
    scores = [sum(row) for row in rows]
    return Tally(
        n=len(rows),
        totals={code: sum(row[index] for row in rows) for index, code in enumerate(ELEMENTS)},
        sum_of_scores=sum(scores),
        sum_of_squares=sum(score * score for score in scores),
    )


def ikm_result(responses: Sequence[Mapping[str, int]], *, weight: Weight = "1/9") -> IkmResult:
    """Return the index of complete responses (each element 1-4) and the interval of its mean."""
    return ikm_of(tally(responses), weight=weight)


def ikm_of(tallied: Tally, *, weight: Weight = "1/9", population: int | None = None) -> IkmResult:
    """Return the index of a tally and the confidence interval of its mean.

    The interval is the normal approximation over the respondents' individual indices, clipped to
    the range of the weight (25-100 with 1/9); with one respondent it is the whole range. Of a known
    population it is corrected by sqrt((N - n) / (N - 1)): who asks everybody is certain.
    """
    n = tallied.n
    totals = [tallied.totals[code] for code in ELEMENTS]
    ikm = ikm_of_totals(totals, n, weight=weight)
    low, high = (ikm_of_totals([level] * 9, 1, weight=weight) for level in (1, 4))
    deviation = 0.0
    if n > 1:
        variance = Fraction(n * tallied.sum_of_squares - tallied.sum_of_scores**2, n * (n - 1))
        deviation = 25 * float(WEIGHTS[weight]) * math.sqrt(variance)
        error = deviation / math.sqrt(n)
        if population is not None:
            error *= math.sqrt((population - n) / (population - 1))
        half = Decimal(NormalDist().inv_cdf(0.975) * error)
        half = half.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
        low, high = max(low, ikm - half), min(high, ikm + half)
    elements = tuple(
        ElementResult(code, total, Fraction(total, n))
        for code, total in zip(ELEMENTS, totals, strict=True)
    )
    # With the weight 0.11 nine ones give 24.75, below the regulation's scale.
    graded = max(ikm, Decimal("25.00"))
    return IkmResult(n, weight, ikm, grade(graded), low, high, deviation, elements)


def priorities(result: IkmResult) -> list[str]:
    """Return the elements by priority: the lowest mean value first."""
    ordered = sorted(result.elements, key=lambda element: (element.nrr, element.code))
    return [element.code for element in ordered]


def sample_needed(population: int) -> int:
    """Return how many responses represent a population (Krejcie and Morgan 1970, as annexed).

    s = X2 N P (1-P) / (d2 (N-1) + X2 P (1-P)), with X2 = 3.841, P = 0.5 and d = 0.05, rounded as
    in their table.
    """
    if population < 1:
        raise ValueError("a population has at least one member")
    chi, half = Fraction("3.841"), Fraction(1, 4)
    size = chi * population * half / (Fraction("0.0025") * (population - 1) + chi * half)
    return math.floor(size + Fraction(1, 2))
