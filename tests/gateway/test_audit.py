"""The audit log: a line for every write before its answer, and a chain in which a change shows."""

import asyncio
import hashlib
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from starlette.testclient import TestClient

from services.gateway.app import create_app
from services.gateway.audit.chain import (
    GENESIS_HASH,
    AuditEntry,
    ChainedEntry,
    ChainVerifier,
    chain_entries,
    entry_hash,
)
from services.gateway.audit.log import AuditLog
from services.gateway.audit.records import insert_entries, iter_entries, list_latest
from services.platform.database import DATABASE_ERRORS, Database
from services.platform.request_id import redact_path
from services.platform.settings import Service, Settings
from tests.conftest import Hub, new_key
from tests.rows import hidden_table, rows
from tests.servers import serving

BOUNDS = examples(deadline=None, max_examples=50)
"""A busy machine is no fault of the log."""

AUDIT = "/api/v1/audit"
NOW = datetime(2026, 3, 4, 5, 6, 7, 890123, tzinfo=UTC)


def entry(number: int = 1, **more: Any) -> AuditEntry:
    given: dict[str, Any] = {
        "at": NOW + timedelta(seconds=number),
        "key_id": f"key{number}",
        "agency": "dukcapil",
        "action": "POST",
        "target": "/api/v1/usage/statistics",
        "status": 200,
        "problem": None,
        "request_id": f"request-{number}",
        "body_hash": None,
    }
    return AuditEntry(**(given | more))


def chain(length: int) -> list[ChainedEntry]:
    return list(chain_entries("12.12", None, [entry(number) for number in range(1, length + 1)]))


def first_fault(lines: list[ChainedEntry], *, expected: str | None = None) -> str | None:
    check = ChainVerifier("12.12", expected=expected)
    for line in lines:
        if (fault := check.verify_next(line)) is not None:
            return fault
    return check.verify_end()


def test_a_line_is_hashed_as_canonical_json_with_the_hash_before_it() -> None:
    text = (
        '{"action":"POST","agency":"dukcapil","at":"2026-03-04T05:06:08.890123+00:00",'
        '"body_hash":null,"key_id":"key1","number":1,"previous":"' + GENESIS_HASH + '",'
        '"problem":null,"region":"12.12","request_id":"request-1","status":200,'
        '"target":"/api/v1/usage/statistics"}'
    )
    assert (
        entry_hash("12.12", 1, GENESIS_HASH, entry(1)) == hashlib.sha256(text.encode()).hexdigest()
    )


def test_an_unchanged_chain_verifies() -> None:
    lines = chain(20)
    assert first_fault(lines) is None
    assert first_fault([]) is None
    for line in lines:
        assert first_fault(lines, expected=line.hash) is None


CHANGES: dict[str, Any] = {
    "at": NOW,
    "key_id": "other",
    "agency": None,
    "action": "PUT",
    "target": "/api/v1/keys",
    "status": 403,
    "problem": "urn:emall:problem:not-allowed",
    "request_id": "",
    "body_hash": "0" * 64,
}


@BOUNDS
@given(st.integers(0, 9), st.sampled_from(sorted(CHANGES)))
def test_a_changed_line_is_named(place: int, name: str) -> None:
    lines = chain(10)
    line = lines[place]
    lines[place] = replace(line, entry=replace(line.entry, **{name: CHANGES[name]}))
    assert (
        first_fault(lines) == f"line {place + 1} was changed: its content does not match its hash"
    )


@BOUNDS
@given(st.integers(0, 9))
def test_a_changed_line_with_a_new_hash_is_found_at_the_next_one(place: int) -> None:
    lines = chain(10)
    old = lines[place]
    changed = replace(old.entry, key_id="other")
    forged = entry_hash("12.12", old.number, old.previous, changed)
    lines[place] = ChainedEntry(old.number, changed, old.previous, forged)
    fault = first_fault(lines, expected=chain(10)[-1].hash)
    assert fault is not None
    if place < 9:
        assert fault.startswith(f"line {place + 2} does not follow line {place + 1}")
    else:
        assert "no line has the hash" in fault


