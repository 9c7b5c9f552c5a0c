"""`/hadir` and `/kelola/rapat/rencana/{id}/daftar-hadir`: names by a QR code, checked by people."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.gateway.meetings.attendance import delete_old_entries
from services.platform.database import Database
from services.platform.local_time import DEFAULT_ZONE
from tests.conftest import Hub
from tests.gateway.parts import app_of, run
from tests.gateway.people import Colleague, colleague, execute, visitor
from tests.gateway.test_meeting_plans import PLANS, hidden, move, plan

pytestmark = pytest.mark.usefixtures("signed_out")

API = "/api/v1/meeting-plans"
ENTRIES = "/api/v1/attendance/entries"


@pytest.fixture(scope="module")
def hub(toba_hub: Hub) -> Hub:
    return toba_hub


@pytest.fixture(scope="module")
def key(hub: Hub) -> dict[str, str]:
    return hub.auth("diskominfo", "evidence:write")


@pytest.fixture(scope="module")
def editor(hub: Hub) -> Colleague:
    return colleague(hub, "pencatat@diskominfo.test", ("editor", "diskominfo"))


def planned_today(hub: Hub, key: dict[str, str]) -> str:
    """Plan a meeting that has begun a moment ago."""
    meeting = plan(hub, key)
    move(hub, meeting, datetime.now(UTC))
    return meeting


def opened(hub: Hub, key: dict[str, str], meeting: str) -> str:
    """Open the list of a meeting, and return its token."""
    answer = hub.client.put(f"{API}/{meeting}/attendance", headers=key)
    assert answer.status_code == 200, answer.text
    return answer.json()["token"]


def entries(hub: Hub, key: dict[str, str], meeting: str) -> list[dict[str, Any]]:
    return hub.client.get(f"{API}/{meeting}/attendance", headers=key).json()["entries"]


def signed(person: Colleague, form: httpx.Response, **fields: str) -> httpx.Response:
    """Send the form of a list."""
    sent = {"token": hidden(form, "token"), "id": hidden(form, "id")} | fields
    return person.post("/hadir", sent)


@pytest.mark.slow
def test_who_scans_the_code_is_in_the_recorders_form_until_the_meeting_is_recorded(
    hub: Hub, key: dict[str, str], editor: Colleague
) -> None:
    meeting = planned_today(hub, key)
    page = editor.post(f"{PLANS}/{meeting}/daftar-hadir")
    assert page.status_code == 303
    shown = editor.get(f"{PLANS}/{meeting}/daftar-hadir")
    assert 'src="data:image/svg+xml;base64,' in shown.text
    found = re.search(r">[^<]*(/hadir/[a-z2-7]{4}-[a-z2-7]{4}-[a-z2-7]{4})<", shown.text)
    assert found is not None, shown.text
    assert found[1] in editor.get(f"{PLANS}/{meeting}/daftar-hadir").text

    guest = visitor(hub)
    arrived = guest.get(found[1].upper().replace("/HADIR", "/hadir"))
    assert (arrived.status_code, arrived.headers["location"]) == (303, "/hadir")
    form = guest.get("/hadir")
    assert "Rapat forum SPBE" in form.text
    assert form.headers["cache-control"] == "private, no-store"
    sent = {"dari": "it-del", "nama": "Ibu Sitorus"}
    for _ in range(2):  # sent twice, it is one entry
        answer = signed(guest, form, **sent)
        assert answer.headers["location"] == "/hadir/terima-kasih"
    assert "Nama Anda ada di daftar hadir" in guest.get("/hadir/terima-kasih").text
    other = guest.get("/hadir?lang=en")
    assert "I am present" in other.text
    assert "Ibu Sitorus" not in other.text
    answer = signed(guest, other, dari="lain", organisasi="LSM Danau", nama="Pak Hutagalung")
    assert answer.status_code == 303

    assert "Ibu Sitorus" in editor.get(f"{PLANS}/{meeting}/daftar-hadir").text
    record = editor.get(f"/kelola/rapat/baru?rencana={meeting}")
    assert re.search(r'name="hadir-it-del" value="1" checked', record.text)
    assert not re.search(r'name="hadir-kepala-diskominfo" value="1" checked', record.text)
    assert "LSM Danau (tidak diundang)" in record.text
    sent = {
        "id": meeting,
        "rencana": meeting,
        "jenis": "forum",
        "tanggal": hidden_date(record),
        "diundang-it-del": "1",
        "hadir-it-del": "1",
        "baris": "3",
        "dokumen": "",
    }
    assert "Ibu Sitorus" in editor.post("/kelola/rapat/baru", sent | {"apa-0": "Ukur"}).text
    recorded = editor.post("/kelola/rapat/baru", sent)
    assert recorded.status_code == 303, recorded.text
    assert names(hub, meeting) == []
    assert guest.get("/hadir").status_code == 404


def hidden_date(page: httpx.Response) -> str:
    found = re.search(r'id="tanggal"[^>]* value="([^"]+)"', page.text)
    assert found is not None, page.text
    return found[1]


def names(hub: Hub, meeting: str) -> list[str]:
    statement = "SELECT name FROM gateway.meeting_attendance WHERE meeting = $1"
    return [row["name"] for row in execute(hub, statement, meeting)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"nama": "Ibu Sitorus"}, "dari"),
        ({"dari": "bukan-siapa-siapa", "nama": "Ibu Sitorus"}, "dari"),
        ({"dari": "lain", "nama": "Ibu Sitorus"}, "organisasi"),
        ({"dari": "it-del", "nama": ""}, "nama"),
        ({"dari": "it-del", "nama": "x" * 201}, "nama"),
        ({"dari": "it-del", "nama": "a\x00b"}, "nama"),
    ],
)
def test_a_fault_is_at_its_field(
    hub: Hub, key: dict[str, str], fields: dict[str, str], field: str
) -> None:
    meeting = planned_today(hub, key)
    guest = visitor(hub)
    guest.get(f"/hadir/{opened(hub, key, meeting)}")
    answer = signed(guest, guest.get("/hadir"), **fields)
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert f'id="{field}-fault"' in answer.text
    assert names(hub, meeting) == []


@pytest.mark.slow
def test_a_list_is_open_on_the_days_of_its_meeting_until_it_is_closed(
    hub: Hub, key: dict[str, str]
) -> None:
    meeting = plan(hub, key)
    token = opened(hub, key, meeting)
    assert opened(hub, key, meeting) == token
    stored = execute(hub, "SELECT attendance_hash FROM gateway.meeting_plan WHERE id = $1", meeting)
    assert token.encode() not in stored[0]["attendance_hash"]

    def answer() -> int:
        headers = {"Attendance-Token": token}
        return hub.client.get("/api/v1/attendance", headers=headers).status_code

    assert answer() == 404
    assert visitor(hub).get(f"/hadir/{token}").status_code == 303
    move(hub, meeting, datetime.now(UTC))
    assert answer() == 200
    assert hub.client.delete(f"{API}/{meeting}/attendance", headers=key).status_code == 204
    assert answer() == 404
    other = opened(hub, key, meeting)
    assert other != token
    assert answer() == 404
    move(hub, meeting, datetime.now(UTC) - timedelta(days=2))
    over = hub.client.put(f"{API}/{meeting}/attendance", headers=key)
    assert over.status_code == 409
    sent = {"id": str(uuid4()), "token": other, "stakeholder": "it-del", "name": "Terlambat"}
    assert hub.client.post(ENTRIES, json=sent).status_code == 404
    assert visitor(hub).get("/hadir/bukan-token").status_code == 404
    assert visitor(hub).get("/hadir").status_code == 404


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"stakeholder": "kepala-bappeda"}, "#/stakeholder"),
        ({"stakeholder": None}, "#/stakeholder"),
        ({"organisation": "LSM Danau"}, "#/organisation"),
        ({"name": " "}, "#/name"),
        ({"name": "dua\nbaris"}, "#/name"),
    ],
)
def test_a_fault_of_an_entry_is_named(
    hub: Hub, key: dict[str, str], changes: dict[str, Any], pointer: str
) -> None:
    meeting = planned_today(hub, key)
    entry = {
        "id": str(uuid4()),
        "token": opened(hub, key, meeting),
        "stakeholder": "it-del",
        "name": "Ibu Sitorus",
    }
    answer = hub.client.post(ENTRIES, json=entry | changes)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert hub.client.post(ENTRIES, json=entry).status_code == 201
    assert [one["name"] for one in entries(hub, key, meeting)] == ["Ibu Sitorus"]


def test_a_list_takes_a_bounded_number_of_names(
    hub: Hub, key: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.gateway.meetings.attendance_routes.MAX_ENTRIES", 1)
    meeting = planned_today(hub, key)
    token = opened(hub, key, meeting)
    sent = [
        hub.client.post(
            ENTRIES,
            json={"id": str(uuid4()), "token": token, "stakeholder": "it-del", "name": name},
        ).status_code
        for name in ("Pertama", "Kedua")
    ]
    assert sent == [201, 409]
    guest = visitor(hub)
    guest.get(f"/hadir/{token}")
    full = signed(guest, guest.get("/hadir"), dari="it-del", nama="Ketiga")
    assert full.status_code == 422
    assert "sudah penuh" in full.text


def test_a_list_is_its_organisers_own(hub: Hub, key: dict[str, str]) -> None:
    meeting = planned_today(hub, key)
    other = hub.auth("dukcapil", "evidence:write")
    neighbour = colleague(hub, "pencatat@dukcapil.test", ("editor", "dukcapil"))
    for method in ("GET", "PUT", "DELETE"):
        address = f"{API}/{meeting}/attendance"
        assert hub.client.request(method, address, headers=other).status_code == 403
        assert hub.client.request(method, address).status_code == 401
    assert neighbour.get(f"{PLANS}/{meeting}/daftar-hadir").status_code == 403
    for path in ("", "/tutup"):
        assert neighbour.post(f"{PLANS}/{meeting}/daftar-hadir{path}").status_code == 403
    strange = visitor(hub).post("/hadir", {}, headers={"Origin": "https://other.example"})
    assert strange.status_code == 403


def test_names_are_deleted_a_month_after_a_meeting_that_nobody_recorded(
    hub: Hub, key: dict[str, str]
) -> None:
    meeting = planned_today(hub, key)
    sent = {
        "id": str(uuid4()),
        "token": opened(hub, key, meeting),
        "organisation": "LSM Danau",
        "name": "Pak Hutagalung",
    }
    assert hub.client.post(ENTRIES, json=sent).status_code == 201
    database: Database = app_of(hub.client).state.database

    async def prune(now: datetime) -> int:
        async with database.write_session() as session:
            return await delete_old_entries(
                session, region=hub.settings.region, now=now, zone=DEFAULT_ZONE
            )

    run(hub.client, lambda: prune(datetime.now(UTC) + timedelta(days=29)))
    assert names(hub, meeting) == ["Pak Hutagalung"]
    assert run(hub.client, lambda: prune(datetime.now(UTC) + timedelta(days=31))) > 0
    assert names(hub, meeting) == []
    assert hub.client.get(f"{API}/{meeting}", headers=key).status_code == 200
