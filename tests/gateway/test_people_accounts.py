"""Accounts: what people change of their own, and what administrators change."""

import re
from uuid import UUID

import pytest

from tests.conftest import Hub
from tests.gateway.people import PASSWORD, Colleague, colleague, execute

pytestmark = pytest.mark.usefixtures("signed_out")

API = "/api/v1"
SIGN_IN = "/kelola/masuk"


@pytest.fixture(scope="module")
def hub(toba_hub: Hub) -> Hub:
    """Provide a hub for a module; each test has people of its own."""
    return toba_hub


@pytest.fixture(scope="module")
def head(hub: Hub) -> Colleague:
    """Provide the administrator of the hub."""
    return colleague(hub, "kepala@diskominfo.test", ("administrator", "diskominfo"))


def id_of(person: Colleague) -> UUID:
    [[found]] = execute(person.hub, "SELECT id FROM gateway.person WHERE email = $1", person.email)
    return found


def second_browser(person: Colleague) -> Colleague:
    other = Colleague(
        person.hub, person.email, person.secret, person.recovery_codes, type(person.cookies)()
    )
    assert other.sign_in().status_code == 303
    return other


@pytest.mark.slow
def test_a_person_sees_and_ends_sessions_on_other_devices(hub: Hub) -> None:
    here = colleague(hub, "dua-alat@dukcapil.test", ("reporter", "dukcapil"))
    there = second_browser(here)
    page = here.get("/kelola/akun").text
    assert page.count("Perangkat ini") == 1
    assert "Firefox, Android" in page
    [session] = re.findall(r"/kelola/akun/sesi/([0-9a-f-]{36})/akhiri", page)
    assert here.post(f"/kelola/akun/sesi/{session}/akhiri").status_code == 303
    assert there.get("/kelola").headers["location"] == SIGN_IN
    assert here.get("/kelola").status_code == 200


def test_nobody_ends_the_session_of_somebody_else(hub: Hub, head: Colleague) -> None:
    person = colleague(hub, "usil@dukcapil.test", ("reporter", "dukcapil"))
    [[session]] = execute(
        hub,
        "SELECT id FROM gateway.person_session WHERE person = $1 AND ended_at IS NULL",
        id_of(head),
    )
    person.post(f"/kelola/akun/sesi/{session}/akhiri")
    assert head.get("/kelola").status_code == 200


@pytest.mark.slow
def test_a_changed_password_needs_the_present_one_and_ends_other_sessions(hub: Hub) -> None:
    here = colleague(hub, "ganti@dukcapil.test", ("reporter", "dukcapil"))
    there = second_browser(here)
    new = " Empat ekor kuda berlari kencang "
    wrong = here.post("/kelola/akun/sandi", {"sandi": "salah", "baru": "pendek"})
    assert wrong.status_code == 422
    assert "Ada 2 isian yang perlu diperbaiki" in wrong.text
    answer = here.post("/kelola/akun/sandi", {"sandi": PASSWORD, "baru": new})
    assert answer.headers["location"] == "/kelola/akun"
    assert here.get("/kelola").status_code == 200
    assert there.get("/kelola").headers["location"] == SIGN_IN
    for other in (PASSWORD, new.strip(), new.lower(), new[:-1], f"{new}x"):
        assert there.sign_in(other).status_code == 403
    assert there.sign_in(new).status_code == 303


def test_new_recovery_codes_replace_the_old_ones(hub: Hub) -> None:
    person = colleague(hub, "cadangan@dukcapil.test", ("reporter", "dukcapil"))
    page = person.post("/kelola/akun/kode-cadangan").text
    new = re.findall(r"<li><code>([a-z0-9-]+)</code>", page)
    assert len(new) == 10
    assert person.sign_in(code=person.recovery_codes[0]).status_code == 403
    assert person.sign_in(code=new[0]).status_code == 303


@pytest.mark.slow
def test_an_administrator_invites_gives_takes_and_disables(hub: Hub, head: Colleague) -> None:
    faulty = head.post("/kelola/orang/undang", {"surel": "x", "peran": "reporter"})
    assert faulty.status_code == 422
    assert "Pilih instansi untuk peran ini" in faulty.text
    fields = {"surel": "Baru@Dukcapil.test", "peran": "reporter", "instansi": "dukcapil"}
    invited = head.post("/kelola/orang/undang", fields)
    assert "juga dikirim" not in invited.text
    assert "Pemberitahuan lewat surel mati" in head.get("/kelola").text
    assert re.search(r"http://testserver/kelola/undangan/emi_[\w-]{43}<", invited.text)
    assert "baru@dukcapil.test" in head.get("/kelola/orang").text
    person = colleague(hub, "baru@dukcapil.test", ("reporter", "dukcapil"))
    path = f"/kelola/orang/{id_of(person)}"
    given = {"peran": "responder", "instansi": "dukcapil"}
    assert head.post(f"{path}/peran", given).status_code == 303
    assert "Penjawab pengaduan" in person.get("/kelola").text
    head.post(f"{path}/peran/cabut", given)
    assert person.get("/kelola").headers["location"] == SIGN_IN
    person.sign_in()
    assert "Penjawab pengaduan" not in person.get("/kelola").text
    head.post(f"{path}/nonaktif")
    assert person.get("/kelola").headers["location"] == SIGN_IN
    assert person.sign_in().status_code == 403
    head.post(f"{path}/aktif")
    assert person.sign_in().status_code == 303
    assert "emi_" in head.post(f"{path}/tautan").text


