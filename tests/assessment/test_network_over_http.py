"""The network over HTTP: counts to everybody, names to staff, the past as it was known."""

import csv
import io
from datetime import UTC, date, datetime
from typing import Any
from xml.etree import ElementTree

import networkx as nx
import pytest
from starlette.testclient import TestClient

from services.assessment.network import analysis
from services.assessment.network import ties as ties_of_network
from services.assessment.network.picture import DESK, picture
from services.assessment.network.structure import node_positions
from services.assessment.network.ties import THROUGH, network_of
from services.gateway.app import create_app
from tests.assessment.evidence_builders import agreement, facts, meeting, stakeholder
from tests.conftest import DEFAULT_ZONE, Hub, Server, new_key
from tests.rows import rows
from tests.servers import LOOPBACK, serving

NETWORK = "/api/v1/network"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def staff(toba_hub: Hub) -> dict[str, str]:
    return toba_hub.auth("diskominfo", "metrics:draft")


def ask(hub: Hub, key: dict[str, str] | None = None, **parameters: Any) -> dict[str, Any]:
    answer = hub.client.get(NETWORK, params={"period": 2024} | parameters, headers=key)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_toba_2024_is_one_agreement_among_21_stakeholders(toba_hub: Hub) -> None:
    found = ask(toba_hub)
    measures = found["measures"]
    assert (measures["stakeholders"], measures["ties"], measures["isolates"]) == (21, 1, 19)
    assert measures["density"] == round(1 / 210, 4)
    assert measures["ei_index"] == 1
    assert [(s["sector"], s["stakeholders"]) for s in found["sectors"]] == [
        ("government", 17),
        ("private", 3),
        ("community", 1),
    ]
    with_programmes = ask(toba_hub, through=["agreements", "programmes"])
    assert with_programmes["measures"]["ties"] == 3
    for one in found["reported"]:
        assert one["mean"] is None
        assert one["reason"]


def test_names_are_shown_only_to_staff(toba_hub: Hub, staff: dict[str, str]) -> None:
    assert (ask(toba_hub)["nodes"], ask(toba_hub)["ties"]) == (None, None)
    nodes = {node["key"]: node for node in ask(toba_hub, staff)["nodes"]}
    assert nodes["rri-sibolga"]["degree"] == 1
    assert nodes["it-del"]["isolate"]
    other = toba_hub.auth("diskominfo", "usage:write")
    assert ask(toba_hub, other)["nodes"] is None
    for file in ("network.graphml", "network/ties.csv", "network/stakeholders.csv"):
        path = f"/api/v1/{file}?period=2024"
        assert toba_hub.client.get(path).status_code == 401
        assert toba_hub.client.get(path, headers=other).status_code == 403
        answer = toba_hub.client.get(path, headers=staff)
        assert answer.status_code == 200
        assert "private" in answer.headers["cache-control"]


def test_the_files_hold_the_network(toba_hub: Hub, staff: dict[str, str]) -> None:
    def read(file: str) -> str:
        path = f"/api/v1/{file}?period=2024&through=agreements&through=programmes"
        return toba_hub.client.get(path, headers=staff).content.decode("utf-8-sig")

    graph = nx.parse_graphml(read("network.graphml"))
    ties = list(csv.DictReader(io.StringIO(read("network/ties.csv")), delimiter=";"))
    people = list(csv.DictReader(io.StringIO(read("network/stakeholders.csv")), delimiter=";"))
    assert len(graph) == len(people) == 21
    assert {frozenset(edge) for edge in graph.edges} == {
        frozenset((tie["first"], tie["second"])) for tie in ties
    }
    assert len(ties) == 3
    assert graph.nodes["it-del"]["sector"] == "community"


def test_the_public_drawing_shows_all_actors_without_names(
    toba_hub: Hub, staff: dict[str, str]
) -> None:
    href = ask(toba_hub)["picture_href"]
    public = toba_hub.client.get(href)
    assert public.headers["content-type"] == "image/svg+xml; charset=utf-8"
    named = toba_hub.client.get(href, headers=staff).text
    assert "PT Toba Jaya" in named
    assert "PT Toba Jaya" not in public.text
    root = ElementTree.fromstring(public.text)
    title = root.find(f"{SVG}title")
    assert title is not None
    assert title.text == "Jejaring pemangku kepentingan 2024"
    shapes = [e for e in root.iter() if e.get("fill")]
    assert len(shapes) == 21 + 3  # and three in the legend
    assert toba_hub.client.get(href).text == public.text
    assert "Network of stakeholders" in toba_hub.client.get(f"{href}&lang=en").text