@BOUNDS
@given(st.integers(0, 9))
def test_a_deleted_line_is_named_and_a_truncation_found_by_a_known_hash(place: int) -> None:
    lines = chain(10)
    head = lines[-1].hash
    del lines[place]
    fault = first_fault(lines, expected=head)
    assert fault is not None
    if place < 9:
        assert fault.startswith(f"line {place + 1} is missing")
    else:
        assert f"no line has the hash {head}" in fault


@BOUNDS
@given(st.permutations(range(6)))
def test_lines_in_another_order_are_found(order: list[int]) -> None:
    lines = [chain(6)[place] for place in order]
    assert (first_fault(lines) is None) == (order == sorted(order))
    # Numbered anew, they are found as well.
    moved = [replace(line, number=number) for number, line in enumerate(lines, start=1)]
    assert (first_fault(moved) is None) == (order == sorted(order))


def test_a_chain_of_another_region_does_not_agree() -> None:
    check = ChainVerifier("12.13")
    assert check.verify_next(chain(1)[0]) is not None


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/api/v1/services/ktp-el", "/api/v1/services/ktp-el"),
        ("/api/v1/surveys/skm/responses", "/api/v1/surveys/skm/responses"),
        (
            "/api/v1/meetings/0197a000-0000-7000-8000-000000000001",
            "/api/v1/meetings/0197a000-0000-7000-8000-000000000001",
        ),
        ("/api/v1/oss/nib/9120001234567", "/api/v1/oss/nib/*"),
        ("/api/v1/comments/K7Q2M9XD/replies", "/api/v1/comments/*/*"),
        ("/api/v1/usage/rating-tokens/Zk3_9aB", "/api/v1/usage/rating-tokens/*"),
        ("/nilai/geheim", "/nilai/*"),
        ("/survei/skm", "/survei/*"),
        ("/", "/"),
        ("/" + "x" * 5000, "/" + "x" * 299),
    ],
)
def test_a_path_is_logged_without_personal_identifiers(path: str, target: str) -> None:
    assert redact_path(path) == target


@pytest.fixture
def admin(hub: Hub) -> dict[str, str]:
    return hub.auth("diskominfo", "admin")


def lines_at(hub: Hub, admin: dict[str, str], query: str = "") -> list[dict[str, Any]]:
    answer = hub.client.get(f"{AUDIT}{query}", headers=admin)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def test_a_write_is_logged_with_its_caller_operation_and_status(
    hub: Hub, admin: dict[str, str]
) -> None:
    key = hub.key("dukcapil", "usage:write")
    body = json.dumps({"statistics": [{"agency": "pupr"}]}).encode()
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {
        "Authorization": f"Bearer {key}",
        "Content-Type": "application/json",
        "traceparent": f"00-{trace}-b7ad6b7169203331-01",
    }
    answer = hub.client.post("/api/v1/usage/statistics", content=body, headers=headers)
    assert answer.status_code == 422
    line = lines_at(hub, admin)[0]
    assert {name: line[name] for name in ("key_id", "agency", "action", "target", "status")} == {
        "key_id": key.split("_")[1],
        "agency": "dukcapil",
        "action": "POST",
        "target": "/api/v1/usage/statistics",
        "status": 422,
    }
    assert line["problem"] == "urn:emall:problem:invalid"
    assert line["request_id"] == trace
    assert line["body_hash"] == hashlib.sha256(body).hexdigest()
    assert datetime.now(UTC) - datetime.fromisoformat(line["at"]) < timedelta(minutes=1)
    assert key.rpartition("_")[2] not in json.dumps(line)


