"""Toba 2024 by the method as it stands, beside what the study found by interviews, unit by unit.

The study: Sitorus and Nooraini (2025). Its words in numbers: "not optimal" is under 75, "lacking"
under 60, "present" 50 or more. Where it tells nothing that can be counted, nothing is scored.
"""

from typing import Any

import pytest

from tests.conftest import Hub

NOT_OPTIMAL = (0, 75)
LACKING = (0, 60)
PRESENT = (50, 100.01)
UNKNOWN = None

VERDICTS: dict[str, tuple[float, float] | None] = {
    "discovery": NOT_OPTIMAL,  # many actors do not know what the e-Mall is
    "definition": PRESENT,  # shared understanding exists, roles are explained
    # Held, with minutes and discussion: of one meeting. Of the other, whose attendance is known, no
    # minutes are told and only the government was there.
    "deliberation": NOT_OPTIMAL,
    "determination": NOT_OPTIMAL,  # decrees exist, compliance is not optimal
    "trust": LACKING,
    "understanding": LACKING,
    "legitimation": UNKNOWN,  # recognised by the award; nobody inside was asked
    "commitment": UNKNOWN,  # thin: a single agreement; plans and renewals are not told
    "arrangements": NOT_OPTIMAL,  # a decree, on the division of tasks only
    "leadership": UNKNOWN,  # assigned by regulation; who holds the posts is not told
    "knowledge": UNKNOWN,  # shared, not optimal; no figure
    "resources": NOT_OPTIMAL,  # uneven, no budgets of agencies
    "uncertainty": NOT_OPTIMAL,  # no risk mitigation at all
    "interdependence": UNKNOWN,  # not every attendance, nor the catalogue of that year, is recorded
    "incentives": NOT_OPTIMAL,
    "leadership_driver": PRESENT,  # a good driver
}


def elements(hub: Hub) -> dict[str, dict[str, Any]]:
    answer = hub.client.get("/api/v1/metrics/collaboration-dynamics?period=2024")
    assert answer.status_code == 200, answer.text
    scores = answer.json()["scores"]
    found = [element for dimension in scores["dimensions"] for element in dimension["elements"]]
    return {element["code"]: element for element in [*found, *scores["drivers"]]}


def test_all_12_elements_and_4_drivers_have_a_verdict(toba_hub: Hub) -> None:
    assert list(elements(toba_hub)) == list(VERDICTS)


@pytest.mark.parametrize("code", VERDICTS)
def test_the_method_reaches_the_verdict_of_the_study(toba_hub: Hub, code: str) -> None:
    element, verdict = elements(toba_hub)[code], VERDICTS[code]
    if verdict is None:
        assert element["value"] is None
        assert element["reason"] == "no evidence" or element["reason"].startswith(
            "insufficient evidence"
        )
    else:
        assert verdict[0] <= element["value"] < verdict[1]


def test_each_element_and_driver_has_the_verdict_of_the_study_beside_its_score(
    toba_hub: Hub,
) -> None:
    for code, element in elements(toba_hub).items():
        [verdict] = element["verdicts"]
        assert verdict["word"], code
        assert verdict["band"], code
        assert verdict["passage"].startswith("Studi, pembahasan"), code
        assert verdict["sources"] == ["study-2025"]
        assert (verdict["score_band"] is None) == (element["value"] is None), code


def test_the_agreement_with_the_study_is_computed(toba_hub: Hub) -> None:
    answer = toba_hub.client.get("/api/v1/metrics/collaboration-dynamics?period=2024").json()
    agreement = answer["scores"]["agreement"]
    assert agreement["bands"] == ["lacking", "partial", "good"]
    assert agreement["counts"] == [[1, 1, 0], [5, 1, 0], [0, 1, 2]]
    assert (agreement["verdicts"], agreement["compared"], agreement["equal"]) == (16, 11, 4)
    assert (agreement["kappa"], agreement["low"], agreement["high"]) == (0.2804, -0.1114, 0.6721)


def test_only_2024_has_an_index_and_other_years_have_bounds(toba_hub: Hub) -> None:
    for year, known in ((2023, False), (2024, True), (2025, False), (2026, False)):
        path = f"/api/v1/metrics/collaboration-dynamics?period={year}"
        index = toba_hub.client.get(path).json()["scores"]["index"]
        assert (index["value"] is not None) == known, year
        assert index["proven"] <= (index["value"] or 50) <= index["possible"]
        assert known or (index["reason"] and index["missing_first"])


def test_uncertainty_is_the_lowest_driver(toba_hub: Hub) -> None:
    found = {code: one["value"] for code, one in list(elements(toba_hub).items())[-4:]}
    drivers = {code: value for code, value in found.items() if value is not None}
    assert min(drivers, key=drivers.__getitem__) == "uncertainty"
    assert drivers["uncertainty"] == 0
    assert len(set(drivers.values())) == 3


def test_deliberation_shows_what_each_meeting_tells(toba_hub: Hub) -> None:
    """The forum has minutes and no list of names; the evaluation has names and no minutes."""
    indicators = elements(toba_hub)["deliberation"]["indicators"]
    shown = {one["code"]: (one["proven"], one["value"], one["possible"]) for one in indicators}
    assert shown == {
        "deliberation.minutes": (0, 75, 100),
        "deliberation.balance": (0, 0, 100),
        "deliberation.voice": (0, 75, 100),
    }


def test_the_index_of_2024_rests_on_half_of_its_indicators(toba_hub: Hub) -> None:
    answer = toba_hub.client.get("/api/v1/metrics/collaboration-dynamics?period=2024").json()
    assert answer["scores"]["index"]["coverage"] == 0.5152  # 17 of 33
