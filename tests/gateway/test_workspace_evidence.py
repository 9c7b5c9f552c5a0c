"""`/kelola/bukti`: evidence recorded by one organisation and confirmed by another."""

import csv
import io
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import httpx
import openpyxl
import pytest

from services.assessment.evidence.vocabularies import vocabularies_of
from services.assessment.methods.library import read_methods
from services.assessment.types import Unit
from services.gateway.portal.workspace.evidence.kinds import KINDS
from services.gateway.portal.workspace.evidence.vocabulary import (
    ELEMENTS,
    INSTRUMENTS,
    PROCEDURES,
    SUBJECTS,
    UNITS,
)
from services.platform.ids import new_id
from tests.conftest import Hub
from tests.gateway.people import Colleague, colleague, visitor

pytestmark = pytest.mark.usefixtures("signed_out")

EVIDENCE = "/kelola/bukti"
AGREEMENT = {
    "nama": "PKS jaringan dengan IT Del",
    "pihak-it-del": "1",
    "pihak-pemerintah-kabupaten-toba": "1",
    "sektor": "community",
    "pokok": "Jaringan untuk kantor camat.",
    "ditandatangani": "1 desember 2023",
    "sejak": "17 Desember 2023",
    "sampai": "16/12/2025",
    "dokumen": "PKS 12/2023",
}
FORMS: Mapping[str, Mapping[str, str]] = {
    "perjanjian": AGREEMENT,
    "keputusan": {
        "nama": "Keputusan tentang Tim E-Mall",
        "nama-en": "Decree on the E-Mall team",
        "nomor": "101/2025",
        "kewajiban": "Rapat tiap triwulan\r\n\r\nLaporan tiap tahun",
        "dasar-team": "1",
        "prosedur-complaint": "1",
        "pengampu": "1",
        "sejak": "Maret 2025",
        "dokumen": "https://contoh.go.id/keputusan-101",
    },
    "program": {
        "nama": "Kantor camat daring",
        "pelaksana": "kepala-diskominfo",
        "mitra-it-del": "1",
        "anggaran": "Rp 1,5 miliar",
        "pegawai": "12",
        "berjalan": "ya",
        "sejak": "2025",
        "dokumen": "Rencana kerja 2025",
    },
    "pelatihan": {
        "bentuk": "training",
        "nama": "Pelatihan petugas loket",
        "terlaksana": "ya",
        "sejak": "5 Mei 2025",
        "sampai": "6 Mei 2025",
        "dokumen": "Laporan pelatihan",
    },
    "risiko": {
        "nama": "Jaringan di kecamatan terputus",
        "kemungkinan": "4",
        "dampak": "3",
        "pemilik": "kepala-diskominfo",
        "mitigasi": "Formulir luring.",
        "mitigasi-berjalan": "ya",
        "tinjau": "1-2-2026",
        "sejak": "2025-01-01",
        "dokumen": "Daftar risiko 2025",
    },
    "penghargaan": {
        "nama": "Anugerah layanan publik",
        "pemberi": "Ombudsman",
        "diberikan": "Des 2025",
        "dokumen": "Piagam",
    },
    "pengamatan": {
        "pokok": "staff_trained",
        "nama": "Pegawai yang dilatih",
        "satuan": "share",
        "nilai": "51%",
        "sejak": "",
        "tahun": "2025",
        "dokumen": "Laporan kepegawaian",
    },
    "pemangku": {
        "nama": "Bank Sumut Balige",
        "sektor": "private",
        "instansi": "dukcapil",
        "keputusan": "keputusan-724-2022",
        "terisi": "tidak",
        "sejak": "2024",
        "dokumen": "Akta",
    },
}
STORED: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "perjanjian": (
        "agreements",
        {
            "parties": ["it-del", "pemerintah-kabupaten-toba"],
            "signed_on": "2023-12-01",
            "valid_from": "2023-12-17",
            "valid_to": "2025-12-16",
            "precision": "day",
            "name_en": "PKS jaringan dengan IT Del",
        },
    ),
    "keputusan": (
        "decisions",
        {
            "number": "101/2025",
            "requires": ["Rapat tiap triwulan", "Laporan tiap tahun"],
            "instruments": ["team"],
            "procedures": ["complaint"],
            "names_lead_agency": True,
            "lead_reports_to_head": False,
            "valid_from": "2025-03-01",
            "precision": "month",
            "name_en": "Decree on the E-Mall team",
        },
    ),
    "program": (
        "programmes",
        {
            "kind": "programme",
            "budget_idr": 1_500_000_000,
            "staff": 12,
            "partners": ["it-del"],
            "running": True,
            "precision": "year",
        },
    ),
    "pelatihan": ("programmes", {"kind": "training", "held": True, "valid_to": "2025-05-06"}),
    "risiko": (
        "risks",
        {
            "likelihood": 4,
            "impact": 3,
            "owner": "kepala-diskominfo",
            "mitigation_under_way": True,
            "review_on": "2026-02-01",
        },
    ),
    "penghargaan": ("recognitions", {"given_on": "2025-12-01", "precision": "month"}),
    "pemangku": (
        "stakeholders",
        {"agency": "dukcapil", "role_decision": "keputusan-724-2022", "filled": False},
    ),
    "pengamatan": ("observations", {"value": 0.51, "unit": "share", "attested_in": 2025}),
}


