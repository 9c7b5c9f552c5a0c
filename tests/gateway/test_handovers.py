"""Handovers: a person who leaves gives roles and open work to a successor."""

from uuid import UUID

import pytest

from tests.conftest import Hub
from tests.feedback.complaints import form_token
from tests.gateway.people import Colleague, colleague, execute, visitor
from tests.gateway.test_workspace_announcements import act, write

pytestmark = [pytest.mark.usefixtures("signed_out"), pytest.mark.slow]

API = "/api/v1"
PEOPLE = "/kelola/orang"
CELL = "ktp-el.counter.submitted"


@pytest.fixture(scope="module")
def hub(toba_hub: Hub) -> Hub:
    """Provide a hub for a module; each test has people of its own."""
    return toba_hub


@pytest.fixture(scope="module")
def head(hub: Hub) -> Colleague:
    """Provide the administrator of the hub."""
    return colleague(hub, "kepala@diskominfo.test", ("administrator", "diskominfo"))


@pytest.fixture(scope="module")
def successor(hub: Hub) -> Colleague:
    return colleague(hub, "penerus@dukcapil.test", ("editor", "dukcapil"))


def id_of(person: Colleague) -> UUID:
    [[found]] = execute(person.hub, "SELECT id FROM gateway.person WHERE email = $1", person.email)
    return found


