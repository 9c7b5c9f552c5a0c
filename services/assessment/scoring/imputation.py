"""Imputation of missing values in a table of units and years, as COINr's `Impute` does it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.assessment.methods.data_rules import Imputation
from services.assessment.numerical_libraries import Integers, np
from services.assessment.scoring.uncertainty import Draws


@dataclass(frozen=True)
class Unit:
    """A row of a table: what is scored, in a year, and the group that it belongs to."""

    name: str
    period: int
    group: str | None = None


def impute(values: Draws, units: Sequence[Unit], rule: Imputation) -> Draws:
    """Return a variable with its missing values imputed where the rule gives one.

    NaN is a missing value; known values never change.
    """
    match rule.by:
        case "mean" | "median":
            keys = [(one.period, None) for one in units]
            return _by_centre(values, keys, median=rule.by == "median")
        case "group_mean" | "group_median":
            keys = [None if one.group is None else (one.period, one.group) for one in units]
            return _by_centre(values, keys, median=rule.by == "group_median")
        case _:
            return _over_time(values, units, rule)


def _by_centre(
    values: Draws, keys: Sequence[tuple[int, str | None] | None], *, median: bool
) -> Draws:
    imputed = values.copy()
    for rows in _rows_by(keys).values():
        known = values[rows][~np.isnan(values[rows])]
        if len(known):
            centre = np.median(known) if median else np.mean(known)
            missing = rows[np.isnan(values[rows])]
            imputed[missing] = centre
    return imputed


def _over_time(values: Draws, units: Sequence[Unit], rule: Imputation) -> Draws:
    imputed = values.copy()
    all_periods = np.array([one.period for one in units], dtype=np.float64)
    years = sorted({one.period for one in units})
    for rows in _rows_by([one.name for one in units]).values():
        ordered = rows[np.argsort(all_periods[rows], kind="stable")]
        periods = all_periods[ordered]
        series = values[ordered]
        known = ~np.isnan(series)
        if not known.any() or known.all():
            continue
        match rule.by:
            case "latest":
                imputed[ordered] = _latest(series, periods, years, rule.years)
            case "linear" | "linear_constant" if known.sum() > 1:
                imputed[ordered] = np.interp(periods, periods[known], series[known])
            case "linear":
                continue
            case _:
                places = np.searchsorted(periods[known], periods, side="right") - 1
                imputed[ordered] = series[known][np.maximum(places, 0)]
    imputed[~np.isnan(values)] = values[~np.isnan(values)]
    return imputed


def _latest(series: Draws, periods: Draws, years: Sequence[int], within: int | None) -> Draws:
    found = series.copy()
    for at in np.flatnonzero(np.isnan(series)):
        earlier = [year for year in years if year < periods[at]]
        earliest = earlier[-within:][0] if within is not None and earlier else float("-inf")
        before = [
            place
            for place in range(at)
            if not np.isnan(series[place]) and periods[place] >= earliest
        ]
        if before:
            found[at] = series[before[-1]]
    return found


def _rows_by(keys: Sequence[object]) -> Mapping[object, Integers]:
    """Return the rows of each key; those without one (None) are left out."""
    rows: defaultdict[object, list[int]] = defaultdict(list)
    for row, key in enumerate(keys):
        if key is not None:
            rows[key].append(row)
    return {key: np.array(found, dtype=np.int64) for key, found in rows.items()}