@pytest.fixture(scope="module")
def hub(toba_hub: Hub) -> Hub:
    return toba_hub


@pytest.fixture(scope="module")
def editor(hub: Hub) -> Colleague:
    return colleague(hub, "penyunting@diskominfo.test", ("editor", "diskominfo"))


@pytest.fixture(scope="module")
def approver(hub: Hub) -> Colleague:
    return colleague(hub, "penyetuju@dukcapil.test", ("approver", "dukcapil"))


def record(person: Colleague, kind: str = "perjanjian", **changes: str) -> httpx.Response:
    form = {**FORMS[kind], "id": str(new_id()), **changes}
    return person.post(f"{EVIDENCE}/{kind}/baru", form)


def recorded(person: Colleague, kind: str = "perjanjian", **changes: str) -> str:
    """Record evidence; return the address of its page."""
    answer = record(person, kind, **changes)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def read(hub: Hub, page: str) -> dict[str, Any]:
    kind, record_id = page.removeprefix(f"{EVIDENCE}/").split("/")
    return hub.client.get(f"/api/v1/{STORED[kind][0]}/{record_id}").json()


def hidden(page: httpx.Response, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found is not None, page.text
    return found[1].replace("&#34;", '"')


@pytest.mark.slow
@pytest.mark.parametrize("kind", FORMS)
def test_each_kind_is_recorded_as_people_write_it_and_its_form_shows_it_again(
    hub: Hub, editor: Colleague, kind: str
) -> None:
    assert "Simpan sebagai usulan" in editor.get(f"{EVIDENCE}/{kind}/baru").text
    page = recorded(editor, kind)
    stored = read(hub, page)
    assert (stored["state"], stored["recorded_by"]) == ("proposed", "diskominfo")
    expected = STORED[kind][1]
    assert {name: stored["content"][name] for name in expected} == expected
    assert FORMS[kind]["nama"] in editor.get(page).text
    assert FORMS[kind]["nama"] in editor.get(f"{EVIDENCE}?jenis={kind}&keadaan=proposed").text
    for language in ("id", "en"):
        form = editor.get(f"{page}/ubah?lang={language}")
        typed = {
            name: value.replace("&#34;", '"')
            for name, value in re.findall(r'<input id="([^"]+)"[^>]* value="([^"]*)"', form.text)
        }
        typed |= {
            name: text.replace("\n", "\r\n")
            for name, text in re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>([^<]*)<', form.text)
        }
        typed |= dict.fromkeys(
            re.findall(r'name="([^"]+)" value="1" checked', form.text), "1"
        ) | dict(
            re.findall(r'<select[^>]* name="([^"]+)".*?<option value="([^"]*)" selected', form.text)
        )
        same = typed | {"versi": hidden(form, "versi")}
        answer = editor.post(f"{page}/ubah?lang={language}", same)
        assert answer.status_code == 303, answer.text
    assert read(hub, page)["version"] == 1, "the same form again changes nothing"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "changes", "field"),
    [
        ("perjanjian", {"nama": ""}, "nama"),
        ("perjanjian", {"nama": "x" * 301}, "nama"),
        ("perjanjian", {"nama": "a\x00b"}, "nama"),
        ("perjanjian", {"pihak-it-del": ""}, "pihak"),
        ("perjanjian", {"sektor": ""}, "sektor"),
        ("perjanjian", {"sektor": "gereja"}, "sektor"),
        ("perjanjian", {"sejak": ""}, "sejak"),
        ("perjanjian", {"sejak": "31 Februari 2025"}, "sejak"),
        ("perjanjian", {"sampai": "2022"}, "sampai"),
        ("perjanjian", {"sejak": "", "tahun": "tahun lalu"}, "tahun"),
        ("perjanjian", {"meneruskan": "tidak-ada"}, "meneruskan"),
        ("perjanjian", {"dokumen": ""}, "dokumen"),
        ("perjanjian", {"dokumen": "https://contoh go id"}, "dokumen"),
        ("program", {"anggaran": "banyak"}, "anggaran"),
        ("program", {"anggaran": "9" * 30}, "anggaran"),
        ("program", {"berjalan": "mungkin"}, "berjalan"),
        ("program", {"pegawai": "1,5"}, "pegawai"),
        ("risiko", {"kemungkinan": "6"}, "kemungkinan"),
        ("risiko", {"tinjau": "Februari 2026"}, "tinjau"),
        ("pengamatan", {"nilai": "51"}, "nilai"),
        ("pengamatan", {"nilai": "setengah"}, "nilai"),
        ("pengamatan", {"nilai": ""}, "nilai"),
        ("pengamatan", {"satuan": ""}, "satuan"),
        ("pengamatan", {"satuan": "count"}, "satuan"),
        ("pengamatan", {"nilai": "", "terendah": "0,6", "tertinggi": "0,5"}, "terendah"),
        ("pengamatan", {"pembilang": "1", "penyebut": "2"}, "nilai"),
        ("pengamatan", {"nilai": "", "pembilang": "1", "penyebut": "0"}, "pembilang"),
    ],
)
def test_an_error_is_at_its_field_and_what_was_typed_stays(
    editor: Colleague, kind: str, changes: Mapping[str, str], field: str
) -> None:
    answer = record(editor, kind, **changes)
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert f'id="{field}-fault"' in answer.text
    assert re.search(rf'id="{field}"', answer.text)
    assert "Ada 1 isian yang perlu diperbaiki" in answer.text
    for name, value in {**FORMS[kind], **changes}.items():
        if value and value not in {"1", "ya", "gereja", "mungkin", "tidak-ada", "6"}:
            assert value.replace("\x00", "�") in answer.text.replace("\x00", "�"), name


