"""`/kelola/tautan`: portals, incidents and maintenance, as those who keep the hub do it."""

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.conftest import Hub
from tests.gateway.forms import errors_without_field, form_fields
from tests.gateway.people import Colleague, colleague

pytestmark = pytest.mark.usefixtures("signed_out")

LINKS = "/kelola/tautan"
SIMBG = f"{LINKS}/simbg"


@pytest.fixture(scope="module")
def hub(toba_hub: Hub) -> Hub:
    """Provide a hub for a module."""
    return toba_hub


@pytest.fixture(scope="module")
def lead(hub: Hub) -> Colleague:
    return colleague(hub, "pengampu@toba.test", ("lead", "diskominfo"))


@pytest.fixture(scope="module")
def administrator(hub: Hub) -> Colleague:
    return colleague(hub, "pengelola@toba.test", ("administrator", None))


@pytest.fixture(scope="module")
def editor(hub: Hub) -> Colleague:
    return colleague(hub, "penyunting@dukcapil.test", ("editor", "dukcapil"))


def save(person: Colleague, address: str, **changed: str) -> httpx.Response:
    return person.post(address, form_fields(person.get(address).text) | changed)


@pytest.mark.slow
def test_a_portal_is_added_and_changed_by_the_lead_agency(
    hub: Hub, lead: Colleague, editor: Colleague
) -> None:
    assert editor.get(LINKS).status_code == 403
    assert hub.client.get(LINKS).status_code == 303
    assert "Sambungan ke sistem lain" in lead.get(LINKS).text
    source = form_fields(lead.get(f"{SIMBG}/ubah").text)["sources.0"]
    typed = {
        "title": "Wisata Toba", "title_en": "Toba tourism", "url": "wisata.example",
        "kind": "portal", "operator": "Dinas Pariwisata", "description": "Tiket danau.",
        "description_en": "Lake tickets.", "sources.0": source,
    }  # fmt: skip
    wrong = save(lead, f"{LINKS}/baru", **typed)
    assert wrong.status_code == 422
    assert 'href="#url"' in wrong.text
    assert errors_without_field(wrong.text) == []
    private = lead.post(f"{LINKS}/baru", form_fields(wrong.text) | {"url": "https://10.0.0.1/"})
    assert private.status_code == 422
    assert 'href="#url"' in private.text
    assert "harus alamat umum di internet" in private.text
    right = form_fields(private.text) | {"url": "https://wisata.example/"}
    assert lead.post(f"{LINKS}/baru", right).headers["location"] == f"{LINKS}/wisata-toba"
    assert "Wisata Toba" in hub.client.get("/status").text
    assert lead.post(f"{LINKS}/baru", right).status_code == 412
    address = f"{LINKS}/wisata-toba/ubah"
    opened = form_fields(lead.get(address).text)
    assert save(lead, address, expected_text="Danau Toba").status_code == 303
    assert "Danau Toba" in lead.get(f"{LINKS}/wisata-toba").text
    late = lead.post(address, opened | {"operator": "Disparbud"})
    assert late.status_code == 412
    assert "<ins>Danau Toba</ins>" in late.text
    assert form_fields(late.text)["operator"] == "Disparbud"
    assert lead.get(f"{LINKS}/tidak-ada").status_code == 404
    assert "Edit" in lead.get(f"{LINKS}/wisata-toba?lang=en").text


