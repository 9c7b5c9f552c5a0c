"""Composite indices of any depth: published values, and trees worked by hand, over HTTP."""

import copy
import csv
import json
import math
from typing import Any

import numpy as np
import pytest

from services.assessment.bundles.archive import pack, unpack
from services.assessment.bundles.verify import BundleError, verify
from services.assessment.evidence.records import Observation
from services.assessment.methods.definition import METHOD, CompositeMethod
from services.assessment.scoring.assess import assess
from services.assessment.scoring.inputs import Facts
from services.platform.settings import ROOT
from tests.assessment.test_coinr import rows as coinr_rows
from tests.conftest import Hub, Room, agency_caller

API = "/api/v1"
BOX_COX = [
    {"winsorise": 0, "transform": {"kind": "box_cox", "exponent": exponent}}
    for exponent in (-5, 0, 5)
]
EVALUATOR = agency_caller("bappeda", "metrics:draft")
HDI = ROOT / "docs" / "examples"
COUNTRIES = list(csv.DictReader((HDI / "hdi-2010.csv").read_text(encoding="utf-8").splitlines()))
SUBJECTS = [name for name in COUNTRIES[0] if name not in {"unit", "period", "name", "hdi"}]


@pytest.fixture(scope="module")
def hdi_document() -> dict[str, Any]:
    return json.loads((HDI / "hdi-2010.json").read_text(encoding="utf-8"))


def publish(room: Room, document: dict[str, Any]) -> str:
    answer = room.post(f"{API}/methods", document, caller=EVALUATOR)
    assert answer.status_code == 201, answer.text
    return document["id"]


def calculate(room: Room, method_id: str, units: list[dict[str, Any]]) -> dict[str, Any]:
    answer = room.post(f"{API}/methods/{method_id}/calculation", {"units": units})
    assert answer.status_code == 200, answer.text
    return answer.json()


