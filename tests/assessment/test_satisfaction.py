"""The satisfaction index by the method's data."""

import pytest

from services.assessment.methods.definition import SatisfactionMethod
from services.assessment.methods.library import read_methods
from services.assessment.scoring.satisfaction import score_satisfaction

TOTALS: dict[str, int] = dict(
    zip(
        ("U1", "U2", "U3", "U4", "U5", "U6", "U7", "U8", "U9"),
        (105, 101, 100, 116, 102, 105, 106, 105, 115),
        strict=True,
    )
)
"""The worked example of 29 responses."""


def method() -> SatisfactionMethod:
    found = read_methods()["skm-2017"]
    assert isinstance(found, SatisfactionMethod)
    return found


@pytest.mark.parametrize(("weight", "value"), [(None, 91.48), ("1/9", 91.48), ("0.11", 90.56)])
def test_the_worked_example_gives_the_known_index(weight: str | None, value: float) -> None:
    scores = score_satisfaction(method(), TOTALS, n=29, weight=weight)
    assert (scores.value, scores.grade) == (value, "A")
    assert scores.nrr["U4"] == 4


@pytest.mark.parametrize(
    ("totals", "n", "weight", "message"),
    [
        (TOTALS, 0, None, "at least one response"),
        (TOTALS, 29, "0.2", r"must be one of 1/9, 0\.11, not 0\.2"),
        (TOTALS | {"U1": 117}, 29, None, "U1: 29 answers of 1-4 sum to 29-116, not 117"),
        ({"U1": 40}, 29, None, "a total of each element is needed"),
    ],
)
def test_what_no_survey_can_give_is_refused(
    totals: dict[str, int], n: int, weight: str | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        score_satisfaction(method(), totals, n=n, weight=weight)
