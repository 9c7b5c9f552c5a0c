"""SPBE is prepared at `/kelola`: a level with its proof, the assessor's note, and the file."""

import hashlib
import io
import re
from collections.abc import Mapping
from typing import Any

import httpx
import openpyxl
import pytest

from services.platform.ids import new_id
from tests.conftest import Hub
from tests.gateway.people import Colleague, colleague, visitor
from tests.gateway.test_workspace_evidence import hidden
from tests.gateway.test_workspace_meetings import recorded
from tests.gateway.workbooks import with_thumbnail

pytestmark = pytest.mark.usefixtures("signed_out")

RECORDS = "/kelola/bukti"
WORKBOOK = "/kelola/penilaian/indeks/spbe-2020"
PDF = b"%PDF-1.7\nstartxref\n0\n%%EOF\n"
DECREE = b"Peraturan Bupati tentang Arsitektur SPBE"
LEVEL = {
    "indikator": "spbe-2020:11",
    "tahun": "2025",
    "peran": "declared",
    "tingkat": "2",
    "catatan": "Arsitektur ditetapkan.",
    "bukti-alamat": "https://jdih.example.go.id/perbup.pdf",
    "bukti-judul": "Perbup Arsitektur SPBE",
}
HASH = "c" * 64
OTHERS: Mapping[str, Mapping[str, str]] = {
    "nilai-indeks": {
        "indeks": "spbe-2020",
        "peran": "published",
        "tahun": "2020",
        "nilai": "1,5",
        "predikat": "Kurang",
        "bukti-alamat": "https://www.menpan.go.id/hasil.pdf",
        "bukti-sidik": HASH,
    },
    "putusan": {
        "unsur": "trust",
        "tahun": "2024",
        "kata-studi": "kurang",
        "tempat": "Halaman 12",
        "bukti-alamat": "https://kampus.ac.id/studi.pdf",
        "bukti-sidik": HASH,
    },
    "kelengkapan": {
        "daftar": "recognitions",
        "tahun": "2024",
        "jumlah": "3",
        "dokumen": "Berita acara 5/2025",
    },
}


@pytest.fixture(scope="module")
def hub(toba_hub: Hub) -> Hub:
    return toba_hub


@pytest.fixture(scope="module")
def lead(hub: Hub) -> Colleague:
    return colleague(hub, "pengampu@diskominfo.test", ("lead", "diskominfo"))


@pytest.fixture(scope="module")
def assessor(hub: Hub) -> Colleague:
    return colleague(hub, "asesor@setda.test", ("approver", "setda"))


@pytest.fixture(scope="module")
def administrator(hub: Hub) -> Colleague:
    return colleague(hub, "pengelola@hub.test", ("administrator", None))


def record(person: Colleague, kind: str, form: Mapping[str, str], **more: Any) -> httpx.Response:
    return person.post(f"{RECORDS}/{kind}/baru", {**form, "id": str(new_id())}, **more)


