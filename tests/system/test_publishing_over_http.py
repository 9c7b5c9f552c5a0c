"""An agency publishes over HTTP alone: sources, places and services, each its own."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from services.cli.pack_loader import load_pack
from services.gateway.app import create_app
from tests.conftest import TOBA, Hub
from tests.contract.document import unified_document_at_rest
from tests.servers import serving

API = "/api/v1"
PAGE_SECONDS = 2
KTP = f"{API}/services/ktp-el"
SOURCE = {
    "id": "keputusan-kadis-7-2026",
    "title": "Keputusan Kepala Dinas Nomor 7 Tahun 2026 tentang Standar Pelayanan",
    "kind": "decree",
    "publisher": "Disdukcapil Kabupaten Toba",
    "year": 2026,
    "in_force_from": "2026-02-01",
}


def put(
    hub: Hub, path: str, body: dict[str, Any], key: dict[str, str], *, tag: str | None = None
) -> httpx.Response:
    return hub.client.put(path, json=body, headers=key | ({} if tag is None else {"If-Match": tag}))


def test_a_source_of_the_agency_is_cited_by_its_service_and_by_evidence(toba_hub: Hub) -> None:
    client = toba_hub.client
    key = toba_hub.auth("dukcapil", "catalog:write", "evidence:write")
    before = client.get("/layanan/ktp-el").text  # cached from now on
    added = put(toba_hub, f"{API}/sources/{SOURCE['id']}", SOURCE, key)
    assert added.status_code == 201, added.text

    read = client.get(KTP)
    service = read.json()["service"]
    service["components"]["jangka_waktu"] = {
        "text": "Satu hari kerja sejak syarat lengkap.",
        "text_en": "One working day from complete requirements.",
        "working_days": 1,
        "sources": [SOURCE["id"]],
        "articles": {SOURCE["id"]: "Lampiran"},
        "checked_on": "2026-11-02",
        "checked_by": "dukcapil",
    }
    published = put(toba_hub, KTP, service, key, tag=read.headers["ETag"])
    assert published.status_code == 200, published.text
    until = time.monotonic() + PAGE_SECONDS
    while (page := client.get("/layanan/ktp-el").text) == before and time.monotonic() < until:
        time.sleep(0.05)
    for part in (SOURCE["title"], "Lampiran", "1 hari kerja", "Diperiksa 2 November 2026"):
        assert str(part) in page

    meeting = {
        "key": "rapat-standar-pelayanan",
        "name": "Rapat standar pelayanan",
        "name_en": "Meeting on service standards",
        "held_on": "2026-02-03",
        "sources": [SOURCE["id"]],
    }
    recorded = client.post(f"{API}/meetings", json=meeting, headers=key)
    assert recorded.status_code == 201, recorded.text
    [cited] = recorded.json()["sources"]
    assert cited["title"] == SOURCE["title"]
    assert client.get(cited["href"]).json()["in_force_from"] == "2026-02-01"
    unknown = client.post(
        f"{API}/meetings", json=meeting | {"key": "lain", "sources": ["nowhere"]}, headers=key
    )
    assert unknown.json()["errors"][0]["pointer"] == "#/sources/0"


def test_a_new_service_with_a_source_of_its_own_stands_on_cached_pages(toba_hub: Hub) -> None:
    key = toba_hub.auth("dukcapil", "catalog:write")
    source: dict[str, Any] = SOURCE | {"id": "keputusan-kadis-8-2026"}
    service: dict[str, Any] = {
        "slug": "kependudukan-keliling",
        "agency": "dukcapil",
        "name": "Pelayanan kependudukan keliling",
        "name_en": "Mobile civil registration",
        "summary": "Petugas datang ke desa.",
        "summary_en": "Officers come to the village.",
        "digital": False,
        "audience": ["citizen"],
        "life_events": ["pindah-domisili"],
        "channels": [{"kind": "visit"}],
        "components": {
            "biaya_tarif": {
                "text": "Gratis.",
                "text_en": "Free.",
                "fee_idr": 0,
                "sources": [source["id"]],
            }
        },
        "sources": [source["id"]],
    }
    address = f"/layanan/{service['slug']}"
    cached = ("/layanan?agency=dukcapil", "/layanan?life_event=pindah-domisili", "/cari?q=keliling")
    with (
        serving(create_app(toba_hub.settings)) as hub,
        httpx.Client(base_url=hub, headers={"Accept": "text/html"}) as citizen,
        httpx.Client(base_url=f"{hub}{API}", headers=key | {"If-None-Match": "*"}) as agency,
    ):
        before = {path: citizen.get(path) for path in cached}
        assert all(service["name"] not in page.text for page in before.values())
        assert citizen.get(address).status_code == 404
        for path, body in (("sources", source), ("services", service)):
            created = agency.put(f"{path}/{body.get('slug', body.get('id'))}", json=body)
            assert created.status_code == 201, created.text
        until = time.monotonic() + PAGE_SECONDS
        while (page := citizen.get(address)).status_code == 404 and time.monotonic() < until:
            time.sleep(0.05)
        assert page.status_code == 200
        assert source["title"] in page.text
        for path in cached:
            assert service["name"] in citizen.get(path).text, path
        assert agency.put(f"services/{service['slug']}", json=service).status_code == 412


def test_a_new_service_is_known_to_all_parts_also_after_the_pack_is_loaded(toba_hub: Hub) -> None:
    client = toba_hub.client
    key = toba_hub.auth("dlh", "catalog:write", "usage:write")
    service = {
        "slug": "bank-sampah",
        "agency": "dlh",
        "name": "Bank sampah",
        "name_en": "Waste bank",
        "summary": "Sampah terpilah ditimbang dan dicatat.",
        "summary_en": "Sorted waste is weighed and recorded.",
        "digital": False,
        "audience": ["citizen"],
        "channels": [{"kind": "counter"}],
        "components": {},
        "sources": ["uu-24-2013"],
    }
    created = put(toba_hub, f"{API}/services/bank-sampah", service, key)
    assert created.status_code == 201, created.text

    def report(submitted: int) -> httpx.Response:
        figure = {
            "agency": "dlh",
            "service": "bank-sampah",
            "channel": "counter",
            "period": "2024-03",
            "counters": {"submitted": submitted},
            "reason": "Pertama kali dilaporkan.",
        }
        body = {"statistics": [figure]}
        return client.post(f"{API}/usage/statistics", json=body, headers=key)

    until = time.monotonic() + PAGE_SECONDS
    while (answer := report(5)).status_code == 409 and time.monotonic() < until:
        time.sleep(0.05)
    assert answer.is_success, answer.text
    changes = asyncio.run(load_pack(toba_hub.settings, TOBA, beside_others=True))
    assert "= service bank-sampah" in [str(change) for change in changes]
    assert {change.action for change in changes} == {"overridden"}
    assert report(6).is_success
    comment = {"kind": "question", "service": "bank-sampah", "text": "Jam berapa dibuka?"}
    refused = client.post(f"{API}/comments", json=comment)
    assert "#/service" not in [error["pointer"] for error in refused.json().get("errors", [])]


LINK = {
    "slug": "antrean",
    "title": "Antrean dinas",
    "title_en": "Queue of the office",
    "url": "https://antrean.tobakab.example/daftar",
    "kind": "application",
    "operator": "Diskominfo Kabupaten Toba",
    "description": "Nomor antrean dinas.",
    "description_en": "Queue numbers of the office.",
    "expected_text": "Antrean",
    "sources": ["uu-24-2013"],
}


def test_the_lead_agency_keeps_links_that_services_lead_to(toba_hub: Hub) -> None:
    client = toba_hub.client
    lead, agency = (toba_hub.auth(name, "catalog:write") for name in ("diskominfo", "dlh"))
    address = f"{API}/links/antrean"
    service = {
        "slug": "antrean-dlh",
        "agency": "dlh",
        "name": "Antrean lingkungan hidup",
        "name_en": "Queue of the environment agency",
        "summary": "Nomor antrean diambil dari rumah.",
        "summary_en": "A queue number is taken from home.",
        "digital": True,
        "audience": ["citizen"],
        "channels": [{"kind": "online", "link": "antrean"}],
        "components": {},
        "sources": ["uu-24-2013"],
    }
    missing = put(toba_hub, f"{API}/services/antrean-dlh", service, agency)
    assert [one["pointer"] for one in missing.json()["errors"]] == ["#/channels/0/link"]
    assert put(toba_hub, address, LINK, agency).status_code == 403
    create = lead | {"If-None-Match": "*"}
    created = put(toba_hub, address, LINK, create)
    assert created.status_code == 201, created.text
    assert created.json()["version"] == 1
    assert put(toba_hub, address, LINK, create).status_code == 412
    assert client.get("/go/antrean", follow_redirects=False).headers["location"] == LINK["url"]
    published = put(toba_hub, f"{API}/services/antrean-dlh", service, agency)
    assert published.status_code == 201, published.text

    tag = created.headers["ETag"]
    assert put(toba_hub, address, LINK | {"note": "Hari kerja"}, lead).status_code == 428
    changed = put(toba_hub, address, LINK | {"national": True}, lead, tag=tag)
    assert (changed.status_code, changed.json()["national"]) == (200, True), changed.text
    late = put(toba_hub, address, LINK | {"note": "Hari kerja"}, lead, tag=tag)
    assert late.json()["differences"] == [{"pointer": "#/national", "before": False, "after": True}]

    oss = link_of(client, "oss")
    assert put(toba_hub, f"{API}/links/oss", oss, lead, tag="*").json()["version"] == 1
    noted = put(toba_hub, f"{API}/links/oss", oss | {"note": "Diubah dinas"}, lead, tag="*")
    assert noted.json()["version"] == 2
    changes = asyncio.run(load_pack(toba_hub.settings, TOBA, beside_others=True))
    overridden = {str(change) for change in changes}
    assert {"= link antrean", "= link oss", "= service antrean-dlh"} <= overridden
    assert {change.action for change in changes} == {"overridden"}
    assert link_of(client, "oss")["note"] == "Diubah dinas"

    def withdraw(key: dict[str, str]) -> httpx.Response:
        return client.delete(address, headers=key | {"If-Match": "*"})

    assert withdraw(agency).status_code == 403
    needed = withdraw(lead)
    assert (needed.status_code, "antrean-dlh" in needed.text) == (409, True)
    assert client.get(address).status_code == 200
    headers = agency | {"If-Match": "*"}
    assert client.delete(f"{API}/services/antrean-dlh", headers=headers).status_code == 204
    assert withdraw(lead).status_code == 204
    assert client.get(address).status_code == 404
    assert put(toba_hub, f"{API}/services/antrean-dlh", service, agency).status_code == 409


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"url": "https://10.0.0.1/"}, "#/url"),
        ({"url": "https://[::1]/"}, "#/url"),
        ({"url": "https://petugas:sandi@antrean.example/"}, "#/url"),
        ({"url": "https://antrean.example:8443/"}, "#/url"),
        ({"url": "http://antrean.example/"}, "#/url"),
        ({"sources": ["tidak-ada"]}, "#/sources/0"),
        ({"slug": "lain"}, "#/slug"),
    ],
)
def test_a_link_to_where_the_hub_may_not_connect_is_refused(
    toba_hub: Hub, change: dict[str, Any], pointer: str
) -> None:
    lead = toba_hub.auth("diskominfo", "catalog:write")
    refused = put(toba_hub, f"{API}/links/antrean", LINK | change, lead)
    assert refused.status_code == 409, refused.text
    assert [one["pointer"] for one in refused.json()["errors"]] == [pointer]


def link_of(client: httpx.Client, slug: str) -> dict[str, Any]:
    """Return a link as it is sent: without what the hub adds."""
    added = {"version", "health", "href", "go"}
    read = client.get(f"{API}/links/{slug}").json()
    return {name: value for name, value in read.items() if name not in added}


def test_a_source_is_kept_by_who_added_it(toba_hub: Hub) -> None:
    own, other = (toba_hub.auth(agency, "catalog:write") for agency in ("dlh", "dinkes"))
    path, body = f"{API}/sources/sk-dlh", SOURCE | {"id": "sk-dlh"}
    assert put(toba_hub, path, body, own).status_code == 201
    tag = toba_hub.client.get(path).headers["ETag"]
    ended = body | {"in_force_until": "2026-12-31"}
    assert put(toba_hub, path, ended, other, tag=tag).status_code == 403
    assert put(toba_hub, path, ended, own).status_code == 428
    assert put(toba_hub, path, ended, own, tag=tag).status_code == 200
    late = put(toba_hub, path, body | {"year": 2025}, own, tag=tag)
    assert late.json()["differences"] == [
        {"pointer": "#/in_force_until", "before": None, "after": "2026-12-31"}
    ]
    law = f"{API}/sources/uu-24-2013"
    content = {
        name: value for name, value in toba_hub.client.get(law).json().items() if name != "href"
    }
    refused = put(toba_hub, law, content | {"year": 2014}, own, tag="*")
    assert refused.status_code == 403
    again = toba_hub.client.post(
        f"{API}/sources", json=body, headers=toba_hub.auth("dlh", "evidence:write")
    )
    assert (again.status_code, again.json()["errors"][0]["pointer"]) == (409, "#/id")


OTHERS: dict[str, tuple[str, str | None]] = {
    "/agencies/{slug}": ("/agencies/pupr", "agency"),
    "/life-events/{slug}": ("/life-events/menikah", "life_event"),
    "/services/{slug}": ("/services/pbg", "service"),
    "/services/{slug}/draft": ("/services/pbg/draft", "service"),
    "/services/{slug}/draft/review": ("/services/pbg/draft/review", "service"),
    "/services/{slug}/draft/refusal": ("/services/pbg/draft/refusal", "service"),
    "/services/{slug}/draft/publication": ("/services/pbg/draft/publication", "service"),
    "/places/{slug}": ("/places/kantor-pupr", "place"),
    "/document-types/{slug}": ("/document-types/surat-keterangan-hilang", "document_type"),
    "/sources/{id}": ("/sources/uu-24-2013", None),
}
"""A record of another agency for each path of the catalogue, and where the body is in its read."""


def catalogue_writes() -> Iterator[tuple[str, str]]:
    """Yield method and path of each operation of the catalogue that changes something."""
    for path, operations in unified_document_at_rest()["paths"].items():
        for method, operation in operations.items():
            if method != "get" and operation["tags"] == ["catalog"]:
                yield method, path.removeprefix(API)


def test_an_agency_changes_nothing_of_another_s(toba_hub: Hub) -> None:
    key = toba_hub.auth("disnaker", "catalog:write", "evidence:write")
    owner = toba_hub.auth("pupr", "catalog:write")
    drafted = toba_hub.client.get(f"{API}/services/pbg").json()["service"]
    draft = put(toba_hub, f"{API}/services/pbg/draft", drafted, owner)
    assert draft.status_code == 201, draft.text
    walked: list[str] = []
    for method, path in catalogue_writes():
        if path in {"/sources", "/catalog/import"}:  # without an owner yet; of many records
            continue
        address, member = OTHERS[path]
        shown, _, step = address.partition("/draft")
        shown += "/draft" if "/draft" in address else ""
        read = toba_hub.client.get(f"{API}{shown}", headers=owner)
        body = read.json() if member is None else read.json()[member]
        body = {"reason": "Bukan."} if step == "/refusal" else body
        body.pop("href", None)
        answer = toba_hub.client.request(
            method,
            f"{API}{address}",
            json=body,
            headers=key | {"If-Match": read.headers["ETag"]},
        )
        assert (answer.status_code, walked) == (403, walked), f"{method} {path}: {answer.text}"
        walked.append(f"{method} {path}")
    assert len(walked) >= len(OTHERS) + 2
