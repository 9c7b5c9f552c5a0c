"""Comments over HTTP: filed without a name, answered by the agency, shown to whom they concern."""

from typing import Any

import pytest

from services.feedback.comments.tickets import parse_ticket
from tests.conftest import Room, agency_caller
from tests.feedback.complaints import (
    ADMIN,
    COMMENTS,
    EMAIL,
    PHONE,
    answer,
    call,
    comment,
    contact,
    file,
    form_token,
    handler_of,
    move,
    send,
)
from tests.feedback.sending import pointers


def listed_comments(office: Room, agency: str) -> list[dict[str, Any]]:
    return call(office, "GET", COMMENTS, caller=handler_of(agency)).json()["items"]


def dump(office: Room) -> str:
    """Every column of every row of the tables of comments, as PostgreSQL writes them."""
    from sqlalchemy import text

    from services.platform.database import WriteSession

    async def work(session: WriteSession) -> str:
        tables = await session.scalars(
            text(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'feedback' "
                "AND (tablename LIKE 'comment%' OR tablename = 'idempotency_key')"
            )
        )
        lines: list[str] = []
        for table in tables:
            rows = await session.scalars(text(f"SELECT t::text FROM feedback.{table} t"))
            lines += rows
        return "\n".join(lines)

    return office.store(work)


def test_a_comment_gets_a_ticket_a_secret_and_a_promise(office: Room, agency: str) -> None:
    filed = file(office, agency=agency)
    assert parse_ticket(filed["ticket"]) == filed["ticket"]
    assert len(filed["token"]) == 32
    assert (filed["state"], filed["under_review"]) == ("received", False)
    promise = filed["service_level"]
    assert (promise["id"], promise["working_days"]) == ("ordinary", 14)
    assert (promise["status"], promise["working_days_left"]) == ("running", 14)
    assert filed["page"] == f"/aduan/{filed['ticket']}"


def test_the_text_is_shown_only_with_the_token_or_the_agencys_key(
    office: Room, agency: str
) -> None:
    filed = file(office, agency=agency, text="Ibu saya menunggu.", place="Kantor camat")
    shown = call(office, "GET", filed["href"])
    assert shown.json()["details"] is None
    assert "Ibu saya" not in shown.text
    assert "camat" not in shown.text
    assert shown.json()["agency"] == agency
    assert shown.headers["cache-control"] == "private, no-store"
    inside = call(office, "GET", filed["href"], token=filed["token"]).json()["details"]
    assert (inside["text"], inside["place"]) == ("Ibu saya menunggu.", "Kantor camat")
    for caller, sees in [
        (handler_of(agency), True),
        (ADMIN, True),
        (handler_of("another"), False),
        (agency_caller(agency, "usage:write"), False),
    ]:
        seen = call(office, "GET", filed["href"], caller=caller).json()["details"]
        assert (seen is not None) is sees
    assert call(office, "GET", filed["href"], token="x" * 32).status_code == 403


def test_a_ticket_that_is_not_there_is_not_found(office: Room) -> None:
    assert call(office, "GET", f"{COMMENTS}/7777-7777-7777").status_code == 404
    assert call(office, "GET", f"{COMMENTS}/7777").status_code == 422


@pytest.mark.parametrize(
    ("change", "status", "pointer"),
    [
        ({"text": "  \n "}, 422, "#/text"),
        ({"text": "x" * 4001}, 422, "#/text"),
        ({"text": "bad \x00 byte"}, 422, "#/text"),
        ({"kind": "rant"}, 422, "#/kind"),
        ({"category": "moon"}, 422, "#/category"),
        ({"district": "12"}, 422, "#/district"),
        ({"latitude": 91, "longitude": 1}, 422, "#/latitude"),
        ({"latitude": 2.3}, 422, "#"),
        ({"contact": {"email": "no", "consent": "2026-1"}}, 422, "#/contact/email"),
        ({"contact": {"consent": "2026-1"}}, 422, "#/contact"),
        ({"contact": {"email": EMAIL}}, 422, "#/contact/consent"),
        ({"contact": {"email": EMAIL, "consent": "1999-1"}}, 409, "#/contact/consent"),
    ],
)
def test_what_does_not_fit_is_named(
    office: Room, change: dict[str, Any], status: int, pointer: str
) -> None:
    refused = send(office, comment(office.settings, **change))
    assert pointers(refused, status) == [pointer]