def test_the_picture_arrives_whole_over_a_socket(server: Server, toba: str) -> None:
    with server.database_from(toba) as name:
        settings = server.settings(name)
        key = {"Authorization": f"Bearer {new_key(settings, 'diskominfo', 'metrics:draft')}"}
        with serving(create_app(settings)) as address:
            for headers in ({}, key):
                answer = LOOPBACK.get(f"{address}{NETWORK}.svg?period=2024", headers=headers)
                assert answer.status_code == 200
                assert int(answer.headers["content-length"]) == answer.num_bytes_downloaded
                assert ElementTree.fromstring(answer.text).tag == f"{SVG}svg"


def test_two_years_are_compared(toba_hub: Hub) -> None:
    assert ask(toba_hub, compare=2001)["change"] is None
    change = ask(toba_hub, compare=2024)["change"]
    assert (change["stability"], change["ties_kept"], change["joined"]) == (1, 1, 0)
    assert {one["difference"] for one in change["differences"]} == {0, None}  # no triple of ties
    without = ask(toba_hub, period=2023)
    assert without["measures"] is None
    assert "names who took part" in without["reason"]


@pytest.mark.slow
def test_a_network_can_be_read_as_it_was_known_then(hub: Hub) -> None:
    before = datetime.now(UTC).isoformat()
    key = hub.auth("diskominfo", "admin")
    body = {
        "key": "mou-it-del", "name": "Nota", "name_en": "Memorandum", "scope": "Data.",
        "parties": ["pemerintah-kabupaten-toba", "it-del"], "partner_sector": "community",
        "valid_from": "2024-02-01", "sources": ["study-2025"],
    }  # fmt: skip
    answer = hub.client.post("/api/v1/agreements", json=body, headers=key)
    assert answer.status_code == 201, answer.text
    hub.confirm(answer)
    now = ask(hub)
    assert (now["measures"]["ties"], now["measures"]["brokers"]) == (2, 1)
    assert ask(hub, as_of=before)["measures"]["ties"] == 1
    assert ask(hub, as_of="2020-01-01T00:00:00Z")["measures"] is None


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"period": 1999}, "period"),
        ({"through": "walks"}, "through.0"),
        ({"meetings": 0}, "meetings"),
        ({"compare": "last"}, "compare"),
        ({"as_of": "yesterday"}, "as_of"),
    ],
)
def test_a_wrong_question_is_named(toba_hub: Hub, parameters: dict[str, Any], name: str) -> None:
    answer = toba_hub.client.get(NETWORK, params={"period": 2024} | parameters)
    assert answer.status_code == 422
    assert [error["parameter"] for error in answer.json()["errors"]] == [name]


def test_a_drawing_escapes_names_and_is_determined_by_its_seed() -> None:
    evil = "<script>&\ufffe\"'" + "x" * 60
    came = [{"stakeholder": key, "present": True} for key in "abc"]
    people = [stakeholder(key, name=evil) for key in "abcde"]
    read = facts(*people, meeting("m", attendance=came), agreement("g", ["c", "d"]))
    net = network_of(read, through=THROUGH, meetings=1)
    places = node_positions(net)
    drawn = [
        picture(net, places, period=2024, seed=seed, form=DESK, names=True) for seed in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1] != drawn[2]
    root = ElementTree.fromstring(drawn[0])
    texts = [element.text or "" for element in root.iter(f"{SVG}text")]
    labels = [text for text in texts if "<script>&\"'" in text]
    assert len(labels) == 2  # the broker c and the isolate e
    assert all(len(label) <= 34 for label in labels)