def test_the_gateways_own_writes_and_refusals_of_a_key_leave_lines_and_reads_leave_none(
    hub: Hub, admin: dict[str, str]
) -> None:
    before = len(lines_at(hub, admin))
    hub.client.get("/api/v1/services")
    wanted = {"scopes": ["usage:write"]}
    lacking = hub.auth("dukcapil", "metrics:draft")
    for method, path, headers in (
        ("POST", "/api/v1/keys", admin),
        ("POST", "/api/v1/usage/statistics", lacking),
        ("DELETE", "/api/v1/services", admin),
        ("POST", "/api/v1/nothing", admin),
    ):
        hub.client.request(method, path, json=wanted, headers=headers)
    lines = lines_at(hub, admin)[: -before or None][::-1]
    assert [line["status"] for line in lines] == [201, 403, 405, 404]
    assert [line["agency"] for line in lines] == ["diskominfo", "dukcapil", *["diskominfo"] * 2]


UNKNOWN = {"Authorization": f"Bearer emk_0123456789ab_{'0' * 64}"}
LARGE = {"Content-Length": "9000000"}
OTHER_SITE = {"Sec-Fetch-Site": "cross-site"}
REFUSED: dict[int, list[tuple[str, str, dict[str, str]]]] = {
    # OSS expects 200 even for what is refused.
    200: [("POST", "/api/v1/oss/receive-nib", {})],
    307: [("POST", "/api/v1/comments/", {})],
    401: [("POST", "/api/v1/keys", {}), ("POST", "/api/v1/keys", UNKNOWN)],
    403: [
        ("POST", "/aduan", OTHER_SITE),
        ("POST", "/unggah/masuk", {}),
        ("POST", "/unggah/keluar", {}),
    ],
    404: [
        ("POST", "/nothing/1", {}),
        ("PUT", "/x", {}),
    ],
    405: [("DELETE", "/", {}), ("PATCH", "/api/v1/services", {})],
    422: [("POST", "/api/v1/comments", {}), ("POST", "/api/v1/surveys/skm/responses", {})],
}


def test_refused_writes_without_a_key_are_counted_and_leave_one_line(settings: Settings) -> None:
    expected = {status: 3 * len(requests) for status, requests in REFUSED.items()}
    with TestClient(create_app(settings), follow_redirects=False) as client:
        for status, requests in REFUSED.items():
            for method, path, headers in requests * 3:
                answer = client.request(method, path, headers=headers, json={})
                assert answer.status_code == status, (method, path, answer.text)
        assert anonymous_lines(settings) == []
    [entry] = anonymous_lines(settings)
    assert (entry.action, entry.status) == ("refusals", None)
    assert dict(map(counted, entry.target.split(", "))) == expected
    assert first_fault(asyncio.run(stored(settings))) is None


def anonymous_lines(settings: Settings) -> list[AuditEntry]:
    lines = asyncio.run(stored(settings))
    return [line.entry for line in lines if line.entry.key_id == "anonymous"]


def counted(text: str) -> tuple[int, int]:
    status, _, count = text.partition(": ")
    return int(status), int(count)


def test_more_than_the_limit_is_counted_too(settings: Settings) -> None:
    limited = settings.model_copy(update={"address_writes_per_minute": 2})
    with TestClient(create_app(limited)) as client:
        for _ in range(5):
            client.post("/nothing")
    [entry] = anonymous_lines(settings)
    counts = dict(map(counted, entry.target.split(", ")))
    assert (counts.keys(), sum(counts.values())) == ({404, 429}, 5)


def test_a_refusal_needs_no_audit_log_and_is_counted_when_there_is_one(settings: Settings) -> None:
    app = create_app(settings)
    flush = app.state.proxy_dependencies.refused_writes.flush
    with TestClient(app) as client:
        assert client.portal is not None
        with hidden_table(settings, "gateway.audit_line"):
            assert client.post("/nothing").status_code == 404
            with pytest.raises(DATABASE_ERRORS):
                client.portal.call(flush)
        client.post("/nothing")
        client.portal.call(flush)
        client.portal.call(flush)
    [entry] = anonymous_lines(settings)
    assert entry.target == "404: 2"