def test_a_comment_sent_again_with_its_key_is_stored_once(office: Room, agency: str) -> None:
    body = comment(office.settings, agency=agency, contact=contact())
    first = send(office, body, idempotency_key="k-1")
    again = send(office, body, idempotency_key="k-1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = send(office, body | {"text": "Something else."}, idempotency_key="k-1")
    assert other.status_code == 409
    assert other.json()["errors"][0]["parameter"] == "Idempotency-Key"
    listed = call(office, "GET", f"{COMMENTS}?agency={agency}", caller=ADMIN).json()["items"]
    assert len(listed) == 1


@pytest.mark.parametrize("with_form", [True, False])
def test_nobody_gets_another_persons_receipt_by_its_key(
    office: Room, agency: str, with_form: bool
) -> None:
    body = comment(office.settings, agency=agency)
    first = send(office, body, idempotency_key="my-word-1")
    # Somebody else with the same word and text, with a form of the same second or without one.
    others = body | {"form_token": form_token(office.settings)}
    if not with_form:
        del others["form_token"]
    sent = [send(office, others, idempotency_key="my-word-1") for _ in range(2)]
    mine = first.json()
    for reply in sent:
        assert mine["token"] not in reply.text
        assert mine["ticket"] not in reply.text
    assert [reply.status_code for reply in sent] == [201, 200 if with_form else 409]
    if with_form:
        assert sent[0].json()["token"] == sent[1].json()["token"]
    else:
        [error] = sent[1].json()["errors"]
        assert error["parameter"] == "Idempotency-Key"
        assert sent[0].json()["token"] not in sent[1].text
    assert send(office, body, idempotency_key="my-word-1").json() == mine


def test_a_comment_sent_again_with_another_contact_is_another(office: Room, agency: str) -> None:
    body = comment(office.settings, agency=agency, contact=contact())
    assert send(office, body, idempotency_key="k-1").status_code == 201
    for other in (
        {"contact": contact(phone="+62 812-0000-9999")},
        {"contact": contact(email=None)},
    ):
        changed = send(office, body | other, idempotency_key="k-1")
        assert changed.status_code == 409
    assert send(office, body, idempotency_key="k-1").status_code == 200


def test_an_agency_answers_within_its_promise_and_the_citizen_writes_back(
    office: Room, agency: str
) -> None:
    filed, handler = file(office, agency=agency), handler_of(agency)
    assert move(office, filed["ticket"], "in_progress", handler).status_code == 200
    answered = answer(office, filed["ticket"], handler, text="KTP Anda sudah jadi.")
    assert answered.status_code == 201
    assert answered.json()["state"] == "answered"
    assert answered.json()["service_level"]["status"] == "met"
    back = call(
        office,
        "POST",
        f"{filed['href']}/replies",
        {"text": "Belum juga."},
        token=filed["token"],
    )
    assert back.json()["state"] == "reopened"
    public = call(office, "GET", filed["href"]).json()
    reported = [(entry["actor"], entry["action"], entry["text"]) for entry in public["timeline"]]
    assert reported == [
        ("citizen", "received", None),
        ("agency", "in_progress", None),
        ("agency", "reply", "KTP Anda sudah jadi."),
        ("citizen", "reply", None),
    ]
    assert [entry["number"] for entry in public["timeline"]] == [1, 2, 3, 4]
    mine = call(office, "GET", filed["href"], token=filed["token"]).json()
    assert mine["timeline"][3]["text"] == "Belum juga."


def test_a_reply_sent_again_with_its_key_is_stored_once(office: Room, agency: str) -> None:
    filed = file(office, agency=agency)
    for _ in range(2):
        sent = call(
            office,
            "POST",
            f"{filed['href']}/replies",
            {"text": "Ada kabar?"},
            token=filed["token"],
            idempotency_key="r-1",
        )
        assert sent.status_code == 201
        assert len(sent.json()["timeline"]) == 2


def test_no_other_caller_replies_or_moves_a_ticket(office: Room, agency: str) -> None:
    filed = file(office, agency=agency)
    replies = f"{filed['href']}/replies"
    body = {"text": "Hello there"}
    assert call(office, "POST", replies, body).status_code == 401
    assert call(office, "POST", replies, body, token="y" * 32).status_code == 403
    assert call(office, "POST", replies, body, caller=handler_of("other")).status_code == 403
    assert move(office, filed["ticket"], "closed", handler_of("other")).status_code == 403
    wrong_scope = agency_caller(agency, "usage:write")
    assert move(office, filed["ticket"], "closed", wrong_scope).status_code == 403
    assert call(office, "GET", COMMENTS).status_code == 401


def test_a_state_that_does_not_follow_is_refused(office: Room, agency: str) -> None:
    filed = file(office, agency=agency)
    refused = move(office, filed["ticket"], "reopened")
    assert pointers(refused, 409) == ["#/state"]
    assert move(office, filed["ticket"], "closed").status_code == 200
    assert answer(office, filed["ticket"]).status_code == 409
    assert move(office, filed["ticket"], "reopened").status_code == 200
    assert answer(office, filed["ticket"]).status_code == 201


def test_a_comment_without_an_agency_is_assigned_to_one(office: Room, agency: str) -> None:
    filed = file(office)
    assert move(office, filed["ticket"], "in_progress", handler_of(agency)).status_code == 403
    handed = move(office, filed["ticket"], "received", agency=agency).json()
    assert (handed["agency"], handed["service_level"]["verified_at"]) == (agency, None)
    assert move(office, filed["ticket"], "in_progress", handler_of(agency)).status_code == 200


def test_an_agency_lists_its_own_comments_page_by_page(office: Room, agency: str) -> None:
    tickets = [file(office, agency=agency)["ticket"] for _ in range(5)]
    file(office, agency="somebody-else")
    found: list[str] = []
    address: str | None = f"{COMMENTS}?limit=2"
    while address is not None:
        page = call(office, "GET", address, caller=handler_of(agency)).json()
        found += [item["ticket"] for item in page["items"]]
        address = page["next"]
    assert found == tickets[::-1]
    elsewhere = call(office, "GET", f"{COMMENTS}?agency=somebody-else", caller=handler_of(agency))
    assert elsewhere.status_code == 403
    move(office, tickets[0], "closed")
    closed = call(office, "GET", f"{COMMENTS}?state=closed", caller=handler_of(agency)).json()
    assert [item["ticket"] for item in closed["items"]] == [tickets[0]]
    late = call(office, "GET", f"{COMMENTS}?overdue=true", caller=handler_of(agency)).json()
    assert late["items"] == []


def test_a_contact_is_encrypted_shown_only_to_the_agency_and_deleted_with_the_case(
    office: Room, agency: str
) -> None:
    filed = file(office, agency=agency, contact=contact())
    address = f"{filed['href']}/contact/reads"
    stored = dump(office)
    for plain in (EMAIL, EMAIL.encode().hex(), PHONE, PHONE.encode().hex(), filed["token"]):
        assert plain not in stored
    for caller in (handler_of("other"), agency_caller(agency, "usage:write")):
        assert call(office, "POST", address, caller=caller).status_code == 403
    assert call(office, "POST", address).status_code == 401
    read = call(office, "POST", address, caller=handler_of(agency)).json()
    assert (read["email"], read["phone"], read["consent_version"]) == (EMAIL, PHONE, "2026-1")
    everything = call(office, "GET", filed["href"], token=filed["token"])
    assert everything.json()["details"]["has_contact"] is True
    assert EMAIL not in everything.text
    closed = move(office, filed["ticket"], "closed", handler_of(agency)).json()
    actions = [entry["action"] for entry in closed["timeline"]]
    assert actions == ["received", "contact_given", "contact_read", "closed", "contact_erased"]
    assert closed["details"]["has_contact"] is False
    assert call(office, "POST", address, caller=handler_of(agency)).status_code == 404


def test_consent_is_withdrawn_with_the_token_and_the_withdrawal_recorded(
    office: Room, agency: str
) -> None:
    filed = file(office, agency=agency, contact=contact(phone=None))
    address = f"{filed['href']}/contact"
    assert call(office, "DELETE", address).status_code == 401
    assert call(office, "DELETE", address, token="z" * 32).status_code == 403
    assert call(office, "DELETE", address, token=filed["token"]).status_code == 204
    assert call(office, "DELETE", address, token=filed["token"]).status_code == 404
    read = call(office, "POST", f"{address}/reads", caller=handler_of(agency))
    assert read.status_code == 404
    timeline = call(office, "GET", filed["href"], token=filed["token"]).json()["timeline"]
    assert timeline[-1]["action"] == "contact_withdrawn"
    assert timeline[-1]["actor"] == "citizen"


def test_the_proof_of_consent_remains_after_the_contact_is_deleted(
    office: Room, agency: str
) -> None:
    filed = file(office, agency=agency, contact=contact())
    address = f"{filed['href']}/contact"
    read = call(office, "POST", f"{address}/reads", caller=handler_of(agency)).json()
    consented_at = read["consented_at"]
    assert call(office, "DELETE", address, token=filed["token"]).status_code == 204
    retained = call(office, "GET", filed["href"], caller=handler_of(agency)).json()["timeline"]
    [given] = [entry for entry in retained if entry["action"] == "contact_given"]
    assert (given["actor"], given["text"], given["at"]) == ("citizen", "2026-1", consented_at)
    for plain in (EMAIL, PHONE):
        assert plain not in dump(office)
    # Nobody else learns that there was one.
    public = call(office, "GET", filed["href"]).json()["timeline"]
    assert [(entry["number"], entry["action"]) for entry in public] == [(1, "received")]
    without = file(office, agency=agency)
    seen = call(office, "GET", without["href"], caller=handler_of(agency)).json()["timeline"]
    assert [entry["action"] for entry in seen] == ["received"]


def test_a_duplicate_is_merged_and_its_ticket_shows_the_reply(office: Room, agency: str) -> None:
    head, double = file(office, agency=agency), file(office, agency=agency, contact=contact())
    handler = handler_of(agency)
    for into in (double["ticket"], "7777-7777-7777", file(office, agency="x")["ticket"]):
        refused = move(office, double["ticket"], "merged", handler, into=into)
        assert pointers(refused, 409) == ["#/into"]
    merged = move(office, double["ticket"], "merged", handler, into=head["ticket"]).json()
    assert (merged["state"], merged["merged_into"]) == ("merged", head["ticket"])
    call(office, "POST", f"{head['href']}/replies", {"text": "Rahasia"}, token=head["token"])
    answer(office, head["ticket"], handler, text="Loket kedua dibuka.")
    seen = call(office, "GET", double["href"], token=double["token"])
    assert [e["text"] for e in seen.json()["timeline"]][-1] == "Loket kedua dibuka."
    assert "Rahasia" not in seen.text
    assert seen.json()["details"]["has_contact"] is True
    move(office, head["ticket"], "closed", handler)
    after = call(office, "GET", double["href"], token=double["token"]).json()
    assert after["details"]["has_contact"] is False


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"website": "https://spam.example"}, "honeypot"),
        ({"form_token": None}, "missing_form_token"),
        ({"form_token": "1.made-up"}, "missing_form_token"),
        ({"form_token": 1}, "too_fast"),
        ({"form_token": 90_000}, "expired_form_token"),
        ({"text": "Buy http://a.example http://b.example www.c.example"}, "too_many_links"),
    ],
)
def test_possible_spam_is_under_review_until_staff_release_it(
    office: Room, agency: str, change: dict[str, Any], reason: str
) -> None:
    if isinstance(change.get("form_token"), int):
        change = {"form_token": form_token(office.settings, seconds_ago=change["form_token"])}
    filed = file(office, agency=agency, **change)
    assert filed["under_review"] is True
    [item] = call(office, "GET", f"{COMMENTS}?under_review=true", caller=handler_of(agency)).json()[
        "items"
    ]
    assert (item["ticket"], item["review_reasons"]) == (filed["ticket"], [reason])
    assert (
        move(office, filed["ticket"], "received", handler_of(agency)).json()["under_review"]
        is False
    )