def nodes(unit: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {node["code"]: node for node in unit["nodes"]}


def named(code: str) -> dict[str, str]:
    return {"code": code, "name": code, "name_en": code}


def leaf(code: str, *, most: float = 10, **more: Any) -> dict[str, Any]:
    measure = {"kind": "observed", "subject": code}
    return {**named(code), "goalposts": {"min": 0, "max": most}, "measure": measure, **more}


def composite(root: dict[str, Any], **more: Any) -> dict[str, Any]:
    head = {"id": "composite", "version": 1, "kind": "composite", "sources": ["by hand"]}
    texts = {"name": "a", "name_en": "a", "description": "", "description_en": ""}
    return {**head, **texts, "root": root, **more}


def test_the_hdi_of_2010_is_the_published_one(
    assessment: Room, hdi_document: dict[str, Any]
) -> None:
    """The figures are printed in round numbers: the index is given within their ends."""
    units = [
        {
            "unit": row["unit"],
            "period": 2010,
            "values": {
                subject: {
                    "low": float(row[subject]) - half(row[subject]),
                    "high": float(row[subject]) + half(row[subject]),
                }
                for subject in SUBJECTS
            },
        }
        for row in COUNTRIES
    ]
    found = calculate(assessment, publish(assessment, hdi_document), units)
    for row, unit in zip(COUNTRIES, found["units"], strict=True):
        printed, index = float(row["hdi"]), nodes(unit)["hdi"]
        assert index["proven"] / 100 - 0.0005 <= printed <= index["possible"] / 100 + 0.0005, row
        assert index["value"] / 100 == pytest.approx(printed, abs=0.0025), row
        assert index["coverage"] == 1
    ranks = [unit["rank"] for unit in found["units"]]
    assert ranks[4:] == list(range(5, len(COUNTRIES) + 1))
    assert sorted(ranks[:4]) == [1, 2, 3, 4]


def half(printed: str) -> float:
    """Half a unit of the last printed digit."""
    return 0.5 * 10 ** -len(printed.partition(".")[2])


def test_the_worked_example_of_the_technical_note_agrees_in_every_step(
    assessment: Room, hdi_document: dict[str, Any]
) -> None:
    """China, in technical note 1, which goes on from rounded steps: 0.589 for 0.5896."""
    values = dict(zip(SUBJECTS, (73.5, 7.5, 11.4, 7263), strict=True))
    method_id = publish(assessment, hdi_document)
    [china] = calculate(assessment, method_id, [{"unit": "CHN", "period": 2010, "values": values}])[
        "units"
    ]
    steps = {code: node["value"] / 100 for code, node in nodes(china).items()}
    printed = {
        **{"life_expectancy": 0.847, "mean_years": 0.568, "expected_years": 0.553},
        **{"education": 0.589, "income": 0.584, "hdi": 0.663},
    }
    assert steps == pytest.approx(printed, abs=0.0007)


def test_a_tree_of_three_levels_worked_by_hand(assessment: Room) -> None:
    root = {
        **named("top"),
        "mean": "geometric",
        "parts": [
            {**named("left"), "weight": 2, "parts": [leaf("a", weight=3), leaf("b")]},
            {**named("right"), "mean": "harmonic", "parts": [leaf("c"), leaf("d"), leaf("e")]},
        ],
    }
    publish(assessment, composite(root, weights={"kind": "given"}))
    values = {"a": 6, "b": 10, "c": 2, "d": 5, "e": 10}
    [unit] = calculate(assessment, "composite", [{"unit": "u", "period": 2020, "values": values}])[
        "units"
    ]
    found = nodes(unit)
    # left (3 x 60 + 100) / 4 = 70; right 3 / (1/20 + 1/50 + 1/100) = 37.5; top 70^(2/3) 37.5^(1/3)
    assert found["left"]["value"] == 70
    assert found["right"]["value"] == 37.5
    assert found["top"]["value"] == pytest.approx(math.cbrt(70**2 * 37.5), abs=5e-5)
    assert found["top"]["value"] == found["top"]["proven"] == found["top"]["possible"]


FIVE_LEVELS = {
    **named("root"),
    "parts": [
        {
            **named("second"),
            "goalposts": {"min": 20, "max": 70},
            "parts": [
                {
                    **named("third"),
                    "mean": "geometric",
                    "parts": [
                        {
                            **named("fourth"),
                            "mean": "harmonic",
                            "parts": [
                                {**named("fifth"), "parts": [leaf("a"), leaf("b")]},
                                leaf("c"),
                            ],
                        },
                        leaf("d"),
                    ],
                },
                leaf("e"),
            ],
        },
        leaf("f", most=1000, normalisation={"kind": "log"}, goalposts={"min": 10, "max": 1000}),
    ],
}


def test_a_tree_of_five_levels_worked_by_hand(assessment: Room) -> None:
    publish(assessment, composite(FIVE_LEVELS))
    values = {"a": 2, "b": 4, "c": 6, "d": 9, "e": 3, "f": 100}
    [unit] = calculate(assessment, "composite", [{"unit": "u", "period": 2020, "values": values}])[
        "units"
    ]
    found = {code: node["value"] for code, node in nodes(unit).items()}
    # fifth 30; fourth 2 / (1/30 + 1/60) = 40; third sqrt(40 x 90) = 60; second (60 + 30) / 2 = 45,
    # rescaled (45 - 20) / 50 = 50; f (log 100 - log 10) / (log 1000 - log 10) = 50; root 50
    assert [found[code] for code in ("fifth", "fourth", "third", "second", "f", "root")] == [
        *(pytest.approx(value, abs=1e-4) for value in (30, 40, 60, 50, 50, 50)),
    ]


def test_what_is_not_known_widens_the_bounds_and_takes_the_value_below_the_minimum(
    assessment: Room,
) -> None:
    root = {**named("top"), "minimum_coverage": 0.7, "parts": [leaf("a"), leaf("b"), leaf("c")]}
    publish(assessment, composite(root))
    table = [
        {"unit": "all", "period": 2020, "values": {"a": 5, "b": 5, "c": 5}},
        {"unit": "range", "period": 2020, "values": {"a": {"low": 2, "high": 8}, "b": 5, "c": 5}},
        {"unit": "two", "period": 2020, "values": {"a": 5, "b": 5, "c": None}},
    ]
    everything, ranged, two = calculate(assessment, "composite", table)["units"]
    figures = [nodes(unit)["top"] for unit in (everything, ranged, two)]
    assert [(one["proven"], one["value"], one["possible"]) for one in figures] == [
        (50, 50, 50),
        (40, 50, 60),
        (pytest.approx(33.3333), None, pytest.approx(66.6667)),
    ]
    assert [unit["rank"] for unit in (everything, ranged, two)] == [1, 2, 3]
    assert figures[2]["coverage"] == pytest.approx(0.6667)


def asem_method(**more: Any) -> dict[str, Any]:
    """COINr's example as a composite method, from indicators to the index."""
    treated = coinr_rows("treated.csv")
    subindexes: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for row in coinr_rows("structure.csv"):
        values = [float(one[row["indicator"]]) for one in treated]
        direction = "higher" if float(row["direction"]) > 0 else "lower"
        code = row["indicator"].lower()
        one = {
            **leaf(code, weight=float(row["weight"])),
            "goalposts": {"min": min(values), "max": max(values), "direction": direction},
        }
        pillars = subindexes.setdefault(row["subindex"].lower(), {})
        pillars.setdefault(row["pillar"].lower(), []).append(one)
    root = {
        **named("index"),
        "parts": [
            {
                **named(subindex),
                "parts": [{**named(pillar), "parts": parts} for pillar, parts in pillars.items()],
            }
            for subindex, pillars in subindexes.items()
        ],
    }
    return composite(root, weights={"kind": "given"}, **more)


@pytest.mark.slow
def test_coinrs_example_from_the_raw_table_to_the_index_in_one_run(assessment: Room) -> None:
    """Imputed by the mean of the group, winsorised, normalised, and aggregated: all as COINr."""
    publish(
        assessment,
        asem_method(imputation={"by": "group_mean"}, treatment={"winsorise": 6}),
    )
    raw = coinr_rows("denominated.csv")
    units = [
        {
            "unit": row["unit"],
            "period": 2018,
            "group": row["group"],
            "values": {
                code.lower(): float(value) if value else None
                for code, value in row.items()
                if code not in {"unit", "group"}
            },
        }
        for row in raw
    ]
    found = calculate(assessment, "composite", units)
    for theirs, unit in zip(coinr_rows("aggregated.csv"), found["units"], strict=True):
        assert theirs["unit"] == unit["unit"]
        ours = nodes(unit)
        for code, value in theirs.items():
            if code != "unit":
                assert ours[code.lower()]["value"] == pytest.approx(float(value), abs=1e-4), code
    by = [change["by"] for change in found["changes"]]
    assert (by.count("group_mean"), by.count("winsorised")) == (65, 35)
    assert {one["by"] for one in found["treated"]} == {"winsorised"}
    assert len(found["treated"]) == 15
    imputed = next(change for change in found["changes"] if change["by"] == "group_mean")
    assert imputed["before"] is None
    # What was imputed proves nothing.
    unit = next(one for one in found["units"] if one["unit"] == imputed["unit"])
    index = nodes(unit)["index"]
    assert index["proven"] < index["value"] < index["possible"]
    assert index["coverage"] < 1


def test_a_transformed_variable_is_scored_between_its_own_ends(assessment: Room) -> None:
    root = {**named("top"), "parts": [leaf("a")]}
    publish(assessment, composite(root, treatment={"winsorise": 0}))
    numbers = [*range(1, 21), 100, 200]
    units = [{"unit": str(n), "period": 2020, "values": {"a": n}} for n in numbers]
    found = calculate(assessment, "composite", units)
    [treated] = found["treated"]
    assert (treated["by"], treated["has_outliers"]) == ("log", False)
    logs = np.log(np.array(numbers) - 1 + 1.99)
    assert treated["scored_between"] == pytest.approx([logs[0], logs[-1]])
    scores = 100 * (logs - logs[0]) / (logs[-1] - logs[0])
    values = [nodes(unit)["top"]["value"] for unit in found["units"]]
    assert values == pytest.approx(scores, abs=1e-4)
    assert found["changes"] == []


EXTREMES: tuple[list[float], ...] = (
    [0] * 20,
    [0] * 20 + [1e15],
    [-1e15, *range(20), 1e15],
    [1e-300] * 20 + [1e-299],
    [1e15 - n for n in range(20)] + [-1e15],
    [3],
)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("treatment", [{}, {"winsorise": 0}, *BOX_COX])
def test_extreme_values_are_scored_too(assessment: Room, treatment: dict[str, Any]) -> None:
    publish(assessment, composite({**named("top"), "parts": [leaf("a")]}, treatment=treatment))
    for numbers in EXTREMES:
        units = [
            {"unit": str(n), "period": 2020, "values": {"a": value}}
            for n, value in enumerate(numbers)
        ]
        empty = {"unit": "x", "period": 2020, "values": {}}
        found = calculate(assessment, "composite", [*units, empty])
        values = [nodes(unit)["top"]["value"] for unit in found["units"]]
        assert values[-1] is None
        assert all(0 <= value <= 100 for value in values[:-1])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "pointer", "message"),
    [
        ({}, "#", "give either units or periods"),
        ({"units": [], "periods": []}, "#", "give either units or periods"),
        (
            {"units": [{"unit": "u", "period": 2020, "values": {"x/y": 1}}]},
            "#/units/0/values/x~1y",
            "composite does not observe it; it observes a",
        ),
        (
            {"units": [{"unit": "u", "period": 2020, "values": {"a": "much"}}]},
            "#/units/0/values/a",
            "",
        ),
        (
            {"units": [{"unit": "u", "period": 2020, "values": {"a": {"low": 2, "high": 1}}}]},
            "#/units/0/values/a",
            "low must not lie above high",
        ),
        (
            {"units": [{"unit": "u", "period": 2020, "values": {}}] * 2},
            "#/units/1",
            "repeats the unit and year of units/0",
        ),
        ({"units": [{"unit": "u", "values": {}}]}, "#/units/0/period", "is required"),
        ({"periods": [2020, 2020]}, "#/periods/1", "repeats the unit and year of periods/0"),
    ],
)
def test_a_wrong_table_is_refused_with_its_field(
    assessment: Room, body: Any, pointer: str, message: str
) -> None:
    publish(assessment, composite({**named("top"), "parts": [leaf("a")]}))
    answer = assessment.post(f"{API}/methods/composite/calculation", body)
    assert answer.status_code == 422, answer.text
    faults = {fault["pointer"]: fault["detail"] for fault in answer.json()["errors"]}
    assert message in faults[pointer]