@pytest.mark.parametrize(
    "address", ["josé@dukcapil.test", "a..b@dukcapil.test", '"a b"@dukcapil.test', "x@y"]
)
def test_nobody_is_invited_at_an_address_that_no_mail_is_sent_to(
    hub: Hub, head: Colleague, address: str
) -> None:
    page = head.post(
        "/kelola/orang/undang", {"surel": address, "peran": "reporter", "instansi": "dukcapil"}
    )
    assert page.status_code == 422
    assert 'href="#surel"' in page.text
    assert "huruf tanpa aksen" in page.text
    body = {"email": address, "roles": [{"role": "reporter", "agency": "dukcapil"}]}
    refused = hub.client.post(f"{API}/invitations", json=body, headers=hub.auth("a", "admin"))
    assert refused.status_code == 422
    [error] = refused.json()["errors"]
    assert error["pointer"] == "#/email"
    assert "without accents" in error["detail"]


def test_the_last_administrator_stays_one(hub: Hub, head: Colleague) -> None:
    execute(
        hub,
        "DELETE FROM gateway.person_role WHERE role = 'administrator' AND person <> $1",
        id_of(head),
    )
    path = f"/kelola/orang/{id_of(head)}"
    for act in ("nonaktif", "peran/cabut"):
        fields = {"peran": "administrator", "instansi": "diskominfo"}
        answer = head.post(f"{path}/{act}", fields)
        assert answer.status_code == 409
        assert "satu-satunya pengelola" in answer.text
    assert head.get("/kelola/orang").status_code == 200


@pytest.mark.slow
def test_the_api_has_each_act_of_an_administrator(hub: Hub) -> None:
    person = colleague(hub, "api@dukcapil.test", ("reporter", "dukcapil"))
    admin = hub.auth("diskominfo", "admin")
    client = hub.client
    body = {"email": person.email, "roles": [{"role": "reporter", "agency": "dukcapil"}]}
    created = client.post(f"{API}/invitations", json=body, headers=admin)
    assert created.status_code == 201, created.text
    assert created.json()["link"].startswith("/kelola/undangan/emi_")
    listed = client.get(f"{API}/invitations", headers=admin).json()["items"]
    assert created.json()["id"] in {item["id"] for item in listed}
    path = f"{API}/invitations/{created.json()['id']}"
    assert [client.delete(path, headers=admin).status_code for _ in range(2)] == [204, 404]
    [session] = client.get(f"{API}/sessions?person={id_of(person)}", headers=admin).json()["items"]
    path = f"{API}/sessions/{session['id']}"
    assert [client.delete(path, headers=admin).status_code for _ in range(2)] == [204, 404]
    assert person.get("/kelola").headers["location"] == SIGN_IN
    path = f"{API}/people/{id_of(person)}"
    change = {"roles": [], "disabled": True}
    read = client.get(path, headers=admin)
    assert client.put(path, json=change, headers=admin).status_code == 428
    tag = {"If-Match": read.headers["etag"]}
    changed = client.put(path, json=change, headers=admin | tag)
    assert changed.json()["state"] == "disabled"
    overtaken = client.put(path, json=change, headers=admin | tag)
    assert overtaken.status_code == 412
    assert overtaken.headers["etag"] == changed.headers["etag"]
    assert client.get(path, headers=admin).json() == changed.json()
    assert person.sign_in().status_code == 403
    unusable = body | {"email": "a\0@dukcapil.test"}
    refused = client.post(f"{API}/invitations", json=unusable, headers=admin)
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == ["#/email"]
    bad = {"roles": [{"role": "reporter"}], "disabled": False}
    refused = client.put(path, json=bad, headers=admin | tag)
    assert refused.status_code == 422
    assert refused.json()["errors"] == [{"pointer": "#/roles/0/agency", "detail": "is required"}]
    assert client.get(path, headers=hub.auth("dukcapil", "usage:write")).status_code == 403
