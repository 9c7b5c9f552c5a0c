"""`/kelola/pengaduan`: an agency's complaints, answered by people."""

from typing import Any

import pytest

from tests.conftest import Hub
from tests.feedback.complaints import form_token
from tests.gateway.people import Colleague, colleague, execute, visitor

pytestmark = pytest.mark.usefixtures("signed_out")

CASES = "/kelola/pengaduan"
API = "/api/v1/comments"


@pytest.fixture(scope="module")
def hub(toba_hub: Hub) -> Hub:
    return toba_hub


@pytest.fixture(scope="module")
def responder(hub: Hub) -> Colleague:
    return colleague(hub, "penjawab@dukcapil.test", ("responder", "dukcapil"))


def complain(hub: Hub, text: str, **more: Any) -> tuple[str, dict[str, str]]:
    """File a complaint about Dukcapil; return its ticket and the header of its secret."""
    body = {"kind": "complaint", "text": text, "agency": "dukcapil", "public": True}
    body |= {"form_token": form_token(hub.settings)}
    answer = hub.client.post(API, json=body | more)
    assert answer.status_code == 201, answer.text
    return answer.json()["ticket"], {"Ticket-Token": answer.json()["token"]}


def state_of(hub: Hub, ticket: str) -> str:
    return hub.client.get(f"{API}/{ticket}").json()["state"]


@pytest.mark.slow
def test_a_complaint_is_on_the_desk_and_its_answer_reaches_the_writer(
    hub: Hub, responder: Colleague
) -> None:
    ticket, secret = complain(hub, "Antrean KTP sejak pagi, loket tutup pukul sepuluh.")
    assert "pengaduan baru" in responder.get("/kelola").text
    assert ticket in responder.get(f"{CASES}?saring=baru").text
    page = responder.get(f"{CASES}/{ticket}")
    assert "loket tutup pukul sepuluh" in page.text
    assert "hari kerja lagi" in page.text
    assert page.headers["cache-control"] == "no-store"

    assert responder.post(f"{CASES}/{ticket}/proses").status_code == 303
    assert state_of(hub, ticket) == "in_progress"
    sent = responder.post(
        f"{CASES}/{ticket}/jawaban", {"jawaban": "Loket kini buka sampai pukul empat."}
    )
    assert sent.headers["location"] == f"{CASES}/{ticket}"
    case = hub.client.get(f"{API}/{ticket}", headers=secret).json()
    assert case["state"] == "answered"
    assert case["timeline"][-1]["text"] == "Loket kini buka sampai pukul empat."
    assert case["timeline"][-1]["agency"] == "dukcapil"
    assert "Loket kini buka" in hub.client.get(f"/aduan/{ticket}").text
    # In the person's name, and without the ticket's code.
    lines = execute(
        hub,
        "SELECT target, agency FROM gateway.audit_line WHERE key_id LIKE 'p%' UNION ALL "
        "SELECT target, agency FROM gateway.audit_pending WHERE key_id LIKE 'p%'",
    )
    assert ("/kelola/pengaduan/*/jawaban", "dukcapil") in {tuple(line) for line in lines}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("act", "fields", "expected"),
    [
        ("jawaban", {"jawaban": "x"}, ("jawaban", "paling sedikit tiga huruf")),
        ("serahkan", {"instansi": "dukcapil"}, ("instansi", "Pilih instansi lain")),
        ("serahkan", {"instansi": "tidak-ada"}, ("instansi", "Pilih instansi lain")),
        ("gabung", {"tiket": "0000-0000-0000"}, ("tiket", "Tulis kode tiket lain")),
        ("teruskan", {"nomor": ""}, ("nomor", "Tulis nomor laporan")),
        (
            "terbitkan",
            {"terbit": "Kata yang tidak pernah ditulis."},
            ("terbit", "kata-kata pengirim"),
        ),
        ("buka", {}, ("buka", "sudah berubah")),
    ],
)
def test_what_cannot_be_done_is_said_at_its_field_and_what_was_typed_stays(
    hub: Hub, responder: Colleague, act: str, fields: dict[str, str], expected: tuple[str, str]
) -> None:
    field, words = expected
    ticket, _ = complain(hub, f"Perlu diperbaiki: {act} {field} {words}.")
    answer = responder.post(f"{CASES}/{ticket}/{act}", fields)
    assert answer.status_code == 422, answer.text
    assert "Ada 1 isian yang perlu diperbaiki" in answer.text
    assert words in answer.text
    assert f'href="#{field}"' in answer.text
    if expected[0] != "instansi":  # which is chosen from a list
        assert all(value in answer.text for value in fields.values())
    assert state_of(hub, ticket) == "received"