@pytest.mark.slow
def test_a_portal_has_its_history_and_is_withdrawn_when_nothing_leads_to_it(
    hub: Hub, lead: Colleague, editor: Colleague
) -> None:
    new = form_fields(lead.get(f"{SIMBG}/ubah").text) | {
        "title": "Perpustakaan Toba", "title_en": "Toba library", "expected_text": "",
        "url": "https://pustaka.example/", "operator": "Dinas Perpustakaan", "versi": "",
    }  # fmt: skip
    added = lead.post(f"{LINKS}/baru", new)
    page = added.headers["location"]
    assert page == f"{LINKS}/perpustakaan-toba"
    assert save(lead, f"{page}/ubah", operator="Disperpus").status_code == 303
    history = lead.get(f"{page}/riwayat").text
    assert re.findall(r'id="versi-([0-9]+)"', history) == ["2", "1"]
    assert "<del>Dinas Perpustakaan</del> <ins>Disperpus</ins>" in history
    api = "/api/v1/links/perpustakaan-toba/versions"
    versions = hub.client.get(api).json()["items"]
    assert [(one["number"], one["recorded_by"]) for one in versions] == [
        (2, "diskominfo"), (1, "diskominfo"),
    ]  # fmt: skip
    second = hub.client.get(versions[0]["href"]).json()
    assert second["link"]["operator"] == "Disperpus"
    assert [one["pointer"] for one in second["differences"]] == ["#/operator"]
    assert hub.client.get(f"{api}/3").status_code == 404
    assert hub.client.get("/api/v1/links/tidak-ada/versions").status_code == 404

    assert editor.get(f"{page}/riwayat").status_code == 403
    late = lead.post(f"{page}/tarik", {"versi-terbit": '"1"'})
    assert late.status_code == 412
    assert 'href="#tarik"' in late.text
    tag = form_fields(lead.get(page).text)["versi-terbit"]
    assert lead.post(f"{page}/tarik", {"versi-terbit": tag}).status_code == 303
    assert lead.get(page).status_code == 404
    assert hub.client.get(api).json()["items"][0]["withdrawn"]
    used = lead.post(
        f"{SIMBG}/tarik", {"versi-terbit": form_fields(lead.get(SIMBG).text)["versi-terbit"]}
    )
    assert used.status_code == 409
    assert "masih merujuk kepadanya" in used.text
    assert lead.get(SIMBG).status_code == 200


def test_an_incident_is_opened_told_and_closed_by_an_administrator(
    hub: Hub, administrator: Colleague, lead: Colleague
) -> None:
    assert lead.get(f"{SIMBG}/gangguan").status_code == 403
    empty = administrator.post(f"{SIMBG}/gangguan")
    assert 'href="#title"' in empty.text
    opened = administrator.post(
        f"{SIMBG}/gangguan",
        {"title": "Berkas tidak terkirim", "title_en": "Files are not sent", "text": "Dilaporkan."},
    )
    assert opened.headers["location"] == SIMBG
    assert "Berkas tidak terkirim" in hub.client.get("/status").text
    found = re.search(r"gangguan/([0-9a-f-]{36})", administrator.get(SIMBG).text)
    assert found is not None
    update = f"{SIMBG}/gangguan/{found[1]}"
    assert administrator.post(update).status_code == 422
    closed = administrator.post(update, {"text": "Sudah diperbaiki.", "close": "1"})
    assert closed.status_code == 303
    shown = administrator.get(SIMBG).text
    assert "Sudah diperbaiki." in shown
    assert "selesai" in shown
    assert f"gangguan/{found[1]}" not in shown
    unknown = f"{SIMBG}/gangguan/00000000-0000-7000-8000-000000000000"
    assert administrator.post(unknown, {"text": "x"}).status_code == 404


def test_maintenance_is_announced_and_cancelled(hub: Hub, administrator: Colleague) -> None:
    address = f"{SIMBG}/pemeliharaan"
    begin = datetime.now(UTC) + timedelta(days=3)
    fields = {"starts_at": f"{begin:%Y-%m-%dT%H:%M}", "text": "Server dipindahkan."}
    wrong = administrator.post(address, fields | {"ends_at": "2020-01-01T08:00"})
    assert wrong.status_code == 422
    assert 'href="#ends_at"' in wrong.text
    assert "lebih akhir" in wrong.text
    assert form_fields(wrong.text)["text"] == "Server dipindahkan."
    end = begin + timedelta(hours=2)
    planned = administrator.post(address, fields | {"ends_at": f"{end:%Y-%m-%dT%H:%M}"})
    assert planned.status_code == 303
    window = hub.client.get("/api/v1/maintenance?upcoming=true").json()["items"][0]
    assert window["starts_at"] == f"{begin:%Y-%m-%dT%H:%M}:00+07:00" or window["starts_at"] == (
        f"{begin - timedelta(hours=7):%Y-%m-%dT%H:%M}:00Z"
    )
    assert "Server dipindahkan." in administrator.get(SIMBG).text
    assert administrator.post(f"{address}/{window['id']}/batal").status_code == 303
    assert "Server dipindahkan." not in administrator.get(SIMBG).text
    assert administrator.post(f"{address}/{window['id']}/batal").status_code == 404
