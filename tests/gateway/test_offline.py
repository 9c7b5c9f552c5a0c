"""What a phone stores to work without a network: the catalogue, the worker, their budgets."""

import gzip
import json

import pytest

from services.gateway.portal.assets import STATIC
from tests.conftest import Hub

CATALOG = "/api/v1/offline-catalog"
SCRIPTS = (
    "offline.js", "offline-pages.js", "offline-search.js", "offline-worker.js", "suggestions.js",
    "survey.js",
)  # fmt: skip
"""The scripts of the portal; every page works without them."""
KIB = 1024


@pytest.mark.slow
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


def test_the_worker_is_of_the_whole_site_and_names_its_version(toba_hub: Hub) -> None:
    answer = toba_hub.client.get("/sw.js")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "no-cache"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; connect-src 'self'")
    assert answer.text.startswith('const VERSION = "')
    assert answer.text == toba_hub.client.get("/sw.js").text


def test_scripts_are_optional_small_and_never_in_a_page(toba_hub: Hub) -> None:
    assert sum(len((STATIC / name).read_bytes()) for name in SCRIPTS) <= 40 * KIB
    for path in ("/", "/cari?q=ktp", "/layanan/ktp-el", "/aduan", "/luring"):
        page = toba_hub.client.get(path)
        policy = page.headers["content-security-policy"]
        assert "script-src 'self';" in policy, path
        assert "unsafe" not in policy
        assert '<script src="/static/offline.js?v=' in page.text
    assert "script-src" not in toba_hub.client.get("/tentang").headers["content-security-policy"]