def test_only_a_tree_of_indicators_is_calculated(assessment: Room) -> None:
    units = {"units": [{"unit": "u", "period": 2020, "values": {}}]}
    for method_id in ("spbe-2020", "nothing"):
        assert assessment.post(f"{API}/methods/{method_id}/calculation", units).status_code == 404
    assert (
        assessment.post(f"{API}/methods/cgr-2015/calculation", units | {"version": 99}).status_code
        == 404
    )
    found = calculate(assessment, "cgr-2015", units["units"])
    assert nodes(found["units"][0])["collaboration_dynamics"]["value"] is None


def test_the_scores_of_units_come_as_a_table(assessment: Room) -> None:
    publish(assessment, composite({**named("top"), "parts": [leaf("a")]}))
    answer = assessment.post(
        f"{API}/methods/composite/calculation?format=csv",
        {"units": [{"unit": "u", "period": 2020, "values": {"a": 5}}]},
    )
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert answer.text.splitlines()[1] == "u;2020;;1;top;50,0;50,0;50,0;1,0"


def spoilt(**more: Any) -> dict[str, Any]:
    return composite({**named("top"), "parts": [leaf("a")]}, **more)


def deep(levels: int) -> dict[str, Any]:
    node = leaf("a")
    for level in range(levels):
        node = {**named(f"n{level}"), "parts": [node]}
    return composite(node)


