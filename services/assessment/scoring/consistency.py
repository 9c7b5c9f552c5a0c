"""Internal consistency of averaged figures: correlations and Cronbach's alpha."""

from collections.abc import Sequence

from pydantic import Field

from services.assessment.numerical_libraries import np
from services.assessment.scoring.scores import ScoreModel
from services.assessment.scoring.uncertainty import Draws

MIN_CASES = 3
DECIMALS = 4


class Correlation(ScoreModel):
    """Pearson's correlation of two nodes over the cases that have both."""

    one: str = Field(description="Code of one node.")
    other: str = Field(description="Code of the other node.")
    r: float | None = Field(
        description="Null with fewer than three cases, or if one does not vary."
    )
    n: int = Field(description="Number of cases that have both.")


class Consistency(ScoreModel):
    """Internal consistency of nodes over regencies or years."""

    nodes: list[str] = Field(description="Codes of the nodes that are compared.")
    cases: int = Field(description="Cases that have a value of every node.")
    alpha: float | None = Field(description="Cronbach's alpha over those cases.")
    reason: str | None = Field(description="Why no figure can be given; null if there is one.")
    correlations: list[Correlation]


def consistency(nodes: Sequence[str], values: Draws) -> Consistency:
    """Return the diagnostics of a table with a row for each case; a missing value is NaN."""
    complete = values[~np.isnan(values).any(axis=1)] if values.size else values
    alpha = _alpha(complete) if len(complete) >= MIN_CASES else None
    reason = None
    if len(complete) < MIN_CASES:
        reason = f"{len(complete)} cases have every value, at least {MIN_CASES} are needed"
    elif alpha is None:
        reason = "the values do not vary, or there is a single node"
    return Consistency(
        nodes=list(nodes),
        cases=len(complete),
        alpha=None if alpha is None else round(alpha, DECIMALS),
        reason=reason,
        correlations=[
            _correlation(nodes[a], nodes[b], values[:, [a, b]])
            for a in range(len(nodes))
            for b in range(a + 1, len(nodes))
        ],
    )


def _alpha(values: Draws) -> float | None:
    if np.ptp(values.sum(axis=1)) == 0:  # rounding may leave a trace of variance
        return None
    return cronbach_alpha(np.atleast_2d(np.cov(values.T)))


def cronbach_alpha(covariance: Draws) -> float | None:
    """Return k / (k - 1) x (1 - sum of variances / variance of the sum) of a covariance."""
    k = len(covariance)
    whole = float(covariance.sum())
    if k < 2 or whole <= 0:
        return None
    return k / (k - 1) * (1 - float(np.trace(covariance)) / whole)


def _correlation(one: str, other: str, pair: Draws) -> Correlation:
    both = pair[~np.isnan(pair).any(axis=1)]
    r = None
    if len(both) >= MIN_CASES and np.ptp(both, axis=0).min() > 0:
        r = round(float(np.asarray(np.corrcoef(both.T))[0, 1]), DECIMALS)
    return Correlation(one=one, other=other, r=r, n=len(both))