def test_every_code_that_evidence_may_use_has_words() -> None:
    codes = vocabularies_of(read_methods().values()).codes
    assert codes["instruments"] == INSTRUMENTS.keys()
    assert codes["procedures"] == PROCEDURES.keys()
    assert codes["subjects"] == SUBJECTS.keys()
    assert codes["elements"] == ELEMENTS.keys()
    assert set(get_args(Unit)) == UNITS.keys()


def test_a_record_without_what_is_optional_has_a_page(editor: Colleague) -> None:
    optional = dict.fromkeys(("kemungkinan", "dampak", "pemilik", "mitigasi", "tinjau"), "")
    page = recorded(editor, "risiko", **optional)
    assert "Belum tercatat: Kemungkinan, Dampak" in editor.get(page).text
    range_only = {"nilai": "", "terendah": "51%", "tertinggi": "75%", "sejak": "5 Mei 2025"}
    shown = editor.get(recorded(editor, "pengamatan", **range_only, tahun="", sampai="2026")).text
    assert "51%" in shown
    assert "sejak 5 Mei 2025" in shown, "an end by year leaves the exact first day"


@pytest.mark.slow
def test_another_organisation_confirms_or_disputes_but_not_the_one_that_recorded(
    hub: Hub, editor: Colleague, approver: Colleague
) -> None:
    own = colleague(hub, "penyetuju@diskominfo.test", ("approver", "diskominfo"))
    page = recorded(editor, "keputusan")
    assert "menunggu konfirmasi Anda" in approver.get("/kelola").text
    waiting = approver.get(f"{EVIDENCE}/menunggu").text
    assert page in waiting.split("Dicatat organisasi Anda")[0]
    assert page in own.get(f"{EVIDENCE}/menunggu").text.split("Dicatat organisasi Anda")[1]
    assert "organisasi lain yang mengonfirmasinya" in own.get(page).text
    refused = own.post(f"{page}/konfirmasi", {"versi": "1"})
    assert refused.status_code == 403
    assert "bukan yang mencatatnya" in refused.text
    assert own.post(f"{page}/bantah", {"versi": "1", "bantahan": "Salah."}).status_code == 403

    short = approver.post(f"{page}/bantah", {"versi": "1", "bantahan": ""})
    assert short.status_code == 422
    assert 'href="#bantahan"' in short.text
    reason = "Nomornya 102/2025."
    disputed = approver.post(f"{page}/bantah", {"versi": "1", "bantahan": reason})
    assert disputed.status_code == 303
    assert read(hub, page)["state"] == "disputed"
    assert reason in editor.get(page).text
    tag = hidden(editor.get(f"{page}/ubah"), "versi")
    form = {**FORMS["keputusan"], "nomor": "102/2025", "dokumen": "", "versi": tag}
    assert editor.post(f"{page}/ubah", form).status_code == 303
    assert approver.post(f"{page}/konfirmasi", {"versi": "1"}).status_code == 422, "read it first"
    assert approver.post(f"{page}/konfirmasi", {"versi": "2"}).status_code == 303
    assert read(hub, page)["state"] == "confirmed"
    history = editor.get(f"{page}/riwayat").text
    assert "<del>101/2025</del>" in history
    assert reason in history
    late = editor.post(f"{page}/ubah", form | {"nomor": "103/2025"})
    assert late.status_code == 422
    assert "berubah sesudah Anda membukanya" in late.text
    assert 'value="103/2025"' in late.text


