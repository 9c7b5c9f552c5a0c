"""What search engines read of the hub."""

import json
import re
from xml.etree import ElementTree

import pytest
from starlette.testclient import TestClient

from services.catalog.pack import read_catalog
from services.gateway.app import create_app
from services.platform.settings import Settings
from tests.conftest import TOBA, Hub, Server

PUBLIC = "https://emall.tobakab.example"


def test_the_sitemap_lists_pages_and_services(server: Server, database: str) -> None:
    settings: Settings = server.settings(database, public_url=PUBLIC)
    with TestClient(create_app(settings)) as client:
        answer = client.get("/sitemap.xml")
        robots = client.get("/robots.txt").text
    addresses = [element.text for element in ElementTree.fromstring(answer.content).iter()]
    assert f"{PUBLIC}/layanan/ktp-el" in addresses
    assert f"{PUBLIC}/" in addresses
    for path in ("/peristiwa/menikah", "/instansi/dukcapil", "/tempat/kantor-pln", "/tentang"):
        assert f"{PUBLIC}{path}" in addresses
    assert f"Sitemap: {PUBLIC}/sitemap.xml" in robots
    assert "Disallow: /go/" in robots


@pytest.mark.slow
def test_a_page_has_one_address_for_sharing_in_each_language(server: Server, database: str) -> None:
    settings: Settings = server.settings(database, public_url=PUBLIC)
    with TestClient(create_app(settings)) as client:
        for path, canonical in (
            ("/", "/"),
            ("/layanan/ktp-el", "/layanan/ktp-el"),
            ("/layanan/ktp-el?case=hilang&lang=en", "/layanan/ktp-el?lang=en"),
            ("/layanan?life_event=menikah", None),
            ("/cari?q=ktp", None),
            ("/tidak-ada", None),
        ):
            page = client.get(path, headers={"Accept": "text/html"}).text
            found = re.findall(r'<link rel="canonical" href="([^"]+)"', page)
            assert found == ([] if canonical is None else [PUBLIC + canonical]), path
            shared = re.findall(r'<meta property="og:url" content="([^"]+)"', page)
            assert shared == found


def test_a_page_describes_itself_to_those_who_share_it(shared: Hub) -> None:
    page = shared.client.get("/layanan/ktp-el").text
    [service] = [one for one in read_catalog(TOBA).services if one.slug == "ktp-el"]
    for part in (
        f'<meta name="description" content="{service.summary}">',
        f'<meta property="og:title" content="{service.name}">',
        '<meta property="og:site_name" content="e-Mall Kabupaten Toba">',
    ):
        assert part in page
    assert "og:url" not in page  # this hub has no public address


def test_a_phone_can_put_the_hub_on_its_home_screen(shared: Hub) -> None:
    assert '<link rel="manifest" href="/manifest.webmanifest">' in shared.client.get("/").text
    answer = shared.client.get("/manifest.webmanifest")
    assert answer.headers["content-type"].startswith("application/manifest+json")
    manifest = answer.json()
    assert manifest["name"] == "e-Mall Kabupaten Toba"
    icon = shared.client.get(manifest["icons"][0]["src"])
    assert icon.headers["content-type"].startswith("image/svg+xml")
    assert shared.client.get("/favicon.ico", follow_redirects=True).content == icon.content


def test_without_a_public_address_there_is_no_sitemap(shared: Hub) -> None:
    assert shared.client.get("/sitemap.xml").status_code == 404
    assert "Sitemap" not in shared.client.get("/robots.txt").text


@pytest.mark.slow
def test_the_page_of_each_service_of_the_pack_has_its_structured_data(shared: Hub) -> None:
    pack = read_catalog(TOBA)
    agencies = {agency.slug: agency.name for agency in pack.agencies}
    for service in pack.services:
        page = shared.client.get(f"/layanan/{service.slug}").text
        [block] = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
        data = json.loads(block)
        assert (data["@context"], data["@type"]) == ("https://schema.org", "GovernmentService")
        assert (data["name"], data["description"]) == (service.name, service.summary)
        assert data["provider"]["name"] == agencies[service.agency]
        assert len(data["audience"]) == len(service.audience)
        fee = service.components.get("biaya_tarif")
        assert data.get("offers", {}).get("price") == (None if fee is None else fee.fee_idr)


def test_a_service_page_names_what_amends_the_laws_that_it_cites(shared: Hub) -> None:
    page = shared.client.get("/layanan/ktp-el").text
    [item] = re.findall(r"<li>[^\n]*Undang-Undang Nomor 23 Tahun 2006[^\n]*</li>", page)
    _, _, amended = item.partition(", diubah dengan ")
    assert "Undang-Undang Nomor 24 Tahun 2013" in amended
    assert "amended by" in shared.client.get("/layanan/ktp-el?lang=en").text


def test_a_service_page_has_structured_data(shared: Hub) -> None:
    page = shared.client.get("/layanan/ktp-el").text
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    data = json.loads(found[1])
    assert data["@type"] == "GovernmentService"
    assert data["provider"]["name"] == "Dinas Kependudukan dan Pencatatan Sipil"
    assert data["offers"] == {"@type": "Offer", "price": 0, "priceCurrency": "IDR"}


def test_pages_wear_the_colours_and_the_band_of_their_regency(shared: Hub) -> None:
    page = shared.client.get("/").text
    [address] = re.findall(r'<link rel="stylesheet" href="(/appearance.css[^"]+)"', page)
    sheet = shared.client.get(address)
    assert sheet.headers["content-type"].startswith("text/css")
    assert "immutable" in sheet.headers["cache-control"]
    assert ".top::after" in sheet.text
    assert shared.client.get("/appearance.css?v=0").headers["cache-control"] == "no-cache"
    manifest = shared.client.get("/manifest.webmanifest").json()
    assert f"--main:{manifest['theme_color']}" in sheet.text
