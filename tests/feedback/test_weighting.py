"""Weights make responses look like the population, exactly where that can be computed by hand."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.feedback.surveys.weighting import NotWeightableError, effective_size, rake
from services.platform.identity import Caller
from services.platform.service import API
from tests.conftest import Room, agency_caller
from tests.feedback.questionnaires import load, option, question, respond, survey

ADMIN = Caller(subject="key", agency="diskominfo", scopes=frozenset({"admin"}))
SEX = {"sex": {"female": 510, "male": 490}}
AGE = {"age_group": {"young": 40, "old": 60}}


def people(**counts: int) -> list[dict[str, str]]:
    """`female_young=3` makes three."""
    return [
        dict(zip(("sex", "age_group"), name.split("_"), strict=True))
        for name, count in counts.items()
        for _ in range(count)
    ]


def test_one_characteristic_weighs_its_share_of_the_population_over_that_of_the_sample() -> None:
    weighted = rake([{"sex": "female"}] * 30 + [{"sex": "male"}] * 10, SEX)
    assert weighted.weights[0] == pytest.approx(0.51 / 0.75)
    assert weighted.weights[-1] == pytest.approx(0.49 / 0.25)
    assert sum(weighted.weights) == pytest.approx(40)


def test_two_independent_characteristics_weigh_by_the_product() -> None:
    sample = people(female_young=18, female_old=12, male_young=6, male_old=4)
    weighted = rake(sample, SEX | AGE)
    by_sex = {"female": 0.51 / 0.75, "male": 0.49 / 0.25}
    by_age = {"young": 0.4 / 0.6, "old": 0.6 / 0.4}
    for person, weight in zip(sample, weighted.weights, strict=True):
        assert weight == pytest.approx(by_sex[person["sex"]] * by_age[person["age_group"]])


@given(
    st.tuples(*[st.integers(1, 30)] * 4),
    st.tuples(*[st.integers(1, 1000)] * 4),
)
def test_every_margin_is_met_and_associations_are_preserved(
    counts: tuple[int, ...], sizes: tuple[int, ...]
) -> None:
    cells = ("female_young", "female_old", "male_young", "male_old")
    sample = people(**dict(zip(cells, counts, strict=True)))
    margins = {
        "sex": {"female": sizes[0], "male": sizes[1]},
        "age_group": {"young": sizes[2], "old": sizes[3]},
    }
    weights = rake(sample, margins).weights
    for name, targets in margins.items():
        for category, size in targets.items():
            mine = sum(w for w, p in zip(weights, sample, strict=True) if p[name] == category)
            assert mine == pytest.approx(len(sample) * size / sum(targets.values()), rel=1e-6)
    # Raking keeps the odds ratio of the sample: (w11 n11)(w22 n22) / (w12 n12)(w21 n21).
    first = {cell: weights[sum(counts[:place])] for place, cell in enumerate(cells)}
    assert first[cells[0]] * first[cells[3]] == pytest.approx(first[cells[1]] * first[cells[2]])


def test_who_is_missing_is_named() -> None:
    with pytest.raises(NotWeightableError, match="no responses with sex male"):
        rake([{"sex": "female"}], SEX)
    with pytest.raises(NotWeightableError, match="no responses"):
        rake([], SEX)


def test_inconsistent_margins_are_an_error() -> None:
    with pytest.raises(NotWeightableError, match="inconsistent"):
        rake(people(female_young=5, male_old=5), SEX | AGE)


def test_equal_weights_are_worth_every_response_and_unequal_ones_fewer() -> None:
    assert effective_size([1.0] * 20) == pytest.approx(20)
    assert effective_size([3.0, 1.0]) == pytest.approx(16 / 10)


def weighted_survey() -> Any:
    sex = question("sex", about="sex", required=False, options=[option("female"), option("male")])
    margin = {"sex": {"source": "census", "shares": {"female": 50, "male": 50}}}
    return survey(question("Q"), sex, population=margin)


def test_weighted_results_need_a_key(feedback: Room) -> None:
    load(feedback, weighted_survey())
    path = f"{API}/surveys/own/weighted-results"
    # Nine women of whom all say yes, three men of whom none does: 75% of answers, half of people.
    for sex, answer, count in (("female", "yes", 9), ("male", "no", 3)):
        for _ in range(count):
            respond(feedback, {"Q": answer, "sex": sex}, day="2024-01-01")
    respond(feedback, {"Q": "yes"}, day="2024-01-01")
    feedback.form_bundles()
    found = feedback.get(path, caller=ADMIN, period="2024").json()
    assert (found["n"], found["excluded"], found["by"]) == (12, 1, ["sex"])
    assert found["effective_n"] == pytest.approx(9.0)
    [only] = found["questions"]
    shares = {o["code"]: (o["count"], pytest.approx(o["share"])) for o in only["options"]}
    assert shares == {"yes": (9, 0.5), "no": (3, 0.5)}
    assert feedback.get(path, period="2024").status_code == 401
    agency = agency_caller("dukcapil", "usage:write")
    assert feedback.get(path, caller=agency, period="2024").status_code == 403
    assert feedback.get(path, caller=ADMIN, period="2023").status_code == 409
    assert feedback.get(path, caller=ADMIN, by="age_group").status_code == 409
    for unknown in ("hair", ["sex"] * 4):
        assert feedback.get(path, caller=ADMIN, by=unknown).status_code == 422
