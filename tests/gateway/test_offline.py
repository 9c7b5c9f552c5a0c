"""The catalogue that a device stores to work without a network, and its budget."""

import gzip
import json

from tests.conftest import Hub

CATALOG = "/api/v1/offline-catalog"
KIB = 1024


def test_a_phone_stores_the_whole_catalogue(toba_hub: Hub) -> None:
    client = toba_hub.client
    answer = client.get(CATALOG, headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-encoding"] == "gzip"
    catalog = answer.json()
    services = {one["slug"]: one for one in catalog["services"]}
    total = client.get("/api/v1/services", params={"limit": 1}).json()["total"]
    assert len(services) == total
    lost = next(case for case in services["ktp-el"]["cases"] if case["slug"] == "hilang")
    assert any("polisi" in line.lower() for line in lost["bring"])
    assert services["ktp-el"]["time"]
    place = catalog["places"][services["ktp-el"]["places"][0]]
    assert {"name", "address"} <= place.keys()
    assert "/layanan/ktp-el" in catalog["posters"].values()
    event = next(one for one in catalog["life_events"] if one["slug"] == "kelahiran-anak")
    assert "akta-kelahiran" in event["services"]

    # It changes with the catalogue only: a phone that has it is told so in a few bytes.
    again = client.get(CATALOG, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")

    english = client.get(CATALOG, params={"lang": "en"}).json()
    assert english["language"] == "en"
    assert {one["slug"] for one in english["services"]} == services.keys()
    assert any(one["name"] != services[one["slug"]]["name"] for one in english["services"])

    # 200 services take 300 KiB at most: those of Toba, and of them again what is missing to 200.
    more = catalog["services"] + catalog["services"][: 200 - total]
    body = json.dumps(catalog | {"services": more}, separators=(",", ":"))
    size = len(gzip.compress(body.encode(), 6))
    assert size <= 300 * KIB, size
