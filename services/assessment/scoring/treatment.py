"""Treatment of outliers in a variable over units, as `Treat` of the R package COINr does it.

Skewness and kurtosis are those of type 2 (unbiased for normal data; Joanes and Gill 1998). NaN is
a missing value and remains one.
"""

import math
from dataclasses import dataclass
from typing import Literal

from services.assessment.methods.data_rules import (
    BoxCoxTransform,
    LogTransform,
    OutlierTreatment,
    SkewLogTransform,
    Transform,
)
from services.assessment.numerical_libraries import np
from services.assessment.scoring.uncertainty import Draws

Treatment = Literal["winsorised", "log", "log_by_skew", "box_cox"]


@dataclass(frozen=True)
class Shape:
    """Skewness and excess kurtosis of a variable; None if it has too few or equal values."""

    skewness: float | None
    kurtosis: float | None


@dataclass(frozen=True)
class TreatedVariable:
    """A variable after treatment, and what was done to it."""

    values: Draws
    by: Treatment | None
    before: Shape
    after: Shape
    has_outliers: bool | None
    """Whether it still has outliers; None if that cannot be determined."""


def shape_of(values: Draws) -> Shape:
    """Return skewness and kurtosis of the known values."""
    known = values[~np.isnan(values)]
    n = len(known)
    centred = known - known.mean() if n else known
    squares = float((centred**2).sum())
    if squares == 0 or not np.isfinite(squares):
        return Shape(None, None)
    skewness = kurtosis = None
    if n >= 3:
        raw = np.sqrt(n) * float((centred**3).sum()) / squares**1.5
        skewness = float(raw * np.sqrt(n * (n - 1)) / (n - 2))
    if n >= 4:
        ratio = n * float((centred**4).sum()) / squares**2
        kurtosis = ((n + 1) * (ratio - 3) + 6) * (n - 1) / ((n - 2) * (n - 3))
    return Shape(_finite(skewness), _finite(kurtosis))


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def has_outliers(values: Draws, rule: OutlierTreatment) -> bool | None:
    """Return whether both limits are reached; None if it cannot be determined."""
    shape = shape_of(values)
    skewed = None if shape.skewness is None else abs(shape.skewness) >= rule.skewness
    peaked = None if shape.kurtosis is None else shape.kurtosis >= rule.kurtosis
    if skewed is False or peaked is False:
        return False
    return None if skewed is None or peaked is None else True


def winsorise(values: Draws, rule: OutlierTreatment) -> Draws:
    """Set the outermost values to the next one until there are no outliers, within the limit.

    Values that are equal move together, so that the last step may exceed the limit.
    """
    treated = values.copy()
    highest = lowest = np.zeros(len(values), dtype=bool)
    while has_outliers(treated, rule) and highest.sum() + lowest.sum() < rule.winsorise:
        skewness = shape_of(treated).skewness or 0
        if skewness >= 0:
            highest = treated == np.nanmax(treated)
            treated[highest] = np.nanmax(treated[~highest])
        else:
            lowest = treated == np.nanmin(treated)
            treated[lowest] = np.nanmin(treated[~lowest])
    return treated


def transformed(values: Draws, transform: Transform) -> Draws:
    """Return the transformed values; they keep their order."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    margin = 0.01 * (high - low)
    match transform:
        case LogTransform():
            return np.log(values - low + margin)
        case SkewLogTransform():
            if (shape_of(values).skewness or 0) > 0:
                return np.log(values - low + margin)
            return -np.log(high + margin - values)
        case BoxCoxTransform():
            shifted = values - low + 1
            if transform.exponent == 0:
                return np.log(shifted)
            return (shifted**transform.exponent - 1) / transform.exponent


def treat(values: Draws, rule: OutlierTreatment) -> TreatedVariable:
    """Treat a variable by the rule: winsorise it, or transform it if that is not enough."""
    before = shape_of(values)
    outliers = has_outliers(values, rule)
    treated, by = values, None
    if outliers:
        treated, by = winsorise(values, rule), "winsorised"
        outliers = has_outliers(treated, rule)
        if outliers and rule.transform is not None:
            treated, by = transformed(values, rule.transform), rule.transform.kind
            outliers = has_outliers(treated, rule)
        elif np.array_equal(treated, values, equal_nan=True):
            by = None
    known = treated[~np.isnan(values)]
    if by is not None and not (np.isfinite(known).all() and known.max() > known.min()):
        return TreatedVariable(values, None, before, before, outliers)
    return TreatedVariable(treated, by, before, shape_of(treated), outliers)
