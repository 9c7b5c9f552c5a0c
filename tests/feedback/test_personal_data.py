"""Personal data in free text is masked when it is stored, or at the latest when it is published."""

import csv
import io
from typing import Any

import pytest

from tests.conftest import Room
from tests.feedback.complaints import ADMIN, COMMENTS, call, comment, file, handler_of
from tests.feedback.complaints import send as send_comment

NIK, SPACED = "1212014105880001", "12.12.01 410588-0001"
TEXT = f"NIK saya {SPACED}, hubungi 0812-3456-7890 atau budi@example.com."
MASKED = "NIK saya [NIK/KK], hubungi [telepon] atau [surel]."
ALL_KINDS = ["identity_number", "phone", "email"]


def read(office: Room, filed: dict[str, Any], **access: Any) -> dict[str, Any]:
    return call(office, "GET", filed["href"], **access).json()


def exported(office: Room) -> list[dict[str, str]]:
    answered = call(office, "GET", f"{COMMENTS}/exports/sp4n.csv", caller=ADMIN)
    return list(csv.DictReader(io.StringIO(answered.content.decode("utf-8-sig"))))


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
