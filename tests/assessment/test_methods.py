"""Methods are data: checked with exact messages, hashed, and true to their regulations."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from services.assessment.assessments.operations import check_validity
from services.assessment.methods.definition import METHOD, CollaborationMethod, LevelsMethod
from services.assessment.methods.library import METHODS, read_method, read_methods
from services.assessment.methods.measure_definitions import (
    AgenciesWith,
    Measure,
    Observed,
    RequiredItems,
    Share,
    SurveyMean,
    SurveyShare,
    nested_measures,
)
from services.assessment.methods.schema import FILE, schema_text
from services.platform.packs import PackError
from services.platform.problems import Invalid

COMPOSITE = {"complement", "ratio", "first_of", "at_least", "lower_bound", "mean_of"}
"""Kinds of measures that are made of others."""


def levels(method_id: str) -> LevelsMethod:
    method = read_methods()[method_id]
    assert isinstance(method, LevelsMethod)
    return method


def test_the_hub_knows_four_methods() -> None:
    assert sorted(read_methods()) == ["cgr-2015", "pemdi-2026", "skm-2017", "spbe-2020"]


def test_cgr_has_3_dimensions_12_elements_and_4_drivers() -> None:
    method = read_methods()["cgr-2015"]
    assert isinstance(method, CollaborationMethod)
    assert len(method.dimensions) == 3
    assert sum(len(dimension.elements) for dimension in method.dimensions) == 12
    assert len(method.drivers) == 4


def readings(measure: Measure) -> set[tuple[str, ...]]:
    """Return what a measure scores: subjects of observations, shares of records, answers, codes."""
    found: set[tuple[str, ...]] = set()
    for part in nested_measures(measure):
        match part:
            case Observed():
                found.add(("observations", part.subject))
            case Share() | AgenciesWith():
                where = json.dumps(part.where if isinstance(part, Share) else {}, sort_keys=True)
                found |= {(part.of, where, field) for field in part.that}
            case SurveyMean():
                found |= {(part.survey, question) for question in part.questions}
            case SurveyShare():
                found.add((part.survey, part.question))
            case RequiredItems():
                found |= {(part.field, code) for code in part.required}
            case _ if part.kind not in COMPOSITE:
                found.add((part.kind, part.model_dump_json()))
            case _:  # made of others, which are yielded too
                pass
    return found


def scored_twice(method: CollaborationMethod) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return what two indicators of one dimension read: both indicators, and what it is."""
    found: list[tuple[str, str, tuple[str, ...]]] = []
    for dimension in method.dimensions:
        readers: dict[tuple[str, ...], str] = {}
        for indicator in (one for element in dimension.elements for one in element.indicators):
            for reading in sorted(readings(indicator.measure)):
                first = readers.setdefault(reading, indicator.code)
                if first != indicator.code:
                    found.append((first, indicator.code, reading))
    return found


def test_nothing_is_scored_twice_within_a_dimension_of_a_packaged_method() -> None:
    trees = [one for one in read_methods().values() if isinstance(one, CollaborationMethod)]
    assert trees
    for method in trees:
        assert scored_twice(method) == [], method.id


@pytest.mark.parametrize(
    ("copied", "over", "reading"),
    [
        ("trust.agencies", "commitment.plans", ("observations", "agencies_taking_part")),
        ("deliberation.minutes", "definition.agenda", ("meetings", "{}", "minutes")),
        ("trust.reported", "understanding.reported", ("stakeholders", "T1")),
        ("resources.connectivity", "resources.skills", ("observations", "villages")),
        ("leadership.continuity", "knowledge.outreach", ("procedures", "handover")),
    ],
)
def test_what_is_scored_twice_within_a_dimension_is_found(
    copied: str, over: str, reading: tuple[str, ...]
) -> None:
    document = read_methods()["cgr-2015"].document()
    indicators = {
        one["code"]: one
        for dimension in document["dimensions"]
        for element in dimension["elements"]
        for one in element["indicators"]
    }
    indicators[over]["measure"] = indicators[copied]["measure"]
    found = scored_twice(CollaborationMethod.model_validate(document))
    pairs = {(frozenset((first, second)), what) for first, second, what in found}
    assert (frozenset((copied, over)), reading) in pairs


@pytest.mark.parametrize(
    ("value", "predicate"),
    [
        (1.69, "Kurang"),
        (1.8, "Cukup"),
        (2.59, "Cukup"),
        (2.6, "Baik"),
        (2.98, "Baik"),
        (3.5, "Sangat Baik"),
        (4.2, "Memuaskan"),
        (5.0, "Memuaskan"),
    ],
)
def test_spbe_predicates_follow_the_ranges_of_permenpanrb_59_2020(
    value: float, predicate: str
) -> None:
    assert levels("spbe-2020").predicate_of(value) == predicate


@pytest.mark.parametrize(
    ("value", "predicate"),
    [(1.49, "Kurang"), (1.5, "Cukup"), (2.5, "Baik"), (3.5, "Sangat Baik"), (4.0, "Memuaskan")],
)
def test_pemdi_predicates(value: float, predicate: str) -> None:
    assert levels("pemdi-2026").predicate_of(value) == predicate