def test_a_service_tells_what_is_wrong_in_the_language_of_the_page(
    hub: Hub, editor: Colleague
) -> None:
    body = {
        "key": "anugerah-bahasa", "name": "Anugerah", "name_en": "Award", "given_by": "Provinsi",
        "given_on": "2026-06-15", "sources": ["tidak-ada"],
    }  # fmt: skip
    headers = hub.auth("diskominfo", "evidence:write")
    answers = {
        language: hub.client.post(
            "/api/v1/recognitions", json=body, headers=headers | {"Accept-Language": language}
        )
        for language in ("id", "en")
    }
    assert {answer.status_code for answer in answers.values()} == {409}
    assert answers["id"].headers["Content-Language"] == "id"
    assert answers["id"].json()["errors"][0]["detail"].endswith("belum tercatat; catat dulu")
    assert "Ada rujukan ke catatan yang tidak ada" in answers["id"].json()["detail"]
    assert answers["en"].json()["errors"][0]["detail"].endswith("on record; record it first")
    unknown = record(editor, "pemangku", keputusan="tidak-ada")
    assert unknown.status_code == 422
    assert "on record" not in unknown.text


def test_an_agreement_is_renewed_by_one_that_refers_to_it(hub: Hub, editor: Colleague) -> None:
    page = recorded(editor)
    form = editor.get(f"{page}/perpanjang")
    assert re.search(r'id="sejak"[^>]* value="17 Desember 2025"', form.text)
    assert re.search(r'name="pihak-it-del" value="1" checked', form.text)
    key = read(hub, page)["content"]["key"]
    renewal = AGREEMENT | {
        "id": hidden(form, "id"),
        "meneruskan": key,
        "sejak": "17 Desember 2025",
        "sampai": "2027",
        "dokumen": "PKS 9/2025",
    }
    faulty = editor.post(f"{page}/perpanjang", renewal | {"sampai": "2024"})
    assert 'href="#sampai"' in faulty.text
    made = editor.post(f"{page}/perpanjang", renewal)
    assert made.status_code == 303, made.text
    assert read(hub, made.headers["location"])["content"]["renews"] == key
    assert read(hub, page)["content"]["renewed"] is True
    again = editor.post(f"{page}/perpanjang", renewal)
    assert again.headers["location"] == made.headers["location"], "the form counts once"
    assert editor.get(f"{EVIDENCE}/risiko/{page.split('/')[-1]}").status_code == 404


