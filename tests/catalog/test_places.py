"""Places and document types over HTTP: read, open now, published by their agency."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from services.platform.identity import Caller
from tests.conftest import Room, agency_caller
from tests.packs import case, document_type, load, place, service, write_pack

DUKCAPIL = agency_caller("dukcapil", "catalog:write")
PUPR = agency_caller("pupr", "catalog:write")
ADMIN = agency_caller("diskominfo", "admin")
EVERY_DAY = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
ALWAYS = {"byday": EVERY_DAY, "opens": "00:00", "closes": "00:00", "on_holidays": True}
NEVER = ALWAYS | {"valid_until": "2020-01-01"}
PLACES = "/api/v1/places"


def pack(root: Path, **change: Any) -> Path:
    return write_pack(
        root,
        [
            service("akta", places=["siang", "malam"]),
            service("ktp", places=["malam"], cases=[case("hilang", requirements=[LOST])]),
            service("skck", agency="pupr", places=["tanpa-jam"]),
        ],
        places=[
            place("siang", hours=[ALWAYS], **change),
            place("malam", hours=[NEVER]),
            place("tanpa-jam", agency="pupr"),
        ],
        document_types=[document_type("surat-hilang", issued_by_service="skck")],
    )


LOST = {"document": "surat-hilang"}


@pytest.fixture
def regency(catalog: Room, tmp_path: Path) -> Room:
    load(catalog, pack(tmp_path))
    return catalog


def put(
    regency: Room, path: str, body: dict[str, Any], *, caller: Caller, tag: str | None = None
) -> httpx.Response:
    headers = regency.token(caller) | ({} if tag is None else {"If-Match": tag})
    return regency.client.put(path, json=body, headers=headers)


def slugs(regency: Room, path: str, **query: Any) -> list[str]:
    return [item["slug"] for item in regency.get(path, **query).json()["items"]]


def test_a_search_counts_and_narrows_by_place_district_and_open_now(
    catalog: Room, tmp_path: Path
) -> None:
    load(catalog, pack(tmp_path, district="12.12.01"))

    def search(**query: Any) -> dict[str, Any]:
        answer = catalog.get("/api/v1/services", query="layanan akta ktp skck", **query)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    facets = search()["search"]["facets"]
    assert [(one["value"], one["count"]) for one in facets["place"]] == [
        ("malam", 2),
        ("siang", 1),
        ("tanpa-jam", 1),
    ]
    assert facets["district"] == [{"value": "12.12.01", "count": 1}]
    assert facets["open_now"] == 1
    for query, found in [
        ({"place": "malam"}, {"akta", "ktp"}),
        ({"district": "12.12.01"}, {"akta"}),
        ({"open_now": "true"}, {"akta"}),
        ({"place": "malam", "open_now": "true"}, set[str]()),
        ({"place": "nirgends"}, set[str]()),
    ]:
        assert {item["slug"] for item in search(**query)["items"]} == found, query
    assert slugs(catalog, "/api/v1/services", district="12.12.01") == ["akta"]
    assert slugs(catalog, "/api/v1/services", place="malam") == ["akta", "ktp"]
    named = catalog.get("/api/v1/services", query="kantor malam").json()["search"]["places"]
    assert named[0]["href"] == "/api/v1/places/malam"


def test_places_tell_whether_they_are_open(regency: Room) -> None:
    found = {item["slug"]: item for item in regency.get(PLACES).json()["items"]}
    assert {slug: item["opening"]["open"] for slug, item in found.items()} == {
        "malam": False,
        "siang": True,
        "tanpa-jam": None,
    }
    assert [item["services"] for item in found.values()] == [2, 1, 1]
    assert slugs(regency, PLACES, open_now="true") == ["siang"]
    assert slugs(regency, PLACES, open_now="false") == ["malam"]
    assert slugs(regency, PLACES, service="akta") == ["malam", "siang"]
    assert slugs(regency, PLACES, agency="pupr") == ["tanpa-jam"]
    assert slugs(regency, "/api/v1/services", open_now="true") == ["akta"]
    assert slugs(regency, "/api/v1/services", open_now="false") == ["akta", "ktp"]
    assert slugs(regency, "/api/v1/services", open_now="true", query="layanan") == ["akta"]


def test_a_service_shows_its_places_and_who_issues_what_it_requires(regency: Room) -> None:
    ktp = regency.get("/api/v1/services/ktp").json()
    assert [one["slug"] for one in ktp["places"]] == ["malam"]
    assert [one["slug"] for one in ktp["document_types"]] == ["surat-hilang"]
    assert [(one["slug"], one["agency"]) for one in ktp["services"]] == [("skck", "PUPR")]
    assert [one["id"] for one in ktp["sources"]] == ["law", "study"]
    document = regency.get("/api/v1/document-types/surat-hilang").json()
    assert document["issued_by"]["slug"] == "skck"
    assert [one["slug"] for one in document["required_by"]] == ["ktp"]
    detail = regency.get(f"{PLACES}/malam").json()
    assert [one["slug"] for one in detail["services"]] == ["akta", "ktp"]


def test_an_agency_publishes_and_withdraws_its_place(regency: Room, tmp_path: Path) -> None:
    path, body = f"{PLACES}/loket", place("loket", confirmed=True, address="Jalan Satu 1")
    assert put(regency, path, body, caller=PUPR).status_code == 403
    created = put(regency, path, body, caller=DUKCAPIL)
    assert (created.status_code, created.json()["version"]) == (201, 1)
    first = created.headers["ETag"]
    assert put(regency, path, body, caller=DUKCAPIL).status_code == 428
    assert put(regency, path, body, caller=DUKCAPIL, tag=first).json()["version"] == 1
    moved = put(regency, path, body | {"address": "Jalan Dua 2"}, caller=DUKCAPIL, tag=first)
    assert (moved.status_code, moved.json()["version"]) == (200, 2)
    late = put(regency, path, body | {"counters": ["A"]}, caller=DUKCAPIL, tag=first)
    assert late.status_code == 412
    assert (late.json()["base_version"], late.json()["current_version"]) == (1, 2)
    assert late.json()["differences"] == [
        {"pointer": "#/address", "before": "Jalan Satu 1", "after": "Jalan Dua 2"}
    ]
    given = put(regency, path, body | {"agency": "pupr"}, caller=DUKCAPIL, tag="*")
    assert given.status_code == 403
    lacking = put(regency, path, body | {"sources": ["none"]}, caller=DUKCAPIL, tag="*")
    assert [error["pointer"] for error in lacking.json()["errors"]] == ["#/sources/0"]
    away = put(regency, path, body | {"district": "11.01.01"}, caller=DUKCAPIL, tag="*")
    assert (away.status_code, away.json()["errors"][0]["pointer"]) == (422, "#/district")

    headers = regency.token(DUKCAPIL) | {"If-Match": "*"}
    assert regency.client.delete(f"{PLACES}/malam", headers=headers).status_code == 409
    assert regency.client.delete(path, headers=regency.token(PUPR)).status_code == 403
    assert regency.client.delete(path, headers=headers).status_code == 204
    assert regency.get(path).status_code == 404
    again = put(regency, path, body, caller=DUKCAPIL)
    assert (again.status_code, again.json()["version"]) == (201, 4)


def test_loading_the_pack_leaves_what_an_agency_changed(regency: Room, tmp_path: Path) -> None:
    path = f"{PLACES}/siang"
    body = regency.get(path).json()["place"] | {"note": "Kami", "note_en": "We"}
    assert put(regency, path, body, caller=DUKCAPIL, tag="*").status_code == 200
    changes = load(regency, pack(tmp_path, counters=["Loket 1"]))
    assert [str(change) for change in changes] == ["= place siang"]
    assert regency.get(path).json()["place"]["note"] == "Kami"


def test_a_document_type_is_kept_by_who_made_it(regency: Room) -> None:
    path, body = "/api/v1/document-types/surat-kuasa", document_type("surat-kuasa")
    assert put(regency, path, body, caller=DUKCAPIL).status_code == 201
    tag = regency.get(path).headers["ETag"]
    renamed = body | {"name": "Kuasa"}
    assert put(regency, path, renamed, caller=PUPR, tag=tag).status_code == 403
    assert put(regency, path, renamed, caller=ADMIN, tag=tag).status_code == 200
    assert put(regency, path, body, caller=DUKCAPIL, tag="*").status_code == 200
    police = "/api/v1/document-types/surat-hilang"
    lost = regency.get(police).json()["document_type"] | {"name": "Surat Hilang"}
    assert put(regency, police, lost, caller=DUKCAPIL, tag="*").status_code == 403
    assert put(regency, police, lost, caller=PUPR, tag="*").status_code == 200
