"""`/kelola/layanan`: a service written by one person and published by another."""

import re

import httpx
import pytest

from services.platform.settings import Service
from tests.conftest import Hub
from tests.gateway.forms import errors_without_field, form_fields
from tests.gateway.people import Colleague, colleague, execute

pytestmark = pytest.mark.usefixtures("signed_out")

SERVICES = "/kelola/layanan"
KTP = f"{SERVICES}/ktp-el"


@pytest.fixture(scope="module")
def hub(toba_hub: Hub) -> Hub:
    """Provide a hub for a module; each of its tests edits another service."""
    return toba_hub


@pytest.fixture(scope="module")
def editor(hub: Hub) -> Colleague:
    return colleague(hub, "penyunting@dukcapil.test", ("editor", "dukcapil"))


@pytest.fixture(scope="module")
def second_editor(hub: Hub) -> Colleague:
    return colleague(hub, "penyunting2@dukcapil.test", ("editor", "dukcapil"))


@pytest.fixture(scope="module")
def approver(hub: Hub) -> Colleague:
    return colleague(hub, "penyetuju@dukcapil.test", ("approver", "dukcapil"))


@pytest.fixture(scope="module")
def stranger(hub: Hub) -> Colleague:
    return colleague(hub, "penyunting@dinkes.test", ("editor", "dinkes"))


def save(person: Colleague, address: str, **changed: str) -> httpx.Response:
    """Send the form of a page as it is filled in now, with some fields changed."""
    return person.post(address, form_fields(person.get(address).text) | changed)


def act(person: Colleague, slug: str, step: str, **fields: str) -> httpx.Response:
    shown = form_fields(person.get(f"{SERVICES}/{slug}").text)
    return person.post(f"{SERVICES}/{slug}/{step}", {"versi": shown.get("versi", "")} | fields)


def service(hub: Hub, slug: str) -> dict[str, object]:
    found: dict[str, object] = hub.client.get(f"/api/v1/services/{slug}").json()["service"]
    return found


@pytest.mark.slow
def test_a_service_is_changed_by_one_person_and_published_by_another(
    hub: Hub, editor: Colleague, approver: Colleague
) -> None:
    before = service(hub, "ktp-el")
    listed = editor.get(SERVICES).text
    assert "dari 14 komponen terbit" in listed
    assert "Imunisasi" not in listed
    # Sending the form as it is loses nothing.
    assert save(editor, f"{KTP}/ubah").status_code == 303
    unchanged = editor.get(KTP).text
    assert "Tidak ada perbedaan." in unchanged, re.findall(r"<dt>(.*?)</dt>", unchanged)
    saved = save(
        editor,
        f"{KTP}/ubah",
        summary="Perekaman KTP-el di loket baru.",
        periksa="1",
        assured_until="2099-12-31",
        **{"time.duration": "9"},
    )
    assert saved.status_code == 303
    assert service(hub, "ktp-el") == before
    own = editor.get(KTP)
    assert "Perekaman KTP-el di loket baru." in own.text
    assert "Keterangan singkat" in own.text
    assert "<del>14 hari</del>" in own.text
    assert "31 Desember 2099" in own.text
    assert act(editor, "ktp-el", "ajukan").status_code == 303
    assert "terbitkan" not in form_fields(editor.get(KTP).text)
    assert act(editor, "ktp-el", "terbitkan").status_code == 403
    assert "KTP-el) menunggu pemeriksaan Anda" in approver.get("/kelola").text
    assert "menunggu pemeriksaan Anda" not in editor.get("/kelola").text
    without = act(approver, "ktp-el", "kembalikan")
    assert without.status_code == 422
    assert 'href="#alasan"' in without.text
    back = act(approver, "ktp-el", "kembalikan", alasan="Sebut jam bukanya.")
    assert back.status_code == 303
    assert "dikembalikan untuk diperbaiki" in editor.get("/kelola").text
    assert "Sebut jam bukanya." in editor.get(KTP).text
    save(editor, f"{KTP}/ubah", summary="Perekaman KTP-el di loket, 08.00-16.00.")
    act(editor, "ktp-el", "ajukan")
    assert act(approver, "ktp-el", "terbitkan").status_code == 303
    after = service(hub, "ktp-el")
    assert after["summary"] == "Perekaman KTP-el di loket, 08.00-16.00."
    assert "Perekaman KTP-el di loket, 08.00-16.00." in hub.client.get("/layanan/ktp-el").text
    assert "Edit" in editor.get(f"{KTP}?lang=en").text