ROUTES = (
    "network?period=2024",
    "network.svg?period=2024",
    "network/stakeholders.csv?period=2024",
    "network/ties.csv?period=2024",
    "network.graphml?period=2024",
)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("limits", [{"MAX_STAKEHOLDERS": 20}, {"MAX_TIES": 0}])
def test_a_network_that_is_too_large_is_refused_and_not_shown_in_part(
    toba_hub: Hub,
    staff: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    route: str,
    limits: dict[str, int],
) -> None:
    for name, value in limits.items():
        monkeypatch.setattr(ties_of_network, name, value)
    answer = toba_hub.client.get(f"/api/v1/{route}", headers=staff)
    assert answer.status_code == 409
    assert "is not computed" in answer.json()["detail"]


@pytest.mark.parametrize("route", ROUTES)
def test_requests_for_networks_do_not_pile_up(
    toba_hub: Hub, staff: dict[str, str], monkeypatch: pytest.MonkeyPatch, route: str
) -> None:
    monkeypatch.setattr(analysis, "MAX_WAITING", 0)
    answer = toba_hub.client.get(f"/api/v1/{route}", headers=staff)
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


@pytest.mark.slow
def test_reported_ties_come_from_the_relational_survey(server: Server, toba: str) -> None:
    with server.database_from(toba) as name:
        settings = server.settings(name)
        with TestClient(create_app(settings)) as client:
            hub = Hub(client, settings)
            staff = hub.auth("diskominfo", "metrics:draft")
            before = ask(hub, staff)
            assert before["relational"] is None
            assert {each["kind"]: each["ties"] for each in before["kinds"]} == {
                "meetings": 0,
                "agreements": 1,
                "programmes": before["kinds"][2]["ties"],
                "reported": None,
            }
            keys = sorted(node["key"] for node in before["nodes"])[:4]
            answer_relations(
                hub, staff, {keys[0]: [keys[1]], keys[1]: [keys[0]], keys[2]: []}, keys
            )
            found = ask(hub, staff, through=["meetings", "agreements", "reported"])
            assert found["relational"] == {
                "round": "2024",
                "invited": 4,
                "answered": 3,
                "response_rate": 0.75,
                "reported_by_one": 0,
                "reported_by_both": 1,
                "href": "/api/v1/surveys/stakeholders/ties?period=2024",
            }
            assert found["measures"]["ties"] == before["measures"]["ties"] + 1
            [tie] = [one for one in found["ties"] if one["reported"]]
            assert ([tie["first"], tie["second"]], tie["reported"]) == (keys[:2], 2)
            assert ask(hub, through="agreements")["measures"]["ties"] == 1
            assert ask(hub, through="reported")["measures"]["density"] == round(1 / 210, 4)
            assert "stroke-dasharray" in client.get(found["picture_href"]).text
            path = "/api/v1/network/ties.csv?period=2024&through=reported&delimiter=comma"
            rows_ = list(csv.DictReader(io.StringIO(client.get(path, headers=staff).text)))
            assert [row["reported"] for row in rows_] == ["2"]


def answer_relations(
    hub: Hub, staff: dict[str, str], stated: dict[str, list[str]], keys: list[str]
) -> None:
    """Hold a round of the relational survey in which these stakeholders answer."""
    round_ = "/api/v1/surveys/stakeholders/rounds/2024"
    today = str(datetime.now(DEFAULT_ZONE).date())
    content = {"opens_on": today, "closes_on": today, "sample": "invited"}
    assert hub.client.put(round_, json=content, headers=staff).status_code == 201
    invited = [{"code": key, "name": key, "name_en": key} for key in keys]
    made = hub.client.post(f"{round_}/invitations", json={"invited": invited}, headers=staff)
    tokens = {one["code"]: one["path"].rpartition("/")[2] for one in made.json()["items"]}
    levels = dict.fromkeys((f"{part}{n}" for part in "TPCL" for n in (1, 2, 3)), 3)
    for key, partners in stated.items():
        reports = [{"partner": partner, "frequency": "monthly"} for partner in partners]
        body = {
            "mode": "invitation",
            "token": tokens[key],
            "answers": levels,
            "relations": {"partners": reports},
        }
        sent = hub.client.post("/api/v1/surveys/stakeholders/responses", json=body)
        assert sent.status_code == 201, sent.text
    moved = "UPDATE feedback.survey_round SET opens_on = $1, closes_on = $1"
    rows(hub.settings, moved, date(2024, 12, 31))
