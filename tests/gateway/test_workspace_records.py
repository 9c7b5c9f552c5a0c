"""`/kelola/katalog`: agencies, places and sources, and what people searched for in vain."""

import re
from datetime import datetime

import httpx
import pytest

from services.platform.local_time import DEFAULT_ZONE
from services.platform.settings import Service
from tests.conftest import Hub
from tests.gateway.forms import errors_without_field, form_fields
from tests.gateway.people import Colleague, colleague, execute

pytestmark = pytest.mark.usefixtures("signed_out")

RECORDS = "/kelola/katalog"


@pytest.fixture(scope="module")
def hub(toba_hub: Hub) -> Hub:
    """Provide a hub for a module."""
    return toba_hub


@pytest.fixture(scope="module")
def editor(hub: Hub) -> Colleague:
    return colleague(hub, "penyunting@dukcapil.test", ("editor", "dukcapil"))


@pytest.fixture(scope="module")
def lead(hub: Hub) -> Colleague:
    return colleague(hub, "pengampu@toba.test", ("lead", "diskominfo"))


def save(person: Colleague, address: str, **changed: str) -> httpx.Response:
    return person.post(address, form_fields(person.get(address).text) | changed)


@pytest.mark.slow
def test_a_source_and_a_place_are_added_and_changed_by_their_agency(
    hub: Hub, editor: Colleague, lead: Colleague
) -> None:
    title = "Keputusan Bupati tentang jam pelayanan"
    added = save(editor, f"{RECORDS}/sumber/baru", title=title, kind="decree", year="2026")
    assert added.status_code == 303, added.text
    new = f"{RECORDS}/tempat/baru"
    more = save(editor, new, tambah="hours")
    fields = form_fields(more.text) | {
        "name": "Loket Balige", "name_en": "Balige counter", "confirmed": "1",
        "hours.0.byday.MO": "1", "hours.0.opens": "08:00", "hours.0.closes": "1600",
        "sources.0": title, "coordinates.latitude": "2,33", "coordinates.longitude": "99.06",
    }  # fmt: skip
    wrong = editor.post(new, fields)
    assert wrong.status_code == 422
    assert 'href="#hours.0.closes"' in wrong.text
    assert errors_without_field(wrong.text) == []
    missing = editor.post(new, form_fields(wrong.text) | {"hours.0.closes": "16:00"})
    assert "tempat yang pasti memerlukan alamat" in missing.text
    english = editor.post(f"{new}?lang=en", form_fields(wrong.text) | {"hours.0.closes": "16:00"})
    assert "is needed of a confirmed place" in english.text
    right = form_fields(missing.text) | {"address": "Jalan Sutomo 1"}
    assert editor.post(new, right).status_code == 303
    assert "Loket Balige" in editor.get(f"{RECORDS}/tempat").text
    assert "Jalan Sutomo 1" in hub.client.get("/tempat/loket-balige").text
    opened = form_fields(editor.get(f"{RECORDS}/tempat/loket-balige").text)
    assert save(editor, f"{RECORDS}/tempat/loket-balige", telephone="kantor").status_code == 422
    assert save(editor, f"{RECORDS}/tempat/loket-balige", telephone="0632 111").status_code == 303
    late = editor.post(f"{RECORDS}/tempat/loket-balige", opened | {"whatsapp": "0812 111"})
    assert late.status_code == 412
    assert "<ins>0632 111</ins>" in late.text
    assert form_fields(late.text)["whatsapp"] == "0812 111"
    assert save(lead, f"{RECORDS}/tempat/loket-balige", email="a@b.id").status_code == 403


@pytest.mark.slow
def test_an_agency_is_added_by_the_lead_agency(
    hub: Hub, editor: Colleague, lead: Colleague
) -> None:
    new = f"{RECORDS}/instansi/baru"
    assert editor.get(new).status_code == 403
    source = form_fields(lead.get(f"{RECORDS}/instansi/dukcapil").text)["sources.0"]
    fields = {"name": "Dinas Danau", "name_en": "Lake agency", "short_name": "Disdanau"}
    without = save(lead, new, **fields)
    assert 'href="#kind"' in without.text
    assert 'href="#sources"' in without.text
    assert errors_without_field(without.text) == []
    added = lead.post(new, form_fields(without.text) | {"kind": "dinas", "sources.0": source})
    assert added.status_code == 303
    assert hub.client.get("/api/v1/agencies/dinas-danau").status_code == 200
    assert lead.get(f"{RECORDS}/instansi/tidak-ada").status_code == 404