def root_of(*parts: Any) -> dict[str, Any]:
    return composite({**named("top"), "parts": list(parts)})


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (root_of(), "must have at least 1 items"),
        (root_of(leaf("a"), leaf("a")), "codes must be unique; used twice: a"),
        (root_of(leaf("top")), "codes must be unique; used twice: top"),
        (root_of(named("a")), "is required"),
        (root_of({**named("b"), "parts": [leaf("a")], "measure": {}}), "is not known here"),
        (root_of(leaf("a", weight=2)), "a has a weight of 2, but weights.kind is 'equal'"),
        (
            root_of(leaf("a", normalisation={"kind": "log"})),
            "a normalisation of the kind 'log' needs goalposts above 0, not 0",
        ),
        (
            root_of({**named("b"), "goalposts": {"min": 5, "max": 5}, "parts": [leaf("a")]}),
            "min must lie below max",
        ),
        (deep(13), "a tree may have 12 levels of nodes, not 13"),
        (root_of(*(leaf(f"l{n}") for n in range(101))), "may have at most 100 items"),
        (
            composite(
                {
                    **named("top"),
                    "parts": [
                        leaf("a", normalisation={"kind": "z", "mean": 0, "sd": 1}),
                    ],
                },
                treatment={},
            ),
            "write 'a' into treatment.exempt",
        ),
        (spoilt(imputation={"by": "guess"}), "must be one of 'mean'"),
        (spoilt(treatment={"skewness": 0}), "must be greater than 0"),
    ],
)
def test_a_wrong_composite_method_is_refused(
    shared_assessment: Room, document: Any, message: str
) -> None:
    answer = shared_assessment.post(f"{API}/methods", document, caller=EVALUATOR)
    assert answer.status_code == 422, answer.text
    assert any(message in fault["detail"] for fault in answer.json()["errors"]), answer.text


