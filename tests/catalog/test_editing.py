"""Services that their agency edits over HTTP."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from services.platform.identity import Caller
from tests.conftest import Room, agency_caller
from tests.packs import component, load, service, write_pack

DUKCAPIL = agency_caller("dukcapil", "catalog:write")
PUPR = agency_caller("pupr", "catalog:write")
AKTA = "/api/v1/services/akta"


@pytest.fixture
def regency(catalog: Room, tmp_path: Path) -> Room:
    load(catalog, pack(tmp_path))
    return catalog


def pack(root: Path, **change: Any) -> Path:
    return write_pack(root, [service("akta", **change), service("ktp")])


def current(regency: Room) -> dict[str, Any]:
    return regency.get(AKTA).json()["service"]


def put(
    regency: Room,
    body: dict[str, Any],
    *,
    caller: Caller = DUKCAPIL,
    tag: str | None = None,
    path: str = AKTA,
) -> httpx.Response:
    tag = regency.get(path).headers.get("ETag", "") if tag is None else tag
    return regency.client.put(path, json=body, headers=regency.token(caller) | {"If-Match": tag})


def test_an_edit_is_a_version_and_is_found_by_its_new_words(regency: Room) -> None:
    edit = current(regency) | {
        "common_names": ["surat lahir"],
        "components": {"biaya_tarif": component(fee_idr=0)},
    }
    answer = put(regency, edit)
    assert answer.status_code == 200, answer.text
    assert answer.json()["version"] == 2
    assert answer.json()["completeness"]["published"] == 1
    assert answer.headers["ETag"] == regency.get(AKTA).headers["ETag"]
    found = regency.get("/api/v1/services", query="surat lahir").json()["items"]
    assert [item["slug"] for item in found][:1] == ["akta"]
    versions = regency.get(f"{AKTA}/versions").json()["items"]
    assert [(v["number"], v["recorded_by"]) for v in versions] == [(2, "dukcapil"), (1, "pack")]
    assert regency.get(f"{AKTA}/versions/1").json()["service"]["common_names"] == []


def test_the_same_again_is_no_version(regency: Room) -> None:
    assert put(regency, current(regency)).json()["version"] == 1


def test_an_edit_needs_the_agency_s_own_key_and_the_state_it_changes(regency: Room) -> None:
    edit = current(regency) | {"note": "Baru"}
    assert put(regency, edit, caller=PUPR).status_code == 403
    assert put(regency, edit, caller=agency_caller("dukcapil", "usage:write")).status_code == 403
    assert regency.client.put(AKTA, json=edit, headers=regency.token(DUKCAPIL)).status_code == 428
    tag = regency.get(AKTA).headers["ETag"]
    assert put(regency, edit, tag=tag).status_code == 200
    assert put(regency, edit | {"note": "Lain"}, tag=tag).status_code == 412
    assert put(regency, edit, path="/api/v1/services/baru", tag='"x"').status_code == 412


def create(
    regency: Room, body: dict[str, Any], *, caller: Caller = DUKCAPIL, slug: str = ""
) -> httpx.Response:
    headers = regency.token(caller) | {"If-None-Match": "*"}
    path = f"/api/v1/services/{slug or body['slug']}"
    return regency.client.put(path, json=body, headers=headers)


def test_an_agency_publishes_a_new_service_of_its_own(regency: Room, tmp_path: Path) -> None:
    new = service("kia", name="Kartu Identitas Anak", channels=[{"kind": "visit"}])
    assert create(regency, new, caller=PUPR).status_code == 403
    assert create(regency, new, slug="lain").json()["errors"][0]["pointer"] == "#/slug"
    created = create(regency, new)
    assert (created.status_code, created.json()["version"]) == (201, 1), created.text
    assert created.headers["ETag"] == regency.get("/api/v1/services/kia").headers["ETag"]
    found = regency.get("/api/v1/services", query="identitas anak").json()["items"]
    assert [item["slug"] for item in found][:1] == ["kia"]
    again = create(regency, new)
    assert (again.status_code, again.json()["current_version"]) == (412, 1)
    assert [str(change) for change in load(regency, pack(tmp_path))] == ["= service kia"]
    assert regency.get("/api/v1/services/kia").status_code == 200


def test_a_withdrawn_service_is_created_again_by_its_agency_alone(regency: Room) -> None:
    tag = {"If-Match": regency.get(AKTA).headers["ETag"]}
    assert regency.client.delete(AKTA, headers=regency.token(DUKCAPIL) | tag).status_code == 204
    taken = service("akta", agency="pupr")
    assert create(regency, taken, caller=PUPR).status_code == 403
    created = create(regency, service("akta"))
    assert (created.status_code, created.json()["version"]) == (201, 3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "agency", "similar"),
    [
        ("Penerbitan Akte Kelahiran", "dukcapil", ["akta"]),
        ("Kartu keluarga", "dukcapil", []),
        ("Akta Kelahiran", "pupr", []),
    ],
)
def test_services_that_a_new_one_perhaps_repeats_are_named(
    regency: Room, tmp_path: Path, name: str, agency: str, similar: list[str]
) -> None:
    load(regency, pack(tmp_path, name="Akta kelahiran"))
    caller = agency_caller(agency, "catalog:write")
    created = create(regency, service("baru", name=name, agency=agency), caller=caller)
    assert created.status_code == 201, created.text
    assert [one["slug"] for one in created.json()["similar"]] == similar


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"slug": "lain"}, "#/slug"),
        ({"agency": "pupr"}, "#/agency"),
        ({"sources": ["study", "nowhere"]}, "#/sources/1"),
        ({"life_events": ["kelahiran", "lain"]}, "#/life_events/1"),
        (
            {"channels": [{"kind": "online", "link": "lain"}], "digital": True},
            "#/channels/0/link",
        ),
        (
            {"components": {"biaya_tarif": component(sources=["nowhere"])}},
            "#/components/biaya_tarif/sources/0",
        ),
    ],
)
def test_what_cannot_be_is_named_and_nothing_is_published(
    regency: Room, change: dict[str, Any], pointer: str
) -> None:
    answer = put(regency, current(regency) | change)
    assert answer.status_code == 409
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert regency.get(AKTA).json()["version"] == 1


def test_the_second_of_two_editors_is_told_what_the_first_changed(regency: Room) -> None:
    base, tag = current(regency), regency.get(AKTA).headers["ETag"]
    first = base | {"note": "Baru", "common_names": ["akte"]}
    assert put(regency, first, tag=tag).status_code == 200
    second = put(regency, base | {"owner": "Bidang"}, tag=tag)
    assert second.status_code == 412
    problem = second.json()
    assert (problem["base_version"], problem["current_version"]) == (1, 2)
    assert sorted(change["pointer"] for change in problem["differences"]) == [
        "#/common_names/0",
        "#/note",
    ]
    version = regency.get(f"{AKTA}/versions/2").json()
    assert version["recorded_by"] == "dukcapil"
    assert version["differences"] == problem["differences"]
    assert regency.get(f"{AKTA}/versions/1").json()["differences"] == []


def test_a_withdrawn_service_is_gone_and_stays_so(regency: Room, tmp_path: Path) -> None:
    headers = {"If-Match": regency.get(AKTA).headers["ETag"]}
    assert regency.client.delete(AKTA, headers=regency.token(PUPR) | headers).status_code == 403
    assert regency.client.delete(AKTA, headers=regency.token(DUKCAPIL)).status_code == 428
    related = current(regency) | {"slug": "ktp", "related": ["akta"]}
    ktp = "/api/v1/services/ktp"
    assert put(regency, related, path=ktp).status_code == 200
    gone = regency.client.delete(AKTA, headers=regency.token(DUKCAPIL) | headers)
    assert gone.status_code == 409
    assert put(regency, related | {"related": []}, path=ktp).status_code == 200
    gone = regency.client.delete(AKTA, headers=regency.token(DUKCAPIL) | headers)
    assert gone.status_code == 204
    assert regency.get(AKTA).status_code == 410
    versions = regency.get(f"{AKTA}/versions").json()["items"]
    assert [(one["withdrawn"], one["recorded_by"]) for one in versions] == [
        (True, "dukcapil"),
        (False, "pack"),
    ]
    assert "= service akta" in [str(change) for change in load(regency, pack(tmp_path))]
    assert regency.get(AKTA).status_code == 410


def test_a_known_link_may_be_led_to(regency: Room) -> None:
    online = {"channels": [{"kind": "online", "link": "simbg"}], "digital": True}
    assert put(regency, current(regency) | online).status_code == 200


def test_loading_the_pack_leaves_the_agency_s_edit(regency: Room, tmp_path: Path) -> None:
    assert put(regency, current(regency) | {"note": "Kami"}).status_code == 200
    changes = load(regency, pack(tmp_path, note="Pack"))
    assert [str(change) for change in changes] == ["= service akta"]
    assert current(regency)["note"] == "Kami"
    withdrawn = load(regency, write_pack(tmp_path, [service("ktp")]))
    assert [str(change) for change in withdrawn] == ["= service akta"]
    assert regency.get(AKTA).status_code == 200
