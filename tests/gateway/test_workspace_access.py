"""Every page and act of the workspace, from the table of routes, refuses whom it must."""

import re
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest
from fastapi.routing import APIRoute

from services.gateway.portal.workspace.access import Enter
from tests.conftest import Hub
from tests.gateway.parts import app_of
from tests.gateway.people import PASSWORD, Colleague, colleague, execute

SIGN_IN = "/kelola/masuk"
OPEN = {
    ("GET", "/kelola/masuk"),
    ("POST", "/kelola/masuk"),
    ("GET", "/kelola/masuk/kode"),
    ("POST", "/kelola/masuk/kode"),
    ("GET", "/kelola/masuk/oidc"),
    ("GET", "/kelola/masuk/oidc/kembali"),
    ("GET", "/kelola/laporan/worker.js"),  # a script, the same for everybody
    ("GET", "/kelola/undangan"),
    ("POST", "/kelola/undangan"),
    ("GET", "/kelola/undangan/kode"),
    ("POST", "/kelola/undangan/kode"),
    ("GET", "/kelola/undangan/{token}"),
}
"""What nobody has to be signed in for."""
ID = "00000000-0000-7000-8000-000000000000"
PLACEHOLDER = re.compile(r"\{[^}]+\}")


@pytest.fixture(scope="module")
def hub(toba_hub: Hub) -> Hub:
    """Provide a hub for a module."""
    return toba_hub


@pytest.fixture(autouse=True)
def _forget(hub: Hub) -> Iterator[None]:
    yield
    hub.client.cookies.clear()


def routes(hub: Hub) -> list[tuple[str, APIRoute]]:
    """Return method and route of everything below `/kelola` that needs somebody signed in."""
    return [
        (method, route)
        for route in app_of(hub.client).routes
        if isinstance(route, APIRoute) and route.path.startswith("/kelola")
        for method in sorted(route.methods or ())
        if (method, route.path) not in OPEN
    ]


def path_of(route: APIRoute) -> str:
    return PLACEHOLDER.sub(ID, route.path)


def enter_of(route: APIRoute) -> Enter:
    """Return what decides who enters a route."""
    entries = [each.call for each in route.dependant.dependencies if isinstance(each.call, Enter)]
    assert len(entries) == 1, f"{route.path} has no Enter, or several"
    return entries[0]


def test_every_page_decides_who_enters_and_refuses_a_stranger(hub: Hub) -> None:
    found = routes(hub)
    assert len(found) > 15
    for method, route in found:
        enter_of(route)
        answer = hub.client.request(method, path_of(route))
        assert answer.status_code == 303, route.path
        assert answer.headers["location"].startswith(SIGN_IN), route.path


@pytest.mark.slow
def test_every_act_refuses_another_site_and_a_form_of_another_session(hub: Hub) -> None:
    person = colleague(hub, "kepala@toba.test", ("administrator", "diskominfo"))
    for method, route in routes(hub):
        if method == "GET":
            continue
        foreign = person.post(path_of(route), headers={"Origin": "https://other.example"})
        assert foreign.status_code == 403, route.path
        wrong = person.post(path_of(route), {"kata": "0" * 64})
        assert wrong.status_code == 403, route.path
    assert person.get("/kelola").status_code == 200


@pytest.mark.slow
def test_every_page_of_a_role_refuses_who_has_only_another(hub: Hub) -> None:
    person = colleague(hub, "auditor@toba.test", ("auditor", None))
    for method, route in routes(hub):
        enter = enter_of(route)
        if not enter.roles or "auditor" in enter.roles:
            continue
        answer = request(person, method, path_of(route))
        assert answer.status_code == 403, route.path
        assert "Peran Anda tidak mencakup" in answer.text


@pytest.mark.slow
def test_a_page_of_another_agency_offers_it_and_leads_on(hub: Hub) -> None:
    person = colleague(
        hub,
        "dua@toba.test",
        ("editor", "diskominfo"),
        ("responder", "dukcapil"),
        ("responder", "setda"),
    )
    link = "/kelola/pengaduan?saring=baru"
    answer = person.get(f"{link}&lang=en")
    assert answer.status_code == 303
    choice = person.get(answer.headers["location"])
    assert 'lang="en"' in choice.text
    assert re.findall(r'name="instansi" value="(\w+)"', choice.text) == ["dukcapil", "setda"]
    assert person.post("/kelola/pengaduan/7K3M-9QXT-2C86/proses").status_code == 403
    chosen = person.post(f"/kelola/instansi?ke={quote(link)}", {"instansi": "setda"})
    assert chosen.headers["location"] == link
    assert person.get(link).status_code == 200

    named = f"{link}&untuk=dukcapil"
    assert "instansi=dukcapil&" in person.get(named).headers["location"]
    assert person.get(f"{link}&untuk=disnaker").status_code == 200  # not an agency of the person
    person.cookies.clear()
    sign_in = person.get(named).headers["location"]
    assert sign_in == f"{SIGN_IN}?ke={quote(named, safe='')}"
    code = person.post(sign_in, {"surel": person.email, "sandi": PASSWORD}).headers["location"]
    assert code == f"{SIGN_IN}/kode?ke={quote(named, safe='')}"
    long = person.get(f"/kelola/pengaduan?saring={'a' * 400}").headers["location"]
    assert long == SIGN_IN


@pytest.mark.slow
def test_every_dangerous_act_needs_a_code_of_the_last_minutes(hub: Hub) -> None:
    person = colleague(hub, "lama@toba.test", ("administrator", None))
    execute(
        hub,
        "UPDATE gateway.person_session SET verified_at = now() - interval '11 minutes' "
        "WHERE person = (SELECT id FROM gateway.person WHERE email = $1)",
        person.email,
    )
    dangerous = [(m, route) for m, route in routes(hub) if enter_of(route).confirmed]
    assert len(dangerous) > 8
    for method, route in dangerous:
        answer = request(person, method, path_of(route))
        assert answer.headers["location"].startswith("/kelola/konfirmasi"), route.path
    answer = person.post("/kelola/konfirmasi?ke=/kelola/orang/undang", {"kode": person.code()})
    assert answer.headers["location"] == "/kelola/orang/undang"
    assert person.get("/kelola/orang/undang").status_code == 200


@pytest.mark.slow
def test_every_page_refuses_a_disabled_person(hub: Hub) -> None:
    person = colleague(hub, "dulu@toba.test", ("administrator", None))
    token = person.form_token
    execute(hub, "UPDATE gateway.person SET disabled_at = now() WHERE email = $1", person.email)
    cookies = httpx.Cookies(person.cookies)
    for method, route in routes(hub):
        person.cookies = httpx.Cookies(cookies)
        answer = request(person, method, path_of(route), token)
        assert answer.headers["location"].startswith(SIGN_IN), route.path


def request(person: Colleague, method: str, path: str, token: str | None = None) -> httpx.Response:
    if method == "GET":
        return person.get(path)
    return person.post(path, {"kata": token} if token else None)
