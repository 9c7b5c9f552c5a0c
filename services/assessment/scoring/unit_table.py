"""Scores of many units by one method, from a table of their values.

A unit is a country, a regency or a year: a row of the table. Its cells are values of the subjects
that the method's indicators observe, so that the same method computes a table and an assessment.
Imputation and treatment of outliers, if the method asks for them, come first; the result names
every value that they changed. What was imputed proves nothing: bounds and coverage are those of
the values that were given.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from services.assessment.methods.data_rules import OutlierTreatment
from services.assessment.methods.definition import (
    CompositeMethod,
    CompositeNode,
    IndicatorDefinition,
    TreeMethod,
)
from services.assessment.methods.measure_definitions import Observed, nested_measures
from services.assessment.methods.rules import Goalposts
from services.assessment.numerical_libraries import np
from services.assessment.scoring.batch import BatchScores, Case, assess_batch
from services.assessment.scoring.imputation import Unit, impute
from services.assessment.scoring.inputs import Facts
from services.assessment.scoring.items import Item
from services.assessment.scoring.measure_evaluation import evaluate_measure
from services.assessment.scoring.measurement import MeasureResult, Missing
from services.assessment.scoring.treatment import TreatedVariable, Treatment, treat
from services.assessment.scoring.uncertainty import Draws

SEED = 1


@dataclass(frozen=True)
class Variable:
    """A column: the lower and upper end of each unit's value, equal if it is exact, NaN without."""

    lows: Draws
    highs: Draws

    @property
    def middles(self) -> Draws:
        return (self.lows + self.highs) / 2


@dataclass(frozen=True)
class ChangedValue:
    """A value that imputation or treatment changed."""

    row: int
    subject: str
    before: float | None
    after: float
    by: str
    """A rule of imputation, or a kind of treatment."""


@dataclass(frozen=True)
class TreatedSubject:
    """A variable with outliers, and what was done about them."""

    subject: str
    by: Treatment
    treated: TreatedVariable
    ends: tuple[float, float] | None
    """Of a transformed variable: its lowest and highest value, between which it is scored."""


@dataclass(frozen=True)
class UnitScores:
    """Scores of all units, and what was changed in the table before."""

    estimates: BatchScores
    proofs: BatchScores
    """Scores of the values that were given, for bounds and coverage."""
    treated: Sequence[TreatedSubject]
    changes: Sequence[ChangedValue]


def subjects_of(method: TreeMethod) -> list[str]:
    """Return the subjects that a method observes, each once, in its order."""
    found = (
        measure.subject
        for indicator in method.indicators()
        for measure in nested_measures(indicator.measure)
        if isinstance(measure, Observed)
    )
    return list(dict.fromkeys(found))


def observed_variables(method: TreeMethod, facts: Sequence[Facts]) -> dict[str, Variable]:
    """Return the variables of a table whose units are years of recorded observations."""
    table: dict[str, Variable] = {}
    for subject in subjects_of(method):
        measure = Observed(kind="observed", subject=subject, contradictions="range")
        cells = [_ends(evaluate_measure(measure, one)) for one in facts]
        ends = np.array(cells, dtype=np.float64).reshape(len(cells), 2)
        table[subject] = Variable(ends[:, 0], ends[:, 1])
    return table


def _ends(result: MeasureResult) -> tuple[float, float]:
    if isinstance(result, Missing):
        return math.nan, math.nan
    if result.low is None or result.high is None:
        return result.value, result.value
    return result.low, result.high


def score_units(
    method: TreeMethod, units: Sequence[Unit], table: Mapping[str, Variable]
) -> UnitScores:
    """Return the scores of the units; `table` has the variables by subject."""
    changes: list[ChangedValue] = []
    treated: list[TreatedSubject] = []
    full = dict(table)
    if isinstance(method, CompositeMethod):
        full = _imputed(method, units, table, changes)
        if method.treatment is not None:
            full, treated = _treated(method, method.treatment, full, changes)
            method = _scored_between(method, {one.subject: one.ends for one in treated})
    given = {subject: _where_given(variable, table[subject]) for subject, variable in full.items()}
    cases = [Case(unit.name, unit.period) for unit in units]
    rows = {case: row for row, case in enumerate(cases)}
    estimates, proofs = (
        assess_batch(method, cases, partial(_facts, rows, values), seed=SEED, draws=1)
        for values in (full, given)
    )
    return UnitScores(estimates, proofs, treated, changes)


