"""Complaints as pages, without a script: filed, found, talked about, contact withdrawn."""

import io
import re
from html import unescape
from typing import Any

import httpx
import pytest
from PIL import Image

from services.platform.service import API
from tests.conftest import Hub
from tests.feedback.complaints import NUMBERS, form_token


def fields_in(page: str) -> dict[str, str]:
    """Return the fields that a browser submits of the untouched form."""
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    return hidden | {"kind": "complaint", "category": "time", "website": ""}


def submit(
    hub: Hub, path: str, fields: dict[str, Any], photos: list[bytes] | None = None
) -> httpx.Response:
    parts = [("photo", ("a.jpg", photo, "image/jpeg")) for photo in photos or [b""]]
    return hub.client.post(path, data=fields, files=parts)


def photo() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (50, 40), "teal").save(made, "JPEG")
    return made.getvalue()


def filed(hub: Hub, *, photos: list[bytes] | None = None, **more: str) -> str:
    """File a comment and return the address of the ticket's page."""
    given = fields_in(hub.client.get("/aduan").text)
    given |= {
        "form_token": form_token(hub.settings),
        "text": f"Antrean panjang, nomor {next(NUMBERS)}.",
    }
    answer = submit(hub, "/aduan", given | more, photos)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def test_the_form_names_the_service_and_needs_neither_script_nor_cookie(hub: Hub) -> None:
    leads = hub.client.get("/layanan/ktp-el").text
    assert 'href="/aduan?service=ktp-el"' in leads
    shown = hub.client.get("/aduan?service=ktp-el")
    assert '<option value="ktp-el" selected>' in shown.text
    assert not re.findall(r"<script(?![^>]*src=)", shown.text)
    assert "set-cookie" not in shown.headers
    assert shown.headers["cache-control"] == "private, no-store"
    assert "Complaints, questions" in hub.client.get("/aduan?lang=en").text


def test_a_complaint_with_a_photo_is_filed_once_and_talked_about(hub: Hub) -> None:
    given = fields_in(hub.client.get("/aduan").text)
    given |= {"text": "Antrean <panjang>.", "service": "ktp-el"}
    places = [submit(hub, "/aduan", given, [photo()]).headers["location"] for _ in range(2)]
    assert places[0] == places[1]
    shown = hub.client.get(places[0])
    assert shown.status_code == 200
    assert "Antrean &lt;panjang&gt;." in shown.text
    [image] = set(re.findall(r'<img src="(/aduan/[^"]+)"', shown.text))
    stored = hub.client.get(unescape(image))
    assert (stored.status_code, stored.headers["content-type"]) == (200, "image/jpeg")
    ticket = places[0].partition("?")[0].rpartition("/")[2]
    key = hub.auth("dukcapil", "comments:write")
    replies = f"{API}/comments/{ticket}/replies"
    assert hub.client.post(replies, json={"text": "Loket dua buka."}, headers=key).is_success
    [action] = re.findall(r'action="(/aduan/[^"]+/balasan[^"]*)"', shown.text)
    said = {"text": "Terima kasih.", "kunci": secret_in(shown.text)}
    hub.client.cookies.clear()  # while somebody writes, it may expire: the form is enough
    back = submit(hub, action, said, [photo(), b"%PDF-1.7"])
    assert "ditolak=1" in back.headers["location"]
    after = hub.client.get(back.headers["location"]).text
    for said in ("Loket dua buka.", "Terima kasih.", "Dibuka lagi"):
        assert said in after
    hub.client.cookies.clear()
    assert hub.client.get(image).status_code == 404
    public = hub.client.get(f"/aduan/{ticket}").text
    assert "Loket dua buka." in public
    assert "panjang" not in public
    assert "Terima kasih." not in public


def test_an_error_is_shown_beside_its_field_and_other_values_remain(hub: Hub) -> None:
    given = fields_in(hub.client.get("/aduan").text)
    given |= {"text": " ", "place": "Balige", "email": "not one", "phone": "0812"}
    refused = submit(hub, "/aduan?lang=en", given)
    assert refused.status_code == 422
    assert set(re.findall(r'id="e-(\w+)"', refused.text)) == {"text", "email", "phone", "consent"}
    assert 'value="Balige"' in refused.text
    assert f'name="id" value="{given["id"]}"' in refused.text


