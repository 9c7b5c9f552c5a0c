"""Personal data in free text is masked when it is stored, or at the latest when it is published."""

import csv
import io
from typing import Any

import httpx
import pytest

from services.platform.identity import ANONYMOUS, Caller
from tests.conftest import Room
from tests.feedback.complaints import (
    ADMIN,
    COMMENTS,
    answer,
    call,
    comment,
    contact,
    file,
    handler_of,
    move,
)
from tests.feedback.complaints import send as send_comment
from tests.feedback.test_comments import dump

NIK, SPACED = "1212014105880001", "12.12.01 410588-0001"
TEXT = f"NIK saya {SPACED}, hubungi 0812-3456-7890 atau budi@example.com."
MASKED = "NIK saya [NIK/KK], hubungi [telepon] atau [surel]."
ALL_KINDS = ["identity_number", "phone", "email"]


def read(office: Room, filed: dict[str, Any], **access: Any) -> dict[str, Any]:
    return call(office, "GET", filed["href"], **access).json()


def exported(office: Room) -> list[dict[str, str]]:
    answered = call(office, "GET", f"{COMMENTS}/exports/sp4n.csv", caller=ADMIN)
    return list(csv.DictReader(io.StringIO(answered.content.decode("utf-8-sig")), delimiter=";"))


def test_a_comment_is_stored_with_masks_and_the_answer_says_so(office: Room, agency: str) -> None:
    filed = file(office, agency=agency, text=TEXT, place=f"Rumah Siti, {NIK}")
    assert filed["personal_data"] == ALL_KINDS
    details = read(office, filed, token=filed["token"])["details"]
    assert (details["text"], details["place"]) == (MASKED, "Rumah Siti, [NIK/KK]")
    assert file(office, agency=agency)["personal_data"] == []


def test_what_the_writer_keeps_for_the_agency_is_masked_in_exports(
    office: Room, agency: str
) -> None:
    place = f"Rumah {NIK}"
    filed = file(office, agency=agency, text=TEXT, place=place, keep_personal_data=True)
    assert filed["personal_data"] == ALL_KINDS
    handler = handler_of(agency)
    for access in ({"token": filed["token"]}, {"caller": handler}):
        details = read(office, filed, **access)["details"]
        assert (details["text"], details["place"]) == (TEXT, place)
    [row] = [row for row in exported(office) if row["tiket"] == filed["ticket"]]
    assert (row["isi"], row["lokasi"]) == (MASKED, "Rumah [NIK/KK]")


def test_replies_and_notes_are_masked_where_everybody_reads_them(office: Room, agency: str) -> None:
    filed, handler = file(office, agency=agency), handler_of(agency)
    body = {"text": TEXT, "keep_personal_data": True}
    noted = call(
        office,
        "POST",
        f"{filed['href']}/states",
        {"state": "in_progress", "note": TEXT},
        caller=handler,
    )
    replied = call(office, "POST", f"{filed['href']}/replies", body, caller=handler)
    assert noted.json()["personal_data"] == replied.json()["personal_data"] == ALL_KINDS
    timeline = read(office, filed)["timeline"]
    assert [entry["text"] for entry in timeline] == [None, MASKED, MASKED]

    path, token = f"{filed['href']}/replies", filed["token"]
    mine = call(office, "POST", path, {"text": TEXT}, token=token)
    kept = call(office, "POST", path, body, token=token)
    assert mine.json()["personal_data"] == kept.json()["personal_data"] == ALL_KINDS
    timeline = read(office, filed, token=token)["timeline"]
    assert [entry["text"] for entry in timeline[-2:]] == [MASKED, TEXT]
    assert [entry["text"] for entry in read(office, filed)["timeline"][-2:]] == [None, None]


def test_a_repeated_comment_says_again_what_was_masked(office: Room, agency: str) -> None:
    body = comment(office.settings, agency=agency, text=TEXT)
    sent = [send_comment(office, body, idempotency_key="k-1") for _ in range(2)]
    assert sent[0].json() == sent[1].json()
    assert sent[1].json()["personal_data"] == ALL_KINDS


