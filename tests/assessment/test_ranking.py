"""Regencies beside each other: probabilities that add up, and only what can be compared."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from services.assessment.assessments.operations import AssessmentResult, store_assessment
from services.assessment.bundles.contents import Parameters, make_bundle
from services.assessment.bundles.signing import Signer
from services.assessment.comparison.ranks import (
    outranking_probabilities,
    rank_interval,
    rank_probabilities,
)
from services.assessment.methods.definition import CollaborationMethod
from services.assessment.methods.library import read_methods
from services.assessment.scoring.assess import assess
from services.assessment.scoring.inputs import Facts
from services.assessment.scoring.items import Item
from services.assessment.scoring.uncertainty import Draws
from services.platform.database import Database
from services.platform.settings import Service
from tests.assessment.evidence_builders import facts, observation, toba_items
from tests.assessment.test_assess import CATALOG
from tests.assessment.test_bundles import OTHER, OWN
from tests.conftest import Hub
from tests.gateway.key_rows import chain_audit_log
from tests.packs import NOW

RANKING = "/api/v1/metrics/ranking"
BUNDLES = "/api/v1/bundles"
PUBLISHERS = "/api/v1/publishers"

TABLES = st.tuples(st.integers(1, 6), st.integers(1, 20)).flatmap(
    lambda shape: st.lists(
        st.lists(st.integers(0, 4), min_size=shape[1], max_size=shape[1]),
        min_size=shape[0],
        max_size=shape[0],
    ).map(lambda rows: np.array(rows, dtype=np.float64))
)


@pytest.mark.slow
@given(TABLES)
@settings(max_examples=200, deadline=None)
def test_probabilities_of_a_regency_and_of_a_rank_sum_to_1(draws: Draws) -> None:
    chances = rank_probabilities(draws)
    assert chances.sum(axis=0) == pytest.approx(1)
    assert chances.sum(axis=1) == pytest.approx(1)
    ahead = outranking_probabilities(draws)
    assert ahead + ahead.T == pytest.approx(1)
    # Who expects to be passed by so many stands so many ranks after the first.
    expected = chances @ np.arange(1, len(draws) + 1)
    assert expected == pytest.approx(1 + (1 - ahead).sum(axis=1) - 0.5)


@given(TABLES)
@settings(max_examples=100, deadline=None)
def test_each_draw_counted_by_hand_gives_the_same(draws: Draws) -> None:
    count, turns = draws.shape
    found = np.zeros((count, count))
    for turn in range(turns):
        for at in range(count):
            above = int((draws[:, turn] > draws[at, turn]).sum())
            equal = int((draws[:, turn] == draws[at, turn]).sum())
            found[at, above : above + equal] += 1 / equal / turns
    assert rank_probabilities(draws) == pytest.approx(found)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=8, unique_by=lambda x: round(x, 4)))
def test_an_order_without_uncertainty_has_probabilities_of_0_and_1(values: list[float]) -> None:
    chances = rank_probabilities(np.array([[value] * 7 for value in values]))
    assert {round(chance, 9) for chance in chances.flatten().tolist()} <= {0, 1}
    for at, value in enumerate(values):
        span = rank_interval(chances[at])
        assert span.median == span.low == span.high == sorted(values, reverse=True).index(value) + 1


def test_two_normal_scores_rank_by_the_distribution_of_their_difference() -> None:
    # N(1, 1) against N(0, 1): P(first ahead) = Phi(1 / sqrt 2) = 0.7602.
    rng = np.random.default_rng(1)
    draws = np.array([rng.normal(1, 1, 200_000), rng.normal(0, 1, 200_000)])
    assert outranking_probabilities(draws)[0, 1] == pytest.approx(0.7602, abs=0.004)
    assert rank_probabilities(draws)[0, 0] == pytest.approx(0.7602, abs=0.004)


def cgr() -> CollaborationMethod:
    method = read_methods()["cgr-2015"]
    assert isinstance(method, CollaborationMethod)
    return method


def richer(programmes: float = 0.9) -> list[Item]:
    """Toba's evidence with more programmes running, and the catalogue."""
    key = "programmes-running-2024"
    stored = [item for item in toba_items() if item.key != key]
    return [*stored, observation(key, "programmes_running", value=programmes), CATALOG]


