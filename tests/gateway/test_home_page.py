"""The front page and the pages of life events: needs first, then portals, then who helps."""

import re

from services.catalog.pack import read_catalog
from services.platform.service import API
from tests.conftest import TOBA, Hub


def test_the_front_page_goes_from_the_search_to_needs_portals_and_help(shared: Hub) -> None:
    page = shared.client.get("/").text
    order = ['name="q"', "Apa yang Anda alami?", "Urus daring", "Ada masalah?", "Semua instansi"]
    positions = [page.index(part) for part in order]
    assert positions == sorted(positions)
    main = page[: page.index("<footer")]
    for path in ("/aduan", "/survei", "/status", "/peristiwa"):
        assert f'href="{path}"' in main


def test_the_needs_are_the_life_events_of_the_catalogue(shared: Hub) -> None:
    page = shared.client.get("/?lang=en").text
    events = list(read_catalog(TOBA).life_events)
    linked = re.findall(r'href="/peristiwa/([a-z-]+)\?lang=en"', page)
    assert linked == [event.slug for event in events[: len(linked)]]
    assert len(linked) > 5
    every = shared.client.get("/peristiwa").text
    assert set(re.findall(r'href="/peristiwa/([a-z-]+)"', every)) == {one.slug for one in events}


def test_each_portal_of_the_front_page_has_its_state(shared: Hub) -> None:
    page = shared.client.get("/").text
    cards = re.findall(r'<li><a href="/go/.*?</li>', page, re.DOTALL)
    assert cards
    assert all('<b class="state state-' in card for card in cards)


def test_a_life_event_leads_to_the_cases_of_its_services(shared: Hub) -> None:
    detail = shared.client.get(f"{API}/life-events/dokumen-hilang").json()
    [ktp] = [service for service in detail["services"] if service["slug"] == "ktp-el"]
    assert ktp["cases"][0] == {"slug": "hilang", "name": "Hilang", "name_en": "Lost"}
    page = shared.client.get("/peristiwa/dokumen-hilang?lang=en")
    assert page.status_code == 200
    assert 'href="/layanan/ktp-el?case=hilang&amp;lang=en">Lost</a>' in page.text
    assert 'href="/layanan/surat-keterangan-hilang?lang=en"' in page.text
    assert shared.client.get("/peristiwa/tidak-ada").status_code == 404