@pytest.mark.slow
def test_a_service_has_its_history_and_its_agency_withdraws_it(
    hub: Hub, editor: Colleague, approver: Colleague, stranger: Colleague
) -> None:
    slug = "penduduk-nonpermanen"
    page = f"{SERVICES}/{slug}"
    assert save(editor, f"{page}/ubah", summary="Pendataan penduduk.").status_code == 303
    act(editor, slug, "ajukan")
    assert act(approver, slug, "terbitkan").status_code == 303
    history = editor.get(f"{page}/riwayat").text
    assert "<ins>Pendataan penduduk.</ins>" in history
    assert re.findall(r'id="versi-([0-9]+)"', history) == ["2", "1"]
    assert stranger.get(f"{page}/riwayat").status_code == 403
    tag = {"versi-terbit": form_fields(editor.get(page).text)["versi-terbit"]}
    for other in (stranger, approver):
        assert other.post(f"{page}/tarik", tag).status_code == 403
    assert editor.post(f"{page}/tarik").status_code == 412
    assert editor.post(f"{page}/tarik", tag).status_code == 303
    assert hub.client.get(f"/api/v1/services/{slug}").status_code == 410
    assert editor.post(f"{page}/tarik", tag).status_code == 404

    needed = {"versi-terbit": form_fields(editor.get(KTP).text)["versi-terbit"]}
    refused = editor.post(f"{KTP}/tarik", needed)
    assert refused.status_code == 409
    assert 'href="#tarik"' in refused.text
    assert "masih merujuk kepadanya" in refused.text


def test_only_the_agency_edits_and_only_writers_write(
    hub: Hub, editor: Colleague, approver: Colleague, stranger: Colleague
) -> None:
    assert hub.client.get(SERVICES).status_code == 303
    for address in (KTP, f"{KTP}/ubah"):
        assert stranger.get(address).status_code == 403
    assert stranger.post(f"{KTP}/ubah").status_code == 403
    assert approver.get(f"{KTP}/ubah").status_code == 403
    assert editor.get(f"{SERVICES}/tidak-ada").status_code == 404
    assert editor.post(f"{SERVICES}/tidak-ada/ajukan").status_code == 404
    assert editor.post(f"{KTP}/ubah", {"kata": "salah"}).status_code == 403


@pytest.mark.slow
def test_what_is_wrong_is_told_at_its_field_and_everything_typed_stays(
    hub: Hub, editor: Colleague
) -> None:
    address = f"{SERVICES}/akta-kelahiran/ubah"
    more = save(editor, address, tambah="tariffs", name_en="")
    typed = form_fields(more.text)
    n = int(typed["tariffs#"]) - 1
    first = f"tariffs.{n}"
    wrong = editor.post(
        address,
        typed | {
            f"{first}.amount": "dua ribu", f"{first}.item": "Denda", f"{first}.item_en": "Fine",
            f"{first}.legal_basis.source": "Perda yang tidak ada", "summary": "Keterangan saya",
        },
    )  # fmt: skip
    assert wrong.status_code == 422
    assert "Ada 2 isian yang perlu diperbaiki" in wrong.text
    assert 'href="#name_en"' in wrong.text
    assert f'href="#{first}.legal_basis.source"' in wrong.text
    assert errors_without_field(wrong.text) == []
    kept = form_fields(wrong.text)
    assert kept[f"{first}.amount"] == "dua ribu"
    assert kept["summary"] == "Keterangan saya"
    source = form_fields(editor.get(f"{SERVICES}/ktp-el/ubah").text)["sources.0"]
    told = editor.post(address, kept | {"name_en": "Birth", f"{first}.legal_basis.source": source})
    assert told.status_code == 422
    assert f'href="#{first}.amount"' in told.text
    assert "harus berupa bilangan" in told.text
    fields = form_fields(told.text) | {f"{first}.amount": "2.000"}
    assert editor.post(address, fields).status_code == 303
    english = editor.post(f"{address}?lang=en", fields | {f"{first}.amount": "two", "versi": ""})
    assert "harus" not in re.findall(r'class="summary".*?</div>', english.text, re.S)[0]


