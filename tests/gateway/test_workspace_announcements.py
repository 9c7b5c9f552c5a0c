"""`/kelola/pengumuman`: written by an editor, published by a second person, withdrawn."""

import re

import httpx
import pytest

from tests.conftest import Hub
from tests.gateway.forms import errors_without_field, form_fields
from tests.gateway.people import Colleague, colleague

pytestmark = [pytest.mark.usefixtures("signed_out"), pytest.mark.slow]

LIST = "/kelola/pengumuman"
NEW = f"{LIST}/baru"


@pytest.fixture(scope="module")
def hub(toba_hub: Hub) -> Hub:
    """Provide a hub for a module."""
    return toba_hub


@pytest.fixture(scope="module")
def editor(hub: Hub) -> Colleague:
    return colleague(hub, "penyunting@dukcapil.test", ("editor", "dukcapil"))


@pytest.fixture(scope="module")
def approver(hub: Hub) -> Colleague:
    return colleague(hub, "penyetuju@dukcapil.test", ("approver", "dukcapil"))


@pytest.fixture(scope="module")
def lead(hub: Hub) -> Colleague:
    return colleague(hub, "pengampu@toba.test", ("lead", "diskominfo"))


def write(person: Colleague, **typed: str) -> str:
    """Save a new draft; return its page."""
    saved = person.post(NEW, form_fields(person.get(NEW).text) | typed)
    assert saved.status_code == 303, saved.text
    return saved.headers["location"]


def act(person: Colleague, page: str, name: str, **typed: str) -> httpx.Response:
    """Send the form of a page that does something."""
    opened = person.get(page).text
    form = re.search(rf'<form[^>]*action="{page}/{name}".*?</form>', opened, re.DOTALL)
    assert form is not None, opened
    return person.post(f"{page}/{name}", form_fields(form[0]) | typed)


def test_an_announcement_is_written_reviewed_published_and_withdrawn(
    hub: Hub, editor: Colleague, approver: Colleague
) -> None:
    empty = editor.post(NEW, form_fields(editor.get(NEW).text))
    assert empty.status_code == 422
    assert 'href="#title"' in empty.text
    assert errors_without_field(empty.text) == []
    typed = form_fields(empty.text) | {
        "title": "Loket pindah", "text": "Ke <b>Porsea</b>.\n- https://tobakab.go.id",
        "services.0": "Kartu Tanda Penduduk Elektronik (KTP-el)", "title_en": "Counter moved",
        "publish_from": "2026-01-01T08:00", "publish_until": "2025-01-01T08:00",
    }  # fmt: skip
    wrong = editor.post(NEW, typed)
    assert wrong.status_code == 422
    assert {'href="#text_en"'} <= set(re.findall(r'href="#\w+"', wrong.text))
    typed |= {"text_en": "To Porsea.", "publish_until": ""}
    seen = editor.post(NEW, typed | {"pratinjau": "1"})
    assert "Ke &lt;b&gt;Porsea&lt;/b&gt;" in seen.text
    assert form_fields(seen.text)["title"] == "Loket pindah"
    page = editor.post(NEW, typed).headers["location"]
    assert editor.post(NEW, typed).headers["location"] == page  # sent twice, made once
    assert form_fields(editor.get(f"{page}/ubah").text)["publish_from"] == "2026-01-01T08:00"
    assert "Konsep" in editor.get(LIST).text

    assert act(editor, page, "ajukan").status_code == 303
    assert "Terbitkan" not in editor.get(page).text
    assert "Pengumuman “Loket pindah” menunggu pemeriksaan Anda" in approver.get("/kelola").text
    no_reason = act(approver, page, "kembalikan")
    assert 'href="#alasan"' in no_reason.text
    assert act(approver, page, "kembalikan", alasan="Sebut jamnya.").status_code == 303
    assert "dikembalikan untuk diperbaiki" in editor.get("/kelola").text
    assert "Sebut jamnya." in editor.get(page).text
    changed = form_fields(editor.get(f"{page}/ubah").text) | {"text": "Ke Porsea, pukul 8."}
    assert editor.post(f"{page}/ubah", changed).status_code == 303
    late = editor.post(f"{page}/ubah", changed | {"text": "Lain."})
    assert late.status_code == 412
    assert "<ins>Ke Porsea, pukul 8.</ins>" in late.text
    act(editor, page, "ajukan")
    assert act(approver, page, "terbitkan").headers["location"] == page
    public = page.replace("/kelola", "")
    assert "Counter moved" in hub.client.get(f"{public}?lang=en").text
    assert "Tampil" in approver.get(page).text
    assert "Loket pindah" in approver.get(f"{LIST}.csv").text
    assert approver.get(f"{LIST}.xlsx").content[:2] == b"PK"

    assert 'href="#mengapa"' in act(approver, page, "tarik").text
    assert act(approver, page, "tarik", mengapa="Batal.").status_code == 303
    assert hub.client.get(public).status_code == 404
    assert "Ditarik: Batal." in approver.get(page).text
    assert "Withdrawn" in approver.get(f"{page}?lang=en").text


def test_the_lead_agency_publishes_for_others_and_nobody_else_reads_them(
    hub: Hub, editor: Colleague, lead: Colleague
) -> None:
    page = write(editor, title="Hari libur", text="Tutup.")
    act(editor, page, "ajukan")
    other = colleague(hub, "penyetuju@pupr.test", ("approver", "pupr"))
    for path in (page, f"{page}/terbitkan"):
        answer = other.get(path) if path == page else other.post(path)
        assert answer.status_code == 403
    assert "Hari libur" not in other.get(LIST).text
    assert "Hari libur" in lead.get("/kelola").text
    assert act(lead, page, "terbitkan").status_code == 303
    # The lead writes for the agency where the person works, not for others.
    assert lead.get(page).status_code == 200
    assert "Ubah</a>" not in lead.get(page).text
    nobody = colleague(hub, "tanpa@toba.test", ("lead", None))
    assert "Peran Anda tidak menyebut instansi" in nobody.get(LIST).text