def complain(hub: Hub) -> str:
    body = {"kind": "complaint", "text": "Loket tutup sejak pagi.", "agency": "dukcapil"}
    body["form_token"] = form_token(hub.settings)
    answer = hub.client.post(f"{API}/comments", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["ticket"]


def test_one_act_gives_roles_and_open_work_to_a_successor_and_is_a_record_to_print(
    hub: Hub, head: Colleague, successor: Colleague
) -> None:
    leaver = colleague(
        hub, "pindah@dukcapil.test", ("reporter", "dukcapil"), ("responder", "dukcapil")
    )
    ticket = complain(hub)
    leaver.post("/kelola/laporan/2024-01", {"versi": "0", CELL: "12"})
    form_path = f"{PEOPLE}/{id_of(leaver)}/serah-terima"
    assert form_path in head.get(f"{PEOPLE}/{id_of(leaver)}").text
    form = head.get(form_path)
    for text in ("Pelapor statistik", "Penjawab pengaduan", ticket, "Januari 2024", "ikut diisi"):
        assert text in form.text
    assert "Hand over to the successor" in head.get(f"{form_path}?lang=en").text

    fields = {"instansi": "dukcapil", "penerus": str(id_of(successor)), "nonaktif": "1"}
    done = head.post(form_path, fields)
    assert done.status_code == 303, done.text
    record = head.get(done.headers["location"])
    for text in ("pindah", "penerus", "akun dinonaktifkan", ticket, "Januari 2024", "kepala"):
        assert text in record.text
    assert done.headers["location"] in head.get(f"{PEOPLE}/serah-terima").text

    assert leaver.get("/kelola").headers["location"] == "/kelola/masuk"
    assert leaver.sign_in().status_code == 403
    assert "Pelapor statistik" in successor.get("/kelola").text
    assert ticket in successor.get("/kelola/pengaduan").text
    assert 'value="12"' in successor.get("/kelola/laporan/2024-01").text
    admin = hub.auth("diskominfo", "admin")
    stored = hub.client.get(f"{API}/handovers?person={id_of(leaver)}", headers=admin).json()
    [item] = stored["items"]
    assert item["roles"] == ["reporter", "responder"]
    assert {(one["kind"], one["id"], one["is_own"]) for one in item["work"]} >= {
        ("case", ticket, False),
        ("month", "2024-01", True),
    }
    lines = execute(
        hub,
        "SELECT key_id FROM gateway.audit_pending WHERE target LIKE $1 UNION ALL "
        "SELECT key_id FROM gateway.audit_line WHERE target LIKE $1",
        "%/serah-terima",
    )
    assert f"p{id_of(head).hex}" in {line[0] for line in lines}


def test_announcements_that_are_not_published_are_named(
    hub: Hub, head: Colleague, successor: Colleague
) -> None:
    leaver = colleague(hub, "penulis@dinsos.test", ("editor", "dinsos"))
    taker = colleague(hub, "pengganti@dinsos.test", ("editor", "dinsos"))
    own = write(leaver, title="Loket pindah", text="Ke Porsea.")
    sent = write(taker, title="Libur <bersama>", text="Tutup sehari.")
    assert act(taker, sent, "ajukan").status_code == 303
    write(successor, title="Dari instansi lain", text="Tidak ikut.")
    gone = write(taker, title="Tidak jadi", text="Dibuang.")
    assert act(taker, gone, "buang").status_code == 303

    path = f"{PEOPLE}/{id_of(leaver)}/serah-terima"
    form = head.get(path).text
    assert "Konsep pengumuman yang belum terbit <small>(2)</small>" in form
    assert f'<a href="{own}">Loket pindah</a> <small>(ikut diisi orang ini)</small>' in form
    assert f'<a href="{sent}">Libur &lt;bersama&gt;</a></li>' in form
    done = head.post(path, {"instansi": "dinsos", "penerus": str(id_of(taker))})
    assert "Loket pindah" in head.get(done.headers["location"]).text
    stored = hub.client.get(
        f"{API}/handovers?person={id_of(leaver)}", headers=hub.auth("diskominfo", "admin")
    ).json()
    work = stored["items"][0]["work"]
    found = [(one["id"], one["is_own"]) for one in work if one["kind"] == "announcement"]
    assert sorted(found) == sorted([(own.split("/")[-1], True), (sent.split("/")[-1], False)])


def test_the_api_hands_over_once_and_says_what_it_cannot(
    hub: Hub, head: Colleague, successor: Colleague
) -> None:
    leaver = colleague(hub, "dua@dukcapil.test", ("reporter", "dukcapil"), ("responder", "dinkes"))
    stranger = colleague(hub, "lain@pupr.test", ("reporter", "pupr"))
    off = colleague(hub, "mati@dukcapil.test", ("reporter", "dukcapil"))
    head.post(f"{PEOPLE}/{id_of(off)}/nonaktif")
    admin = hub.auth("diskominfo", "admin")

    def post(**body: object) -> tuple[int, str | None]:
        body = {"from": str(id_of(leaver)), "to": str(id_of(successor)), **body}
        answer = hub.client.post(f"{API}/handovers", json=body, headers=admin)
        errors = answer.json().get("errors") or [{}]
        return answer.status_code, errors[0].get("pointer")

    nobody = "01890000-0000-7000-8000-000000000000"
    assert post() == (409, "#/agency")
    assert post(agency="pupr") == (409, "#/agency")
    assert post(**{"from": nobody}) == (409, "#/from")
    for other in (nobody, str(id_of(leaver)), str(id_of(stranger)), str(id_of(off))):
        assert post(agency="dukcapil", to=other) == (409, "#/to")
    assert post(agency="dukcapil", disable=True) == (409, "#/disable")
    assert post(to="x") == (422, "#/to")
    other = hub.auth("dukcapil", "usage:write", "catalog:write")
    assert hub.client.get(f"{API}/handovers", headers=other).status_code == 403

    body = {"from": str(id_of(leaver)), "to": str(id_of(successor)), "agency": "dukcapil"}
    once = admin | {"Idempotency-Key": "serah-1"}
    made = [hub.client.post(f"{API}/handovers", json=body, headers=once) for _ in range(2)]
    assert [answer.status_code for answer in made] == [201, 201]
    assert made[0].json() == made[1].json()
    path = f"{API}/handovers/{made[0].json()['id']}"
    assert hub.client.get(path, headers=admin).json() == made[0].json()
    assert hub.client.get(f"{API}/handovers/{nobody}", headers=admin).status_code == 404
    # Who keeps roles elsewhere stays, signed out.
    assert leaver.get("/kelola").headers["location"] == "/kelola/masuk"
    assert leaver.sign_in().status_code == 303
    assert "Pelapor statistik" not in leaver.get("/kelola").text


def test_the_form_keeps_what_was_chosen_and_asks_for_a_code_again(
    hub: Hub, head: Colleague, successor: Colleague
) -> None:
    leaver = colleague(hub, "tiga@dukcapil.test", ("reporter", "dukcapil"), ("responder", "setda"))
    path = f"{PEOPLE}/{id_of(leaver)}/serah-terima"
    chosen = str(id_of(successor))
    answer = head.post(path, {"instansi": "dukcapil", "penerus": "", "nonaktif": "1"})
    assert answer.status_code == 422
    assert 'href="#penerus"' in answer.text
    answer = head.post(path, {"instansi": "dukcapil", "penerus": chosen, "nonaktif": "1"})
    assert answer.status_code == 422
    assert "serahkan dulu peran itu" in answer.text
    assert f'value="{chosen}" selected' in answer.text
    assert "Belum ada penerus" in head.get(f"{path}?instansi=setda").text
    only = head.get(f"{PEOPLE}/{id_of(head)}/serah-terima")
    assert "Tidak ada yang dapat diserahkan" in only.text
    assert head.get(f"{PEOPLE}/{UUID(int=7)}/serah-terima").status_code == 404

    for other in (visitor(hub), successor):
        refused = other.post(path, {"penerus": chosen})
        assert refused.status_code in {303, 403}
        assert refused.headers.get("location", "/kelola/masuk").startswith("/kelola/masuk")
    execute(
        hub,
        "UPDATE gateway.person_session SET verified_at = now() - interval '16 minutes' "
        "WHERE person = $1",
        id_of(head),
    )
    later = head.post(path, {"instansi": "dukcapil", "penerus": chosen})
    assert later.headers["location"].startswith("/kelola/konfirmasi")
    assert head.get(f"{PEOPLE}/serah-terima").status_code == 200
