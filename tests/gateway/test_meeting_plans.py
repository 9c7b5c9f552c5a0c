"""Meetings that are planned: `/api/v1/meeting-plans`, `/kelola/rapat/rencana`, calendar files."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from icalendar import Calendar

from services.gateway.meetings.plans import delete_old_plans
from services.platform.database import Database
from services.platform.ids import new_id
from services.platform.local_time import DEFAULT_ZONE
from tests.conftest import Hub
from tests.gateway.parts import app_of, run
from tests.gateway.people import Colleague, colleague, execute

pytestmark = pytest.mark.usefixtures("signed_out")

API = "/api/v1/meeting-plans"
PLANS = "/kelola/rapat/rencana"
DAY = datetime.now(DEFAULT_ZONE).date() + timedelta(days=3)
FORM = {
    "jenis": "forum",
    "tanggal": DAY.isoformat(),
    "mulai": "09:00",
    "selesai": "11:30",
    "tempat": "Balai Data",
    "masalah": "Jaringan di Borbor dan Nassau.",
    "agenda": "Laporan pengukuran\n\nPembagian tugas",
    "diundang-it-del": "1",
    "diundang-kepala-diskominfo": "1",
}


def body(**changes: Any) -> dict[str, Any]:
    """Return a plan of a meeting on a day to come."""
    return {
        "name": "Rapat forum SPBE",
        "name_en": "Forum on e-government",
        "kind": "forum",
        "starts_at": f"{DAY}T09:00:00+07:00",
        "ends_at": f"{DAY}T11:30:00+07:00",
        "place": "Balai Data",
        "agenda": ["Laporan", "Tugas"],
        "invited": ["it-del", "kepala-diskominfo"],
    } | changes


@pytest.fixture(scope="module")
def hub(toba_hub: Hub) -> Hub:
    return toba_hub


@pytest.fixture(scope="module")
def key(hub: Hub) -> dict[str, str]:
    return hub.auth("diskominfo", "evidence:write")


@pytest.fixture(scope="module")
def editor(hub: Hub) -> Colleague:
    return colleague(hub, "perencana@diskominfo.test", ("editor", "diskominfo"))


@pytest.fixture(scope="module")
def neighbour(hub: Hub) -> Colleague:
    return colleague(hub, "perencana@dukcapil.test", ("editor", "dukcapil"))


def plan(hub: Hub, key: dict[str, str], **changes: Any) -> str:
    """Plan a meeting over the API, and return its id."""
    plan_id = str(uuid4())
    made = hub.client.put(f"{API}/{plan_id}", json=body(**changes), headers=key)
    assert made.status_code == 201, made.text
    return plan_id


def planned(person: Colleague, **changes: str) -> str:
    """Plan a meeting with the form, and return its id."""
    answer = person.post(f"{PLANS}/baru", FORM | {"id": str(new_id())} | changes)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].removeprefix(f"{PLANS}/")


def hidden(page: httpx.Response, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found is not None, page.text
    return found[1].replace("&#34;", '"')


def event_of(file: httpx.Response) -> Any:
    """Return the event of a calendar file, which has to be one that is announced."""
    assert file.status_code == 200, file.text
    assert file.headers["content-type"].startswith("text/calendar")
    calendar = Calendar.from_ical(file.content)
    assert calendar["method"] == "PUBLISH"
    [event] = calendar.walk("VEVENT")
    assert event["organizer"]
    return event


def test_a_changed_plan_moves_the_event_that_was_sent(hub: Hub, key: dict[str, str]) -> None:
    plan_id = plan(hub, key)
    read = hub.client.get(f"{API}/{plan_id}", headers=key)
    assert [one["agency"] for one in read.json()["invited"]] == [None, "diskominfo"]
    first = event_of(hub.client.get(f"{API}/{plan_id}/invitation.ics", headers=key))
    assert first["dtstart"].dt == datetime(DAY.year, DAY.month, DAY.day, 2, tzinfo=UTC)
    assert (first["summary"], first["location"]) == ("Rapat forum SPBE", "Balai Data")
    assert "- Laporan" in first["description"]

    without = hub.client.put(f"{API}/{plan_id}", json=body(place="Pendopo"), headers=key)
    assert without.status_code == 428
    headers = key | {"If-Match": read.headers["ETag"]}
    changed = hub.client.put(f"{API}/{plan_id}", json=body(place="Pendopo"), headers=headers)
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    late = hub.client.put(f"{API}/{plan_id}", json=body(place="Laguboti"), headers=headers)
    assert late.status_code == 412
    second = event_of(hub.client.get(f"{API}/{plan_id}/invitation.ics", headers=key))
    assert second["uid"] == first["uid"]
    assert (int(first["sequence"]), int(second["sequence"])) == (0, 1)

    listed = hub.client.get(API, headers=key).json()["items"]
    assert plan_id in [one["id"] for one in listed]
    headers = key | {"If-Match": changed.headers["ETag"]}
    assert hub.client.delete(f"{API}/{plan_id}", headers=headers).status_code == 204
    assert hub.client.get(f"{API}/{plan_id}", headers=key).status_code == 404


def test_a_plan_is_its_organisers_own(hub: Hub, key: dict[str, str]) -> None:
    plan_id = plan(hub, key)
    other = hub.auth("dukcapil", "evidence:write") | {"If-Match": "*"}
    calls = (
        ("GET", ""),
        ("GET", "/invitation.ics"),
        ("PUT", ""),
        ("POST", "/mails"),
        ("DELETE", ""),
    )
    for method, path in calls:
        sent = body() if method == "PUT" else None
        answer = hub.client.request(method, f"{API}/{plan_id}{path}", json=sent, headers=other)
        assert answer.status_code == 403, (method, path)
        assert hub.client.request(method, f"{API}/{plan_id}{path}", json=sent).status_code == 401
    assert plan_id not in hub.client.get(API, headers=other).text
    assert plan_id in hub.client.get(f"{API}?limit=100", headers=hub.auth("dukcapil", "admin")).text


@pytest.mark.parametrize(
    ("changes", "status", "pointer"),
    [
        ({"ends_at": f"{DAY}T09:00:00+07:00"}, 422, "#/ends_at"),
        ({"ends_at": f"{DAY + timedelta(days=8)}T09:00:00+07:00"}, 422, "#/ends_at"),
        ({"invited": ["it-del", "it-del"]}, 422, "#/invited"),
        ({"invited": []}, 422, "#/invited"),
        ({"kind": "arisan"}, 422, "#/kind"),
        ({"invited": ["it-del", "bukan-siapa-siapa"]}, 409, "#/invited/1"),
    ],
)
def test_a_fault_of_a_plan_is_named(
    hub: Hub, key: dict[str, str], changes: Mapping[str, Any], status: int, pointer: str
) -> None:
    answer = hub.client.put(f"{API}/{uuid4()}", json=body(**changes), headers=key)
    assert answer.status_code == status
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


def test_a_hub_without_a_mail_server_says_so(
    hub: Hub, key: dict[str, str], editor: Colleague
) -> None:
    plan_id = plan(hub, key)
    tag = hub.client.get(f"{API}/{plan_id}", headers=key).headers["ETag"]
    refused = hub.client.post(f"{API}/{plan_id}/mails", headers=key | {"If-Match": tag})
    assert refused.status_code == 409
    assert "no mail server" in refused.json()["detail"]
    page = editor.get(f"{PLANS}/{plan_id}")
    assert "tidak mengirim surel" in page.text
    assert "Kirim undangan" not in page.text


@pytest.mark.slow
def test_a_planned_meeting_becomes_the_form_of_its_record(hub: Hub, editor: Colleague) -> None:
    plan_id = planned(editor)
    page = editor.get(f"{PLANS}/{plan_id}")
    assert "09.00–11.30 WIB" in page.text
    assert "Institut Teknologi Del" in page.text
    assert "Catat rapat ini" not in page.text
    assert plan_id in editor.get("/kelola/rapat").text
    invitation = event_of(editor.get(f"{PLANS}/{plan_id}/undangan.ics"))

    yesterday = datetime.now(DEFAULT_ZONE) - timedelta(days=1)
    move(hub, plan_id, yesterday)
    assert "Catat rapat ini" in editor.get(f"{PLANS}/{plan_id}").text
    assert "belum dicatat" in editor.get("/kelola/rapat").text
    line = f'href="/kelola/rapat/baru?rencana={plan_id}"'
    assert line in editor.get("/kelola").text
    form = editor.get(f"/kelola/rapat/baru?rencana={plan_id}")
    assert hidden(form, "id") == hidden(form, "rencana") == plan_id
    assert "Jaringan di Borbor dan Nassau." in form.text
    assert "Laporan pengukuran\nPembagian tugas" in form.text
    sent = {
        "id": plan_id,
        "rencana": plan_id,
        "jenis": "forum",
        "tanggal": yesterday.date().isoformat(),
        "agenda": "Laporan pengukuran\r\nPembagian tugas",
        "diundang-it-del": "1",
        "diundang-kepala-diskominfo": "1",
        "hadir-it-del": "1",
        "hadir-kepala-bappeda": "1",
        "baris": "3",
        "dokumen": "Notula rapat forum",
    }
    faulty = editor.post("/kelola/rapat/baru", sent | {"apa-0": "Ukur"})
    assert 'name="diundang-it-del" value="1" checked' in faulty.text
    # Sent twice, it is one record.
    recorded, again = (editor.post("/kelola/rapat/baru", sent) for _ in range(2))
    assert recorded.status_code == 303, recorded.text
    assert again.headers["location"] == recorded.headers["location"]
    record = recorded.headers["location"].removeprefix("/kelola/rapat/").partition("?")[0]
    content = hub.client.get(f"/api/v1/meetings/{record}").json()["content"]
    assert content["agenda"] == ["Laporan pengukuran", "Pembagian tugas"]
    attended = {
        one["stakeholder"]: (one["invited"], one["present"]) for one in content["attendance"]
    }
    assert attended == {
        "it-del": (True, True),
        "kepala-diskominfo": (True, False),
        "kepala-bappeda": (None, True),
    }
    assert editor.get(f"{PLANS}/{plan_id}").status_code == 404
    assert line not in editor.get("/kelola").text
    assert "Pembagian tugas" in editor.get(f"/kelola/rapat/{record}").text
    held = event_of(hub.client.get(f"/api/v1/meetings/{record}/calendar.ics"))
    assert held["uid"] == invitation["uid"]
    assert int(held["sequence"]) > int(invitation["sequence"])
    assert held["dtstart"].dt == yesterday.date()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"tanggal": "besok"}, "tanggal"),
        ({"tanggal": "2020-01-01"}, "tanggal"),
        ({"mulai": "pagi"}, "mulai"),
        ({"selesai": "25.00"}, "selesai"),
        ({"selesai": "08.30"}, "selesai"),
        ({"jenis": "arisan"}, "jenis"),
        ({"nama": "x" * 301}, "nama"),
        ({"agenda": "butir\n" * 51}, "agenda"),
        ({"agenda": "a\x00b"}, "agenda"),
        ({"diundang-it-del": "", "diundang-kepala-diskominfo": ""}, "diundang"),
    ],
)
def test_a_fault_is_at_its_field(editor: Colleague, changes: dict[str, str], field: str) -> None:
    answer = editor.post(f"{PLANS}/baru", FORM | {"id": str(new_id())} | changes)
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert f'id="{field}-fault"' in answer.text
    assert "Ada 1 isian yang perlu diperbaiki" in answer.text
    assert "Jaringan di Borbor dan Nassau." in answer.text


@pytest.mark.slow
def test_a_plan_is_changed_but_not_over_another_change(
    editor: Colleague, neighbour: Colleague
) -> None:
    plan_id = planned(editor, nama="Rapat besar")
    form = editor.get(f"{PLANS}/{plan_id}/ubah")
    assert 'value="Rapat besar"' in form.text
    changed = FORM | {"nama": "Rapat besar", "versi": hidden(form, "versi")}
    first = editor.post(f"{PLANS}/{plan_id}/ubah", changed | {"tempat": "Pendopo"})
    assert first.status_code == 303
    late = editor.post(f"{PLANS}/{plan_id}/ubah", changed | {"tempat": "Laguboti"})
    assert late.status_code == 422
    assert 'value="Laguboti"' in late.text
    page = editor.get(f"{PLANS}/{plan_id}")
    assert "Pendopo" in page.text
    for path in ("", "/ubah", "/undangan.ics"):
        assert neighbour.get(f"{PLANS}/{plan_id}{path}").status_code == 403
    assert neighbour.post(f"{PLANS}/{plan_id}/hapus").status_code == 403
    assert neighbour.get(f"/kelola/rapat/baru?rencana={plan_id}").status_code == 403
    gone = editor.post(f"{PLANS}/{plan_id}/hapus", {"versi": hidden(page, "versi")})
    assert gone.headers["location"] == "/kelola/rapat"
    assert editor.get(f"{PLANS}/{plan_id}").status_code == 404


def test_what_nobody_recorded_is_deleted_half_a_year_later(hub: Hub, key: dict[str, str]) -> None:
    plan_id = plan(hub, key)
    database: Database = app_of(hub.client).state.database

    async def prune(now: datetime) -> int:
        async with database.write_session() as session:
            return await delete_old_plans(
                session, region=hub.settings.region, now=now, zone=DEFAULT_ZONE
            )

    end = datetime(DAY.year, DAY.month, DAY.day, 4, 30, tzinfo=UTC)
    run(hub.client, lambda: prune(end + timedelta(days=179)))
    assert hub.client.get(f"{API}/{plan_id}", headers=key).status_code == 200
    assert run(hub.client, lambda: prune(end + timedelta(days=181))) > 0
    assert hub.client.get(f"{API}/{plan_id}", headers=key).status_code == 404


def move(hub: Hub, plan_id: str, start: datetime) -> None:
    """Move a planned meeting as time does, for two hours."""
    start = start.astimezone(UTC)
    moved = {"starts_at": start.isoformat(), "ends_at": (start + timedelta(hours=2)).isoformat()}
    execute(
        hub,
        "UPDATE gateway.meeting_plan SET content = content || jsonb_build_object("
        "'starts_at', $2::text, 'ends_at', $3::text), ends_at = $4 WHERE id = $1",
        plan_id,
        moved["starts_at"],
        moved["ends_at"],
        start + timedelta(hours=2),
    )
