"""Assessments over HTTP on the Toba pack: live, stored, followed to their evidence."""

from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from services.gateway.app import create_app
from services.platform.local_time import DEFAULT_ZONE
from tests.conftest import Hub, Room, agency_caller
from tests.servers import free_port

API = "/api/v1"
DYNAMICS = f"{API}/metrics/collaboration-dynamics"
ASSESSMENTS = f"{API}/assessments"
QUICK = {"period": 2024, "draws": 200}
THIS_YEAR = datetime.now(DEFAULT_ZONE).year


def live(hub: Hub, **parameters: Any) -> dict[str, Any]:
    answer = hub.client.get(DYNAMICS, params=QUICK | parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def nodes(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every node by its code."""
    scores = answer["scores"]
    found = [scores["index"], *scores["dimensions"], *scores["drivers"]]
    elements = [element for dimension in scores["dimensions"] for element in dimension["elements"]]
    found += elements
    found += [one for element in (*elements, *scores["drivers"]) for one in element["indicators"]]
    return {node["code"]: node for node in found}


@pytest.fixture(scope="module")
def toba_2024(toba_hub: Hub) -> dict[str, Any]:
    """Return the assessment of 2024 on the Toba pack only, with its present evidence."""
    return live(toba_hub)


def test_all_12_elements_and_4_drivers_are_present(toba_2024: dict[str, Any]) -> None:
    scores = toba_2024["scores"]
    assert [len(dimension["elements"]) for dimension in scores["dimensions"]] == [4, 4, 4]
    assert len(scores["drivers"]) == 4
    assert toba_2024["notices"] == []
    assert (toba_2024["region"], toba_2024["period"]) == ("12.12", 2024)
    assert toba_2024["method"]["href"] == f"{API}/methods/cgr-2015"


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["api", "page", "qr"])
def test_anonymous_answers_with_an_earlier_date_do_not_move_the_index(
    toba_hub: Hub, toba_2024: dict[str, Any], mode: str
) -> None:
    levels = dict.fromkeys((f"{part}{n}" for part in "TPCL" for n in (1, 2, 3)), 4)
    body = {"answered_on": "2024-06-03", "mode": mode, "answers": levels}
    path = f"{API}/surveys/stakeholders/responses"
    for _ in range(25):
        refused = toba_hub.client.post(path, json=body)
        assert refused.status_code == 409, refused.text
        [error] = refused.json()["errors"]
        assert error["pointer"] == "#/answered_on"
        assert error["detail"].startswith("must be today")
    assert live(toba_hub)["scores"] == toba_2024["scores"]


def test_uncertainty_is_the_lowest_driver_by_known_absence(
    toba_2024: dict[str, Any],
) -> None:
    drivers = {
        driver["code"]: driver["value"]
        for driver in toba_2024["scores"]["drivers"]
        if driver["value"] is not None
    }
    assert min(drivers, key=drivers.__getitem__) == "uncertainty"
    risk = nodes(toba_2024)["uncertainty.risk"]
    assert (drivers["uncertainty"], risk["value"]) == (0, 0)
    assert [link["key"] for link in risk["evidence"]] == ["risks-with-mitigation-2024"]


def test_legitimation_stands_above_trust_and_resources_are_low(toba_2024: dict[str, Any]) -> None:
    found = nodes(toba_2024)
    assert found["legitimation"]["proven"] > found["trust"]["proven"]
    assert found["resources"]["value"] < 60


@pytest.mark.parametrize(
    ("element", "low", "high"),
    [
        ("discovery", 25, 75),  # under way, not optimal
        ("definition", 50, 100),  # a shared understanding exists, roles are explained
        ("determination", 25, 75),  # decrees exist, compliance is not optimal
        ("trust", 0, 60),  # lacking
        ("understanding", 0, 60),  # lacking: half of the programmes run
        ("arrangements", 0, 50),  # a decree, on the division of tasks only
        ("resources", 0, 60),  # uneven, no budgets
        ("uncertainty", 0, 25),  # no risk mitigation
        ("incentives", 0, 75),  # not optimal
        ("leadership_driver", 75, 100),  # a good driver
    ],
)
def test_a_score_is_in_the_range_that_the_study_found(
    toba_2024: dict[str, Any], element: str, low: float, high: float
) -> None:
    assert low <= nodes(toba_2024)[element]["value"] <= high


@pytest.mark.parametrize("element", ["legitimation", "commitment", "leadership", "knowledge"])
def test_an_element_without_enough_evidence_is_marked_and_never_zero(
    toba_2024: dict[str, Any], element: str
) -> None:
    found = nodes(toba_2024)[element]
    assert found["value"] is None
    assert found["coverage"] < 0.5
    assert "evidence" in found["reason"]


def test_a_measure_without_evidence_is_null_with_its_reason(toba_2024: dict[str, Any]) -> None:
    for code in ("discovery.awareness", "trust.reporting", "legitimation.satisfaction"):
        found = nodes(toba_2024)[code]
        assert (found["value"], found["interval"], found["evidence"]) == (None, None, [])
        assert found["reason"]
    for found in nodes(toba_2024).values():
        assert (found["value"] is None) == (found["reason"] is not None), found["code"]


def test_every_number_leads_to_its_evidence_and_that_to_its_sources(
    toba_hub: Hub, toba_2024: dict[str, Any]
) -> None:
    links = {
        link["href"] for node in nodes(toba_2024).values() for link in node.get("evidence", ())
    }
    assert len(links) > 20
    for href in links:
        read = toba_hub.client.get(href)
        assert read.status_code == 200, href
        if "?version=" in href:
            assert read.json()["sources"], href


def test_the_same_question_has_the_same_answer_and_another_seed_another(toba_hub: Hub) -> None:
    one = live(toba_hub, seed=7)
    assert live(toba_hub, seed=7) == one
    other = live(toba_hub, seed=8)
    assert other["evidence_hash"] == one["evidence_hash"]
    for code, node in nodes(one).items():
        assert nodes(other)[code]["value"] == node["value"]
    intervals = [{code: node["interval"] for code, node in nodes(x).items()} for x in (one, other)]
    assert intervals[0] != intervals[1]


def test_a_year_without_evidence_has_no_index(toba_hub: Hub) -> None:
    index = live(toba_hub, period=2001)["scores"]["index"]
    assert index["value"] is None
    assert index["reason"]


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"period": 1999}, "period"),
        ({"period": "next"}, "period"),
        ({"seed": -1}, "seed"),
        ({"draws": 99}, "draws"),
        ({"draws": 100_001}, "draws"),
        ({"method": "CGR"}, "method"),
    ],
)
def test_a_wrong_question_is_named(toba_hub: Hub, parameters: dict[str, Any], name: str) -> None:
    wanted = {key: value for key, value in (QUICK | parameters).items() if value is not None}
    answer = toba_hub.client.get(DYNAMICS, params=wanted)
    assert answer.status_code == 422
    assert [error["parameter"] for error in answer.json()["errors"]] == [name]


@pytest.mark.parametrize("method", ["moon", "spbe-2020"])
def test_a_method_that_assesses_no_collaboration_is_not_found_and_named(
    toba_hub: Hub, method: str
) -> None:
    answer = toba_hub.client.get(DYNAMICS, params=QUICK | {"method": method})
    assert answer.status_code == 404
    assert answer.json()["errors"][0]["parameter"] == "method"
    drafter = toba_hub.auth("diskominfo", "metrics:draft")
    wanted = QUICK | {"method": method}
    answer = toba_hub.client.post(ASSESSMENTS, json=wanted, headers=drafter)
    assert answer.status_code == 404
    assert answer.json()["errors"][0]["pointer"] == "#/method"


@pytest.fixture(scope="module")
def drafter(toba_hub: Hub) -> dict[str, str]:
    return toba_hub.auth("diskominfo", "metrics:draft")


def post(hub: Hub, key: dict[str, str], **wanted: Any) -> dict[str, Any]:
    answer = hub.client.post(ASSESSMENTS, json=QUICK | wanted, headers=key)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == answer.json()["href"]
    return answer.json()


def test_storing_needs_the_scope(toba_hub: Hub) -> None:
    assert toba_hub.client.post(ASSESSMENTS, json=QUICK).status_code == 401
    key = toba_hub.auth("diskominfo", "usage:write", "evidence:write")
    assert toba_hub.client.post(ASSESSMENTS, json=QUICK, headers=key).status_code == 403


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"period": 1999}, "period"),
        ({"period": "2024-03"}, "period"),
        ({"draws": 1}, "draws"),
        ({"seed": 2**31}, "seed"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_field_is_named(
    toba_hub: Hub, drafter: dict[str, str], change: dict[str, Any], where: str
) -> None:
    answer = toba_hub.client.post(ASSESSMENTS, json=QUICK | change, headers=drafter)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"#/{where}"]


def reported(node: dict[str, Any]) -> dict[str, Any]:
    """Return a node without its address and the nodes below it."""
    return {
        name: value
        for name, value in node.items()
        if name not in {"href", "elements", "indicators"}
    }


def test_a_stored_assessment_equals_the_live_one(toba_hub: Hub, drafter: dict[str, str]) -> None:
    stored = post(toba_hub, drafter, seed=3)
    now = live(toba_hub, seed=3)
    assert stored["evidence_hash"] == now["evidence_hash"]
    assert stored["recorded_by"] == "diskominfo"
    assert (stored["seed"], stored["draws"]) == (3, 200)
    assert {code: reported(node) for code, node in nodes(stored).items()} == {
        code: reported(node) for code, node in nodes(now).items()
    }
    assert toba_hub.client.get(stored["href"]).json() == stored


def test_an_assessment_sent_twice_with_one_key_is_stored_once(
    toba_hub: Hub, drafter: dict[str, str]
) -> None:
    wanted = QUICK | {"period": 2012}
    once = {**drafter, "Idempotency-Key": "assess-2012"}
    answers = [toba_hub.client.post(ASSESSMENTS, json=wanted, headers=once) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert answers[0].headers["location"] == answers[1].headers["location"]
    assert len(toba_hub.client.get(f"{ASSESSMENTS}?period=2012").json()["items"]) == 1
    other = toba_hub.client.post(ASSESSMENTS, json=wanted | {"seed": 9}, headers=once)
    assert other.status_code == 409
    assert other.json()["errors"][0]["parameter"] == "Idempotency-Key"


@pytest.mark.slow
def test_every_node_of_a_stored_assessment_has_an_address(
    toba_hub: Hub, drafter: dict[str, str]
) -> None:
    stored = post(toba_hub, drafter)
    flat = toba_hub.client.get(stored["scores_href"]).json()["items"]
    assert {node["code"] for node in flat} == set(nodes(stored))
    by_address = {node["href"]: node for node in flat}
    for code in ("collaboration_dynamics", "shared_motivation", "trust", "trust.agencies"):
        detail = toba_hub.client.get(f"{stored['scores_href']}/{code}").json()
        assert detail["node"] == by_address[detail["node"]["href"]]
        assert detail["node"]["code"] == code
        for child in detail["children"]:
            assert toba_hub.client.get(child).json()["parent"] == detail["node"]["href"]
    indicator = toba_hub.client.get(f"{stored['scores_href']}/trust.agencies").json()
    assert [item["key"] for item in indicator["evidence"]] == ["agencies-taking-part-2024"]
    assert indicator["raw"] == 0.63
    assert indicator["inputs"] == {"low": 0.51, "high": 0.75}
    driver = toba_hub.client.get(f"{stored['scores_href']}/uncertainty").json()
    assert driver["parent"] is None


def test_what_is_not_there_is_not_found(toba_hub: Hub, drafter: dict[str, str]) -> None:
    stored = post(toba_hub, drafter)
    nothing = f"{ASSESSMENTS}/{uuid4()}"
    for path in (f"{stored['scores_href']}/moon", nothing, f"{nothing}/scores"):
        assert toba_hub.client.get(path).status_code == 404
    for path in (f"{nothing}/scores/trust", f"{nothing}/evidence"):
        assert toba_hub.client.get(path).status_code == 404
    for path in (f"{ASSESSMENTS}/7", f"{stored['scores_href']}/%00", f"{ASSESSMENTS}?cursor=7"):
        assert toba_hub.client.get(path).status_code == 422


def test_assessments_are_listed_newest_first_in_pages_and_by_year(
    toba_hub: Hub, drafter: dict[str, str]
) -> None:
    made = [post(toba_hub, drafter, period=2011, draws=100)["id"] for _ in range(3)]
    page = toba_hub.client.get(f"{ASSESSMENTS}?period=2011&limit=2").json()
    assert [item["id"] for item in page["items"]] == made[:0:-1]
    last = toba_hub.client.get(page["next"]).json()
    assert ([item["id"] for item in last["items"]], last["next"]) == (made[:1], None)
    for item in page["items"]:
        whole = toba_hub.client.get(item["href"]).json()
        assert {name: whole[name] for name in item} == item
    assert toba_hub.client.get(f"{ASSESSMENTS}?method=moon").json()["items"] == []


def change_evidence(hub: Hub, key: str, **change: Any) -> None:
    """Return a correction of an observation on record."""
    [before] = [
        item
        for item in hub.client.get(f"{API}/observations").json()["items"]
        if item["content"]["key"] == key
    ]
    where = f"{API}/observations/{before['id']}"
    tag = hub.client.get(where).headers["ETag"]
    answer = hub.client.put(
        where,
        json=before["content"] | change,
        headers=hub.auth("diskominfo", "admin") | {"If-Match": tag},
    )
    assert answer.status_code == 200, answer.text
    hub.confirm(answer)


@pytest.mark.slow
def test_a_stored_assessment_retains_its_evidence_while_the_live_one_changes(
    hub: Hub,
) -> None:
    drafter = hub.auth("diskominfo", "metrics:draft")
    stored = post(hub, drafter)
    evidence = hub.client.get(stored["evidence_href"]).json()
    change_evidence(hub, "programmes-running-2024", value=0.75)
    now = live(hub)
    assert nodes(now)["understanding"]["value"] == 75
    assert now["evidence_hash"] != stored["evidence_hash"]
    assert hub.client.get(stored["href"]).json() == stored
    assert hub.client.get(stored["evidence_href"]).json() == evidence
    node = f"{stored['scores_href']}/understanding.programmes"
    [read] = hub.client.get(node).json()["evidence"]
    assert (read["version"], read["content"]["value"]) == (1, 0.5)
    assert hub.client.get(read["href"]).json()["content"] == read["content"]
    for method in ("PUT", "PATCH", "DELETE"):
        answer = hub.client.request(method, stored["href"], headers=drafter)
        assert answer.status_code == 405
    again = post(hub, drafter)
    assert again["evidence_hash"] == now["evidence_hash"]


@pytest.mark.slow
def test_while_another_service_is_down_the_live_response_reports_it_and_nothing_is_stored(
    hub: Hub,
) -> None:
    away = hub.settings.model_copy(update={"feedback_url": f"http://127.0.0.1:{free_port()}"})
    key = hub.auth("diskominfo", "metrics:draft")
    with TestClient(create_app(away)) as client:
        lone = Hub(client, away)
        found = live(lone)
        refused = client.post(ASSESSMENTS, json=QUICK, headers=key)
        assert client.get(ASSESSMENTS).json()["items"] == []
    assert found["notices"]
    assert all("feedback" in notice for notice in found["notices"])
    assert nodes(found)["trust.reporting"]["reason"] == "the feedback service did not answer"
    assert nodes(found)["arrangements.procedures"]["value"] is not None
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert "feedback" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "more"),
    [
        ("GET", DYNAMICS, {}),
        ("POST", ASSESSMENTS, {}),
        ("GET", f"{API}/metrics/ranking", {}),
        ("POST", f"{API}/scenarios", {"kind": "collaboration", "target": 60}),
    ],
)
def test_a_year_that_has_not_begun_is_refused_and_the_possible_ones_are_named(
    toba_hub: Hub, method: str, path: str, more: dict[str, Any]
) -> None:
    key, asked = toba_hub.auth("diskominfo", "metrics:draft"), {"period": THIS_YEAR + 1} | more
    if method == "GET":
        answer = toba_hub.client.get(path, params=asked)
    else:
        answer = toba_hub.client.post(path, json=asked, headers=key)
    assert answer.status_code == 422
    error = answer.json()["errors"][0]
    assert (error.get("parameter"), error.get("pointer")) == (
        ("period", None) if method == "GET" else (None, "#/period")
    )
    assert f"a year from 2000 to {THIS_YEAR} can be assessed" in error["detail"]


def test_the_current_year_is_provisional_and_an_ended_one_is_not(toba_hub: Hub) -> None:
    key = toba_hub.auth("diskominfo", "metrics:draft")
    for year, provisional in ((THIS_YEAR, True), (THIS_YEAR - 1, False)):
        assert live(toba_hub, period=year)["provisional"] is provisional
        stored = toba_hub.client.post(ASSESSMENTS, json=QUICK | {"period": year}, headers=key)
        assert stored.json()["provisional"] is provisional
        trend = toba_hub.client.get(f"{API}/metrics/trend?from={year}&to={year}").json()
        assert [item["provisional"] for item in trend["items"]] == [provisional]


def test_catalogue_figures_are_those_of_the_years_end_and_null_before_its_first_version(
    toba_hub: Hub,
) -> None:
    catalogue = ("arrangements.standards", "interdependence.sector_failure")
    now, before = nodes(live(toba_hub, period=THIS_YEAR)), nodes(live(toba_hub))
    for code in catalogue:
        assert now[code]["evidence"][0]["href"] == f"{API}/catalog/summary"
        assert before[code]["value"] is None
        assert before[code]["reason"] == "at the end of the year the catalogue had no version yet"
    key = toba_hub.auth("diskominfo", "metrics:draft")
    stored = toba_hub.client.post(ASSESSMENTS, json=QUICK, headers=key).json()
    read = toba_hub.client.get(stored["evidence_href"]).json()["items"]
    addresses = [item["href"] for item in read if item["kind"] == "catalog"]
    assert addresses == [f"{API}/catalog/summary?as_of=2024-12-31T17:00:00Z"]  # midnight, Jakarta


def test_an_assessment_service_without_evidence_and_peers_still_answers(assessment: Room) -> None:
    answer = assessment.get(DYNAMICS, period=2024, draws=200)
    assert answer.status_code == 200
    assert answer.json()["scores"]["index"]["value"] is None
    assert len(answer.json()["notices"]) > 1
    drafter = agency_caller("diskominfo", "metrics:draft")
    assert assessment.post(ASSESSMENTS, QUICK, caller=drafter).status_code == 503
