"""Agencies and life events over HTTP by the lead agency; versions of what services refer to."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from services.platform.identity import Caller
from services.platform.packs import Pack
from services.platform.regency import store_regency
from services.platform.settings import Service
from tests.conftest import Room, agency_caller
from tests.packs import agency, load, place, service, write_pack

API = "/api/v1"
LEAD = agency_caller("pupr", "catalog:write")
DUKCAPIL = agency_caller("dukcapil", "catalog:write")
EVENT = {
    "slug": "pensiun",
    "name": "Pensiun",
    "name_en": "Retirement",
    "description": "Berhenti bekerja.",
    "description_en": "Ending work.",
}
CREATE = {"If-None-Match": "*"}


@pytest.fixture
def regency(catalog: Room, tmp_path: Path) -> Room:
    load(catalog, pack(tmp_path))
    record = Pack.model_validate(
        {
            "region": catalog.settings.region,
            "name": "Toba",
            "name_en": "Toba",
            "province": "Sumatera Utara",
            "province_code": "12",
            "lead_agency": "pupr",
        }
    )
    region = catalog.settings.region
    catalog.store(lambda session: store_regency(session, Service.catalog, region, record))
    return catalog


def pack(root: Path, **change: Any) -> Path:
    services = [service("akta", life_events=["kelahiran"], places=["loket"])]
    return write_pack(root, services, places=[place("loket")], **change)


def put(
    regency: Room, path: str, body: dict[str, Any], caller: Caller, headers: dict[str, str]
) -> httpx.Response:
    return regency.client.put(f"{API}/{path}", json=body, headers=regency.token(caller) | headers)


def delete(regency: Room, path: str, caller: Caller) -> httpx.Response:
    tag = {"If-Match": regency.get(f"{API}/{path}").headers["ETag"]}
    return regency.client.delete(f"{API}/{path}", headers=regency.token(caller) | tag)


@pytest.mark.parametrize(
    ("path", "body", "change"),
    [
        ("agencies/dpmd", agency("dpmd"), {"website": "https://dpmd.example.go.id/"}),
        ("life-events/pensiun", EVENT, {"description_en": "Leaving work."}),
    ],
)
def test_the_lead_agency_adds_changes_and_withdraws_agencies_and_life_events(
    regency: Room, tmp_path: Path, path: str, body: dict[str, Any], change: dict[str, Any]
) -> None:
    assert put(regency, path, body, DUKCAPIL, CREATE).status_code == 403
    created = put(regency, path, body, LEAD, CREATE)
    assert (created.status_code, created.json()["version"]) == (201, 1), created.text
    assert put(regency, path, body, LEAD, CREATE).status_code == 412
    tag = {"If-Match": created.headers["ETag"]}
    assert put(regency, path, body | change, LEAD, tag).json()["version"] == 2
    [field] = change
    late = put(regency, path, body | {"name": "Lain"}, LEAD, tag)
    assert late.status_code == 412
    assert [one["pointer"] for one in late.json()["differences"]] == [f"#/{field}"]
    collection = path.partition("/")[0]
    listed = regency.get(f"{API}/{collection}").json()["items"]
    assert body["slug"] in [one["slug"] for one in listed]
    kind = "agency" if collection == "agencies" else "life event"
    assert f"= {kind} {body['slug']}" in [str(one) for one in load(regency, pack(tmp_path))]
    assert delete(regency, path, DUKCAPIL).status_code == 403
    assert delete(regency, path, LEAD).status_code == 204
    assert regency.get(f"{API}/{path}").status_code == 404
    versions = regency.get(f"{API}/{path}/versions").json()["items"]
    assert [(one["number"], one["withdrawn"]) for one in versions] == [
        (3, True),
        (2, False),
        (1, False),
    ]
    second = regency.get(versions[1]["href"]).json()
    assert [one["pointer"] for one in second["differences"]] == [f"#/{field}"]
    assert second["record"][field] == change[field]


def test_what_services_need_is_not_withdrawn(regency: Room) -> None:
    for path in ("agencies/dukcapil", "life-events/kelahiran", "agencies/pupr"):
        refused = delete(regency, path, LEAD)
        assert refused.status_code == 409, path
    assert "akta" in delete(regency, "agencies/dukcapil", LEAD).json()["detail"]
    assert [one["slug"] for one in regency.get(f"{API}/agencies/dukcapil").json()["services"]] == [
        "akta"
    ]


def test_the_pack_leaves_what_services_of_agencies_need(regency: Room, tmp_path: Path) -> None:
    """The service was published over HTTP, so that it needs a place that the pack drops."""
    new = service("kia", places=["loket"], life_events=["kelahiran"])
    assert put(regency, "services/kia", new, DUKCAPIL, CREATE).status_code == 201
    changes = [str(change) for change in load(regency, write_pack(tmp_path, []))]
    assert changes == ["- service akta", "= service kia", "= place loket"]
    assert [one["slug"] for one in regency.get(f"{API}/services/kia").json()["places"]] == ["loket"]


def test_versions_of_a_place_tell_what_each_changed(regency: Room) -> None:
    read = regency.get(f"{API}/places/loket")
    changed = read.json()["place"] | {"note": "Lantai 2"}
    tag = {"If-Match": read.headers["ETag"]}
    assert put(regency, "places/loket", changed, DUKCAPIL, tag).status_code == 200
    versions = regency.get(f"{API}/places/loket/versions").json()["items"]
    assert [(one["number"], one["recorded_by"]) for one in versions] == [
        (2, "dukcapil"),
        (1, "pack"),
    ]
    second = regency.get(f"{API}/places/loket/versions/2").json()
    assert second["differences"] == [{"pointer": "#/note", "before": None, "after": "Lantai 2"}]
    assert regency.get(f"{API}/places/loket/versions/3").status_code == 404
    assert regency.get(f"{API}/places/nowhere/versions").status_code == 404
