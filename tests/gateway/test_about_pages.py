"""Pages of agencies, and pages about the hub: only what the pack and the settings say."""

import re

from starlette.testclient import TestClient

from services.catalog.pack import read_catalog
from services.gateway.app import create_app
from services.platform.settings import Settings
from tests.conftest import TOBA, Hub, Server

CONTACT = "mailto:keamanan@emall.example"


def test_an_agency_has_its_places_and_services(shared: Hub) -> None:
    page = shared.client.get("/instansi/dukcapil").text
    assert "<h1>Dinas Kependudukan dan Pencatatan Sipil</h1>" in page
    for path in ("/tempat/kantor-dukcapil", "/layanan/ktp-el", "/aduan"):
        assert f'href="{path}"' in page
    english = shared.client.get("/instansi/dukcapil?lang=en").text
    assert "Population and Civil Registration Office" in english
    assert 'href="/layanan/ktp-el?lang=en"' in english
    assert shared.client.get("/instansi/tidak-ada").status_code == 404


def test_the_agencies_that_give_services_are_listed(shared: Hub) -> None:
    page = shared.client.get("/instansi").text
    giving = {service.agency for service in read_catalog(TOBA).services}
    assert set(re.findall(r'href="/instansi/([a-z0-9-]+)"', page)) == giving


def test_the_pages_about_the_hub_are_found_from_every_page(shared: Hub) -> None:
    home = shared.client.get("/?lang=en").text
    for path in ("/tentang", "/kontak", "/bantuan", "/aksesibilitas", "/instansi"):
        assert f'href="{path}?lang=en"' in home
        page = shared.client.get(f"{path}?lang=en")
        assert page.status_code == 200
        assert 'lang="en"' in page.text


def test_the_hub_names_who_keeps_it_and_how_much_it_holds(shared: Hub) -> None:
    catalog = read_catalog(TOBA)
    page = shared.client.get("/tentang").text
    agencies = {service.agency for service in catalog.services}
    assert f"{len(catalog.services)}, dari {len(agencies)} instansi." in page
    assert "Dinas Komunikasi dan Informatika" in page


def test_contacts_are_those_of_the_pack_and_the_settings(
    shared: Hub, server: Server, database: str
) -> None:
    page = shared.client.get("/kontak").text
    assert 'href="/tempat/kantor-diskominfo"' in page
    assert 'href="/go/lapor"' in page
    assert "mailto:" not in page
    settings: Settings = server.settings(database, security_contact=CONTACT)
    with TestClient(create_app(settings)) as client:
        assert f'href="{CONTACT}"' in client.get("/kontak").text