@pytest.mark.parametrize(
    "text", ["Tiga minggu, nomor antrean 123.", "Biaya Rp 12.500.000 diminta."]
)
def test_other_numbers_stay_as_they_are(office: Room, agency: str, text: str) -> None:
    filed = file(office, agency=agency, text=text)
    assert filed["personal_data"] == []
    assert read(office, filed, token=filed["token"])["details"]["text"] == text


def publish(office: Room, filed: dict[str, Any], handler: Caller, **body: Any) -> httpx.Response:
    return call(office, "PUT", f"{filed['href']}/publication", body, caller=handler)


def public_text(office: Room, filed: dict[str, Any]) -> str | None:
    [shown] = call(office, "GET", f"/open311/v2/requests/{filed['ticket']}.json").json()
    found = call(office, "GET", "/open311/v2/requests.json").json()
    listed = [one for one in found if one["service_request_id"] == filed["ticket"]]
    assert [one["description"] for one in listed] == ([shown["description"]] if listed else [])
    assert bool(listed) == (shown["description"] is not None)
    return shown["description"]


def test_a_comment_is_published_by_an_act_of_the_agency_and_without_personal_data(
    office: Room, agency: str
) -> None:
    handler = handler_of(agency)
    filed = file(office, agency=agency, public=True, text=TEXT, keep_personal_data=True)
    move(office, filed["ticket"], "in_progress", handler)
    answer(office, filed["ticket"], handler, text="Sudah jadi.")
    assert public_text(office, filed) is None
    assert publish(office, filed, handler_of("other")).status_code == 403
    assert publish(office, filed, ANONYMOUS).status_code == 401
    published = publish(office, filed, handler).json()
    assert (published["text"], published["personal_data"]) == (MASKED, ALL_KINDS)
    assert public_text(office, filed) == MASKED
    short = publish(office, filed, handler, text=f"NIK saya: {SPACED}").json()["text"]
    assert short == public_text(office, filed) == "NIK saya: [NIK/KK]"
    path = f"{filed['href']}/publication"
    assert call(office, "DELETE", path, caller=handler).status_code == 204
    assert call(office, "DELETE", path, caller=handler).status_code == 404
    assert public_text(office, filed) is None
    actions = [entry["action"] for entry in read(office, filed)["timeline"]]
    assert actions[-3:] == ["published", "published", "unpublished"]


@pytest.mark.parametrize(
    ("text", "added"),
    [
        ("Petugas ramah.", "ramah"),
        ("Petugas tidak datang dua jam jam.", "jam"),
        ("Dua jam petugas tidak datang.", "petugas"),
        ("Petugas [yang sebenarnya sangat ramah dan cepat] tidak datang.", "yang"),
        ("Petugas tida\u0138 datang.", "tida\u0138"),
    ],
)
def test_an_agency_puts_no_word_into_the_mouth_of_a_writer(
    office: Room, agency: str, text: str, added: str
) -> None:
    filed = file(office, agency=agency, public=True, text="Petugas Budi tidak datang dua jam.")
    refused = publish(office, filed, handler_of(agency), text=text)
    assert refused.status_code == 409
    [error] = refused.json()["errors"]
    assert (error["pointer"], error["detail"].partition("'")[2].partition("'")[0]) == (
        "#/text",
        added,
    )
    assert public_text(office, filed) is None


@pytest.mark.parametrize(
    "text", ["PETUGAS [nama] tidak datang!", "Petugas ... dua jam", "[...] tidak datang dua jam."]
)
def test_an_agency_shortens_what_it_publishes(office: Room, agency: str, text: str) -> None:
    filed = file(office, agency=agency, public=True, text="Petugas Budi tidak datang dua jam.")
    assert publish(office, filed, handler_of(agency), text=text).json()["text"] == text