def _imputed(
    method: CompositeMethod,
    units: Sequence[Unit],
    table: Mapping[str, Variable],
    changes: list[ChangedValue],
) -> dict[str, Variable]:
    if method.imputation is None:
        return dict(table)
    full: dict[str, Variable] = {}
    for subject, variable in table.items():
        values = impute(variable.middles, units, method.imputation)
        new = np.isnan(variable.lows) & ~np.isnan(values)
        full[subject] = Variable(
            np.where(new, values, variable.lows), np.where(new, values, variable.highs)
        )
        changes += [
            ChangedValue(int(row), subject, None, float(values[row]), method.imputation.by)
            for row in np.flatnonzero(new)
        ]
    return full


def _treated(
    method: CompositeMethod,
    rule: OutlierTreatment,
    table: Mapping[str, Variable],
    changes: list[ChangedValue],
) -> tuple[dict[str, Variable], list[TreatedSubject]]:
    full = dict(table)
    found: list[TreatedSubject] = []
    for subject in directly_observed(method):
        if subject in rule.exempt or subject not in table:
            continue
        before = table[subject].middles
        treated = treat(before, rule)
        if treated.by is None:
            continue
        moved = ~np.isnan(before) & (treated.values != before)
        full[subject] = Variable(
            np.where(moved, treated.values, table[subject].lows),
            np.where(moved, treated.values, table[subject].highs),
        )
        ends = None
        if treated.by == "winsorised":
            changes += [
                ChangedValue(
                    int(row), subject, float(before[row]), float(treated.values[row]), treated.by
                )
                for row in np.flatnonzero(moved)
            ]
        else:
            ends = float(np.nanmin(treated.values)), float(np.nanmax(treated.values))
        found.append(TreatedSubject(subject, treated.by, treated, ends))
    return full, found


def directly_observed(method: TreeMethod) -> list[str]:
    """Return the subjects that are the whole measure of an indicator."""
    measures = [one.measure for one in method.indicators()]
    return list(dict.fromkeys(one.subject for one in measures if isinstance(one, Observed)))


def _scored_between(
    method: CompositeMethod, ends: Mapping[str, tuple[float, float] | None]
) -> CompositeMethod:
    """Return the method with other goalposts of the indicators that observe some subjects."""

    def changed(node: CompositeNode) -> CompositeNode:
        return node.model_copy(update={"parts": [part_of(part) for part in node.parts]})

    def part_of(part: CompositeNode | IndicatorDefinition) -> CompositeNode | IndicatorDefinition:
        if isinstance(part, CompositeNode):
            return changed(part)
        found = ends.get(part.measure.subject) if isinstance(part.measure, Observed) else None
        if found is None:
            return part
        low, high = found
        goalposts = Goalposts(min=low, max=high, direction=part.goalposts.direction)
        return part.model_copy(update={"goalposts": goalposts})

    return method.model_copy(update={"root": changed(method.root)})


def _where_given(variable: Variable, given: Variable) -> Variable:
    missing = np.isnan(given.lows)
    return Variable(
        np.where(missing, np.nan, variable.lows), np.where(missing, np.nan, variable.highs)
    )


def _facts(rows: Mapping[Case, int], table: Mapping[str, Variable], case: Case) -> Facts:
    """Return a unit's row as observations of its year."""
    row = rows[case]
    items: list[Item] = []
    for number, (subject, variable) in enumerate(table.items()):
        low, high = float(variable.lows[row]), float(variable.highs[row])
        if math.isnan(low):
            continue
        figure = {"value": low} if low == high else {"low": low, "high": high}
        content: dict[str, Any] = {
            **{"key": f"value-{number}", "sources": ["table"], "subject": subject},
            **{"name": subject, "name_en": subject, "unit": "1", "attested_in": case.period},
            **figure,
        }
        items.append(Item(kind="observations", key=content["key"], href="", content=content))
    return Facts(period=case.period, items=items)