def test_a_composite_of_twelve_levels_is_published_and_its_defaults_change_no_hash(
    assessment: Room,
) -> None:
    document = deep(12)
    publish(assessment, document)
    written = copy.deepcopy(document)
    written |= {"weights": {"kind": "equal"}, "minimum_indicators": 0, "treatment": None}
    written["root"] |= {"mean": "arithmetic", "minimum_coverage": 0.5, "weight": 1}
    assert METHOD.validate_python(written).hash() == METHOD.validate_python(document).hash()


def test_too_many_nodes_are_refused(assessment: Room) -> None:
    parts = [{**named(f"b{n}"), "parts": [leaf(f"l{n}_{k}") for k in range(4)]} for n in range(80)]
    answer = assessment.post(f"{API}/methods", root_of(*parts), caller=EVALUATOR)
    assert answer.status_code == 422
    [fault] = answer.json()["errors"]
    assert fault == {
        "pointer": "#/root",
        "detail": "has 320 indicators; a method may have at most 300",
    }


def test_missing_evidence_of_a_deep_node_is_named_from_below() -> None:
    method = METHOD.validate_python(composite(FIVE_LEVELS, minimum_indicators=0.5))
    assert isinstance(method, CompositeMethod)
    scores = assess(method, Facts(period=2024, items=[]), seed=1, draws=100)
    assert scores.index.value is None
    assert (scores.index.proven, scores.index.possible) == (0, 100)
    assert scores.index.reason == (
        "insufficient evidence: 0 of 6 indicators, at least 50% are needed; "
        "without a value: second, f"
    )
    assert scores.index.missing_first == ["a", "b", "c"]
    assert scores.neighbours("fourth") == ("third", ["fifth", "c"])
    assert scores.neighbours("root") == (None, ["second", "f"])
    assert [node.code for node in scores.nodes()] == [
        *("root", "second", "third", "fourth", "fifth", "a", "b", "c", "d", "e", "f")
    ]