def test_a_citizens_submission_is_logged_without_its_minute_and_body(
    hub: Hub, admin: dict[str, str]
) -> None:
    answers = {f"U{number}": 4 for number in range(1, 10)}
    response = {"service": "ktp-el", "answers": answers}
    # Some tracers begin their ids with the time.
    trace = f"{int(time.time()):08x}{'0' * 23}1"
    sent = hub.client.post(
        "/api/v1/surveys/skm/responses",
        json=response,
        headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"},
    )
    assert sent.status_code == 201, sent.text
    assert sent.headers["x-request-id"] == trace
    line = lines_at(hub, admin)[0]
    assert (line["key_id"], line["agency"], line["body_hash"]) == ("anonymous", None, None)
    at = datetime.fromisoformat(line["at"])
    assert (at.minute, at.second, at.microsecond) == (0, 0, 0)
    assert re.fullmatch("[0-9a-f]{32}", line["request_id"])
    assert line["request_id"] != trace


def test_a_device_is_registered_and_forgotten_in_the_name_of_its_key(
    hub: Hub, admin: dict[str, str]
) -> None:
    key = hub.key("dukcapil", "surveys:collect")
    hub.client.post("/survei/perangkat", content=f"kunci={key}")
    hub.client.post("/survei/perangkat/keluar")
    forgotten, registered = lines_at(hub, admin)[:2]
    for line in (forgotten, registered):
        assert (line["agency"], line["key_id"], line["status"]) == (
            "dukcapil",
            key.split("_")[1],
            303,
        )


def test_a_response_at_an_agencys_device_is_logged_without_its_minute_and_body(
    hub: Hub, admin: dict[str, str]
) -> None:
    device = hub.auth("dukcapil", "surveys:collect")
    answers = {f"U{number}": 4 for number in range(1, 10)}
    for mode in ("kiosk", "enumerator"):
        response = {"mode": mode, "service": "ktp-el", "answers": answers}
        sent = hub.client.post("/api/v1/surveys/skm/responses", json=response, headers=device)
        assert sent.status_code == 201, sent.text
        line = lines_at(hub, admin)[0]
        assert (line["agency"], line["body_hash"]) == ("dukcapil", None)
        assert line["request_id"] != sent.headers["x-request-id"]
        at = datetime.fromisoformat(line["at"])
        assert (at.minute, at.second, at.microsecond) == (0, 0, 0)


def test_the_log_is_an_administrators_and_is_read_page_by_page(
    hub: Hub, admin: dict[str, str]
) -> None:
    writer = hub.auth("dukcapil", "usage:write")
    assert hub.client.get(AUDIT).status_code == 401
    assert hub.client.get(AUDIT, headers=writer).status_code == 403
    for _ in range(5):
        hub.client.post("/api/v1/usage/statistics", json={}, headers=writer)
    found, address = list[int](), f"{AUDIT}?limit=2&agency=dukcapil"
    while address:
        page = hub.client.get(address, headers=admin).json()
        assert {line["agency"] for line in page["items"]} == {"dukcapil"}
        found += [line["number"] for line in page["items"]]
        address = page["next"]
    assert len(found) == 5
    assert found == sorted(found, reverse=True)


def test_a_write_whose_audit_line_cannot_be_stored_is_not_confirmed(
    hub: Hub, admin: dict[str, str]
) -> None:
    with hidden_table(hub.settings, "gateway.audit_line"):
        answer = hub.client.post("/api/v1/keys", json={"scopes": ["usage:write"]}, headers=admin)
        assert answer.status_code == 503
        assert answer.json()["type"] == "urn:emall:problem:unavailable"
        assert "emk_" not in answer.text
        assert hub.client.get("/api/v1/services", headers=admin).status_code == 200
    assert hub.client.post("/api/v1/keys", json={}, headers=admin).status_code != 503


