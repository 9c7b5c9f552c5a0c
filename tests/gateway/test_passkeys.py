"""Passkeys: added, used to sign in and before a dangerous act, refused when they do not fit."""

import html
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from tests.conftest import Hub
from tests.gateway.authenticator import ATTESTED, Authenticator
from tests.gateway.people import PASSWORD, Colleague, colleague, execute

ORIGIN = "http://localhost"
PAGE = "/kelola/akun/kunci-sandi"
CODE = "/kelola/masuk/kode"


@pytest.fixture(scope="module")
def hub(toba_hub: Hub) -> Hub:
    """Provide a hub for a module, opened by a name for which browsers allow passkeys."""
    toba_hub.client.base_url = ORIGIN
    return toba_hub


@pytest.fixture(scope="module")
def account(hub: Hub) -> Colleague:
    """Provide a person who has signed in."""
    return colleague(hub, "pelapor@dukcapil.test", ("reporter", "dukcapil"))


@pytest.fixture
def person(hub: Hub, account: Colleague) -> Iterator[Colleague]:
    """Provide the person as if just signed in, without passkeys."""
    execute(
        hub, "UPDATE gateway.person_session SET verified_at = now() WHERE verified_at IS NOT NULL"
    )
    yield replace(account, cookies=httpx.Cookies(account.cookies))
    hub.client.cookies.clear()
    execute(hub, "DELETE FROM gateway.passkey")
    execute(hub, "DELETE FROM gateway.sign_in_attempt")


def options(text: str) -> dict[str, Any]:
    """Return what a page asks of the authenticator."""
    found = re.search(r'data-options="([^"]*)"', text)
    assert found is not None, text
    return json.loads(html.unescape(found[1]))


def add(person: Colleague, authenticator: Authenticator, name: str = "telepon") -> None:
    asked = options(person.get(PAGE).text)
    answer = person.post(PAGE, {"nama": name, "jawaban": authenticator.create(asked)})
    assert answer.status_code == 303, answer.text


def give_password(person: Colleague) -> dict[str, Any]:
    """Sign in as far as the second factor, and return what the page asks of the passkey."""
    person.cookies.clear()
    given = person.post("/kelola/masuk", {"surel": person.email, "sandi": PASSWORD})
    assert given.status_code == 303, given.text
    return options(person.get(CODE).text)


@pytest.mark.slow
def test_a_passkey_signs_in_in_place_of_a_code(person: Colleague) -> None:
    authenticator = Authenticator(ORIGIN, counter=1)
    add(person, authenticator)
    assert "belum dipakai" in person.get("/kelola/akun").text
    asked = give_password(person)
    assert person.get("/kelola/akun").status_code == 303  # not signed in yet
    authenticator.counter = 2
    signed_in = person.post(CODE, {"jawaban": authenticator.sign(asked)})
    assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/kelola")
    assert "terakhir dipakai" in person.get("/kelola/akun").text


def test_a_passkey_confirms_a_dangerous_act(person: Colleague, hub: Hub) -> None:
    authenticator = Authenticator(ORIGIN)
    add(person, authenticator)
    execute(hub, "UPDATE gateway.person_session SET verified_at = now() - interval '1 hour'")
    assert person.get(PAGE).headers["location"].startswith("/kelola/konfirmasi")
    asked = options(person.get(f"/kelola/konfirmasi?ke={PAGE}").text)
    confirmed = person.post(f"/kelola/konfirmasi?ke={PAGE}", {"jawaban": authenticator.sign(asked)})
    assert (confirmed.status_code, confirmed.headers["location"]) == (303, PAGE)
    assert person.get(PAGE).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://hub.example"},
        {"host": "hub.example"},
        {"credential_id": b"another passkey"},
        {"flags": 0},
        {"flags": 0x01 | ATTESTED},
    ],
    ids=["other site", "other relying party", "unknown passkey", "nobody present", "cut off"],
)
def test_what_does_not_fit_is_refused(person: Colleague, wrong: dict[str, Any]) -> None:
    authenticator = Authenticator(ORIGIN)
    add(person, authenticator)
    asked = give_password(person)
    for name, value in wrong.items():
        setattr(authenticator, name, value)
    refused = person.post(CODE, {"jawaban": authenticator.sign(asked)})
    assert refused.status_code == 403
    assert "Kunci sandi ini tidak cocok" in refused.text


MALFORMED = ("x", "{}", "[]", "null", "1e999", "[" * 9000, "x" * 20_000, '{"rawId": 3}')


@pytest.mark.slow
def test_what_is_no_answer_is_refused(person: Colleague) -> None:
    add(person, Authenticator(ORIGIN))
    give_password(person)
    another = Authenticator(ORIGIN).sign({"challenge": "eA"})
    for answer in (*MALFORMED, another):
        assert person.post(CODE, {"jawaban": answer}).status_code == 403, answer[:20]