@pytest.mark.slow
def test_a_record_has_its_history_and_is_withdrawn_when_nothing_needs_it(
    hub: Hub, editor: Colleague, lead: Colleague
) -> None:
    page = f"{RECORDS}/tempat/loket-laguboti"
    new = f"{RECORDS}/tempat/baru"
    listed = editor.get(f"{RECORDS}/sumber").text
    titles = re.findall(rf'{RECORDS}/sumber/[a-z0-9-]+">([^<&]+)<', listed)
    fields = {"name": "Loket Laguboti", "name_en": "Laguboti counter", "sources.0": titles[-1]}
    added = save(editor, new, **fields)
    assert added.status_code == 303, added.text
    assert save(editor, page, telephone="0632 222").status_code == 303
    opened = form_fields(editor.get(page).text)
    assert save(editor, page, telephone="0632 333").status_code == 303

    assert f'href="{page}/riwayat"' in editor.get(page).text
    history = editor.get(f"{page}/riwayat").text
    versions = [int(number) for number in re.findall(r'id="versi-([0-9]+)"', history)]
    assert versions == [3, 2, 1]
    assert "<del>0632 222</del> <ins>0632 333</ins>" in history
    assert history.count("Telepon") == 2
    assert "Dinas Kependudukan" in history
    assert "Version 3" in editor.get(f"{page}/riwayat?lang=en").text

    late = editor.post(f"{page}/tarik", {"versi-terbit": opened["versi"]})
    assert late.status_code == 412
    assert 'href="#tarik"' in late.text
    tag = form_fields(editor.get(page).text)["versi"]
    assert lead.post(f"{page}/tarik", {"versi-terbit": tag}).status_code == 403
    assert editor.post(f"{page}/tarik", {"versi-terbit": tag}).status_code == 303
    assert editor.get(page).status_code == 404
    assert hub.client.get("/api/v1/places/loket-laguboti").status_code == 404
    withdrawn = hub.client.get("/api/v1/places/loket-laguboti/versions").json()["items"][0]
    assert withdrawn["withdrawn"]

    agency = f"{RECORDS}/instansi/dukcapil"
    used = lead.post(
        f"{agency}/tarik", {"versi-terbit": form_fields(lead.get(agency).text)["versi"]}
    )
    assert used.status_code == 409
    assert "masih merujuk kepadanya" in used.text
    assert editor.get(f"{agency}/riwayat").status_code == 403
    source = re.findall(
        rf'href="({RECORDS}/sumber/[a-z0-9-]+)"', lead.get(f"{RECORDS}/sumber").text
    )
    assert "Versi 1" in lead.get(f"{source[-1]}/riwayat").text
    assert f'action="{source[-1]}/tarik"' not in lead.get(source[-1]).text
    assert lead.post(f"{source[-1]}/tarik", {"versi-terbit": tag}).status_code == 404


def test_the_page_of_demand_has_the_words_that_found_nothing(hub: Hub, editor: Colleague) -> None:
    first = datetime.now(DEFAULT_ZONE).date().replace(day=1)
    month = f"{first:%Y-%m}"
    execute(
        hub,
        "INSERT INTO catalog.search_demand (region, month, word, days, first_day, last_day) "
        "VALUES ($1, $2, 'paspor', 7, $2, $2)",
        hub.settings.region,
        first,
        service=Service.catalog,
    )
    hub.client.post("/layanan/ktp-el/membantu", data={"jawaban": "ya"})
    shown = editor.get(f"/kelola/permintaan?bulan={month}").text
    assert "paspor" in shown
    assert "1 ya, 0 tidak" in shown
    assert "pada 7 hari" in shown
    assert "paspor" not in editor.get("/kelola/permintaan?bulan=2020-01").text
    assert "Searched" in editor.get("/kelola/permintaan?lang=en").text
    assert hub.client.get("/kelola/permintaan").status_code == 303
