"""Treatment of outliers and imputation: COINr's published data, its tests, and cases by hand."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from services.assessment.methods.data_rules import (
    BoxCoxTransform,
    Imputation,
    LogTransform,
    OutlierTreatment,
    SkewLogTransform,
)
from services.assessment.scoring.imputation import Unit, impute
from services.assessment.scoring.treatment import (
    has_outliers,
    shape_of,
    transformed,
    treat,
    winsorise,
)
from services.assessment.scoring.uncertainty import Draws

FOLDER = Path(__file__).parent / "coinr"
NAN = float("nan")
WINSORISED = {
    **{"Services": 4, "FDI": 2, "ForPort": 3, "CostImpEx": 1, "Tariff": 3, "StMob": 2},
    **{"CultServ": 3, "Flights": 1, "Bord": 3, "Gas": 3, "Forest": 2, "Poverty": 3},
    **{"NGOs": 3, "FemLab": 1, "PubDebt": 1},
}
"""COINr's own summary of the treatment: how many values of which variables it winsorised."""


def table(name: str) -> tuple[list[dict[str, str]], dict[str, Draws]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return rows, {
        column: np.array([float(row[column] or "nan") for row in rows])
        for column in rows[0]
        if column not in {"unit", "group"}
    }


def test_49_variables_of_51_countries_are_imputed_and_treated_as_by_coinr() -> None:
    rows, raw = table("denominated.csv")
    _, theirs = table("treated.csv")
    units = [Unit(row["unit"], 2018, row["group"]) for row in rows]
    rule = OutlierTreatment(winsorise=6)
    assert len(theirs) == 49
    assert sum(np.isnan(values).sum() for values in raw.values()) == 65
    changed: dict[str, int] = {}
    for code, values in raw.items():
        full = impute(values, units, Imputation(by="group_mean"))
        treated = treat(full, rule)
        assert treated.values == pytest.approx(theirs[code], rel=1e-10, abs=1e-12), code
        assert treated.has_outliers is False
        if treated.by is not None:
            assert treated.by == "winsorised"
            changed[code] = int((treated.values != full).sum())
    assert changed == WINSORISED


def test_a_strict_limit_sends_a_variable_to_the_logarithm() -> None:
    _, raw = table("denominated.csv")
    by = {code: treat(values, OutlierTreatment(winsorise=1)).by for code, values in raw.items()}
    assert by["Flights"] == "winsorised"
    assert by["FDI"] == "log"
    assert by["Goods"] is None


NUMBERS = st.lists(st.integers(-1000, 1000).map(float), min_size=4, max_size=30)


@pytest.mark.slow
@given(NUMBERS)
def test_the_shape_is_scipys(numbers: list[float]) -> None:
    shape = shape_of(np.array([*numbers, NAN]))
    if len(set(numbers)) == 1:
        assert (shape.skewness, shape.kurtosis) == (None, None)
        return
    assert shape.skewness == pytest.approx(float(stats.skew(numbers, bias=False)), abs=1e-7)
    assert shape.kurtosis == pytest.approx(float(stats.kurtosis(numbers, bias=False)), abs=1e-7)


def test_winsorising_follows_coinrs_own_tests() -> None:
    one = np.array([*range(1, 11), 100], dtype=np.float64)
    rule = OutlierTreatment()
    assert has_outliers(one, rule) is True
    treated = treat(one, rule)
    assert treated.values.tolist() == [*range(1, 11), 10]
    assert (treated.by, treated.has_outliers) == ("winsorised", False)
    assert treat(-one, rule).values.tolist() == (-treated.values).tolist()
    two = np.array([*range(1, 21), 100, 200], dtype=np.float64)
    only = OutlierTreatment(winsorise=1, transform=None)
    assert treat(two, only).has_outliers is True
    assert treat(two, only).values.tolist() == [*range(1, 21), 100, 100]
    logged = treat(two, OutlierTreatment(winsorise=1))
    assert logged.by == "log"
    assert logged.values == pytest.approx(np.log(two - 1 + 1.99))


@pytest.mark.slow
@given(NUMBERS, st.integers(0, 6))
def test_treatment_keeps_the_order_and_what_is_missing(numbers: list[float], most: int) -> None:
    values = np.array([*numbers, NAN])
    for transform in (LogTransform(), SkewLogTransform(kind="log_by_skew"), None):
        rule = OutlierTreatment(winsorise=most, transform=transform)
        treated = treat(values, rule)
        assert np.isnan(treated.values).tolist() == np.isnan(values).tolist()
        order = np.argsort(numbers, kind="stable")
        assert (np.diff(treated.values[:-1][order]) >= -1e-12).all()


@pytest.mark.parametrize("numbers", [[], [NAN], [1.0], [1.0, 2.0], [3.0, 3.0, 3.0, 3.0]])
def test_too_few_or_equal_values_are_left_as_they_are(numbers: list[float]) -> None:
    treated = treat(np.array(numbers, dtype=np.float64), OutlierTreatment())
    assert (treated.by, treated.has_outliers) == (None, None)
    assert np.array_equal(treated.values, np.array(numbers), equal_nan=True)
    assert winsorise(np.array([5.0, 5.0, 5.0]), OutlierTreatment()).tolist() == [5, 5, 5]


def test_the_transforms_are_those_of_coinr() -> None:
    values = np.array([1.0, 3.0, 11.0])
    assert transformed(values, LogTransform()) == pytest.approx(np.log([0.1, 2.1, 10.1]))
    assert transformed(values, SkewLogTransform(kind="log_by_skew")) == pytest.approx(
        np.log([0.1, 2.1, 10.1])
    )
    assert transformed(-values, SkewLogTransform(kind="log_by_skew")) == pytest.approx(
        -np.log([0.1, 2.1, 10.1])
    )
    box_cox = BoxCoxTransform(kind="box_cox", exponent=2)
    assert transformed(values, box_cox).tolist() == [0, 4, 60]
    logarithm = BoxCoxTransform(kind="box_cox", exponent=0)
    assert transformed(values, logarithm) == pytest.approx(np.log([1, 3, 11]))


UNITS = [
    *(Unit("a", year, "east") for year in (2020, 2021, 2022, 2023)),
    *(Unit("b", year, "west") for year in (2020, 2021, 2022, 2023)),
    Unit("c", 2023, "west"),
    Unit("d", 2023),
]
SERIES = [NAN, 2, NAN, 6, NAN, NAN, 5, NAN, 8, NAN]


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("mean", [NAN, 2, 5, 6, NAN, 2, 5, 7, 8, 7]),
        ("median", [NAN, 2, 5, 6, NAN, 2, 5, 7, 8, 7]),
        ("group_mean", [NAN, 2, NAN, 6, NAN, NAN, 5, 8, 8, NAN]),
        ("group_median", [NAN, 2, NAN, 6, NAN, NAN, 5, 8, 8, NAN]),
        ("latest", [NAN, 2, 2, 6, NAN, NAN, 5, 5, 8, NAN]),
        ("constant", [2, 2, 2, 6, 5, 5, 5, 5, 8, NAN]),
        ("linear", [2, 2, 4, 6, NAN, NAN, 5, NAN, 8, NAN]),
        ("linear_constant", [2, 2, 4, 6, 5, 5, 5, 5, 8, NAN]),
    ],
)
def test_each_rule_of_imputation(by: str, expected: list[float]) -> None:
    rule = Imputation.model_validate({"by": by})
    found = impute(np.array(SERIES), UNITS, rule)
    assert np.array_equal(found, np.array(expected), equal_nan=True), found


def test_the_latest_value_is_looked_for_in_so_many_years() -> None:
    units = [Unit("a", year) for year in (2019, 2020, 2022, 2023)]
    values = np.array([1.0, NAN, NAN, NAN])
    one, two = (
        impute(values, units, Imputation(by="latest", years=years)).tolist() for years in (1, 2)
    )
    assert np.array_equal(one, [1, 1, NAN, NAN], equal_nan=True)
    assert np.array_equal(two, [1, 1, 1, NAN], equal_nan=True)
