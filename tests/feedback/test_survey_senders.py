"""One sender is one person: few of its responses count, and no figure isolates anybody by them."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.feedback.app import create_app
from services.feedback.surveys.responses import form_name
from services.platform.identity import Caller
from services.platform.local_time import DEFAULT_ZONE
from services.platform.spreadsheets.model import CSV, XLSX
from tests.conftest import Room, Server, agency_caller, room
from tests.feedback.answering import answer, form_token, new_address
from tests.feedback.feedback_rows import date_issues_back
from tests.feedback.questionnaires import question, survey
from tests.feedback.sending import SURVEYS, USAGE, load
from tests.feedback.sheets import opened
from tests.rows import rows

NUMBERS = count(1)
YES = {"answers": {"Q": "yes"}}
NO = {"answers": {"Q": "no"}}
ADMIN = agency_caller("diskominfo", "admin")
DUKCAPIL = agency_caller("dukcapil", "usage:write")
COLLECTOR = agency_caller("diskominfo", "surveys:collect")
SERVICES = [f"layanan-{number}" for number in range(12)]
OBLIGATIONS = [("dukcapil", "ktp"), ("disdik", "ijazah"), *[("dukcapil", s) for s in SERVICES]]


@pytest.fixture(scope="module")
def guarded(server: Server, migrated: str) -> Iterator[Room]:
    """Provide a feedback service that counts as many responses of a sender as by default."""
    with server.database_from(migrated) as name:
        settings = server.settings(name, survey_responses_per_sender=3)
        with room(create_app, settings) as started:
            yield started


@pytest.fixture
def slug(guarded: Room) -> str:
    """Provide a survey that no other test uses."""
    name = f"survey-{next(NUMBERS)}"
    load(guarded, survey(slug=name), obligations=OBLIGATIONS)
    return name


def results(guarded: Room, slug: str, **parameters: Any) -> dict[str, Any]:
    guarded.form_bundles()
    return guarded.get(f"{SURVEYS}/{slug}/results", **parameters).json()


def counts(found: dict[str, Any], code: str = "Q") -> dict[str, int] | None:
    for asked in found["questions"]:
        if asked["code"] == code:
            return {option["code"]: option["count"] for option in asked["options"]}
    return None


def held(guarded: Room, slug: str, caller: Caller = ADMIN, **query: Any) -> list[dict[str, Any]]:
    found = guarded.get(f"{SURVEYS}/{slug}/held", caller=caller, **query)
    assert found.status_code == 200, found.text
    return found.json()["items"]


def decide(
    guarded: Room, slug: str, responses: Sequence[str], decision: str, caller: Caller = ADMIN
) -> httpx.Response:
    body = {"responses": responses, "decision": decision, "reason": "Wi-Fi kantor, banyak warga."}
    return guarded.post(f"{SURVEYS}/{slug}/held/decisions", body, caller=caller)


# What one sender may add


@pytest.mark.slow
def test_of_forty_responses_of_one_sender_three_count(guarded: Room, slug: str) -> None:
    address = new_address()
    sent = [answer(guarded, slug, YES | {"service": "ktp"}, address=address) for _ in range(40)]
    assert [each.status_code for each in sent] == [201] * 3 + [202] * 37
    assert [each.json()["state"] for each in sent] == ["counted"] * 3 + ["held"] * 37
    for _ in range(5):
        answer(guarded, slug, NO | {"service": "ktp"})
    found = results(guarded, slug)
    assert counts(found) == {"yes": 3, "no": 5}
    assert (found["n"], found["senders"], found["by_mode"]) == (8, 6, {"api": 8})


@pytest.mark.slow
def test_concurrent_responses_of_one_sender_are_counted_too(guarded: Room, slug: str) -> None:
    address = new_address()
    with ThreadPoolExecutor(8) as pool:
        sent = list(pool.map(lambda _: answer(guarded, slug, YES, address=address), range(16)))
    assert sorted(each.status_code for each in sent) == [201] * 3 + [202] * 13


def test_a_sender_that_answers_about_every_service_is_held_too(guarded: Room, slug: str) -> None:
    address = new_address()
    sent = [
        answer(guarded, slug, YES | {"service": service}, address=address).status_code
        for service in SERVICES
    ]
    assert sent == [201] * 9 + [202] * 3


@pytest.mark.parametrize(
    "addresses",
    [
        ["2001:db8:7:1::1", "2001:db8:7:1::2", "2001:db8:7:1:8000::", "2001:db8:7:1:ffff::9"],
        ["::ffff:198.51.100.77", "198.51.100.77", "::ffff:c633:644d", "198.51.100.77"],
    ],
)
def test_addresses_of_one_subscriber_are_one_sender(
    guarded: Room, slug: str, addresses: list[str]
) -> None:
    sent = [answer(guarded, slug, YES, address=each).status_code for each in addresses]
    assert sent == [201] * 3 + [202]
    assert answer(guarded, slug, YES, address="2001:db8:7:2::1").status_code == 201


def test_another_browser_channel_or_district_is_no_other_sender(guarded: Room, slug: str) -> None:
    address, sent = new_address(), list[int]()
    for number in range(5):
        about = {
            "channel": ("online", "counter")[number % 2],
            "district": f"12.12.0{number % 2 + 1}",
        }
        headers = guarded.token() | {"X-Forwarded-For": address, "User-Agent": f"agent {number}"}
        path = f"{SURVEYS}/{slug}/responses"
        sent.append(guarded.client.post(path, json=YES | about, headers=headers).status_code)
    assert sent == [201] * 3 + [202] * 2


def test_a_response_that_is_sent_again_counts_against_nobody(guarded: Room, slug: str) -> None:
    address, body = new_address(), YES | {"id": str(uuid4())}
    sent = [answer(guarded, slug, body, address=address).status_code for _ in range(6)]
    assert sent == [201] + [200] * 5
    assert answer(guarded, slug, YES, address=address).status_code == 201


def test_one_sender_cannot_use_up_the_tokens_of_many(guarded: Room) -> None:
    load(guarded, survey(slug="rated", needs_token=True), obligations=OBLIGATIONS)
    wanted = {"service": "ktp", "count": 5, "survey": "rated"}
    issued = guarded.post(f"{USAGE}/rating-tokens", wanted, caller=DUKCAPIL).json()["items"]
    address = new_address()
    sent = [
        answer(guarded, "rated", YES | {"token": item["token"]}, address=address).status_code
        for item in issued
    ]
    assert sent == [201] * 3 + [202] * 2


# Forms


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ({}, "missing_form_token"),
        ({"form_token": "1.made-up"}, "missing_form_token"),
        ({"form_token": 1}, "too_fast"),
        ({"form_token": 90_000}, "expired_form_token"),
        ({"form_token": "of another survey"}, "missing_form_token"),
        ({"form_token": 60, "website": "https://pills.example"}, "honeypot"),
        ({"form_token": 60}, None),
    ],
    ids=str,
)
@pytest.mark.parametrize("mode", ["page", "qr"])
def test_a_form_that_no_person_filled_in_is_held(
    guarded: Room, slug: str, mode: str, form: dict[str, Any], reason: str | None
) -> None:
    sent = dict(form)
    if isinstance(form.get("form_token"), int):
        sent["form_token"] = form_token(
            guarded.settings, form_name(slug), seconds_ago=form["form_token"]
        )
    elif form.get("form_token") == "of another survey":
        sent["form_token"] = form_token(guarded.settings, form_name("another"))
    receipt = answer(guarded, slug, YES | sent | {"mode": mode})
    assert receipt.status_code == (201 if reason is None else 202)
    assert [each["reasons"] for each in held(guarded, slug)] == ([[reason]] if reason else [])


def test_a_program_finds_the_token_of_a_form(guarded: Room, slug: str) -> None:
    form = guarded.get(f"{SURVEYS}/{slug}/form")
    assert form.headers["cache-control"] == "no-store"
    receipt = answer(guarded, slug, YES | {"mode": "page"} | form.json())
    assert receipt.status_code == 202
    assert held(guarded, slug)[0]["reasons"] == ["too_fast"]
    assert guarded.get(f"{SURVEYS}/no-such/form").status_code == 404


# Enumerators and kiosks


@pytest.mark.parametrize("mode", ["kiosk", "enumerator"])
def test_a_device_of_many_people_needs_an_agencys_key(guarded: Room, slug: str, mode: str) -> None:
    body = YES | {"mode": mode, "service": "ktp"}
    assert answer(guarded, slug, body).status_code == 401
    gateway = Caller(subject="gateway", scopes=frozenset({"usage:write"}))
    assert answer(guarded, slug, body, caller=gateway).status_code == 401
    reader = agency_caller("dukcapil", "comments:write")
    assert answer(guarded, slug, body, caller=reader).status_code == 403
    other = agency_caller("disdik", "usage:write")
    refused = answer(guarded, slug, body, caller=other)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (403, "#/agency")
    assert answer(guarded, slug, body, caller=DUKCAPIL).status_code == 201
    assert answer(guarded, slug, body, caller=COLLECTOR).status_code == 201
    assert held(guarded, slug) == []


@pytest.mark.parametrize("mode", ["kiosk", "enumerator"])
@pytest.mark.parametrize(
    "subject", [{}, {"service": "ijazah"}, {"agency": "disdik"}, {"channel": "counter"}]
)
def test_a_key_that_is_not_issued_to_collect_adds_to_no_figures_but_its_agencys(
    guarded: Room, slug: str, mode: str, subject: dict[str, str]
) -> None:
    refused = answer(guarded, slug, YES | subject | {"mode": mode}, caller=DUKCAPIL)
    assert refused.status_code == 403
    assert refused.json()["errors"][0]["pointer"] == "#/agency"
    own = YES | {"mode": mode, "agency": "dukcapil"}
    assert answer(guarded, slug, own, caller=DUKCAPIL).status_code == 201
    about_any = YES | subject | {"mode": mode}
    assert answer(guarded, slug, about_any, caller=COLLECTOR).status_code == 201


def test_an_enumerators_responses_of_days_arrive_at_once_and_all_count(
    guarded: Room, slug: str
) -> None:
    address, today = new_address(), datetime.now(DEFAULT_ZONE).date()
    for number in range(30):
        day = today - timedelta(days=number % 15)
        body = YES | {"mode": "enumerator", "answered_on": str(day), "service": "ktp"}
        receipt = answer(guarded, slug, body, caller=COLLECTOR, address=address)
        assert receipt.status_code == 201, receipt.text
    years = {str((today - timedelta(days=days)).year) for days in range(15)}
    assert sum(results(guarded, slug, period=year)["n"] or 0 for year in years) >= 25


@pytest.mark.parametrize(
    ("mode", "days", "status"),
    [
        ("enumerator", 14, 201),
        ("enumerator", 15, 409),
        ("enumerator", -1, 409),
        ("kiosk", 0, 201),
        ("kiosk", 1, 409),
        ("page", 1, 409),
        ("qr", 1, 409),
        ("api", 1, 409),
        ("api", 4000, 409),
        ("api", -1, 409),
    ],
)
def test_only_an_enumerator_answers_for_an_earlier_day(
    guarded: Room, slug: str, mode: str, days: int, status: int
) -> None:
    day = datetime.now(DEFAULT_ZONE).date() - timedelta(days=days)
    body = YES | {"mode": mode, "answered_on": str(day)}
    sent = answer(guarded, slug, body, caller=COLLECTOR)
    assert sent.status_code == status, sent.text
    if status == 409:
        assert [error["pointer"] for error in sent.json()["errors"]] == ["#/answered_on"]


def test_a_rating_token_is_not_used_at_a_device_of_many_people(guarded: Room) -> None:
    load(guarded, survey(slug="token-device", needs_token=True), obligations=OBLIGATIONS)
    wanted = {"service": "ktp", "survey": "token-device"}
    [item] = guarded.post(f"{USAGE}/rating-tokens", wanted, caller=DUKCAPIL).json()["items"]
    body = YES | {"token": item["token"], "mode": "kiosk"}
    refused = answer(guarded, "token-device", body, caller=DUKCAPIL)
    assert [error["pointer"] for error in refused.json()["errors"]] == ["#/mode"]


# Held responses


def test_held_responses_count_once_they_are_released(guarded: Room, slug: str) -> None:
    address = new_address()
    for _ in range(6):
        answer(guarded, slug, YES | {"service": "ktp"}, address=address)
    for _ in range(4):
        answer(guarded, slug, NO | {"service": "ktp"})
    waiting = held(guarded, slug)
    assert [each["reasons"] for each in waiting] == [["too_many_from_sender"]] * 3
    assert len({each["sender"] for each in waiting}) == 1
    assert results(guarded, slug)["n"] == 7
    first, second, third = (each["id"] for each in waiting)
    assert decide(guarded, slug, [first, second], "release").json()["decided"] == 2
    assert decide(guarded, slug, [third], "refuse").status_code == 200
    assert held(guarded, slug) == []
    [refused] = held(guarded, slug, state="refused")
    assert (refused["id"], refused["sender"], refused["decided_by"]) == (third, None, "diskominfo")
    assert refused["decision_reason"] == "Wi-Fi kantor, banyak warga."
    assert results(guarded, slug)["n"] == 7  # the two are one person's, and wait for four others
    for _ in range(4):
        answer(guarded, slug, NO | {"service": "ktp"})
    found = results(guarded, slug)
    assert (found["n"], found["senders"]) == (13, 10)
    again = decide(guarded, slug, [third], "release")
    assert again.status_code == 409
    assert [error["pointer"] for error in again.json()["errors"]] == ["#/responses/0"]


def test_an_agency_decides_about_its_own_without_seeing_the_answers(
    guarded: Room, slug: str
) -> None:
    address = new_address()
    for service in ("ktp", "ijazah"):
        for _ in range(4):
            answer(guarded, slug, YES | {"service": service}, address=address)
    [own] = held(guarded, slug, DUKCAPIL)
    assert (own["agency"], own["service"]) == ("dukcapil", "ktp")
    assert "answers" not in own
    assert "yes" not in str(own)
    both = [each["id"] for each in held(guarded, slug)]
    assert len(both) == 2
    assert decide(guarded, slug, both, "release", DUKCAPIL).status_code == 409
    assert len(held(guarded, slug)) == 2
    assert decide(guarded, slug, [own["id"]], "release", DUKCAPIL).status_code == 200
    for caller, status in ((COLLECTOR, 403), (agency_caller("x", "comments:write"), 403)):
        assert guarded.get(f"{SURVEYS}/{slug}/held", caller=caller).status_code == status
    assert guarded.get(f"{SURVEYS}/{slug}/held").status_code == 401
    assert decide(guarded, slug, both, "release", COLLECTOR).status_code == 403


def test_held_responses_are_listed_page_by_page(guarded: Room, slug: str) -> None:
    address = new_address()
    for _ in range(8):
        answer(guarded, slug, YES, address=address)
    seen, path = list[str](), f"{SURVEYS}/{slug}/held?limit=2"
    while path:
        page = guarded.get(path, caller=ADMIN).json()
        seen += [each["id"] for each in page["items"]]
        path = page["next"]
    assert len(seen) == len(set(seen)) == 5


# Groups of people


def test_responses_of_one_sender_are_one_person(guarded: Room, slug: str) -> None:
    crowd, citizen = new_address(), new_address()
    for _ in range(3):
        answer(guarded, slug, YES, address=crowd)
    for _ in range(2):
        answer(guarded, slug, NO, address=citizen)
    assert (results(guarded, slug)["n"], results(guarded, slug)["suppressed"]) == (None, True)
    for _ in range(2):
        answer(guarded, slug, YES)
    assert results(guarded, slug)["n"] is None  # seven responses of four people
    answer(guarded, slug, YES)
    found = results(guarded, slug)
    assert (found["n"], found["senders"]) == (8, 5)


def test_a_question_that_four_people_answered_often_is_left_out(guarded: Room) -> None:
    optional = question("rare", required=False)
    load(guarded, survey(question("Q"), optional, slug="rare"), obligations=OBLIGATIONS)
    crowd = new_address()
    for _ in range(3):
        answer(guarded, "rare", {"answers": {"Q": "yes", "rare": "yes"}}, address=crowd)
    for _ in range(3):
        answer(guarded, "rare", {"answers": {"Q": "yes", "rare": "no"}})
    answer(guarded, "rare", YES)
    found = results(guarded, "rare")
    assert (found["n"], found["senders"]) == (7, 5)
    assert counts(found, "rare") is None


def test_enumerators_who_heard_the_answers_are_not_mixed_with_others(
    guarded: Room, slug: str
) -> None:
    for _ in range(4):
        answer(guarded, slug, YES | {"mode": "enumerator", "service": "ktp"}, caller=DUKCAPIL)
    answer(guarded, slug, NO | {"service": "ktp"})
    assert results(guarded, slug)["n"] is None
    answer(guarded, slug, YES | {"mode": "enumerator", "service": "ktp"}, caller=DUKCAPIL)
    found = results(guarded, slug)
    assert counts(found) == {"yes": 5, "no": 0}
    assert found["by_mode"] == {"enumerator": 5}
    for _ in range(4):
        answer(guarded, slug, NO | {"service": "ktp"})
    assert results(guarded, slug)["by_mode"] == {"api": 5, "enumerator": 5}


def test_an_agency_does_not_surround_a_person_at_its_kiosk(guarded: Room, slug: str) -> None:
    kiosk = {"mode": "kiosk", "service": "ktp"}
    for _ in range(8):
        answer(guarded, slug, YES | kiosk, caller=DUKCAPIL)
    answer(guarded, slug, NO | kiosk, caller=DUKCAPIL)
    assert results(guarded, slug)["n"] is None
    date_issues_back(guarded.settings)
    for _ in range(4):
        answer(guarded, slug, YES | kiosk, caller=DUKCAPIL)
    assert results(guarded, slug)["n"] is None  # without the first day, four people
    answer(guarded, slug, YES | kiosk, caller=DUKCAPIL)
    found = results(guarded, slug)
    assert (found["n"], found["by_mode"]) == (14, {"kiosk": 14})


def test_a_mode_of_few_people_is_not_named(guarded: Room, slug: str) -> None:
    for _ in range(5):
        answer(guarded, slug, YES)
    token = form_token(guarded.settings, form_name(slug))
    answer(guarded, slug, NO | {"mode": "qr", "form_token": token})
    assert results(guarded, slug)["by_mode"] == {"mixed": 6}


def issue(guarded: Room, survey: str, number: int) -> list[str]:
    wanted = {"service": "ktp", "channel": "visit", "count": number, "survey": survey}
    issued = guarded.post(f"{USAGE}/rating-tokens", wanted, caller=DUKCAPIL)
    assert issued.status_code == 201, issued.text
    return [item["token"] for item in issued.json()["items"]]


@pytest.mark.slow
@pytest.mark.parametrize("acts", [(5,), (1, 1, 1, 1, 1), (12,), (4, 8)])
def test_tokens_that_an_agency_issues_on_one_day_surround_nobody(
    guarded: Room, acts: tuple[int, ...]
) -> None:
    slug = f"rated-{next(NUMBERS)}"
    load(guarded, survey(slug=slug, needs_token=True), obligations=OBLIGATIONS)
    citizen, *own = [token for number in acts for token in issue(guarded, slug, number)]
    for token in own:
        assert answer(guarded, slug, YES | {"token": token}).status_code == 201
    assert answer(guarded, slug, NO | {"token": citizen}).status_code == 201
    assert results(guarded, slug, service="ktp", channel="visit")["n"] is None
    export = guarded.get(f"{SURVEYS}/{slug}/exports/responses.csv", caller=DUKCAPIL)
    assert len(export.text.splitlines()) == 1


def test_tokens_of_two_days_are_published_when_five_people_remain_without_either(
    guarded: Room,
) -> None:
    slug = f"rated-{next(NUMBERS)}"
    load(guarded, survey(slug=slug, needs_token=True), obligations=OBLIGATIONS)
    staff = new_address()
    for token in issue(guarded, slug, 5):
        assert answer(guarded, slug, YES | {"token": token}).status_code == 201
    date_issues_back(guarded.settings)
    for token in issue(guarded, slug, 3):
        answer(guarded, slug, YES | {"token": token}, address=staff)
    assert results(guarded, slug)["n"] is None
    for token in issue(guarded, slug, 4):
        answer(guarded, slug, NO | {"token": token})
    found = results(guarded, slug)
    assert (found["n"], found["senders"]) == (12, 10)


def told(export: httpx.Response) -> object:
    """Return what an export tells, without when it was made."""
    kind = export.headers["content-type"]
    if kind == XLSX:
        return [[list(row) for row in sheet.values] for sheet in opened(export)]
    assert export.status_code == 200, export.text
    # The header of an SPSS file has its date and time here.
    return export.content if kind == CSV else export.content[:92] + export.content[109:]


@pytest.mark.parametrize("file", ["responses.csv", "responses.xlsx", "responses.sav"])
def test_whoever_polls_an_export_reads_no_single_response(
    guarded: Room, slug: str, file: str
) -> None:
    path = f"{SURVEYS}/{slug}/exports/{file}"

    def exported() -> object:
        guarded.form_bundles()
        return told(guarded.get(path, caller=DUKCAPIL))

    for _ in range(5):
        answer(guarded, slug, YES | {"service": "ktp"})
    before = exported()
    body = NO | {"service": "ktp", "mode": "kiosk", "channel": "counter"}
    assert answer(guarded, slug, body, caller=DUKCAPIL).status_code == 201
    assert exported() == before
    assert guarded.get(path, caller=ADMIN).status_code == 200


def test_an_agencys_export_has_no_questions_about_the_person(guarded: Room) -> None:
    load(
        guarded,
        survey(question("Q"), question("sex", about="sex", required=False), slug="person"),
        obligations=OBLIGATIONS,
    )
    for _ in range(5):
        answer(guarded, "person", {"answers": {"Q": "yes", "sex": "no"}, "service": "ktp"})
    guarded.form_bundles()
    path = f"{SURVEYS}/person/exports/responses.csv"
    for caller, has_it in ((DUKCAPIL, False), (ADMIN, True)):
        head, *lines = guarded.get(path, caller=caller).text.splitlines()
        assert ("sex" in head.split(";"), len(lines)) == (has_it, 5)


def test_who_sent_a_response_is_forgotten_with_its_bundle(guarded: Room, slug: str) -> None:
    kept = "SELECT count(*), count(sender), count(*) FILTER (WHERE issue <> '') " + (
        "FROM feedback.response WHERE survey = $1"
    )
    for _ in range(4):
        answer(guarded, slug, YES)
    guarded.form_bundles()
    assert rows(guarded.settings, kept, slug) == [(4, 4, 0)]
    answer(guarded, slug, YES)
    guarded.form_bundles()
    assert rows(guarded.settings, kept, slug) == [(5, 0, 0)]


def test_a_read_forms_no_bundle(guarded: Room, slug: str) -> None:
    for _ in range(6):
        answer(guarded, slug, YES)
    for path in ("results", "breakdown?by=channel", "follow-up"):
        guarded.get(f"{SURVEYS}/{slug}/{path}")
    guarded.get(f"{SURVEYS}/{slug}/exports/responses.csv", caller=ADMIN)
    assert guarded.get(f"{SURVEYS}/{slug}/results").json()["n"] is None
    assert results(guarded, slug)["n"] == 6