def test_a_contact_is_stored_with_consent_and_erased_when_it_is_withdrawn(hub: Hub) -> None:
    place = filed(hub, email="a.warga@example.org", consent="2026-1")
    shown = hub.client.get(place).text
    [action] = re.findall(r'action="(/aduan/[^"]+/kontak[^"]*)"', shown)
    assert "a.warga" not in shown
    back = hub.client.post(action, data={"kunci": secret_in(shown)})
    after = hub.client.get(back.headers["location"]).text
    assert "Persetujuan dicabut" in after
    assert action.partition("?")[0] not in after


def secret_in(page: str) -> str:
    """Return the ticket's secret, as the page's forms send it."""
    return re.findall(r'name="kunci" value="([^"]+)"', page)[0]


def test_a_tickets_secret_leaves_the_address_at_once(hub: Hub) -> None:
    place = filed(hub)
    shown = hub.client.get(place).text
    secret = secret_in(shown)
    assert "kunci" not in place
    [saved] = [unescape(found) for found in re.findall(r'readonly value="([^"]+)"', shown)]
    assert saved.partition("?")[2] == f"kunci={secret}"
    addresses = re.findall(r'(?:href|src|action)="([^"]+)"', shown)
    assert not [address for address in addresses if secret in address]
    hub.client.cookies.clear()
    opened = hub.client.get(f"{saved}&lang=en")
    ticket = place.partition("?")[0]
    assert (opened.status_code, opened.headers["location"]) == (303, f"{ticket}?lang=en")
    assert opened.headers["referrer-policy"] == "no-referrer"
    assert opened.headers["cache-control"] == "no-store"
    assert {"HttpOnly", "SameSite=lax", f"Path={ticket}", "Max-Age=1800"} <= set(
        opened.headers["set-cookie"].split("; ")
    )
    assert secret_in(hub.client.get(ticket).text) == secret


@pytest.mark.slow
def test_a_tickets_secret_opens_no_other_ticket(hub: Hub) -> None:
    first, second = filed(hub), filed(hub)
    secret = secret_in(hub.client.get(first).text)
    hub.client.cookies.clear()
    target = second.partition("?")[0]
    shown = hub.client.get(hub.client.get(f"{target}?kunci={secret}").headers["location"])
    assert shown.status_code == 200
    assert 'name="kunci"' not in shown.text
    back = submit(hub, f"{target}/balasan", {"text": "Bukan milik saya.", "kunci": secret})
    assert "ditolak=1" in back.headers["location"]


@pytest.mark.slow
@pytest.mark.parametrize("spelled", ["{0}", " {1} ", "{2}"])
def test_a_ticket_is_found_as_people_write_it(hub: Hub, spelled: str) -> None:
    ticket = filed(hub).partition("?")[0].rpartition("/")[2]
    written = spelled.format(
        ticket, ticket.lower().replace("-", " "), ticket.replace("0", "o").replace("-", "")
    )
    led = hub.client.get("/aduan/cari", params={"tiket": written})
    assert led.headers["location"] == f"/aduan/{ticket}"
    assert "Diterima" in hub.client.get(led.headers["location"]).text


@pytest.mark.slow
@pytest.mark.parametrize(
    "address", ["7777-7777-7777", "nothing", "..%2F..", "7777-7777-7777?kunci=x"]
)
def test_an_invalid_ticket_has_a_message(hub: Hub, address: str) -> None:
    html = {"Accept": "text/html"}
    shown = hub.client.get(f"/aduan/{address}", headers=html, follow_redirects=True)
    assert shown.status_code == 404
    assert "tidak" in shown.text


@pytest.mark.slow
def test_a_robot_that_fills_in_the_honeypot_is_put_under_review(hub: Hub) -> None:
    assert "diperiksa petugas" in hub.client.get(filed(hub, website="x")).text
    assert "diperiksa petugas" not in hub.client.get(filed(hub)).text