@pytest.mark.slow
def test_what_somebody_else_saved_is_shown_and_nothing_is_lost(
    editor: Colleague, second_editor: Colleague
) -> None:
    address = f"{SERVICES}/akta-kematian/ubah"
    assert save(editor, address, summary="Satu").status_code == 303
    opened = form_fields(editor.get(address).text)
    assert save(second_editor, address, summary="Dua").status_code == 303
    late = editor.post(address, opened | {"owner": "Bidang Pencatatan Sipil"})
    assert late.status_code == 412
    assert "Yang diubah orang lain" in late.text
    assert "<ins>Dua</ins>" in late.text
    kept = form_fields(late.text)
    assert (kept["summary"], kept["owner"]) == ("Satu", "Bidang Pencatatan Sipil")
    assert editor.post(address, kept | {"summary": "Dua"}).status_code == 303


@pytest.mark.slow
def test_a_new_service_is_drafted_and_discarded(hub: Hub, editor: Colleague) -> None:
    address = f"{SERVICES}/baru"
    empty = save(editor, address)
    assert empty.status_code == 422
    assert 'href="#name"' in empty.text
    assert errors_without_field(empty.text) == []
    source = form_fields(editor.get(f"{SERVICES}/ktp-el/ubah").text)["sources.0"]
    fields = form_fields(empty.text) | {
        "name": "Legalisasi Kartu", "name_en": "Certified copy", "summary": "Salinan.",
        "summary_en": "A copy.", "audience.citizen": "1", "channels#": "1",
        "channels.0.kind": "counter", "sources.0": source, "sources#": "1",
    }  # fmt: skip
    assert editor.post(address, fields).headers["location"] == f"{SERVICES}/legalisasi-kartu"
    shown = editor.get(f"{SERVICES}/legalisasi-kartu").text
    assert "Belum terbit" in shown
    assert "A copy." in shown
    taken = editor.post(address, fields)
    assert taken.status_code == 412
    assert "Sudah ada yang bernama itu" in taken.text
    assert hub.client.get("/layanan/legalisasi-kartu").status_code == 404
    assert act(editor, "legalisasi-kartu", "buang").headers["location"] == SERVICES


@pytest.mark.slow
@pytest.mark.parametrize(
    "hostile",
    [
        {"~": '{"slug": "../../keys", "agency": "dinkes"}', "cases.0.~": "[1"},
        {"~": '{"digital": NaN}', "channels.0.~": '{"note": "\\ud800"}'},
        {"components.dasar_hukum.~": '{"articles": 3, "checked_by": {}}', "components.~": "[]"},
        {"tariffs#": "999999999999", "tambah": "tariffs"},
        {"channels#": "-1", "sources#": "x", "places.../etc": "1", "time.duration": "P1"},
        {"name": "\x00", "summary": "\ud7ff" * 9, "cases#": "9999"},
    ],
)
def test_fields_that_no_browser_sends_are_refused(
    hub: Hub, editor: Colleague, hostile: dict[str, str]
) -> None:
    before = service(hub, "kartu-keluarga")
    answer = save(editor, f"{SERVICES}/kartu-keluarga/ubah", **hostile)
    assert answer.status_code in {200, 303, 422}
    assert errors_without_field(answer.text) == []
    assert service(hub, "kartu-keluarga") == before
    new = form_fields(editor.get(f"{SERVICES}/baru").text) | {"name": "!?"} | hostile
    assert editor.post(f"{SERVICES}/baru", new).status_code in {200, 422}


@pytest.mark.slow
def test_a_draft_that_others_overtook_is_saved_again_before_it_is_published(
    hub: Hub, editor: Colleague, second_editor: Colleague
) -> None:
    slug = "akta-perkawinan"
    address = f"{SERVICES}/{slug}/ubah"
    assert save(editor, address, summary="Konsep lama").status_code == 303
    act(editor, slug, "ajukan")
    execute(
        hub,
        "UPDATE catalog.service_draft SET base_version = base_version + 1 WHERE slug = $1",
        slug,
        service=Service.catalog,
    )
    overtaken = act(second_editor, slug, "terbitkan")
    assert overtaken.status_code == 409
    assert "Versi lain terbit" in overtaken.text
    assert save(editor, address, summary="Konsep baru").status_code == 303
    act(editor, slug, "ajukan")
    assert act(second_editor, slug, "terbitkan").status_code == 303
    assert service(hub, slug)["summary"] == "Konsep baru"