def test_a_repeated_text_is_put_under_review(office: Room, agency: str) -> None:
    first = file(office, agency=agency, text=f"Loket {agency} tutup")
    again = file(office, agency=agency, text=f"loket  {agency} TUTUP")
    assert (first["under_review"], again["under_review"]) == (False, True)


def test_too_many_from_one_sender_a_day_are_reviewed_and_the_address_is_not_stored(
    office: Room, agency: str
) -> None:
    sender = "203.0.113.77"
    under_review = [
        send(office, comment(office.settings, agency=agency), x_forwarded_for=sender).json()[
            "under_review"
        ]
        for _ in range(22)
    ]
    assert under_review == [False] * 20 + [True] * 2
    other = send(office, comment(office.settings), x_forwarded_for="203.0.113.78").json()
    assert other["under_review"] is False
    assert sender not in dump(office)


@pytest.mark.parametrize(
    "addresses",
    [
        ["203.0.113.90"],
        ["::ffff:203.0.113.91", "203.0.113.91"],
        ["2001:db8:9:1::1", "2001:db8:9:1:ffff::2"],
    ],
)
def test_an_address_that_changes_its_user_agent_is_one_sender(
    office: Room, agency: str, addresses: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.feedback.comments.submit.MAX_PER_ADDRESS_AND_DAY", 4)
    under_review = [
        send(
            office,
            comment(office.settings, agency=agency),
            x_forwarded_for=addresses[number % len(addresses)],
            user_agent=f"browser {number}",
        ).json()["under_review"]
        for number in range(6)
    ]
    assert under_review == [False] * 4 + [True] * 2


def test_an_agencys_own_entry_is_not_reviewed(office: Room, agency: str) -> None:
    body = comment(office.settings, agency=agency, form_token=None)
    assert send(office, body, caller=handler_of(agency)).json()["under_review"] is False


def test_what_another_agencys_key_files_is_reviewed_by_the_one_in_charge(
    office: Room, agency: str
) -> None:
    rival = handler_of(f"rival-of-{agency}")
    filed = send(office, comment(office.settings, agency=agency), caller=rival).json()
    assert filed["under_review"] is True
    [item] = listed_comments(office, agency)
    assert item["review_reasons"] == ["other_agency"]
    form = {"service_code": "time", "description": f"Lama sekali di {agency}"}
    sent = office.client.post(
        "/open311/v2/requests.json", data=form, headers=office.token(handler_of(agency))
    )
    ticket = sent.json()[0]["service_request_id"]
    found = call(office, "GET", f"{COMMENTS}?under_review=true", caller=ADMIN).json()["items"]
    [reasons] = [item["review_reasons"] for item in found if item["ticket"] == ticket]
    assert "other_agency" in reasons


def test_what_an_agency_files_for_itself_and_hands_on_is_reviewed_there(
    office: Room, agency: str
) -> None:
    other, own = f"other-of-{agency}", handler_of(agency)
    body = comment(office.settings, agency=agency)
    ticket = send(office, body, caller=own).json()["ticket"]
    move(office, ticket, "received", own, agency=other)
    [item] = listed_comments(office, other)
    assert item["review_reasons"] == ["other_agency"]
    # Back at the agency that filed it, it is its own again.
    assert move(office, ticket, "received", handler_of(other)).json()["under_review"] is False
    assert move(office, ticket, "closed", handler_of(other)).is_success


def test_handing_on_a_comment_does_not_accept_it(office: Room, agency: str) -> None:
    other = f"other-of-{agency}"
    spam, accepted = (file(office, agency=agency, form_token=None) for _ in range(2))
    move(office, accepted["ticket"], "received", handler_of(agency))
    for filed in (spam, accepted):
        assert move(
            office, filed["ticket"], "received", handler_of(agency), agency=other
        ).is_success
    reasons = {item["ticket"]: item["review_reasons"] for item in listed_comments(office, other)}
    assert reasons == {spam["ticket"]: ["missing_form_token"], accepted["ticket"]: []}
    assert move(office, spam["ticket"], "received", ADMIN, agency=agency).is_success
    [back] = listed_comments(office, agency)
    assert back["review_reasons"] == []


def test_the_form_gives_choices_consent_and_promises(office: Room) -> None:
    form = call(office, "GET", f"{COMMENTS}/form").json()
    assert [kind["code"] for kind in form["kinds"]] == [
        "complaint",
        "question",
        "comment",
        "praise",
    ]
    assert [promise["working_days"] for promise in form["service_levels"]] == [5, 14, 60]
    assert "62 Tahun 2018" in form["sources"][1]
    assert form["consent"]["version"] == "2026-1"