def test_what_ends_soon_and_risks_to_review_are_on_the_desk(
    editor: Colleague, approver: Colleague
) -> None:
    today = datetime.now(UTC).date()
    soon, later = (today + timedelta(days=days) for days in (30, 90))
    page = recorded(editor, nama="PKS yang segera berakhir", sampai=soon.isoformat())
    recorded(editor, nama="PKS yang masih lama", sampai=later.isoformat())
    recorded(editor, "risiko", nama="Server penuh", tinjau=(today - timedelta(days=2)).isoformat())
    recorded(editor, "risiko", nama="Server panas", tinjau=later.isoformat())
    desk = editor.get("/kelola").text
    assert "PKS yang segera berakhir" in desk
    assert "PKS yang masih lama" not in desk
    assert "Tinjau risiko Server penuh" in desk
    assert "Server panas" not in desk
    assert "PKS yang segera berakhir" not in approver.get("/kelola").text
    listed = editor.get(f"{page}/perpanjang").text
    [key] = re.findall(r'<option value="([^"]+)" selected>PKS yang segera berakhir<', listed)
    renewal = AGREEMENT | {"id": str(new_id()), "meneruskan": key, "sejak": "2030", "sampai": ""}
    assert editor.post(f"{page}/perpanjang", renewal).status_code == 303
    assert "PKS yang segera berakhir" not in editor.get("/kelola").text


def test_evidence_is_withdrawn_with_a_reason(hub: Hub, editor: Colleague) -> None:
    page = recorded(editor, "penghargaan")
    tag = hidden(editor.get(page), "versi")
    without = editor.post(f"{page}/tarik", {"versi": tag, "alasan": ""})
    assert without.status_code == 422
    assert 'href="#alasan"' in without.text
    sent = editor.post(f"{page}/tarik", {"versi": tag, "alasan": "Tercatat dua kali."})
    assert sent.status_code == 303
    assert read(hub, page)["state"] == "withdrawn"
    assert "Tercatat dua kali." in editor.get(page).text
    listed = editor.get(f"{EVIDENCE}?jenis=penghargaan&keadaan=withdrawn").text
    assert page in listed
    assert "Anugerah layanan publik" in listed


def test_a_list_is_taken_away_with_headings_in_the_readers_language(
    hub: Hub, editor: Colleague
) -> None:
    title = "=PKS untuk diunduh"
    recorded(editor, nama=title)
    listed = editor.get(f"{EVIDENCE}?jenis=perjanjian&keadaan=proposed").text
    assert "/kelola/bukti.csv?jenis=perjanjian&amp;keadaan=proposed" in listed
    file = editor.get(f"{EVIDENCE}.csv?jenis=perjanjian&keadaan=proposed")
    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    table = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig")), delimiter=";"))
    [row] = [row for row in table if row["Judul perjanjian"] == f"'{title}"]
    assert row["Pihak"] == "Institut Teknologi Del; Pemerintah Kabupaten Toba"
    assert row["Berlaku sampai"] == "2025-12-16"
    assert row["Keadaan"] == "Usulan"
    assert row["Sumber"] == "PKS 12/2023"
    english = editor.get(f"{EVIDENCE}.csv?jenis=perjanjian&lang=en").text
    assert "Title of the agreement" in english
    book = openpyxl.load_workbook(io.BytesIO(editor.get(f"{EVIDENCE}.xlsx").content))
    assert book.sheetnames[0] == "Perjanjian"
    assert len(book.sheetnames) == len(KINDS)
    assert editor.get(f"{EVIDENCE}.csv?jenis=arisan").status_code == 404
    assert visitor(hub).get(f"{EVIDENCE}.xlsx").status_code == 303