def test_a_form_that_is_none_is_no_crash(hub: Hub) -> None:
    for body, kind in [
        (b"--x\r\nbad", "multipart/form-data; boundary=x"),
        (b"text=%ff", "application/x-www-form-urlencoded"),
        (b"{}", "application/json"),
        (b"--\r\n", "multipart/form-data"),
    ]:
        answer = hub.client.post("/aduan", content=body, headers={"Content-Type": kind})
        assert 400 <= answer.status_code < 500


NIK = "1212 0141 0588 0001"


def text_of(page: str) -> list[str]:
    return [unescape(said) for said in re.findall(r"<blockquote>(.*?)</blockquote>", page, re.S)]


@pytest.mark.slow
@pytest.mark.parametrize(("decision", "kept"), [("mask", False), ("keep", True)])
def test_the_writer_decides_about_personal_data_with_one_tap(
    hub: Hub, decision: str, kept: bool
) -> None:
    said = f"NIK saya {NIK}, sudah tiga minggu."
    given = fields_in(hub.client.get("/aduan").text) | {"text": said, "place": "WA 081234567890"}
    asked = submit(hub, "/aduan", given)
    assert asked.status_code == 422
    assert text_of(asked.text) == ["NIK saya [NIK/KK], sudah tiga minggu.", "WA [telepon]"]
    assert "NIK atau nomor KK, nomor telepon." in asked.text
    assert '<button class="send" name="personal_data" value="mask">' in asked.text
    assert "contains personal data" in submit(hub, "/aduan?lang=en", given).text
    # The form still holds what was written; its first button sends it without the data.
    again = fields_in(asked.text) | {"text": said, "place": "WA 081234567890"}
    sent = submit(hub, "/aduan", again | {"personal_data": decision})
    assert sent.status_code == 303, sent.text
    [own] = text_of(hub.client.get(sent.headers["location"]).text)
    assert own == (said if kept else "NIK saya [NIK/KK], sudah tiga minggu.")


@pytest.mark.slow
def test_the_writer_decides_about_personal_data_in_a_reply_too(hub: Hub) -> None:
    place = filed(hub)
    shown = hub.client.get(place).text
    action = unescape(re.findall(r'action="(/aduan/[^"]+/balasan[^"]*)"', shown)[0])
    asked = submit(hub, action, {"text": f"NIK {NIK}"})
    assert asked.status_code == 422
    assert "NIK [NIK/KK]" in text_of(asked.text)
    assert f">NIK {NIK}</textarea>" in asked.text
    for decision, stored in (("mask", "NIK [NIK/KK]"), ("keep", f"NIK {NIK}")):
        answer = submit(hub, action, {"text": f"NIK {NIK}", "personal_data": decision})
        assert answer.status_code == 303
        assert text_of(hub.client.get(place).text)[-1] == stored


@pytest.mark.slow
def test_the_writer_corrects_and_erases_a_complaint_on_its_page(hub: Hub) -> None:
    place = filed(hub, photos=[photo()])
    assert 'href="?perbaiki=1"' in hub.client.get(place).text
    shown = hub.client.get(place.partition("?")[0], params={"perbaiki": 1}).text
    secret = fields_in(shown)["kunci"]

    def action(name: str) -> str:
        return re.findall(rf'action="(/aduan/[^"/]+/{name})"', shown)[0]

    corrected = submit(hub, action("pesan"), {"text": f"Lama. {NIK}", "place": ""})
    assert corrected.headers["location"].partition("?")[0] == place.partition("?")[0]
    assert text_of(hub.client.get(place).text) == ["Lama. [NIK/KK]"]
    assert submit(hub, action("foto/[^/]+/hapus"), {}).status_code == 303
    assert '<img src="/aduan/' not in hub.client.get(place).text
    submit(hub, action("hapus"), {})
    assert "Lama." in hub.client.get(place).text
    hub.client.cookies.clear()
    for wrong in ({}, {"kunci": "y" * 32}):
        submit(hub, action("hapus"), {"confirmed": "1"} | wrong)
    submit(hub, action("hapus"), {"kunci": secret})
    assert "Lama." in hub.client.get(place).text
    submit(hub, action("hapus"), {"confirmed": "1", "kunci": secret})
    after = hub.client.get(place).text
    assert "Lama." not in after
    assert "Pesan dihapus pengirim" in after