def test_an_answer_is_accepted_once(person: Colleague) -> None:
    authenticator = Authenticator(ORIGIN)
    add(person, authenticator)
    asked = give_password(person)
    answer = authenticator.sign(asked)
    waiting = dict(person.cookies)
    assert person.post(CODE, {"jawaban": answer}).status_code == 303
    give_password(person)
    assert person.post(CODE, {"jawaban": answer}).status_code == 403  # another challenge
    person.cookies.clear()
    person.cookies.update(waiting)
    assert person.post(CODE, {"jawaban": answer}).status_code == 403  # the session is over


def test_a_wrong_answer_uses_up_the_challenge(person: Colleague) -> None:
    authenticator = Authenticator(ORIGIN)
    add(person, authenticator)
    asked = give_password(person)
    assert person.post(CODE, {"jawaban": "{}"}).status_code == 403
    # The page of the refusal asks anew; what was asked before is not accepted.
    assert person.post(CODE, {"jawaban": authenticator.sign(asked)}).status_code == 403


def test_a_copied_passkey_is_refused(person: Colleague) -> None:
    authenticator = Authenticator(ORIGIN, counter=7)
    add(person, authenticator)
    for counter, status in ((8, 303), (8, 403), (3, 403)):
        asked = give_password(person)
        authenticator.counter = counter
        assert person.post(CODE, {"jawaban": authenticator.sign(asked)}).status_code == status


@pytest.mark.slow
def test_the_passkey_of_another_person_is_refused(hub: Hub, person: Colleague) -> None:
    other = colleague(hub, "lain@dpmptsp.test", ("reporter", "dpmptsp"))
    theirs = Authenticator(ORIGIN)
    add(other, theirs)
    add(person, Authenticator(ORIGIN))
    asked = give_password(person)
    assert person.post(CODE, {"jawaban": theirs.sign(asked)}).status_code == 403


def test_an_answer_too_late_is_refused(hub: Hub, person: Colleague) -> None:
    authenticator = Authenticator(ORIGIN)
    add(person, authenticator)
    asked = give_password(person)
    execute(hub, "UPDATE gateway.person_session SET challenged_at = now() - interval '6 minutes'")
    assert person.post(CODE, {"jawaban": authenticator.sign(asked)}).status_code == 403


@pytest.mark.slow
def test_wrong_answers_are_limited_as_codes_are(person: Colleague) -> None:
    add(person, Authenticator(ORIGIN))
    give_password(person)
    statuses = [person.post(CODE, {"jawaban": "{}"}).status_code for _ in range(10)]
    assert statuses[-1] == 429


def test_a_passkey_is_added_once_with_a_name(person: Colleague) -> None:
    authenticator = Authenticator(ORIGIN)
    add(person, authenticator)
    asked = options(person.get(PAGE).text)
    assert [key["id"] for key in asked["excludeCredentials"]]
    again = person.post(PAGE, {"nama": "lagi", "jawaban": authenticator.create(asked)})
    assert again.status_code == 422
    assert "sudah Anda tambahkan" in again.text
    unnamed = person.post(PAGE, {"nama": " ", "jawaban": "{}"})
    assert (unnamed.status_code, "Tulis nama" in unnamed.text) == (422, True)
    malformed = person.post(PAGE, {"nama": "x", "jawaban": '{"rawId": "!"}'})
    assert (malformed.status_code, "belum tersimpan" in malformed.text) == (422, True)


def test_a_deleted_passkey_signs_in_no_longer(person: Colleague, hub: Hub) -> None:
    kept, lost = Authenticator(ORIGIN), Authenticator(ORIGIN)
    add(person, kept)
    add(person, lost)
    [row] = execute(
        hub, "SELECT id FROM gateway.passkey WHERE credential_id = $1", lost.credential_id
    )
    assert person.post(f"{PAGE}/{row['id']}/hapus").status_code == 303
    asked = give_password(person)
    assert person.post(CODE, {"jawaban": lost.sign(asked)}).status_code == 403
    asked = give_password(person)
    assert person.post(CODE, {"jawaban": kept.sign(asked)}).status_code == 303


def test_a_new_link_ends_the_passkeys_of_a_lost_telephone(person: Colleague, hub: Hub) -> None:
    add(person, Authenticator(ORIGIN))
    colleague(hub, person.email, ("reporter", "dukcapil"))
    assert not execute(hub, "SELECT FROM gateway.passkey")


def test_an_address_without_a_name_offers_none(hub: Hub, person: Colleague) -> None:
    try:
        hub.client.base_url = "http://127.0.0.1"
        elsewhere = colleague(hub, "lain@dpmptsp.test", ("reporter", "dpmptsp"))
        assert PAGE not in elsewhere.get("/kelola/akun").text
        assert elsewhere.get(PAGE).status_code == 403
    finally:
        hub.client.base_url = ORIGIN