def observation(subject: str, value: float | None, source: str, **more: Any) -> dict[str, Any]:
    key = f"{subject.replace('_', '-')}-2024"
    return {
        **{"key": key, "subject": subject, "name": key, "name_en": key, "unit": "1"},
        **({} if value is None else {"value": value}),
        **{"attested_in": 2024, "sources": [source]},
        **more,
    }


@pytest.fixture(scope="module")
def assessed(toba_hub: Hub, hdi_document: dict[str, Any]) -> dict[str, Any]:
    """Publish the index, record and confirm its figures, and assess a year by it."""
    own = toba_hub.auth("bappeda", "metrics:draft", "evidence:write")
    client = toba_hub.client
    assert client.post(f"{API}/methods", json=hdi_document, headers=own).status_code == 201
    [source, *_] = client.get(f"{API}/sources").json()["items"]
    quotient = {"numerator": 7265, "denominator": 10, "per": 10, "unit": "{USD_PPP}"}
    for subject, value, more in (
        ("life_expectancy", 73.5, {"unit": "a"}),
        ("mean_years_of_schooling", 7.5, {"unit": "a"}),
        ("expected_years_of_schooling", 11.4, {"unit": "a"}),
        ("income_per_person", None, quotient),
    ):
        record = observation(subject, value, source["id"], **more)
        answer = client.post(f"{API}/observations", json=record, headers=own)
        assert answer.status_code == 201, answer.text
        toba_hub.confirm(answer)
    asked = {"period": 2024, "method": "hdi-2010", "draws": 200}
    made = client.post(f"{API}/assessments", json=asked, headers=own)
    assert made.status_code == 201, made.text
    return made.json()


def test_a_composite_method_names_no_actions(toba_hub: Hub, assessed: dict[str, Any]) -> None:
    answer = toba_hub.client.get(f"{assessed['href']}/levers")
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"items": [], "reason": "the method hdi-2010 names no actions"}


def test_a_year_is_assessed_by_a_composite_method(toba_hub: Hub, assessed: dict[str, Any]) -> None:
    index = assessed["index"]
    assert index["value"] == index["proven"] == index["possible"]
    assert index["value"] == pytest.approx(66.31, abs=0.01)
    assert [part["code"] for part in assessed["scores"]["parts"]] == [
        *("life_expectancy", "education", "income")
    ]
    client, scores = toba_hub.client, assessed["scores_href"]
    years = client.get(f"{scores}/mean_years").json()
    assert years["parent"] == f"{scores}/education"
    assert years["evidence"][0]["content"]["value"] == 7.5
    income = client.get(f"{scores}/income").json()
    assert income["inputs"] == {"observed": 7265, "numerator": 7265, "n": 10}
    table = client.get(f"{scores}?format=csv&delimiter=comma").text.splitlines()
    assert [line.split(",")[2:5] for line in table[1:4]] == [
        ["index", "hdi", ""],
        ["indicator", "life_expectancy", "hdi"],
        ["node", "education", "hdi"],
    ]


def test_its_bundle_verifies_and_a_changed_figure_does_not(
    toba_hub: Hub, assessed: dict[str, Any]
) -> None:
    archive = toba_hub.client.get(assessed["bundle_href"]).content
    assert verify(archive).nodes == 6
    changed = unpack(archive).files
    assert b"7.5" in changed["evidence.json"]
    changed["evidence.json"] = changed["evidence.json"].replace(b"7.5", b"8.5")
    with pytest.raises(BundleError):
        verify(pack(changed))


