"""First-order and total Sobol indices of a model's factors.

Estimators: Saltelli et al. (2010) for first-order and Jansen (1999) for total indices, from one
design: two independent tables A and B of numbers, and A with one row at a time out of B.
"""

from collections.abc import Callable
from dataclasses import dataclass

from services.assessment.numerical_libraries import np
from services.assessment.scoring.uncertainty import Draws, RandomStreams

RESAMPLES = 200

Model = Callable[[Draws], Draws]
"""From columns of numbers between 0 and 1, a row for each factor, to an outcome of each column."""


@dataclass(frozen=True)
class SobolIndices:
    """The indices of each factor with their standard errors, and the model's outcomes."""

    first: Draws
    total: Draws
    first_error: Draws
    total_error: Draws
    outcomes: Draws
    """The model's outcomes for the independent tables, A and B."""


def estimate_sobol_indices(model: Model, factors: int, streams: RandomStreams) -> SobolIndices:
    """Run a model (factors + 2) x draws times, and decompose its variance."""
    numbers = streams.uniforms("sobol", 2 * factors)
    a, b = numbers[:factors], numbers[factors:]
    f_a, f_b = model(a), model(b)
    f_ab = np.stack([model(_with_row(a, b, factor)) for factor in range(factors)])
    first, total = sobol_indices(f_a, f_b, f_ab)
    picks = (streams.uniforms("resamples", RESAMPLES) * streams.draws).astype(np.intp)
    again = [sobol_indices(f_a[pick], f_b[pick], f_ab[:, pick]) for pick in picks]
    return SobolIndices(
        first=first,
        total=total,
        first_error=np.std([one for one, _ in again], axis=0),
        total_error=np.std([other for _, other in again], axis=0),
        outcomes=np.concatenate([f_a, f_b]),
    )


def sobol_indices(f_a: Draws, f_b: Draws, f_ab: Draws) -> tuple[Draws, Draws]:
    """Return first-order and total indices from the outcomes of A, B, and A with a row out of B.

    Without variance, all indices are 0.
    """
    variance = float(np.var(np.concatenate([f_a, f_b])))
    if variance <= np.finfo(np.float64).eps * max(1.0, float(np.mean(f_a)) ** 2):
        return np.zeros(len(f_ab)), np.zeros(len(f_ab))
    # The first estimator is unbiased whatever the mean; close to 0 it varies least.
    centre = np.mean(np.concatenate([f_a, f_b, f_ab.ravel()]))
    first = np.mean((f_b - centre) * (f_ab - f_a), axis=1) / variance
    total = np.mean((f_a - f_ab) ** 2, axis=1) / (2 * variance)
    return first, total


def _with_row(a: Draws, b: Draws, row: int) -> Draws:
    mixed = a.copy()
    mixed[row] = b[row]
    return mixed
