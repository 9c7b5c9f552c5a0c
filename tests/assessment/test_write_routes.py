"""Evidence that agencies record, correct and withdraw over HTTP."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from services.assessment.evidence.store import COPY_SOURCE
from services.assessment.pack import load_evidence, read_evidence
from services.platform.identity import Caller
from tests.conftest import TOBA, Room, agency_caller, confirmation_path

DISKOMINFO = agency_caller("diskominfo", "evidence:write")
BAPPEDA = agency_caller("bappeda", "evidence:write")
ADMIN = agency_caller("diskominfo", "admin")
MEETINGS = "/api/v1/meetings"
MEETINGS_OF_PACK = 7


def meeting(key: str = "rapat-2025-03", **more: Any) -> dict[str, Any]:
    return {
        "key": key,
        "name": "Rapat forum",
        "name_en": "Meeting of the forum",
        "held_on": "2025-03-04",
        "sources": ["study-2025"],
    } | more


def write(
    room: Room, method: str, path: str, body: Any = None, *, caller: Caller, **headers: str
) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return room.client.request(method, path, json=body, headers=room.token(caller) | named)


def record(regency: Room, body: dict[str, Any], *, caller: Caller = DISKOMINFO) -> Any:
    answer = write(regency, "POST", MEETINGS, body, caller=caller)
    assert answer.status_code == 201, answer.text
    return answer


def confirm(regency: Room, recorded: httpx.Response) -> None:
    """Confirm the version that an answer returned, as an agency that is no party to it."""
    path = confirmation_path(recorded)
    caller = agency_caller("dukcapil", "evidence:confirm")
    answer = write(regency, "POST", path, caller=caller)
    assert answer.status_code == 200, answer.text


def copy_source(regency: Room, source: dict[str, Any]) -> None:
    """Store a source as evidence that cites one of the register does."""
    parameters = {"region": "12.12", "id": source["id"], "content": json.dumps(source)}
    regency.store(lambda session: session.execute(text(COPY_SOURCE), parameters))


def address(answer: httpx.Response) -> str:
    return answer.headers["Location"]


def test_what_is_recorded_can_be_read_with_its_sources(regency: Room) -> None:
    stored = record(regency, meeting(led_by="kepala-diskominfo"))
    read = regency.get(address(stored))
    assert read.json() == stored.json()
    assert read.headers["ETag"] == stored.headers["ETag"]
    assert read.json()["recorded_by"] == "diskominfo"
    assert [source["id"] for source in read.json()["sources"]] == ["study-2025"]
    listed = regency.get(MEETINGS).json()["items"]
    assert read.json()["id"] in {item["id"] for item in listed}


def test_recording_evidence_needs_a_key_with_the_scope(regency: Room) -> None:
    assert regency.post(MEETINGS, meeting()).status_code == 401
    other = agency_caller("diskominfo", "usage:write")
    assert write(regency, "POST", MEETINGS, meeting(), caller=other).status_code == 403


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"sources": ["study-2025", "nowhere"]}, "#/sources/1"),
        ({"led_by": "nobody"}, "#/led_by"),
        (
            {"attendance": [{"stakeholder": "nobody", "present": True}]},
            "#/attendance/0/stakeholder",
        ),
        (
            {"action_items": [{"task": "x", "due": "2025-05-01", "owner": "nobody"}]},
            "#/action_items/0/owner",
        ),
    ],
)
def test_a_pointer_to_what_is_not_on_record_is_named(
    shared_regency: Room, change: dict[str, Any], pointer: str
) -> None:
    answer = write(shared_regency, "POST", MEETINGS, meeting(**change), caller=DISKOMINFO)
    assert answer.status_code == 409
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert len(shared_regency.get(MEETINGS).json()["items"]) == MEETINGS_OF_PACK


def test_fields_that_contradict_each_other_are_refused(regency: Room) -> None:
    risk = {"key": "r", "name": "x", "name_en": "x", "sources": ["study-2025"]}
    path = "/api/v1/risks"
    nowhere = write(regency, "POST", path, risk, caller=DISKOMINFO)
    assert (nowhere.status_code, nowhere.json()["errors"][0]["pointer"]) == (422, "#")
    dates = {"valid_from": "2025-02-01", "valid_to": "2025-01-01"}
    backwards = write(regency, "POST", path, risk | dates, caller=DISKOMINFO)
    assert backwards.status_code == 422
    assert "valid_to" in backwards.json()["errors"][0]["detail"]
    both = write(regency, "POST", path, risk | dates | {"likelihood": 9}, caller=DISKOMINFO)
    assert (both.status_code, both.json()["errors"][0]["pointer"]) == (422, "#/likelihood")


def test_a_key_that_is_taken_is_refused(regency: Room) -> None:
    record(regency, meeting())
    answer = write(regency, "POST", MEETINGS, meeting(), caller=BAPPEDA)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (409, "#/key")


def test_a_creation_that_is_sent_again_creates_nothing_more(regency: Room) -> None:
    sent = [
        write(regency, "POST", MEETINGS, meeting(), caller=DISKOMINFO, Idempotency_Key="a-1")
        for _ in range(2)
    ]
    assert [answer.status_code for answer in sent] == [201, 201]
    assert sent[0].json() == sent[1].json()
    other = write(
        regency, "POST", MEETINGS, meeting("lain"), caller=DISKOMINFO, Idempotency_Key="a-1"
    )
    assert other.status_code == 409
    assert other.json()["errors"][0]["parameter"] == "Idempotency-Key"
    own = write(regency, "POST", MEETINGS, meeting("lain"), caller=BAPPEDA, Idempotency_Key="a-1")
    assert own.status_code == 201, "a word of one agency means nothing for another"


def test_a_correction_is_a_version_and_the_earlier_one_stays(regency: Room) -> None:
    first = record(regency, meeting())
    corrected = write(
        regency,
        "PUT",
        address(first),
        meeting(held_on="2025-03-11"),
        caller=DISKOMINFO,
        If_Match=first.headers["ETag"],
    )
    assert corrected.status_code == 200
    assert corrected.json()["version"] == 2
    assert corrected.headers["ETag"] != first.headers["ETag"]
    before = regency.get(address(first), version=1).json()
    assert before["content"]["held_on"] == "2025-03-04"
    versions = regency.get(f"{address(first)}/versions").json()["items"]
    assert [(v["version"], v["withdrawn"]) for v in versions] == [(2, False), (1, False)]
    assert regency.get(versions[1]["href"]).json() == before


def test_the_same_again_is_no_new_version(regency: Room) -> None:
    first = record(regency, meeting())
    tag = first.headers["ETag"]
    again = write(regency, "PUT", address(first), meeting(), caller=DISKOMINFO, If_Match=tag)
    assert (again.status_code, again.json()["version"]) == (200, 1)


def test_a_correction_needs_the_state_that_it_corrects(regency: Room) -> None:
    first = record(regency, meeting())
    where = address(first)
    blind = write(regency, "PUT", where, meeting(minutes=True), caller=DISKOMINFO)
    assert blind.status_code == 428
    tag = first.headers["ETag"]
    good = write(regency, "PUT", where, meeting(minutes=True), caller=DISKOMINFO, If_Match=tag)
    assert good.status_code == 200
    late = write(regency, "PUT", where, meeting(minutes=False), caller=DISKOMINFO, If_Match=tag)
    assert late.status_code == 412
    assert late.headers["ETag"] == good.headers["ETag"]
    assert regency.get(where).json()["content"]["minutes"] is True


def test_a_record_keeps_its_key(regency: Room) -> None:
    first = record(regency, meeting())
    answer = write(
        regency,
        "PUT",
        address(first),
        meeting("another"),
        caller=DISKOMINFO,
        If_Match=first.headers["ETag"],
    )
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (409, "#/key")


def test_an_agency_corrects_what_it_recorded_itself(regency: Room) -> None:
    first = record(regency, meeting())
    tag = first.headers["ETag"]
    foreign = write(regency, "DELETE", address(first), caller=BAPPEDA, If_Match=tag)
    assert foreign.status_code == 403
    assert "diskominfo" in foreign.json()["detail"]


def test_a_withdrawn_record_counts_no_longer_and_stays_readable(regency: Room) -> None:
    first = record(regency, meeting())
    tag = first.headers["ETag"]
    gone = write(regency, "DELETE", address(first), caller=DISKOMINFO, If_Match=tag)
    assert gone.status_code == 204
    keys = {item["content"]["key"] for item in regency.get(MEETINGS).json()["items"]}
    assert "rapat-2025-03" not in keys
    assert regency.get(address(first)).json()["content"] is None
    assert regency.get(address(first), version=1).json()["content"]["key"] == "rapat-2025-03"
    back = write(
        regency,
        "PUT",
        address(first),
        meeting(),
        caller=DISKOMINFO,
        If_Match=regency.get(address(first)).headers["ETag"],
    )
    assert (back.status_code, back.json()["version"]) == (200, 3)


def test_a_withdrawn_record_does_not_come_back_under_a_key_that_another_has(regency: Room) -> None:
    first = record(regency, meeting())
    tag = first.headers["ETag"]
    write(regency, "DELETE", address(first), caller=DISKOMINFO, If_Match=tag)
    record(regency, meeting())
    tag = regency.get(address(first)).headers["ETag"]
    back = write(regency, "PUT", address(first), meeting(), caller=DISKOMINFO, If_Match=tag)
    assert (back.status_code, back.json()["errors"][0]["pointer"]) == (409, "#/key")
    assert regency.get(address(first)).json()["content"] is None


def test_the_past_can_be_read_as_it_was_known(regency: Room) -> None:
    first = record(regency, meeting())
    between = datetime.now(UTC).isoformat()
    write(
        regency,
        "PUT",
        address(first),
        meeting(held_on="2025-03-11"),
        caller=DISKOMINFO,
        If_Match=first.headers["ETag"],
    )
    write(
        regency,
        "DELETE",
        address(first),
        caller=DISKOMINFO,
        If_Match=regency.get(address(first)).headers["ETag"],
    )

    def valid_records(as_of: str | None) -> list[str]:
        parameters: dict[str, Any] = {} if as_of is None else {"as_of": as_of}
        items = regency.get(MEETINGS, **parameters).json()["items"]
        return [i["content"]["held_on"] for i in items if i["content"]["key"] == "rapat-2025-03"]

    assert valid_records(between) == ["2025-03-04"]
    assert valid_records("2020-01-01T00:00:00Z") == []
    assert valid_records(None) == []


def test_loading_the_pack_leaves_what_was_written_over_the_api(regency: Room) -> None:
    record(regency, meeting())
    [forum] = [
        item
        for item in regency.get(MEETINGS).json()["items"]
        if item["content"]["key"] == "forum-2024-08"
    ]
    where = f"{MEETINGS}/{forum['id']}"
    tag = regency.get(where).headers["ETag"]
    change = forum["content"] | {"led_by": "kepala-diskominfo"}
    agency = write(regency, "PUT", where, change, caller=DISKOMINFO, If_Match=tag)
    assert agency.status_code == 403, "the pack's records are corrected by an administrator"
    assert write(regency, "PUT", where, change, caller=ADMIN, If_Match=tag).status_code == 200

    pack = read_evidence(TOBA)
    now = datetime.now(UTC)
    region = regency.settings.region
    changes = regency.store(lambda session: load_evidence(session, region, pack, now=now))
    assert [str(change) for change in changes] == ["= meetings forum-2024-08"]
    assert regency.get(where).json()["content"]["led_by"] == "kepala-diskominfo"
    assert len(regency.get(MEETINGS).json()["items"]) == MEETINGS_OF_PACK + 1


def test_two_corrections_at_once_do_not_overwrite_each_other(regency: Room) -> None:
    first = record(regency, meeting())

    async def correct(client: httpx.AsyncClient, minutes: bool) -> int:
        answer = await client.put(
            address(first),
            json=meeting(minutes=minutes),
            headers=regency.token(DISKOMINFO) | {"If-Match": first.headers["ETag"]},
        )
        return answer.status_code

    async def both() -> list[int]:
        transport = httpx.ASGITransport(regency.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://assessment") as client:
            return list(await asyncio.gather(correct(client, True), correct(client, False)))

    assert regency.client.portal is not None
    assert sorted(regency.client.portal.call(both)) == [200, 412]


def test_a_published_value_of_an_index_can_be_recorded(regency: Room) -> None:
    value = {
        "key": "spbe-2025",
        "index": "spbe-2020",
        "year": 2025,
        "value": 3.1,
        "predicate": "Baik",
        "sources": ["study-2025"],
        "document": {"name": "x", "url": "https://example.go.id/x", "sha256": "0" * 64},
    }
    answer = write(regency, "POST", "/api/v1/index-values", value, caller=ADMIN)
    assert answer.status_code == 201
    confirm(regency, answer)
    years = [v["year"] for v in regency.get("/api/v1/indices/spbe-2020").json()["values"]]
    assert 2025 in years
    unknown = value | {"key": "lain-2025", "index": "unknown"}
    refused = write(regency, "POST", "/api/v1/index-values", unknown, caller=ADMIN)
    assert refused.json()["errors"][0]["pointer"] == "#/index"


@pytest.mark.slow
def test_one_agency_records_no_more_than_readers_can_bear(regency: Room) -> None:
    long = "x" * 300
    full = meeting(agenda=[long] * 900)
    statuses = [
        write(regency, "POST", MEETINGS, full | {"key": f"long-{at}"}, caller=BAPPEDA).status_code
        for at in range(9)
    ]
    assert statuses == [201] * 7 + [409] * 2
    # What is refused is not stored; others, shorter records and withdrawals are accepted.
    assert write(regency, "GET", f"{MEETINGS}?limit=100", caller=BAPPEDA).text.count('"long-') == 7
    record(regency, meeting("other"))
    short = record(regency, meeting("short"), caller=BAPPEDA)
    corrected = write(
        regency,
        "PUT",
        address(short),
        full | {"key": "short"},
        caller=BAPPEDA,
        If_Match=short.headers["ETag"],
    )
    assert corrected.status_code == 409
    assert regency.get(address(short)).json()["version"] == 1
    gone = write(regency, "DELETE", address(short), caller=BAPPEDA, If_Match=short.headers["ETag"])
    assert gone.status_code == 204


@pytest.mark.slow
def test_the_sources_of_a_record_count_as_often_as_they_are_read(regency: Room) -> None:
    for at in range(20):
        source = {"id": f"s{at}", "title": "T", "kind": "study", "publisher": "P", "year": 2025}
        copy_source(regency, source | {"note": "x" * 4900})
    cited = [f"s{at}" for at in range(20)]
    statuses = [
        write(
            regency, "POST", MEETINGS, meeting(f"m{at}", sources=cited), caller=BAPPEDA
        ).status_code
        for at in range(22)
    ]
    assert (statuses.count(201), statuses.count(409)) == (20, 2)