@pytest.mark.slow
def test_a_level_is_recorded_with_its_file_assessed_and_taken_away(
    hub: Hub, lead: Colleague, assessor: Colleague
) -> None:
    page = f"{WORKBOOK}/11?tahun=2025"
    assert "0 dari 47 indikator" in lead.get(f"{WORKBOOK}?tahun=2025").text
    empty = lead.get(page).text
    assert "belum dimuat di hub ini" in empty, "no criteria are invented"
    link = f"{RECORDS}/tingkat/baru?indikator=spbe-2020:11&amp;tahun=2025&amp;peran=declared"
    assert link in empty
    form = lead.get(link.replace("&amp;", "&")).text
    assert re.search(r'value="spbe-2020:11" selected', form)
    assert 'id="tahun" name="tahun" maxlength="300" autocomplete="off" value="2025"' in form

    stored = record(lead, "tingkat", LEVEL, files={"bukti-berkas": ("perbup.pdf", DECREE)})
    assert stored.status_code == 303, stored.text
    at = stored.headers["location"]
    again = record(lead, "tingkat", LEVEL | {"bukti-sidik": HASH})
    assert again.status_code == 422
    assert "tidak dicatat dua kali" in again.text
    waiting = assessor.get(at).text
    assert "Catatan asesor internal" in waiting
    assert hashlib.sha256(DECREE).hexdigest() in waiting
    note = "Sesuai dokumen; belum semua perangkat daerah."
    sent = assessor.post(f"{at}/konfirmasi", {"versi": "1", "catatan-konfirmasi": note})
    assert sent.status_code == 303
    shown = assessor.get(page).text
    assert note in shown
    assert "Terkonfirmasi" in shown
    assert "Tingkat 3 menambah 0,025" in shown
    listed = lead.get(f"{WORKBOOK}?tahun=2025").text
    assert "1 dari 47 indikator" in listed
    assert "Belum dicatat (46)" in listed
    proof = [("lampiran", ("Perbup 2025.pdf", PDF, "application/pdf"))]
    assert lead.post(f"{at}/lampiran", files=proof).status_code == 303
    [address] = re.findall(r'href="([^"]+tingkat\.xlsx[^"]*)"', listed)
    public = "/api/v1/indices/spbe-2020/levels.xlsx?year=2025"
    for taken, name in ((lead.get(address), "Perbup 2025.pdf"), (hub.client.get(public), None)):
        book = openpyxl.load_workbook(io.BytesIO(taken.content))
        heads = [cell.value for cell in book["Indikator"][1]]
        row = [cell.value for cell in book["Indikator"][12]]
        assert (row[0], row[5], row[6]) == (11, 2, "Terkonfirmasi")
        assert note in row
        assert row[heads.index("Lampiran")] == name, "names are for who records or confirms"
        assert row[heads.index("SHA-256 lampiran")] == hashlib.sha256(PDF).hexdigest()

    form = lead.get(f"{at}/ubah")
    assert 'name="indikator"' not in form.text, "another indicator is another record"
    change = {**LEVEL, "tingkat": "3", "bukti-sidik": HASH, "versi": hidden(form, "versi")}
    assert lead.post(f"{at}/ubah", change).status_code == 303
    assert "terkonfirmasi: tingkat 2" in lead.get(page).text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"indikator": "spbe-2020:99"}, "indikator"),
        ({"tahun": ""}, "tahun"),
        ({"tahun": "2099"}, "tahun"),
        ({"tingkat": "9"}, "tingkat"),
        ({"bukti-sidik": "abc"}, "bukti-sidik"),
        ({"bukti-alamat": "jdih"}, "bukti-alamat"),
        ({"bukti-alamat": "", "bukti-sidik": "", "bukti-judul": ""}, "dokumen"),
    ],
)
def test_what_is_wrong_with_a_level_is_said_at_its_field(
    lead: Colleague, change: Mapping[str, str], field: str
) -> None:
    answer = record(lead, "tingkat", {**LEVEL, "bukti-sidik": HASH, "tahun": "2024", **change})
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert f'id="{field}-fault"' in answer.text
    assert "Ada 1 isian yang perlu diperbaiki" in answer.text
    assert "Arsitektur ditetapkan." in answer.text


def test_a_source_of_the_register_is_cited_by_its_title(hub: Hub, lead: Colleague) -> None:
    title = hub.client.get("/api/v1/sources/study-2025").json()["title"]
    assert f'<option value="{title}">' in lead.get(f"{RECORDS}/tingkat/baru").text
    form = {**LEVEL, "indikator": "spbe-2020:12", "dokumen": title}
    del form["bukti-alamat"], form["bukti-judul"]
    stored = record(lead, "tingkat", form)
    assert stored.status_code == 303, stored.text
    record_id = stored.headers["location"].rsplit("/", 1)[1]
    found = hub.client.get(f"/api/v1/index-levels/{record_id}").json()
    assert found["content"]["sources"] == ["study-2025"]
    assert found["content"]["document"] is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "who", "title"),
    [
        ("nilai-indeks", "administrator", "SPBE 2020: Nilai terbit 1,5"),
        ("putusan", "lead", "Saling percaya 2024: kurang"),
        ("kelengkapan", "lead", "Daftar 2024 lengkap: Penghargaan"),
    ],
)
def test_kinds_without_a_name_are_recorded_shown_and_corrected(
    request: pytest.FixtureRequest, kind: str, who: str, title: str
) -> None:
    person: Colleague = request.getfixturevalue(who)
    stored = record(person, kind, OTHERS[kind])
    assert stored.status_code == 303, stored.text
    at = stored.headers["location"]
    assert title in person.get(at).text
    assert title in person.get(f"{RECORDS}?jenis={kind}").text
    change = {**OTHERS[kind], "versi": hidden(person.get(f"{at}/ubah"), "versi")}
    assert person.post(f"{at}/ubah", change | {"catatan": "Diperiksa."}).status_code == 303
    assert "Diperiksa." in person.get(at).text
    empty = record(person, kind, {})
    assert empty.status_code == 422
    assert "isian ini wajib" in empty.text
    for ending in ("csv", "xlsx"):
        for language in ("id", "en"):
            file = person.get(f"{RECORDS}.{ending}?jenis={kind}&lang={language}")
            assert file.status_code == 200