@pytest.mark.parametrize("by", ["agency", "administrator", "agency that filed it"])
def test_what_an_agency_published_is_not_read_under_another_agencys_name(
    office: Room, agency: str, by: str
) -> None:
    own, other = handler_of(agency), f"other-of-{agency}"
    if by == "agency that filed it":
        body = comment(office.settings, agency=agency, public=True)
        filed = send_comment(office, body, caller=own).json()
    else:
        filed = file(office, agency=agency, public=True)
    assert publish(office, filed, own).status_code == 200
    move(office, filed["ticket"], "in_progress", own)
    assert public_text(office, filed) is not None
    mover = ADMIN if by == "administrator" else own
    assert move(office, filed["ticket"], "received", mover, agency=agency).is_success
    assert public_text(office, filed) is not None
    assert move(office, filed["ticket"], "received", mover, agency=other).is_success
    assert public_text(office, filed) is None
    assert move(office, filed["ticket"], "received", handler_of(other)).is_success
    assert publish(office, filed, handler_of(other)).status_code == 200


def test_only_what_its_writer_allowed_and_a_person_accepted_is_published(
    office: Room, agency: str
) -> None:
    handler = handler_of(agency)
    assert publish(office, file(office, agency=agency), handler).status_code == 409
    waiting = file(office, agency=agency, public=True, form_token=None)
    assert waiting["under_review"]
    assert publish(office, waiting, handler).status_code == 409


def test_the_writer_corrects_a_comment_with_its_secret(office: Room, agency: str) -> None:
    handler = handler_of(agency)
    filed = file(
        office, agency=agency, public=True, place="Pasar Balige", latitude=2.3, longitude=99
    )
    publish(office, filed, handler)
    path = f"{filed['href']}/text"
    body = {"text": f"Antrean panjang, {SPACED}."}
    assert call(office, "PUT", path, body).status_code == 401
    assert call(office, "PUT", path, body, token="y" * 32).status_code == 403
    assert call(office, "PUT", path, body, caller=handler).status_code == 403
    corrected = call(office, "PUT", path, body, token=filed["token"])
    assert corrected.status_code == 200
    assert corrected.json()["personal_data"] == ["identity_number"]
    details = read(office, filed, caller=handler)["details"]
    assert details["text"] == "Antrean panjang, [NIK/KK]."
    assert (details["place"], details["latitude"], details["published_text"]) == (None,) * 3
    assert public_text(office, filed) is None
    assert read(office, filed)["timeline"][-1]["action"] == "corrected"


def test_the_writer_erases_a_comment_and_nothing_of_it_remains(office: Room, agency: str) -> None:
    handler = handler_of(agency)
    word = "Simanjuntak"
    body = comment(
        office.settings, agency=agency, public=True, text=f"{word} {TEXT}", place=word,
        keep_personal_data=True, contact=contact(),
    )  # fmt: skip
    filed = send_comment(office, body, idempotency_key="erased").json()
    access = {"token": filed["token"]}
    call(office, "POST", f"{filed['href']}/replies", {"text": f"Saya {word}"}, **access)
    answer(office, filed["ticket"], handler, text=f"Ibu {word}, sudah jadi.")
    publish(office, filed, handler)
    assert word in dump(office)
    assert call(office, "DELETE", filed["href"]).status_code == 401
    assert call(office, "DELETE", filed["href"], caller=handler).status_code == 403
    assert call(office, "DELETE", filed["href"], **access).status_code == 204
    assert call(office, "DELETE", filed["href"], **access).status_code == 204
    assert word not in dump(office)
    assert public_text(office, filed) is None
    case = read(office, filed, **access)
    assert (case["state"], case["details"]["has_contact"]) == ("closed", False)
    assert [entry["action"] for entry in case["timeline"]].count("erased") == 1
    assert call(office, "PUT", f"{filed['href']}/text", {"text": TEXT}, **access).status_code == 409
