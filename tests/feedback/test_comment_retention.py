"""What becomes of comments with time: quiet cases close, contacts and texts go."""

import io
from datetime import UTC, datetime, timedelta

from PIL import Image

from services.feedback.comments.retention import CommentRetentionResult, prune_comments
from services.platform.local_time import DEFAULT_ZONE
from tests.conftest import Room
from tests.feedback.complaints import answer, call, contact, file, move

NOW = datetime.now(UTC)


def keep(office: Room, *, days: int) -> CommentRetentionResult:
    now, region = NOW + timedelta(days=days), office.settings.region
    return office.store(
        lambda session: prune_comments(
            session, region, now=now, zone=DEFAULT_ZONE, retention_months=3
        )
    )


def test_an_answered_case_closes_without_a_reply_and_its_contact_is_deleted(
    office: Room,
) -> None:
    filed, waiting = file(office, contact=contact()), file(office, contact=contact())
    answer(office, filed["ticket"])
    assert keep(office, days=9) == CommentRetentionResult(0, 0, 0)
    assert keep(office, days=40) == CommentRetentionResult(closed=1, contacts=1, texts=0)
    shown = call(office, "GET", filed["href"], token=filed["token"]).json()
    assert shown["state"] == "closed"
    assert [e["action"] for e in shown["timeline"]][-2:] == ["closed", "contact_erased"]
    assert shown["details"]["has_contact"] is False
    still = call(office, "GET", waiting["href"], token=waiting["token"]).json()
    assert still["details"]["has_contact"] is True


def test_an_open_case_closes_after_a_year_without_a_message(office: Room) -> None:
    forwarded, unseen = file(office, contact=contact()), file(office, contact=contact())
    moved = move(office, forwarded["ticket"], "forwarded", number="8812347")
    assert moved.status_code == 200, moved.text
    keep(office, days=364)
    for filed in (forwarded, unseen):
        shown = call(office, "GET", filed["href"], token=filed["token"]).json()
        assert shown["details"]["has_contact"] is True
    keep(office, days=366)
    for filed in (forwarded, unseen):
        shown = call(office, "GET", filed["href"], token=filed["token"]).json()
        assert shown["state"] == "closed"
        assert shown["details"]["has_contact"] is False


def test_texts_of_cases_that_are_long_over_are_erased_and_the_figures_stay(office: Room) -> None:
    filed = file(office, text="Ini cerita saya.", place="Di rumah")
    call(office, "POST", f"{filed['href']}/replies", {"text": "Tambahan."}, token=filed["token"])
    answer(office, filed["ticket"], text="Jawaban kami.")
    move(office, filed["ticket"], "closed")
    keep(office, days=60)
    stored = call(office, "GET", filed["href"], token=filed["token"]).json()
    assert stored["details"]["text"] == "Ini cerita saya."
    assert keep(office, days=130).texts >= 1
    shown = call(office, "GET", filed["href"], token=filed["token"]).json()
    assert (shown["details"]["text"], shown["details"]["place"]) == ("", None)
    assert {entry["text"] for entry in shown["timeline"]} == {None}
    assert shown["service_level"]["status"] == "met"


def test_what_comes_after_an_erasure_is_erased_in_its_turn(office: Room) -> None:
    filed = file(office, text="Ini cerita saya.")
    secret = {"token": filed["token"]}

    def erased() -> bool:
        assert keep(office, days=130).texts >= 1
        assert keep(office, days=130).texts == 0
        shown = call(office, "GET", filed["href"], **secret).json()
        words = {entry["text"] for entry in shown["timeline"]} | {shown["details"]["text"] or None}
        return words == {None} and not shown["details"]["attachments"]

    move(office, filed["ticket"], "closed")
    assert erased()
    call(office, "POST", f"{filed['href']}/replies", {"text": "Masih belum."}, **secret)
    answer(office, filed["ticket"], text="Kini selesai.")
    move(office, filed["ticket"], "closed")
    assert erased()
    photo = io.BytesIO()
    Image.new("RGB", (60, 40), "teal").save(photo, "JPEG")
    sent = office.client.post(
        f"{filed['href']}/attachments",
        content=photo.getvalue(),
        headers=office.token() | {"Content-Type": "image/jpeg", "Ticket-Token": filed["token"]},
    )
    assert sent.status_code == 201, sent.text
    assert erased()