def test_spbe_has_47_indicators_and_pemdi_20_and_is_provisional() -> None:
    assert len(levels("spbe-2020").indicators) == 47
    assert len(levels("pemdi-2026").indicators) == 20
    assert levels("pemdi-2026").provisional


def changed(tmp_path: Path, method_id: str, old: str, new: str) -> Path:
    text = (METHODS / f"{method_id}.yaml").read_text()
    assert old in text
    file = tmp_path / f"{method_id}.yaml"
    file.write_text(text.replace(old, new, 1))
    return file


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("kind: count, of: meetings", "kind: tally, of: meetings", "measure"),
        ("{min: 0, max: 4}", "{min: 4, max: 4}", "min must lie below max"),
        ("code: discovery.forum", "code: discovery.breadth", "used twice: discovery.breadth"),
        ("code: discovery.forum", "code: elsewhere.forum", "must start with 'discovery'"),
        ("id: cgr-2015", "id: cgr", "must be 'cgr-2015', as the file is named"),
        ("version: 2", "version: one", "version"),
        (
            "minimum_coverage: 0.5",
            "valid_from: 2024-01-01\nvalid_to: 2023-12-31",
            "valid_to must not lie before valid_from",
        ),
        (
            "code: discovery.forum",
            "weight: 2\n            code: discovery.forum",
            "discovery.forum has a weight of 2, but weights.kind is 'equal'; write 'given'",
        ),
        (
            "{min: 0, max: 4}",
            "{min: 0, max: 4}\n            normalisation: {kind: z, mean: 2, sd: 0}",
            "normalisation.sd: Input should be greater than 0 (found 0)",
        ),
        (
            "{min: 0, max: 4}",
            "{min: 0, max: 4}\n            normalisation: {kind: rank, among: [1]}",
            "normalisation.among: List should have at least 2 items",
        ),
        (
            "{min: 0, max: 4}",
            "{min: 0, max: 4}\n            normalisation: {kind: log}",
            "a normalisation of the kind 'log' needs goalposts above 0, not 0",
        ),
        (
            "minimum_coverage: 0.5",
            "aggregation: {index: median}",
            "aggregation.index: Input should be 'arithmetic', 'geometric' or 'harmonic'",
        ),
    ],
)
def test_a_wrong_method_is_refused_with_the_field(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    with pytest.raises(PackError) as refused:
        read_method(changed(tmp_path, "cgr-2015", old, new))
    assert "cgr-2015.yaml:" in str(refused.value)
    assert message in str(refused.value)


def test_weights_that_do_not_sum_to_100_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"the weights must sum to 100, not 100\.1"):
        read_method(changed(tmp_path, "spbe-2020", "weight: 1.3", "weight: 1.4"))


def test_the_hash_depends_only_on_the_content(tmp_path: Path) -> None:
    same = changed(tmp_path, "cgr-2015", "version: 2", "version:   2")
    assert read_method(same).hash() == read_methods()["cgr-2015"].hash()
    other = changed(tmp_path, "cgr-2015", "{min: 0, max: 4}", "{min: 0, max: 5}")
    assert read_method(other).hash() != read_methods()["cgr-2015"].hash()


def test_the_published_schema_is_that_of_the_models() -> None:
    assert FILE.read_text(encoding="utf-8") == schema_text(), (
        "run: python -m services.assessment.methods.schema"
    )


def plain(method_id: str) -> Any:
    """Return a method's file as a JSON document."""
    loaded = yaml.safe_load((METHODS / f"{method_id}.yaml").read_text())
    return json.loads(json.dumps(loaded, default=str))


@pytest.mark.slow
@pytest.mark.parametrize("method_id", sorted(read_methods()))
def test_every_method_fits_the_schema_and_a_wrong_one_does_not(method_id: str) -> None:
    schema = json.loads(FILE.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(plain(method_id), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(plain(method_id) | {"kind": "opinion"}, schema)


@pytest.mark.parametrize("method_id", sorted(read_methods()))
def test_a_method_is_the_same_when_it_is_read_back_from_its_document(method_id: str) -> None:
    method = read_methods()[method_id]
    again = METHOD.validate_python(json.loads(json.dumps(method.document())))
    assert again == method
    assert again.hash() == method.hash()


def test_a_default_that_is_written_out_changes_no_hash(tmp_path: Path) -> None:
    written = changed(
        tmp_path,
        "cgr-2015",
        "minimum_coverage: 0.5",
        "minimum_coverage: 0.5\nweights: {kind: equal}\naggregation: {element: arithmetic}",
    )
    assert read_method(written).hash() == read_methods()["cgr-2015"].hash()


def test_a_method_is_not_applied_to_a_year_in_which_it_does_not_hold(tmp_path: Path) -> None:
    file = changed(tmp_path, "cgr-2015", "version: 2", "version: 2\nvalid_from: 2024-07-01")
    method = read_method(file)
    check_validity(method, 2024, parameter=True)
    with pytest.raises(Invalid) as refused:
        check_validity(method, 2023, parameter=True)
    assert refused.value.errors[0].parameter == "period"
    assert refused.value.detail == "cgr-2015 holds from 2024-07-01, not in 2023."
