"""`/kelola/rapat`: a meeting recorded by one organisation and confirmed by another."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from services.platform.ids import new_id
from tests.conftest import DEFAULT_ZONE, Hub
from tests.gateway.people import Colleague, colleague, visitor

pytestmark = pytest.mark.usefixtures("signed_out")

MEETINGS = "/kelola/rapat"
API = "/api/v1/meetings"
FORM = {
    "jenis": "forum",
    "tanggal": "2026-03-05",
    "tempat": "Balai Data",
    "masalah": "Jaringan di Borbor dan Nassau.",
    "hadir-it-del": "1",
    "bicara-kepala-diskominfo": "1",
    "notula": "lengkap",
    "baris": "3",
    "apa-0": "Ukur jaringan tiap kecamatan",
    "siapa-0": "kepala-diskominfo",
    "kapan-0": "2026-04-01",
    "dokumen": "Notula rapat forum 5 Maret 2026",
}

PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\nstartxref\n0\n%%EOF\n"


@pytest.fixture(scope="module")
def hub(toba_hub: Hub) -> Hub:
    return toba_hub


@pytest.fixture(scope="module")
def editor(hub: Hub) -> Colleague:
    return colleague(hub, "penyunting@diskominfo.test", ("editor", "diskominfo"))


@pytest.fixture(scope="module")
def approver(hub: Hub) -> Colleague:
    return colleague(hub, "penyetuju@dukcapil.test", ("approver", "dukcapil"))


@pytest.fixture(scope="module")
def neighbour(hub: Hub) -> Colleague:
    return colleague(hub, "penyunting@dukcapil.test", ("editor", "dukcapil"))


def record(person: Colleague, **changes: str) -> httpx.Response:
    return person.post(f"{MEETINGS}/baru", FORM | {"id": str(new_id())} | changes)


def recorded(person: Colleague, **changes: str) -> str:
    """Record a meeting; return its id."""
    answer = record(person, **changes)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].removeprefix(f"{MEETINGS}/").partition("?")[0]


def read(hub: Hub, meeting: str) -> dict[str, Any]:
    return hub.client.get(f"{API}/{meeting}").json()


def hidden(page: httpx.Response, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found is not None, page.text
    return found[1].replace("&#34;", '"')


@pytest.mark.slow
def test_a_meeting_is_recorded_as_a_proposal_and_confirmed_by_another_organisation(
    hub: Hub, editor: Colleague, approver: Colleague
) -> None:
    form = editor.get(f"{MEETINGS}/baru")
    yesterday = datetime.now(DEFAULT_ZONE).date() - timedelta(days=1)
    assert re.search(rf'name="tanggal"[^>]* value="{yesterday.year}-', form.text)
    meeting = recorded(editor)
    stored = read(hub, meeting)
    assert (stored["state"], stored["recorded_by"]) == ("proposed", "diskominfo")
    content = stored["content"]
    assert content["name"] == "Rapat forum, 5 Maret 2026"
    assert content["name_en"] == "Meeting of the forum, 5 March 2026"
    attended = {one["stakeholder"]: (one["present"], one["spoke"]) for one in content["attendance"]}
    assert attended == {"it-del": (True, False), "kepala-diskominfo": (True, True)}
    assert content["action_items"][0]["task"] == "Ukur jaringan tiap kecamatan"
    assert stored["sources"][0]["title"] == "Notula rapat forum 5 Maret 2026"

    listed = approver.get(f"{MEETINGS}?tahun=2026")
    assert meeting in listed.text
    assert "Ukur jaringan" in listed.text
    assert "menunggu konfirmasi Anda" in approver.get("/kelola").text
    assert meeting in approver.get(f"{MEETINGS}?saring=menunggu").text
    page = approver.get(f"{MEETINGS}/{meeting}")
    confirmed = approver.post(f"{MEETINGS}/{meeting}/konfirmasi", {"versi": hidden(page, "versi")})
    assert confirmed.status_code == 303
    assert read(hub, meeting)["state"] == "confirmed"
    assert meeting not in approver.get(f"{MEETINGS}?saring=menunggu").text
    assert "Confirmed" in approver.get(f"{MEETINGS}/{meeting}?lang=en").text


def test_agencies_attend_without_being_on_record_before(hub: Hub, neighbour: Colleague) -> None:
    form = {
        "id": str(new_id()),
        "jenis": "coordination",
        "tanggal": "2026-11-30",
        "nama": "Rapat koordinasi adminduk",
        "hadir-instansi-dukcapil": "1",
        "hadir-instansi-bapenda": "1",
        "bicara-instansi-diskominfo": "1",
        "diundang-instansi-dinsos": "1",
        "keputusan": "Jadwal jemput bola disepakati.\r\n\r\nLoket buka Sabtu.",
        "apa-0": "Kirim jadwal ke kecamatan",
        "siapa-0": "instansi-dukcapil",
        "kapan-0": "2026-12-15",
        "baris": "1",
        "notula": "tidak",
    }
    page = neighbour.get(f"{MEETINGS}/baru").text
    first = page.index('name="hadir-')
    assert page.index('name="hadir-instansi-dukcapil"') == first, "one's own agency is the first"
    meeting = ""
    for _ in range(2):  # the second time every agency is on record
        answer = neighbour.post(f"{MEETINGS}/baru", form)
        assert answer.status_code == 303, answer.text
        shown = neighbour.get(answer.headers["location"])
        assert "Tersimpan." in shown.text
        meeting = answer.headers["location"].removeprefix(f"{MEETINGS}/").partition("?")[0]
        stored = read(hub, meeting)
        content = stored["content"]
        assert (content["name"], content["kind"]) == ("Rapat koordinasi adminduk", "coordination")
        assert content["decisions"] == ["Jadwal jemput bola disepakati.", "Loket buka Sabtu."]
        assert (content["minutes"], content["discussion"]) == (False, False)
        assert content["action_items"][0]["owner"] == "instansi-dukcapil"
        assert {one["stakeholder"]: one["present"] for one in content["attendance"]} == {
            "instansi-dukcapil": True,
            "instansi-bapenda": True,
            "instansi-diskominfo": True,
            "instansi-dinsos": False,
        }
        [source] = stored["sources"]
        assert source["title"].startswith("Pernyataan Dinas Kependudukan dan Pencatatan Sipil,")
        form["id"] = str(new_id())
    stakeholders = hub.client.get("/api/v1/stakeholders?limit=100&state=proposed").json()["items"]
    [bapenda] = [one for one in stakeholders if one["content"]["key"] == "instansi-bapenda"]
    assert bapenda["content"]["agency"] == "bapenda"
    assert bapenda["content"]["valid_from"] == "2026-11-30"

    # What is corrected keeps what the form does not change.
    correction = neighbour.get(f"{MEETINGS}/{meeting}/ubah")
    assert 'value="Rapat koordinasi adminduk"' in correction.text
    for name in ("hadir-instansi-bapenda", "diundang-instansi-dinsos"):
        assert f'name="{name}" value="1" checked' in correction.text
    changed = form | {"versi": hidden(correction, "versi"), "notula": "tetap", "siapa-0": ""}
    assert neighbour.post(f"{MEETINGS}/{meeting}/ubah", changed).status_code == 303
    content = read(hub, meeting)["content"]
    assert (content["minutes"], content["action_items"][0]["owner"]) == (False, None)
    assert len(content["attendance"]) == 4


def test_the_same_form_sent_twice_records_one_meeting(editor: Colleague) -> None:
    form = FORM | {"id": str(new_id())}
    first, second = (editor.post(f"{MEETINGS}/baru", form) for _ in range(2))
    assert first.headers["location"] == second.headers["location"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"tanggal": "kemarin"}, "tanggal"),
        ({"tanggal": "2098-01-01"}, "tanggal"),
        ({"jenis": "arisan"}, "jenis"),
        ({"tempat": "x" * 301}, "tempat"),
        ({"notula": "mungkin"}, "notula"),
        ({"apa-1": "Surati camat"}, "kapan-1"),
        ({"apa-0": ""}, "apa-0"),
        ({"kapan-0": "2026-03-04"}, "kapan-0"),
        ({"nama": "x" * 301}, "nama"),
        ({"keputusan": "ya\n" * 201}, "keputusan"),
        ({"siapa-0": "bukan-siapa-siapa"}, "siapa-0"),
        ({"dokumen": "https://contoh go id"}, "dokumen"),
        ({"masalah": "a\x00b"}, "masalah"),
    ],
)
def test_an_error_is_at_its_field_and_what_was_typed_stays(
    editor: Colleague, changes: Mapping[str, str], field: str
) -> None:
    answer = record(editor, **changes)
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert f'id="{field}-fault"' in answer.text
    assert "Ada 1 isian yang perlu diperbaiki" in answer.text
    if field != "masalah":
        assert "Jaringan di Borbor dan Nassau." in answer.text
    assert re.search(r'name="hadir-it-del" value="1" checked', answer.text)


def test_more_rows_come_without_script_and_keep_what_was_typed(editor: Colleague) -> None:
    answer = record(editor, tambah="1")
    assert answer.status_code == 200
    assert 'id="apa-3"' in answer.text
    assert "Ukur jaringan tiap kecamatan" in answer.text


def test_a_meeting_is_corrected_but_not_over_another_change(
    hub: Hub, editor: Colleague, neighbour: Colleague
) -> None:
    meeting = recorded(editor)
    form = editor.get(f"{MEETINGS}/{meeting}/ubah")
    assert "Jaringan di Borbor dan Nassau." in form.text
    tag = hidden(form, "versi")
    changed = FORM | {"tempat": "Pendopo", "dokumen": "", "versi": tag}
    assert editor.post(f"{MEETINGS}/{meeting}/ubah", changed).status_code == 303
    assert read(hub, meeting)["content"]["place"] == "Pendopo"
    assert read(hub, meeting)["version"] == 2
    late = editor.post(f"{MEETINGS}/{meeting}/ubah", changed | {"tempat": "Laguboti"})
    assert late.status_code == 422
    assert "berubah sesudah Anda membukanya" in late.text
    assert 'value="Laguboti"' in late.text
    assert read(hub, meeting)["content"]["place"] == "Pendopo"
    assert neighbour.get(f"{MEETINGS}/{meeting}/ubah").status_code == 403
    refused = neighbour.post(
        f"{MEETINGS}/{meeting}/ubah", changed | {"versi": hidden(late, "versi")}
    )
    assert refused.status_code == 403


def test_an_action_item_is_on_the_desk_before_its_day_until_it_is_done(
    hub: Hub, editor: Colleague
) -> None:
    today = datetime.now(DEFAULT_ZONE).date()
    soon, later = (today + timedelta(days=days) for days in (3, 30))
    promised = {"apa-0": "Pasang spanduk", "kapan-0": soon.isoformat()}
    promised |= {"apa-1": "Rapikan arsip", "kapan-1": later.isoformat()}
    recorded(editor, **promised)
    approver = colleague(hub, "penyetuju@diskominfo.test", ("approver", "diskominfo"))
    for person in (editor, approver):
        desk = person.get("/kelola").text
        line = re.search(r"<li><a [^>]*>[^<]*Pasang spanduk", desk)
        assert line is not None
        assert "urgent" not in line[0]
        assert "Rapikan arsip" not in desk
    meeting = recorded(editor, **{"apa-0": "Pasang papan petunjuk", "kapan-0": "2026-03-06"})
    assert "Pasang papan petunjuk" in editor.get("/kelola").text
    tag = hidden(editor.get(f"{MEETINGS}/{meeting}"), "versi")
    done = editor.post(f"{MEETINGS}/{meeting}/selesai", {"versi": tag, "butir": "0"})
    assert done.status_code == 303
    assert read(hub, meeting)["content"]["action_items"][0]["done"] is True
    assert "Pasang papan petunjuk" not in editor.get("/kelola").text
    assert editor.post(f"{MEETINGS}/{meeting}/selesai", {"butir": "9"}).status_code == 422


def test_a_meeting_is_withdrawn_with_a_reason(hub: Hub, editor: Colleague) -> None:
    meeting = recorded(editor)
    tag = hidden(editor.get(f"{MEETINGS}/{meeting}"), "versi")
    without = editor.post(f"{MEETINGS}/{meeting}/tarik", {"versi": tag, "alasan": ""})
    assert without.status_code == 422
    assert 'href="#alasan"' in without.text
    sent = editor.post(
        f"{MEETINGS}/{meeting}/tarik", {"versi": tag, "alasan": "Tercatat dua kali."}
    )
    assert sent.status_code == 303
    assert read(hub, meeting)["state"] == "withdrawn"
    assert read(hub, meeting)["states"][0]["reason"] == "Tercatat dua kali."
    assert "Tercatat dua kali." in editor.get(f"{MEETINGS}/{meeting}").text


def test_what_scores_read_is_withdrawn_by_another_organisation(
    hub: Hub, editor: Colleague, approver: Colleague
) -> None:
    meeting = recorded(editor)
    assert approver.post(f"{MEETINGS}/{meeting}/konfirmasi", {"versi": "1"}).status_code == 303
    tag = hidden(editor.get(f"{MEETINGS}/{meeting}"), "versi")
    reason = {"versi": tag, "alasan": "Rapat itu batal."}
    assert editor.post(f"{MEETINGS}/{meeting}/tarik", reason).status_code == 303
    assert read(hub, meeting)["state"] == "proposed"
    assert meeting in approver.get(f"{MEETINGS}?saring=menunggu").text
    page = approver.get(f"{MEETINGS}/{meeting}")
    assert "Rapat itu batal." in page.text
    assert "Konfirmasi penarikan" in page.text
    assert approver.post(f"{MEETINGS}/{meeting}/konfirmasi", {"versi": "2"}).status_code == 303
    assert read(hub, meeting)["state"] == "withdrawn"


@pytest.mark.slow
def test_who_may_not_is_refused(hub: Hub, editor: Colleague, approver: Colleague) -> None:
    meeting = recorded(editor)
    stranger = visitor(hub)
    reporter = colleague(hub, "pelapor@rapat.test", ("reporter", "diskominfo"))
    own = colleague(hub, "penyetuju@diskominfo.test", ("approver", "diskominfo"))
    for path in ("", "/baru", f"/{meeting}", f"/{meeting}/ubah"):
        address = f"{MEETINGS}{path}"
        assert stranger.get(address).headers["location"].startswith("/kelola/masuk")
        assert reporter.get(address).status_code == 403
    for path in (
        "/baru",
        f"/{meeting}/ubah",
        f"/{meeting}/selesai",
        f"/{meeting}/konfirmasi",
        f"/{meeting}/tarik",
    ):
        address = f"{MEETINGS}{path}"
        assert stranger.post(address, FORM).headers["location"].startswith("/kelola/masuk")
        assert reporter.post(address, FORM).status_code == 403
        wrong = editor.post(address, FORM, headers={"Origin": "https://other.example"})
        assert wrong.status_code == 403
        assert editor.post(address, FORM | {"kata": "0" * 64}).status_code == 403
    assert record(approver).status_code == 403
    assert editor.post(f"{MEETINGS}/{meeting}/konfirmasi", {"versi": "1"}).status_code == 403
    refused = own.post(f"{MEETINGS}/{meeting}/konfirmasi", {"versi": "1"})
    assert refused.status_code == 403
    assert "bukan yang mencatat" in refused.text
    assert read(hub, meeting)["version"] == 1
    assert read(hub, meeting)["state"] == "proposed"
    assert editor.get(f"{MEETINGS}/{new_id()}").status_code == 404


@pytest.mark.slow
def test_minutes_and_photographs_are_attached_without_script(
    hub: Hub, editor: Colleague, approver: Colleague, neighbour: Colleague
) -> None:
    form = FORM | {"id": str(new_id()), "dokumen": ""}
    minutes = ("lampiran", ("Notulensi 5 Maret.pdf", PDF, "application/pdf"))
    wrong = ("lampiran", ("gaji.exe", b"MZ" + bytes(60), "application/pdf"))
    path = f"{MEETINGS}/baru"
    recorded = editor.post(path, form, files=[minutes, wrong])
    assert recorded.status_code == 422
    assert "gaji.exe: bukan PDF, DOCX" in recorded.text
    again = editor.post(path, form, files=[minutes])
    assert again.status_code == 303, "the meeting is recorded once, with the file once"
    address = again.headers["location"].partition("?")[0]
    page = editor.get(address)
    assert "Notulensi 5 Maret.pdf" in page.text
    assert "Lampiran catatan: Rapat forum, 5 Maret 2026" in page.text
    [file] = set(re.findall(rf'href="({address}/lampiran/[0-9a-f]{{64}})"', page.text))

    shown = approver.get(file)
    assert shown.content == PDF
    assert shown.headers["Content-Disposition"].startswith("attachment;")
    assert shown.headers["Cache-Control"] == "no-store"
    assert "hapus" not in approver.get(address).text
    assert neighbour.post(f"{file}/hapus", {}).status_code == 403
    none = editor.post(f"{address}/lampiran")
    assert none.status_code == 422
    assert 'href="#lampiran"' in none.text
    assert editor.post(f"{file}/hapus", {}).status_code == 303
    assert "Belum ada lampiran." in editor.get(address).text
    assert editor.post(f"{file}/hapus", {}).status_code == 303
    assert approver.get(file).status_code == 404
