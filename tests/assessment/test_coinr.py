"""The worked example of COINr (R), an independent implementation, on its public ASEM data.

The tables are COINr's own (see `coinr/README.md`); the printed figures are from its vignettes
"Presenting results", "Aggregation", "Normalisation", "Sensitivity analysis" and "Analysis".
"""

import csv
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.assessment.methods.definition import CollaborationMethod
from services.assessment.methods.rules import Goalposts, ZScore
from services.assessment.scoring.consistency import cronbach_alpha
from services.assessment.scoring.normalise import normalise, percentile_rank, z_score
from services.assessment.scoring.tree import combine
from services.assessment.scoring.uncertainty import Draws
from services.assessment.scoring.weights import point_weights

FOLDER = Path(__file__).parent / "coinr"
PILLARS = (
    "Physical",
    "ConEcFin",
    "Political",
    "Instit",
    "P2P",
    "Environ",
    "Social",
    "SusEcFin",
)


def rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def columns(name: str) -> dict[str, Draws]:
    """Return the columns of a table by name; a gap is NaN."""
    table = rows(name)
    return {
        column: np.array(
            [float(row[column]) if row[column] not in {"", "NA"} else np.nan for row in table]
        )
        for column in table[0]
        if column != "unit"
    }


UNITS = [row["unit"] for row in rows("treated.csv")]


@cache
def asem() -> CollaborationMethod:
    """COINr's index as a method: min-max between the ends of the data, weighted means."""
    treated = columns("treated.csv")
    subindexes: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for row in rows("structure.csv"):
        code, pillar = row["indicator"], row["pillar"]
        values = treated[code]
        subindexes.setdefault(row["subindex"], {}).setdefault(pillar, []).append(
            {
                **named(f"{pillar}.{code}"),
                "weight": float(row["weight"]),
                "goalposts": {
                    "min": float(values.min()),
                    "max": float(values.max()),
                    "direction": "higher" if float(row["direction"]) > 0 else "lower",
                },
                "measure": {"kind": "observed", "subject": "none"},
            }
        )
    return CollaborationMethod.model_validate(
        {
            **{"id": "asem", "version": 1, "kind": "collaboration", "name": "asem"},
            **{"name_en": "asem", "description": "", "description_en": "", "sources": ["COINr"]},
            "weights": {"kind": "given"},
            "aggregation": {"index": "arithmetic"},
            "index": named("Index"),
            "dimensions": [
                {
                    **named(subindex),
                    "elements": [
                        {**named(pillar), "indicators": indicators}
                        for pillar, indicators in pillars.items()
                    ],
                }
                for subindex, pillars in subindexes.items()
            ],
        }
    )


def named(code: str) -> dict[str, str]:
    return {"code": code.lower(), "name": code, "name_en": code}


def scores(method: CollaborationMethod) -> dict[str, Draws]:
    """Every node above the indicators, for all countries at once."""
    treated = columns("treated.csv")
    by_code = {code.lower(): values for code, values in treated.items()}
    normalised = {
        one.code: normalise(by_code[one.code.split(".")[1]], one.goalposts, one.normalisation)
        for one in method.indicators()
    }
    found = combine(method, normalised, point_weights(method))
    return {code: np.asarray(values) for code, values in found.items()}


def test_every_pillar_subindex_and_index_of_51_countries_agrees() -> None:
    found = scores(asem())
    theirs = columns("aggregated.csv")
    assert len(theirs) == 8 + 2 + 1
    for code, values in theirs.items():
        assert found[code.lower()] == pytest.approx(values, abs=1e-7), code


def test_the_best_six_are_those_that_the_vignette_prints() -> None:
    index = scores(asem())["index"]
    best = np.argsort(-index)[:6]
    assert [(UNITS[at], round(float(index[at]), 2)) for at in best] == [
        ("CHE", 68.38),
        ("NLD", 64.82),
        ("DNK", 64.80),
        ("NOR", 64.47),
        ("BEL", 63.54),
        ("SWE", 63.00),
    ]


def test_removing_a_pillar_shifts_the_ranks_as_the_vignette_prints() -> None:
    printed = (1.529412, 2.627451, 2.901961, 1.176471, 1.686275, 3.098039, 3.960784, 2.627451)
    nominal = ranks(scores(asem())["index"])
    for pillar, shift in zip(PILLARS, printed, strict=True):
        index = scores(without_pillar(pillar.lower()))["index"]
        assert np.abs(ranks(index) - nominal).mean() == pytest.approx(shift, abs=5e-7), pillar


def ranks(values: Draws) -> Draws:
    return np.argsort(np.argsort(-values)).astype(np.float64)


def without_pillar(pillar: str) -> CollaborationMethod:
    method = asem()
    dimensions = [
        dimension.model_copy(
            update={"elements": [one for one in dimension.elements if one.code != pillar]}
        )
        for dimension in method.dimensions
    ]
    return method.model_copy(update={"dimensions": dimensions})


@pytest.mark.parametrize(
    ("unit", "borda", "z"),
    [
        ("AUS", 36, 9.889993),
        ("AUT", 44, 9.588735),
        ("BEL", 45, 9.711512),
        ("BGD", 4, 8.529810),
        ("BGR", 7, 8.741971),
        ("BRN", 9, 8.433044),
        ("CHE", 42, 10.563483),
        ("CHN", 30, 13.235114),
        ("CYP", 14, 8.721372),
        ("CZE", 31, 9.001961),
    ],
)
def test_ranks_and_z_scores_are_those_that_the_vignette_prints(
    unit: str, borda: int, z: float
) -> None:
    raw = columns("raw.csv")
    at = [row["unit"] for row in rows("raw.csv")].index(unit)
    performance, flights = raw["LPI"], raw["Flights"]
    # Borda counts the countries that are passed; a percentile rank counts oneself by half.
    share = percentile_rank(float(performance[at]), performance)
    assert share * len(performance) - 0.5 == pytest.approx(borda)
    mean, sd = float(flights.mean()), float(flights.std(ddof=1))
    assert 10 + 2 * float(z_score(float(flights[at]), mean=mean, sd=sd)) == pytest.approx(
        z, abs=5e-7
    )
    rule = ZScore(kind="z", mean=mean, sd=sd, span=5)
    score = normalise(float(flights[at]), Goalposts(min=0, max=1), rule)
    assert score / 10 == pytest.approx(5 + (z - 10) / 2, abs=5e-7)


def test_cronbachs_alpha_of_people_to_people_is_the_one_that_the_vignette_prints() -> None:
    raw = columns("raw.csv")
    table = np.ma.masked_invalid(
        np.stack([values for code, values in raw.items() if code not in {"LPI", "Flights"}])
    )
    pairwise = np.ma.cov(table, allow_masked=True)
    assert cronbach_alpha(np.asarray(pairwise)) == pytest.approx(0.05126659, abs=1e-8)
