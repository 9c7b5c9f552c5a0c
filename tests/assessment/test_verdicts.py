"""Verdicts of studies beside the scores: mapped by the method, compared, and never scored."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.assessment.evidence.records import Verdict
from services.assessment.methods.definition import CollaborationMethod
from services.assessment.scoring.assess import assess
from services.assessment.scoring.items import Item
from services.assessment.scoring.scores import ElementScore, Scores
from tests.assessment.evidence_builders import facts, observation, record
from tests.assessment.test_assess import small_method

BANDS = [
    {"code": "low", "name": "rendah", "name_en": "low", "low": 0},
    {"code": "high", "name": "tinggi", "name_en": "high", "low": 50},
]
SCALE: dict[str, Any] = {
    "bands": BANDS,
    "words": {"lemah": "low", "kuat": "high"},
}
HALF_KNOWN = [observation("a", "a_x", value=0.2), observation("b", "b_x", value=0.8)]


def method(**scale: Any) -> CollaborationMethod:
    document = small_method().model_dump(mode="json") | {"verdicts": SCALE | scale}
    return CollaborationMethod.model_validate(document)


def verdict(element: str, word: str, *, year: int = 2024, key: str = "") -> Item:
    about = {"element": element, "word": word, "year": year, "passage": "h. 7"}
    return record("verdicts", key or f"on-{element}", **about)


def assessed(*items: Item, by: CollaborationMethod | None = None) -> Scores:
    return assess(by or method(), facts(*HALF_KNOWN, *items), seed=1, draws=100)


def words(scores: Scores, code: str) -> list[tuple[str | None, str | None, bool | None]]:
    node = scores.node(code)
    assert isinstance(node, ElementScore)
    return [(one.band, one.score_band, one.agrees) for one in node.verdicts]


def test_a_verdict_stands_beside_the_score_with_its_band_and_passage() -> None:
    scores = assessed(verdict("a", "lemah"), verdict("b", "lemah"))
    assert words(scores, "a") == [("low", "low", True)]
    assert words(scores, "b") == [("low", "high", False)]
    node = scores.node("a")
    assert isinstance(node, ElementScore)
    [one] = node.verdicts
    assert (one.word, one.passage, one.sources) == ("lemah", "h. 7", ["a-source"])
    assert (one.evidence.kind, one.evidence.key) == ("verdicts", "on-a")


def test_verdicts_change_no_score() -> None:
    without, with_verdicts = assessed(), assessed(verdict("a", "kuat"), verdict("b", "lemah"))
    assert [node.value for node in without.nodes()] == [
        node.value for node in with_verdicts.nodes()
    ]
    assert without.agreement is None


def test_a_word_that_the_method_does_not_know_is_shown_and_not_compared() -> None:
    scores = assessed(verdict("a", "lumayan"), verdict("b", "kuat"))
    assert words(scores, "a") == [(None, "low", None)]
    assert scores.agreement is not None
    assert (scores.agreement.verdicts, scores.agreement.compared) == (2, 1)
    assert (scores.agreement.kappa, scores.agreement.low) == (None, None)
    assert scores.agreement.reason


@pytest.mark.parametrize(
    ("items", "by"),
    [
        ([verdict("a", "lemah", year=2023)], method()),
        ([verdict("c", "lemah")], method()),
        ([verdict("a", "lemah")], small_method()),
    ],
)
def test_verdicts_of_other_years_elements_and_methods_without_a_scale_are_left_out(
    items: list[Item], by: CollaborationMethod
) -> None:
    scores = assessed(*items, by=by)
    assert words(scores, "a") == []
    assert scores.agreement is None


def test_two_studies_of_one_element_are_two_verdicts() -> None:
    scores = assessed(
        verdict("a", "lemah"), verdict("a", "kuat", key="other"), verdict("b", "kuat")
    )
    assert words(scores, "a") == [("low", "low", True), ("high", "low", False)]
    agreement = scores.agreement
    assert agreement is not None
    assert (agreement.compared, agreement.equal) == (3, 2)
    assert agreement.counts == [[1, 0], [1, 1]]
    assert agreement.kappa == pytest.approx(0.4)
    assert agreement.low is not None
    assert agreement.high is not None
    assert -1 <= agreement.low < 0.4 < agreement.high <= 1


def test_a_verdict_needs_the_passage_of_its_source() -> None:
    content = {"key": "v", "sources": ["s"], "element": "a", "year": 2024, "word": "lemah"}
    with pytest.raises(ValidationError, match="passage is needed"):
        Verdict.model_validate(content)


@pytest.mark.parametrize(
    ("scale", "said"),
    [
        ({"words": {"lemah": "bad"}}, "'lemah' has the band 'bad'"),
        ({"bands": [BANDS[1], BANDS[0]]}, "bands must rise"),
        ({"bands": [BANDS[0], BANDS[0]]}, "bands must rise"),
        ({"words": {}}, "at least 1 item"),
    ],
)
def test_a_wrong_scale_of_verdicts_is_named(scale: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        method(**scale)