def test_four_replicas_that_write_at_once_form_one_chain(settings: Settings) -> None:
    key = new_key(settings, "dukcapil", "usage:write")

    def write(address: str) -> list[int]:
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(
            base_url=address, verify=False, trust_env=False, headers=headers
        ) as client:
            path = "/api/v1/usage/statistics"
            return [client.post(path, json={"statistics": []}).status_code for _ in range(10)]

    with ExitStack() as stack:
        replicas = [stack.enter_context(serving(create_app(settings))) for _ in range(4)]
        with ThreadPoolExecutor(8) as pool:
            answers = [status for found in pool.map(write, replicas * 2) for status in found]
    assert len(answers) == 80
    assert set(answers) <= {200, 422}
    lines = asyncio.run(stored(settings))
    assert len([line for line in lines if line.entry.agency == "dukcapil"]) == 80
    assert first_fault(lines) is None


async def stored(settings: Settings) -> list[ChainedEntry]:
    database = Database(settings, Service.gateway)
    async with database.read_session() as session:
        lines = [line async for line in iter_entries(session, settings.region)]
    await database.close()
    return lines


@pytest.fixture
def written(empty: Settings) -> Settings:
    """Provide settings of a database whose audit log has five lines."""

    async def write() -> None:
        database = Database(empty, Service.gateway)
        async with database.write_session() as session:
            await insert_entries(session, empty.region, [entry(1), entry(2)])
        log = AuditLog(database, empty.region)
        log.start()
        await asyncio.gather(*(log.append(entry(number, agency=None)) for number in (3, 4, 5)))
        await log.stop()
        await database.close()

    asyncio.run(write())
    return empty


def test_a_stored_log_is_read_back_and_verifies(written: Settings) -> None:
    lines = asyncio.run(stored(written))
    assert [line.number for line in lines] == [1, 2, 3, 4, 5]
    assert [line.entry for line in lines[:2]] == [entry(1), entry(2)]
    assert first_fault(lines, expected=lines[-1].hash) is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE gateway.audit_line SET agency = 'x'",
        "DELETE FROM gateway.audit_line",
        "TRUNCATE gateway.audit_line",
    ],
)
def test_no_statement_changes_the_log(written: Settings, statement: str) -> None:
    with pytest.raises(asyncpg.PostgresError, match="cannot be changed"):
        rows(written, statement)
    with pytest.raises(asyncpg.PostgresError, match=r"permission denied|cannot be changed"):
        rows_as_gateway(written, statement)
    assert first_fault(asyncio.run(stored(written))) is None


def rows_as_gateway(settings: Settings, statement: str) -> None:
    async def work() -> None:
        database = Database(settings, Service.gateway)
        connection = await database.connect(purpose="test")
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(work())


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE gateway.audit_line SET status = 201 WHERE number = 3", "line 3 was changed"),
        ("DELETE FROM gateway.audit_line WHERE number = 1", "line 1 is missing"),
        ("DELETE FROM gateway.audit_line WHERE number = 4", "line 4 is missing"),
        (
            "UPDATE gateway.audit_line SET number = CASE number WHEN 2 THEN -3 ELSE -2 END "
            "WHERE number IN (2, 3); UPDATE gateway.audit_line SET number = -number "
            "WHERE number < 0",
            "line 2 does not follow line 1",
        ),
    ],
)
def test_a_change_past_the_triggers_is_found(written: Settings, statement: str, fault: str) -> None:
    async def tamper() -> None:
        assert written.database_url is not None
        connection = await asyncpg.connect(written.database_url.get_secret_value())
        await connection.execute(f"SET session_replication_role = replica; {statement}")
        await connection.close()

    asyncio.run(tamper())
    found = first_fault(asyncio.run(stored(written)))
    assert found is not None
    assert found.startswith(fault)


def test_pending_lines_are_written_when_the_hub_stops(empty: Settings) -> None:
    async def story() -> int:
        database = Database(empty, Service.gateway)
        log = AuditLog(database, empty.region)
        log.start()
        keeping = [asyncio.ensure_future(log.append(entry(number))) for number in range(50)]
        await asyncio.sleep(0)
        await log.stop()
        await asyncio.gather(*keeping)
        async with database.read_session() as session:
            found = await list_latest(session, empty.region, agency=None, before=None, limit=100)
        await database.close()
        return len(found)

    assert asyncio.run(story()) == 50