@pytest.mark.slow
def test_who_may_not_is_refused(hub: Hub, editor: Colleague, approver: Colleague) -> None:
    page = recorded(editor, "risiko")
    stranger = visitor(hub)
    reporter = colleague(hub, "pelapor@bukti.test", ("reporter", "diskominfo"))
    neighbour = colleague(hub, "penyunting@dukcapil.test", ("editor", "dukcapil"))
    for path in (EVIDENCE, f"{EVIDENCE}/menunggu", f"{EVIDENCE}/risiko/baru", page, f"{page}/ubah"):
        assert stranger.get(path).headers["location"].startswith("/kelola/masuk")
        assert reporter.get(path).status_code == 403
    acts = ("ubah", "tarik", "konfirmasi", "bantah", "perpanjang")
    for path in (f"{EVIDENCE}/risiko/baru", *(f"{page}/{act}" for act in acts)):
        assert stranger.post(path).headers["location"].startswith("/kelola/masuk")
        assert reporter.post(path).status_code == 403
        assert editor.post(path, {"kata": "0" * 64}).status_code == 403
    assert record(approver, "risiko").status_code == 403
    assert neighbour.get(f"{page}/ubah").status_code == 403
    tag = hidden(editor.get(page), "versi")
    form = {**FORMS["risiko"], "versi": tag}
    assert neighbour.post(f"{page}/ubah", form).status_code == 403
    withdrawal = {"versi": tag, "alasan": "Bukan risiko."}
    assert neighbour.post(f"{page}/tarik", withdrawal).status_code == 403
    assert neighbour.post(f"{page}/konfirmasi", {"versi": "1"}).status_code == 403
    assert read(hub, page)["version"] == 1
    for missing in ("arisan/baru", f"risiko/{new_id()}", f"risiko/{new_id()}/riwayat"):
        assert editor.get(f"{EVIDENCE}/{missing}").status_code == 404
    assert editor.get(f"{EVIDENCE}?jenis=arisan").status_code == 404


@pytest.mark.slow
def test_a_record_takes_the_file_that_was_chosen_in_its_form(editor: Colleague) -> None:
    content = b"%PDF-1.7\nstartxref\n0\n%%EOF\n"
    chosen = [("lampiran", ("PKS 12.pdf", content, "application/pdf"))]
    form = AGREEMENT | {"id": str(new_id())}
    recorded = editor.post(f"{EVIDENCE}/perjanjian/baru", form, files=chosen)
    assert recorded.status_code == 303, recorded.text
    address = recorded.headers["location"]
    page = editor.get(address)
    [file] = set(re.findall(rf'href="({address}/lampiran/[0-9a-f]{{64}})"', page.text))
    assert editor.get(file).content == content
    book = openpyxl.load_workbook(io.BytesIO(editor.get(f"{EVIDENCE}.xlsx").content))
    heads, *rows = book["Perjanjian"].values
    assert [row[heads.index("Lampiran")] for row in rows].count("PKS 12.pdf") == 1
    wrong = [("lampiran", ("PKS.doc", b"\xd0\xcf\x11\xe0" + bytes(80), "application/msword"))]
    refused = editor.post(f"{address}/lampiran", files=wrong)
    assert refused.status_code == 422
    assert "PKS.doc: bukan PDF, DOCX" in refused.text