@pytest.mark.slow
def test_a_case_is_handed_over_merged_forwarded_published_and_closed(
    hub: Hub, responder: Colleague
) -> None:
    other, _ = complain(hub, "Akta lahir anak saya belum jadi sejak bulan lalu.")
    ticket, _ = complain(hub, "Akta lahir anak saya belum jadi, nomor 0812-3456-7890.")
    assert responder.post(f"{CASES}/{ticket}/terbitkan", {"terbit": ""}).status_code == 303
    assert "Batalkan penerbitan" in responder.get(f"{CASES}/{ticket}").text
    assert responder.post(f"{CASES}/{ticket}/terbitkan", {"batal": "1"}).status_code == 303
    merged = responder.post(f"{CASES}/{ticket}/gabung", {"tiket": other.replace("-", " ").lower()})
    assert merged.status_code == 303
    assert state_of(hub, ticket) == "merged"
    assert responder.post(f"{CASES}/{ticket}/buka").status_code == 303
    assert (
        responder.post(f"{CASES}/{ticket}/selesai", {"catatan": "Sudah jadi."}).status_code == 303
    )
    assert state_of(hub, ticket) == "closed"

    forwarded = responder.post(f"{CASES}/{other}/teruskan", {"nomor": "9876543"})
    assert forwarded.status_code == 303
    assert hub.client.get(f"{API}/{other}").json()["forwarded_number"] == "9876543"
    assert (
        "Nomor laporan di SP4N-LAPOR!: <strong>9876543</strong>"
        in responder.get(f"{CASES}/{other}").text
    )

    third, _ = complain(hub, "Jalan di depan kantor rusak sekali.")
    handed = responder.post(f"{CASES}/{third}/serahkan", {"instansi": "pupr"})
    assert handed.headers["location"] == CASES
    assert hub.client.get(f"{API}/{third}").json()["agency"] == "pupr"
    # It is the other agency's now.
    assert responder.get(f"{CASES}/{third}").status_code == 404
    assert responder.post(f"{CASES}/{third}/proses").status_code in (404, 422)


def test_a_doubtful_message_is_released_and_a_contact_is_read_on_record(
    hub: Hub, responder: Colleague
) -> None:
    consent = hub.client.get(f"{API}/form").json()["consent"]["version"]
    ticket, _ = complain(
        hub,
        "Lihat https://a.example https://b.example https://c.example tentang loket.",
        contact={"phone": "0812 3456 7890", "consent": consent},
    )
    assert "perlu diperiksa" in responder.get("/kelola").text
    assert ticket in responder.get(f"{CASES}?saring=diperiksa").text
    assert "memuat banyak alamat web" in responder.get(f"{CASES}/{ticket}").text
    assert responder.post(f"{CASES}/{ticket}/terima").status_code == 303
    assert ticket not in responder.get(f"{CASES}?saring=diperiksa").text
    shown = responder.post(f"{CASES}/{ticket}/kontak")
    assert "0812 3456 7890" in shown.text
    assert "Kontak dibaca instansi" in shown.text


@pytest.mark.slow
def test_an_approver_reads_the_cases_of_the_agency_and_changes_none(
    hub: Hub, responder: Colleague
) -> None:
    ticket, _ = complain(hub, "Nomor antrean habis sebelum pukul delapan pagi.")
    elsewhere, _ = complain(hub, "Jalan ke puskesmas berlubang.", agency="pupr")
    approver = colleague(hub, "penyetuju@dukcapil.test", ("approver", "dukcapil"))
    assert f'href="{CASES}"' in approver.get("/kelola").text
    assert ticket in approver.get(CASES).text
    page = approver.get(f"{CASES}/{ticket}")
    assert "Nomor antrean habis" in page.text
    assert "Anda membaca sebagai penyetuju" in page.text
    assert f'action="{CASES}' not in page.text
    assert approver.get(f"{CASES}/{elsewhere}").status_code == 404
    assert approver.post(f"{CASES}/{ticket}/proses").status_code == 403
    key = hub.auth("dukcapil", "comments:read")
    assert hub.client.get(f"{API}/{ticket}", headers=key).json()["details"]["text"]
    body = {"state": "in_progress"}
    refused = hub.client.post(f"{API}/{ticket}/states", json=body, headers=key)
    assert refused.status_code == 403
    refused = hub.client.post(f"{API}/{ticket}/replies", json={"text": "Halo."}, headers=key)
    assert refused.status_code == 401
    assert state_of(hub, ticket) == "received"


@pytest.mark.slow
def test_others_are_refused_on_every_page_and_act(hub: Hub, responder: Colleague) -> None:
    ticket, _ = complain(hub, "Petugas loket tidak ramah kepada orang tua.")
    stranger = visitor(hub)
    editor = colleague(hub, "penyunting@dukcapil.test", ("editor", "dukcapil"))
    other = colleague(hub, "penjawab@setda.test", ("responder", "setda"))
    acts = ("jawaban", "proses", "terima", "selesai", "buka", "serahkan", "gabung", "teruskan",
            "terbitkan", "kontak")  # fmt: skip
    fields = {"jawaban": "Tidak boleh.", "instansi": "pupr", "nomor": "1", "tiket": ticket}
    assert stranger.get(f"{CASES}/{ticket}").headers["location"].startswith("/kelola/masuk")
    assert editor.get(f"{CASES}/{ticket}").status_code == 403
    assert other.get(f"{CASES}/{ticket}").status_code == 404
    assert ticket not in other.get(CASES).text
    for act in acts:
        path = f"{CASES}/{ticket}/{act}"
        assert stranger.post(path, fields).headers["location"].startswith("/kelola/masuk")
        assert editor.post(path, fields).status_code == 403
        assert other.post(path, fields).status_code in (404, 422)
        assert responder.post(path, {"kata": "0" * 64}).status_code == 403
        cross = responder.post(path, fields, headers={"Sec-Fetch-Site": "cross-site"})
        assert cross.status_code == 403
    assert state_of(hub, ticket) == "received"