def bundle_of(
    region: str,
    items: list[Item],
    *,
    signer: Signer = OTHER,
    method: CollaborationMethod | None = None,
    number: int = 1,
) -> bytes:
    """Return a bundle as another regency publishes it."""
    used = method or cgr()
    read = facts(*items)
    parameters = Parameters(
        id=UUID(int=number), region=region, period=read.period, method=used.id,
        method_version=used.version, method_hash=used.hash(), evidence_hash=read.hash(), seed=1,
        draws=200, recorded_at=NOW, recorded_by="diskominfo", software="0.1.0",
    )  # fmt: skip
    scores = assess(used, read, seed=1, draws=200)
    return make_bundle(parameters, used, read.items, scores, signer=signer)


def bring(client: TestClient, key: dict[str, str], archive: bytes) -> httpx.Response:
    return client.post(BUNDLES, content=archive, headers=key | {"Content-Type": "application/zip"})


def list_publisher(hub: Hub, region: str, *signers: Signer) -> httpx.Response:
    """List the keys of these signers for a region, whatever was listed before."""
    address = f"{PUBLISHERS}/{region}"
    tag = hub.client.get(address).headers.get("ETag")
    return hub.client.put(
        address,
        json={"fingerprints": [signer.public.fingerprint for signer in signers]},
        headers=hub.auth("diskominfo", "admin") | ({"If-Match": tag} if tag else {}),
    )