def test_it_has_a_report_a_sensitivity_analysis_and_scenarios(
    toba_hub: Hub, assessed: dict[str, Any]
) -> None:
    client = toba_hub.client
    page = client.get(assessed["report_href"])
    assert page.status_code == 200, page.text
    for text in ("Pendidikan", "diskalakan 0–95,1", "(logaritma)", "Terbukti"):
        assert text in page.text
    assert client.get(f"{assessed['report_href']}?format=pdf").content.startswith(b"%PDF")
    assert client.get(f"{assessed['report_href']}?format=xlsx").status_code == 200
    spread = client.get(assessed["sensitivity_href"]).json()
    assert spread["value"] == assessed["index"]["value"]
    own = toba_hub.auth("bappeda", "metrics:draft")
    scenario = {"kind": "collaboration", "method": "hdi-2010", "period": 2024, "target": 70}
    found = client.post(f"{API}/scenarios", json=scenario, headers=own)
    assert found.status_code == 201, found.text
    best = found.json()["outcome"]["solutions"][0]["result"]
    assert best["value"] >= 70
    ranking = client.get(f"{API}/metrics/ranking?period=2024&method=hdi-2010").json()
    assert [one["value"] for one in ranking["items"]] == [assessed["index"]["value"]]
    trend = client.get(f"{API}/metrics/trend?method=hdi-2010")
    assert trend.status_code == 200


def test_years_of_the_hubs_own_observations_are_scored_in_one_run(
    toba_hub: Hub, assessed: dict[str, Any]
) -> None:
    answer = toba_hub.client.post(
        f"{API}/methods/hdi-2010/calculation", json={"periods": [2023, 2024]}
    )
    assert answer.status_code == 200, answer.text
    before, year = answer.json()["units"]
    assert (before["unit"], before["period"]) == ("12.12", 2023)
    assert nodes(before)["hdi"]["value"] is None
    assert nodes(year)["hdi"]["value"] == assessed["index"]["value"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"unit": "furlong", "value": 1}, "must be one of"),
        ({"unit": "share", "value": 1.2}, "a share lies between 0 and 1"),
        ({"unit": "share", "value": -0.1}, "a share lies between 0 and 1"),
        ({"unit": "count", "value": -1}, "a count is not below 0"),
        ({"unit": "share", "numerator": 3}, "a quotient needs numerator and denominator"),
        ({"unit": "share", "numerator": 3, "denominator": 0}, "must be greater than 0"),
        ({"unit": "share", "numerator": 3, "denominator": 2}, "a share lies between 0 and 1"),
        (
            {"unit": "share", "numerator": 1, "denominator": 4, "value": 0.3},
            "value must be numerator / denominator x per, 0.25; leave it out",
        ),
        ({"unit": "%", "value": 1, "per": 100}, "per belongs to a quotient"),
        ({"unit": "count", "numerator": 10**400, "denominator": 3}, "must be a number"),
        ({"unit": "count", "numerator": 3, "denominator": 10**400}, "must be a number"),
        ({"unit": "count", "numerator": 3, "denominator": 3, "per": 10**400}, "must be a number"),
        ({"unit": "count", "numerator": 1e300, "denominator": 1e-300}, "a finite number"),
    ],
)
def test_an_observation_with_a_wrong_unit_or_quotient_is_refused(
    toba_hub: Hub, assessed: dict[str, Any], more: dict[str, Any], message: str
) -> None:
    assert assessed
    own = toba_hub.auth("bappeda", "evidence:write")
    record = observation("income_per_person", None, "any") | {"key": "wrong"} | more
    answer = toba_hub.client.post(f"{API}/observations", json=record, headers=own)
    assert answer.status_code == 422, answer.text
    assert any(message in fault["detail"] for fault in answer.json()["errors"]), answer.text


def test_an_observation_may_be_negative_where_its_unit_allows() -> None:
    record = observation("any", -3.5, "any") | {"unit": "Cel"}
    assert Observation.model_validate(record).bounds == (-3.5, -3.5)
    share = observation("any", None, "any") | {"unit": "share", "numerator": 1, "denominator": 4}
    read_back = Observation.model_validate(share).model_dump(mode="json")
    assert read_back["value"] == 0.25
    assert Observation.model_validate(read_back).numerator == 1