def test_who_does_not_record_a_kind_is_refused(
    hub: Hub, lead: Colleague, assessor: Colleague
) -> None:
    editor = colleague(hub, "penyunting@setda.test", ("editor", "setda"))
    reporter = colleague(hub, "pelapor@setda.test", ("reporter", "setda"))
    for page in (WORKBOOK, f"{WORKBOOK}/11"):
        assert editor.get(page).status_code == assessor.get(page).status_code == 200
        assert reporter.get(page).status_code == 403
        assert visitor(hub).get(page).status_code == 303
    for kind, person in (("nilai-indeks", lead), ("kelengkapan", editor), ("tingkat", assessor)):
        assert person.get(f"{RECORDS}/{kind}/baru").status_code == 403
        assert record(person, kind, OTHERS.get(kind, LEVEL)).status_code == 403
    assert f"{RECORDS}/kelengkapan/baru" not in editor.get(RECORDS).text
    assert lead.get("/kelola/penilaian/indeks/cgr-2015").status_code == 404
    assert lead.get(f"{WORKBOOK}/48").status_code == 404
    assert "Buku kerja" in lead.get("/kelola/penilaian/indeks").text


@pytest.mark.slow
def test_the_workbook_of_evidence_is_checked_then_stored(hub: Hub, lead: Colleague) -> None:
    page = f"{RECORDS}/impor"
    shown = lead.get(page).text
    [address] = re.findall(r'href="([^"]+template\.xlsx[^"]*)"', shown)
    book = openpyxl.load_workbook(io.BytesIO(hub.client.get(address).content))
    sheet = book["Tingkat indikator"]
    heads = [cell.value for cell in sheet[1]]
    row = {"kunci": "spbe-2020-2024-20", "sumber": "study-2025", "indeks": "spbe-2020"}
    row |= {"tahun": 2024, "nomor indikator": 20, "tingkat": 3, "peran": "dicapai"}
    sheet.append([row.get(str(head)) for head in heads])

    def file() -> dict[str, tuple[str, bytes]]:
        stream = io.BytesIO()
        book.save(stream)
        return {"berkas": ("bukti.xlsx", with_thumbnail(stream.getvalue(), size=1_000_000))}

    preview = lead.post(page, files=file())
    assert preview.status_code == 200, preview.text
    assert "1 baru, 0 berubah" in preview.text
    assert "<ins>20</ins>" in preview.text
    assert "spbe-2020-2024-20" not in hub.client.get("/api/v1/index-levels").text
    assert 'enctype="multipart/form-data"' in preview.text  # other forms have 256 KiB
    stored = lead.post(f"{page}/simpan", files={"isi": (None, hidden(preview, "isi"))})
    assert "Perubahan tersimpan" in stored.text
    assert "spbe-2020-2024-20" in hub.client.get("/api/v1/index-levels").text
    assert "tidak mengubah apa pun" in lead.post(page, files=file()).text

    sheet.cell(2, heads.index("tingkat") + 1, 9)
    refused = lead.post(page, files=file())
    assert refused.status_code == 422
    cell = sheet.cell(2, heads.index("tingkat") + 1).coordinate
    assert f"Tingkat indikator, {cell}" in refused.text
    assert lead.post(page).status_code == 422
    assert lead.post(f"{page}/simpan", {"isi": "%"}).status_code == 422
    assessor = colleague(hub, "asesor2@setda.test", ("approver", "setda"))
    assert assessor.get(page).status_code == 403
    assert visitor(hub).get(page).status_code == 303