def ranking(hub: Hub, **parameters: Any) -> dict[str, Any]:
    answer = hub.client.get(RANKING, params={"period": 2024, "draws": 500} | parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.slow
def test_regencies_of_three_sources_are_ranked_and_others_named_with_the_reason(hub: Hub) -> None:
    key = hub.auth("diskominfo", "metrics:draft")
    assert ranking(hub)["items"] == []
    wanted = {"period": 2024, "draws": 200}
    assert hub.client.post("/api/v1/assessments", json=wanted, headers=key).status_code == 201
    alone = ranking(hub)["items"]
    assert [(one["region"], one["rank"]) for one in alone] == [("12.12", 1)]
    assert alone[0]["estimated"]["rank_probabilities"] == [1]

    for region in ("12.02", "12.05", "12.06"):
        assert list_publisher(hub, region, OTHER).status_code == 200
    assert bring(hub.client, key, bundle_of("12.02", richer(0.9), number=2)).status_code == 201
    other = cgr().model_copy(update={"version": 3})
    old = bundle_of("12.05", richer(), method=other, number=5)
    assert bring(hub.client, key, old).status_code == 201
    empty = bundle_of("12.06", [observation("one", "anything", value=0.5)], number=6)
    assert bring(hub.client, key, empty).status_code == 201
    store_elsewhere(hub, "12.04", facts(*richer(0.9)))

    found = ranking(hub, node="understanding")
    assert {one["region"]: one["origin"] for one in found["items"]} == {
        "12.12": "own",
        "12.02": "bundle",
        "12.04": "database",
        "12.06": "bundle",
    }
    assert {one["region"]: one["reason"].split(" ", 3)[:3] for one in found["excluded"]} == {
        "12.05": ["it", "follows", "another"],
    }
    # One of two indicators is known, 90 against 50: proven are 45 and 25, and of 12.06 nothing.
    ranks = [(one["region"], one["rank"], one["proven"]) for one in found["items"]]
    assert ranks == [("12.02", 1, 45), ("12.04", 1, 45), ("12.12", 3, 25), ("12.06", 4, 0)]
    assert found["items"][-1]["value"] is found["items"][-1]["estimated"] is None
    # The estimates beside it: 90 against 50, both full counts, which share the first two ranks.
    chances = {one["region"]: one["estimated"]["rank_probabilities"] for one in found["items"][:3]}
    assert chances == {"12.02": [0.5, 0.5, 0], "12.04": [0.5, 0.5, 0], "12.12": [0, 0, 1]}

    index = ranking(hub)
    estimated = [one for one in index["items"] if one["estimated"]]
    assert [one["region"] for one in index["items"] if not one["estimated"]] == ["12.06"]
    for one in estimated:
        chance = one["estimated"]
        assert sum(chance["rank_probabilities"]) == pytest.approx(1, abs=1e-5)
        assert chance["rank_low"] <= chance["median_rank"] <= chance["rank_high"]
        assert one["proven"] <= one["low"] <= one["value"] <= one["high"] <= one["possible"]
        if one["href"]:
            assert hub.client.get(one["href"]).status_code == 200
    by_rank = zip(*(one["estimated"]["rank_probabilities"] for one in estimated), strict=True)
    assert [sum(rank) for rank in by_rank] == pytest.approx([1, 1, 1], abs=1e-5)
    assert ranking(hub) == index
    assert ranking(hub, seed=2) != index


def store_elsewhere(hub: Hub, region: str, read: Facts) -> None:
    """Store an assessment as a hub of another region on the same database would."""
    method = cgr()
    assessed = AssessmentResult(read, assess(method, read, seed=1, draws=200), ())

    async def work() -> None:
        database = Database(hub.settings, Service.assessment)
        async with database.write_session() as session:
            await store_assessment(
                session, method, assessed, region=region, assessment_id=uuid4(), seed=1,
                draws=200, recorded_by="diskominfo", now=NOW,
            )  # fmt: skip
        await database.close()

    assert hub.client.portal is not None
    hub.client.portal.call(work)


@pytest.mark.slow
def test_a_bundle_is_stored_once_and_only_as_its_regency_signed_it(hub: Hub) -> None:
    key = hub.auth("diskominfo", "metrics:draft")
    list_publisher(hub, "12.02", OTHER)
    archive = bundle_of("12.02", richer())
    first, again = bring(hub.client, key, archive), bring(hub.client, key, archive)
    assert (first.status_code, again.json()) == (201, first.json())
    assert [item["id"] for item in hub.client.get(BUNDLES).json()["items"]] == [first.json()["id"]]
    assert hub.client.get(first.headers["location"]).content == archive
    changed = bytearray(archive)
    changed[len(changed) // 2] ^= 1
    for refused, why in (
        (bring(hub.client, key, bytes(changed)), "verification"),
        (bring(hub.client, key, b"no bundle"), "verification"),
        (bring(hub.client, key, bundle_of("12.12", richer(), number=3)), "own region"),
        (bring(hub.client, key, bundle_of("Toba", richer(), number=4)), "no valid region"),
    ):
        assert refused.status_code == 422
        assert why in refused.json()["detail"]
    other = bring(hub.client, key, bundle_of("12.02", richer(0.8)))
    assert (other.status_code, other.json()["detail"][:14]) == (409, "Another bundle")
    assert bring(hub.client, {}, archive).status_code == 401
    assert hub.client.get(f"{BUNDLES}/{uuid4()}").status_code == 404


@pytest.mark.slow
@pytest.mark.parametrize("listed", [None, "12.02", "12.03"])
def test_only_the_administrator_names_the_key_of_a_regency(hub: Hub, listed: str | None) -> None:
    key = hub.auth("dukcapil", "metrics:draft")
    if listed is not None:
        # The signer is listed for another region, or another signer for this one.
        list_publisher(hub, listed, OTHER if listed == "12.03" else OWN)
    forged = bundle_of("12.02", richer())
    refused = hub.client.post(
        BUNDLES,
        content=forged,
        params={"fingerprint": OTHER.public.fingerprint},
        headers=key | {"Content-Type": "application/zip"},
    )
    assert refused.status_code == 409
    assert OTHER.public.fingerprint in refused.json()["errors"][0]["detail"]
    assert hub.client.get(BUNDLES).json()["items"] == []
    assert ranking(hub)["items"] == []
    wanted = {"fingerprints": [OTHER.public.fingerprint]}
    for address in (f"{PUBLISHERS}/12.02", f"{PUBLISHERS}/12.03"):
        assert hub.client.put(address, json=wanted, headers=key).status_code == 403
        assert hub.client.delete(address, headers=key).status_code == 403
        assert hub.client.put(address, json=wanted).status_code == 401


@pytest.mark.slow
def test_a_key_taken_from_the_list_takes_its_bundles_out_of_the_ranking(hub: Hub) -> None:
    key = hub.auth("diskominfo", "metrics:draft")
    admin = hub.auth("pupr", "admin")

    def ranked() -> list[str]:
        return [one["assessment"] for one in ranking(hub, node="understanding")["items"]]

    list_publisher(hub, "12.02", OTHER, OWN)
    older = bring(hub.client, key, bundle_of("12.02", richer(), signer=OWN, number=1)).json()
    newer = bring(hub.client, key, bundle_of("12.02", richer(), number=2)).json()
    assert ranked() == [newer["id"]]
    assert list_publisher(hub, "12.02", OWN).status_code == 200
    assert ranked() == [older["id"]]
    listed = {one["id"]: one["is_listed"] for one in hub.client.get(BUNDLES).json()["items"]}
    assert listed == {older["id"]: True, newer["id"]: False}
    assert bring(hub.client, key, bundle_of("12.02", richer(), number=2)).status_code == 409

    bundle = f"{BUNDLES}/{older['id']}"
    assert hub.client.delete(bundle, headers=key).status_code == 403
    assert hub.client.delete(bundle, headers=admin).status_code == 204
    assert hub.client.delete(bundle, headers=admin).status_code == 404
    assert ranked() == []
    chain_audit_log(hub.settings)
    lines = hub.client.get("/api/v1/audit", headers=admin).json()["items"]
    written = [(line["action"], line["target"], line["agency"], line["status"]) for line in lines]
    assert ("DELETE", bundle, "pupr", 204) in written

    assert hub.client.delete(f"{PUBLISHERS}/12.02", headers=admin).status_code == 204
    assert hub.client.delete(f"{PUBLISHERS}/12.02", headers=admin).status_code == 404
    assert hub.client.get(PUBLISHERS).json()["items"] == []


def test_a_list_of_keys_is_changed_as_it_was_read(hub: Hub) -> None:
    admin = hub.auth("diskominfo", "admin")
    address, wanted = f"{PUBLISHERS}/12.02", {"fingerprints": ["a" * 64, "a" * 64]}
    outdated = admin | {"If-Match": '"nothing"'}
    assert hub.client.put(address, json=wanted, headers=outdated).status_code == 412
    made = hub.client.put(address, json=wanted, headers=admin)
    assert (made.status_code, made.json()["fingerprints"]) == (200, ["a" * 64])
    assert hub.client.put(address, json=wanted, headers=admin).status_code == 428
    assert hub.client.put(address, json=wanted, headers=outdated).status_code == 412
    current = admin | {"If-Match": made.headers["ETag"]}
    assert hub.client.put(address, json=wanted, headers=current).status_code == 200
    [item] = hub.client.get(PUBLISHERS).json()["items"]
    assert (item["region"], item["changed_by"]) == ("12.02", "diskominfo")
    for path, body in (
        ("12.12", wanted),
        ("Toba", wanted),
        ("12.02", {"fingerprints": []}),
        ("12.02", {"fingerprints": ["A" * 64]}),
        ("12.02", {"fingerprints": ["a" * 64] * 21}),
    ):
        refused = hub.client.put(f"{PUBLISHERS}/{path}", json=body, headers=admin)
        assert refused.status_code == 422
        assert refused.json()["errors"]


@pytest.mark.parametrize(
    ("parameters", "status"),
    [
        ({"period": 1999}, 422),
        ({"draws": 5}, 422),
        ({"node": "No Node"}, 422),
        ({"node": "moon"}, 404),
        ({"method": "moon"}, 404),
        ({"method": "spbe-2020"}, 404),
    ],
)
def test_a_wrong_question_is_named(toba_hub: Hub, parameters: dict[str, Any], status: int) -> None:
    answer = toba_hub.client.get(RANKING, params={"period": 2024} | parameters)
    assert answer.status_code == status
    name = next(name for name in ("period", "draws", "node", "method") if name in parameters)
    assert [error["parameter"] for error in answer.json()["errors"]] == [name]
