"""People who keep the hub: invitations, signing in, sessions, and who is let in."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from pyotp.totp import TOTP

from services.gateway.people.passwords import NO_ACCOUNT, find_fault
from services.gateway.people.second_factors import matching_step, new_recovery_codes
from services.gateway.people.sign_in import MAX_ACCOUNT_ATTEMPTS
from tests.conftest import Hub
from tests.gateway.people import (
    COST_OF_A_HUB,
    PASSWORD,
    Colleague,
    colleague,
    execute,
    invite_person,
    visitor,
)
from tests.rows import oblige_since

pytestmark = pytest.mark.usefixtures("signed_out")

SIGN_IN = "/kelola/masuk"


@pytest.fixture(scope="module")
def hub(toba_hub: Hub) -> Hub:
    """Provide a hub for a module; each test has people of its own."""
    return toba_hub


@pytest.fixture(scope="module")
def reporter(hub: Hub) -> Colleague:
    """Provide a reporter of Dukcapil who does not change."""
    return colleague(hub, "pelapor@dukcapil.test", ("reporter", "dukcapil"))


def test_an_invited_person_sets_up_an_account_and_sees_what_waits(reporter: Colleague) -> None:
    assert len(set(reporter.recovery_codes)) == 10
    oblige_since(reporter.hub.settings, date(2026, 1, 1))
    desk = reporter.get("/kelola")
    assert desk.status_code == 200
    assert "Dinas Kependudukan dan Pencatatan Sipil" in desk.text
    assert "Pelapor statistik" in desk.text
    assert "belum dilaporkan" in desk.text
    assert desk.headers["cache-control"] == "no-store"
    assert "is not reported yet" in reporter.get("/kelola?lang=en").text


@pytest.mark.slow
def test_the_desk_has_what_the_roles_allow(hub: Hub, reporter: Colleague) -> None:
    editor = colleague(hub, "penyunting@dukcapil.test", ("editor", "dukcapil")).get("/kelola").text
    assert editor.count("Periksa layanan") == 5
    assert "belum dilaporkan" not in editor
    assert "Periksa layanan" not in reporter.get("/kelola").text
    invite_person(hub, "belum@dukcapil.test", ("reporter", "dukcapil"))
    head = colleague(hub, "pengelola@toba.test", ("administrator", None))
    assert "undangan belum dibuka" in head.get("/kelola").text


@pytest.mark.slow
def test_signing_in_takes_password_and_code_and_the_cookie_is_held_tight(hub: Hub) -> None:
    person = colleague(hub, "masuk@dukcapil.test", ("reporter", "dukcapil"))
    assert person.post("/kelola/keluar").headers["location"] == SIGN_IN
    assert person.get("/kelola").headers["location"] == SIGN_IN
    assert person.sign_in("kata sandi yang salah").status_code == 403
    assert person.sign_in(code="000000").status_code == 403
    # The password alone opens nothing, and its session is not the one that the code begins.
    assert person.get("/kelola").headers["location"] == SIGN_IN
    before = dict(person.cookies)
    answer = person.sign_in()
    assert set(before.values()).isdisjoint(person.cookies.values())
    assert all(len(token) >= 43 for token in person.cookies.values()), "256 bits in base64"
    assert answer.headers["location"] == "/kelola"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert person.get("/kelola").status_code == 200


def test_signing_in_leads_back_to_a_page_of_the_workspace_only(reporter: Colleague) -> None:
    wanted = visitor(reporter.hub)
    assert wanted.get("/kelola/konfirmasi").headers["location"] == (
        f"{SIGN_IN}?ke=%2Fkelola%2Fkonfirmasi"
    )
    for target, end in (("/kelola/akun", "/kelola/akun"), ("//evil.example", "/kelola")):
        answer = reporter.get(f"{SIGN_IN}?ke={target}")
        assert answer.headers["location"] == end


def test_a_code_is_accepted_once_and_so_is_a_recovery_code(hub: Hub) -> None:
    person = colleague(hub, "sekali@dukcapil.test", ("reporter", "dukcapil"))
    code = person.code()
    assert person.sign_in(code=code).status_code == 303
    assert person.sign_in(code=code).status_code == 403
    recovery = person.recovery_codes[0]
    assert person.sign_in(code=recovery.upper().replace("-", " ")).status_code == 303
    assert person.sign_in(code=recovery).status_code == 403


def test_a_code_lives_for_a_step_beside_its_own_and_recovery_codes_cannot_be_guessed() -> None:
    secret, now = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", datetime(2026, 3, 2, 1, 0, 15, tzinfo=UTC)
    code = TOTP(secret).at(now)
    lives = [
        step
        for step in range(-3, 4)
        if matching_step(secret, code, now=now + timedelta(seconds=30 * step), after=0)
    ]
    assert lives == [-1, 0, 1]
    codes = new_recovery_codes()
    assert all(re.fullmatch(r"[2-9a-hjkmnp-z]{5}-[2-9a-hjkmnp-z]{5}", each) for each in codes)
    assert len(set(codes)) == 10


def test_fields_for_secrets_are_masked_and_open_to_password_managers(reporter: Colleague) -> None:
    signing_in = visitor(reporter.hub).get(SIGN_IN)
    assert re.findall(r'<input id="(\w+)"', signing_in.text) == ["surel", "sandi"], "no hints"
    for page in (signing_in, reporter.get("/kelola/akun/sandi")):
        fields = re.findall(r'<input id="(?:sandi|baru)"[^>]*>', page.text)
        assert fields
        for each in fields:
            assert 'type="password"' in each
            assert re.search(r'autocomplete="(current|new)-password"', each)
            assert int(re.findall(r'maxlength="(\d+)"', each)[0]) >= 128
        assert "onpaste" not in page.text
        assert "unsafe" not in page.headers["content-security-policy"]


def test_an_unknown_account_is_answered_as_a_wrong_password_is(reporter: Colleague) -> None:
    answers = [
        reporter.hub.client.post(SIGN_IN, data={"surel": email, "sandi": "kata sandi yang salah"})
        for email in (reporter.email, "tidak.ada@dukcapil.test", "tidak\0ada@dukcapil.test")
    ]
    assert {answer.status_code for answer in answers} == {403}
    texts = {re.sub(r'value="[^"]*@dukcapil.test"', "", answer.text) for answer in answers}
    assert len(texts) == 1


@pytest.mark.slow
def test_wrong_attempts_are_limited_for_an_account_whether_it_exists_or_not(hub: Hub) -> None:
    for _ in range(MAX_ACCOUNT_ATTEMPTS):
        answer = hub.client.post(SIGN_IN, data={"surel": "ditebak@dukcapil.test", "sandi": "x"})
        assert answer.status_code == 403
    answer = hub.client.post(SIGN_IN, data={"surel": "Ditebak@dukcapil.test", "sandi": "x"})
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "900"
    assert hub.client.post(SIGN_IN, data={"surel": "lain@dukcapil.test"}).status_code == 403


def test_an_invitation_is_for_one_use_and_ends(hub: Hub) -> None:
    person = colleague(hub, "undangan@dukcapil.test", ("reporter", "dukcapil"))
    left = (
        "SELECT count(*) FROM gateway.person_invitation i JOIN gateway.person p ON p.id = i.person "
        "WHERE p.email = $1 AND i.used_at IS NULL"
    )
    assert execute(hub, left, person.email)[0][0] == 0
    late = datetime.now(UTC) - timedelta(days=8)
    over = invite_person(hub, person.email, ("reporter", "dukcapil"), now=late)
    replaced = invite_person(hub, "lain@dukcapil.test", ("reporter", "dukcapil"))
    newest = invite_person(hub, "lain@dukcapil.test", ("reporter", "dukcapil"))
    for issued, status in ((over, 404), (replaced, 404), (newest, 200)):
        guest = visitor(hub)
        guest.get(issued.path)
        assert guest.get("/kelola/undangan").status_code == status
        assert guest.post_invitation("", {"nama": "A"}).status_code in {404, 422}


def test_a_new_link_replaces_what_somebody_signed_in_with(hub: Hub) -> None:
    before = colleague(hub, "telepon@dukcapil.test", ("reporter", "dukcapil"))
    after = colleague(hub, "telepon@dukcapil.test", ("reporter", "dukcapil"))
    assert before.get("/kelola").headers["location"] == SIGN_IN
    assert before.sign_in(code=before.code()).status_code == 403
    assert after.sign_in(code=after.code()).status_code == 303


def test_a_first_administrator_enters_the_address(hub: Hub) -> None:
    issued = invite_person(hub, None, ("administrator", None))
    guest = visitor(hub)
    guest.get(issued.path)
    faulty = guest.post_invitation("", {"nama": "", "sandi": "pendek"})
    assert faulty.status_code == 422
    assert 'href="#surel"' in faulty.text
    assert "Ada 3 isian yang perlu diperbaiki" in faulty.text
    unusable = {"nama": "Pengelola", "surel": "kepala\0@hub.test", "sandi": PASSWORD}
    assert 'href="#surel"' in guest.post_invitation("", unusable).text
    fields = {"nama": "Pengelola", "surel": "kepala@hub.test", "sandi": PASSWORD}
    assert guest.post_invitation("", fields).status_code == 303


@pytest.mark.parametrize(
    ("password", "is_accepted"),
    [
        (PASSWORD, True),
        ("p" * 129, False),
        ("sebelas ka!", False),
        ("QWERTY123456", False),
        ("aaaaaaaaaaaa", False),
        ("diskominfo2026", False),
        ("rosida.rosida", False),
        ("rosida naik kuda putih", True),
    ],
)
def test_a_password_is_long_and_not_what_people_try_first(password: str, is_accepted: bool) -> None:
    fault = find_fault(password, email="rosida@toba.test", name="Rosida")
    assert (fault is None) is is_accepted


@pytest.mark.slow
def test_a_session_ends_for_rest_for_age_and_with_the_account(hub: Hub) -> None:
    person = colleague(hub, "sesi@dukcapil.test", ("reporter", "dukcapil"))
    own = "(SELECT id FROM gateway.person WHERE email = 'sesi@dukcapil.test')"
    for change in (
        f"UPDATE gateway.person_session SET last_seen_at = now() - interval '61 minutes' "
        f"WHERE person = {own}",
        f"UPDATE gateway.person_session SET expires_at = now() WHERE person = {own}",
        f"UPDATE gateway.person SET disabled_at = now() WHERE id = {own}",
    ):
        assert person.sign_in().status_code == 303
        assert person.get("/kelola").status_code == 200
        execute(hub, change)
        assert person.get("/kelola").headers["location"] == SIGN_IN
    assert person.sign_in().status_code == 403


def test_roles_are_those_of_this_moment_and_of_the_agency_acted_for(hub: Hub) -> None:
    person = colleague(hub, "dua@toba.test", ("reporter", "dukcapil"), ("responder", "dinkes"))
    assert "Pelapor statistik" in person.get("/kelola").text
    assert person.post("/kelola/instansi", {"instansi": "dinkes"}).status_code == 303
    desk = person.get("/kelola").text
    assert "Penjawab pengaduan" in desk
    assert "Pelapor statistik" not in desk
    person.post("/kelola/instansi", {"instansi": "dpmptsp"})
    assert "Penjawab pengaduan" in person.get("/kelola").text
    execute(hub, "DELETE FROM gateway.person_role WHERE agency = 'dinkes'")
    assert "Pelapor statistik" in person.get("/kelola").text


def test_a_form_of_another_session_or_site_changes_nothing(reporter: Colleague) -> None:
    wrong = reporter.post("/kelola/instansi", {"kata": "0" * 64})
    assert wrong.status_code == 403
    assert "sesi lain" in wrong.text
    other = reporter.post("/kelola/keluar", headers={"Origin": "https://other.example"})
    assert other.status_code == 403
    assert reporter.get("/kelola").status_code == 200


def test_the_database_holds_no_secret_in_the_clear(reporter: Colleague) -> None:
    rows = execute(
        reporter.hub,
        "SELECT c::text FROM gateway.person_credential c UNION ALL "
        "SELECT s::text FROM gateway.person_session s UNION ALL "
        "SELECT r::text FROM gateway.recovery_code r",
    )
    stored = " ".join(row[0] for row in rows)
    cookie = next(iter(reporter.cookies.values()))
    for secret in (PASSWORD, reporter.secret, cookie, reporter.recovery_codes[0]):
        assert secret not in stored
        assert secret.encode().hex() not in stored
    assert "$argon2id$" in stored


def test_the_audit_log_names_the_person(reporter: Colleague) -> None:
    reporter.post("/kelola/instansi", {"instansi": "dukcapil"})
    [[person]] = execute(
        reporter.hub, "SELECT id FROM gateway.person WHERE email = $1", reporter.email
    )
    lines = execute(
        reporter.hub,
        "SELECT target FROM gateway.audit_line WHERE key_id = $1 UNION ALL "
        "SELECT target FROM gateway.audit_pending WHERE key_id = $1",
        f"p{person.hex}",
    )
    assert "/kelola/instansi" in {line[0] for line in lines}


def test_an_unknown_account_is_refused_by_as_much_computing() -> None:
    passes, memory, lanes = COST_OF_A_HUB
    hasher = PasswordHasher(time_cost=passes, memory_cost=memory, parallelism=lanes)
    assert not hasher.check_needs_rehash(NO_ACCOUNT)
    with pytest.raises(VerifyMismatchError):
        hasher.verify(NO_ACCOUNT, PASSWORD)