@pytest.mark.slow
def test_several_levels_are_confirmed_in_one_act_each_by_its_rule(
    hub: Hub, lead: Colleague, assessor: Colleague
) -> None:
    own = colleague(hub, "penyunting@setda.test", ("editor", "setda"))
    pages = [
        record(lead, "tingkat", LEVEL | {"indikator": f"spbe-2020:{number}", "tahun": "2023",
                                         "bukti-sidik": HASH}).headers["location"]
        for number in (2, 10, 3, 4)
    ]  # fmt: skip
    theirs = record(
        own, "tingkat", LEVEL | {"indikator": "spbe-2020:5", "tahun": "2023", "bukti-sidik": HASH}
    ).headers["location"]
    page = f"{RECORDS}/menunggu/tingkat"
    assert page in assessor.get(f"{RECORDS}/menunggu").text
    shown = assessor.get(page).text
    titles = [int(number) for number in re.findall(r"SPBE 2023, indikator ([0-9]+): ", shown)]
    assert titles == [2, 3, 4, 10]
    assert "Arsitektur ditetapkan." in shown
    assert theirs not in shown
    assert 'name="pilih.' in shown
    assert " checked" not in shown
    assert assessor.get(f"{page}?semua=true").text.count(" checked") == shown.count("pilih.")

    def tick(*records: str, version: int = 1) -> dict[str, str]:
        return {f"pilih.{each.split('/')[-1]}": str(version) for each in records}

    second, tenth, third, fourth = pages
    for typed, field in (
        ({}, "pilih"),
        ({f"pilih.{new_id()}": "1" for _ in range(101)}, "pilih"),
        (tick(second) | {"catatan-konfirmasi": "x" * 5001}, "catatan-konfirmasi"),
    ):
        wrong = assessor.post(page, typed)
        assert wrong.status_code == 422
        assert f'href="#{field}"' in wrong.text
    assert 'value="1" checked' in wrong.text, "what was ticked stays"

    assert assessor.post(f"{third}/bantah", {"versi": "1", "bantahan": "Salah."}).status_code == 303
    tag = hidden(lead.get(f"{fourth}/ubah"), "versi")
    changed = LEVEL | {"tingkat": "3", "bukti-sidik": HASH, "versi": tag}
    assert lead.post(f"{fourth}/ubah", changed).status_code == 303
    note = {"catatan-konfirmasi": "Diperiksa bersama."}
    done = assessor.post(page, tick(*pages, theirs, str(new_id())) | note)
    assert done.status_code == 409
    assert "3 bukti dikonfirmasi. 3 tidak:" in done.text
    assert f'<a href="{fourth}">SPBE 2023, indikator 4: tingkat 3</a>: Catatan ini berubah' in (
        done.text
    )
    assert f'{theirs}">Tingkat indikator</a>: Anda tidak dapat mengonfirmasinya' in done.text
    assert "Catatan ini tidak ada lagi." in done.text
    for confirmed in (second, tenth, third):
        found = assessor.get(confirmed).text
        assert "Terkonfirmasi" in found
        assert "Diperiksa bersama." in found
    done = assessor.post(f"{page}?lang=en", tick(fourth, version=2))
    assert done.status_code == 200
    assert "1 record confirmed." in done.text

    assert lead.get(f"{RECORDS}/menunggu/lain").status_code == 404
    assert own.get(page).status_code == 403
    assert own.post(page, tick(second)).status_code == 403


def test_meetings_are_confirmed_together_too(hub: Hub, assessor: Colleague) -> None:
    editor = colleague(hub, "penyunting@diskominfo.test", ("editor", "diskominfo"))
    meeting = recorded(editor)
    page = f"{RECORDS}/menunggu/rapat"
    assert meeting in assessor.get(page).text
    done = assessor.post(page, {f"pilih.{meeting.split('/')[-1]}": "1"})
    assert done.status_code == 200
    assert "1 bukti dikonfirmasi." in done.text
    assert meeting not in assessor.get(page).text
