"""The audit log: a line for every write before its answer, and a chain in which a change shows."""

import asyncio
import hashlib
import json
import re
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode

import asyncpg
import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from starlette.testclient import TestClient

from services.cli.audit import verify_log
from services.gateway.app import create_app
from services.gateway.audit.chain import (
    GENESIS_HASH,
    NO_LINE,
    AuditEntry,
    ChainedEntry,
    ChainVerifier,
    Head,
    chain_entries,
    entry_hash,
)
from services.gateway.audit.log import AuditLog
from services.gateway.audit.months import (
    AuditMonths,
    MaintenanceResult,
    SignedMonth,
    month_before,
    raw_public_key,
    statement,
    verify_months,
)
from services.gateway.audit.records import chain_pending, insert_entries, iter_entries
from services.platform.database import DATABASE_ERRORS, Database, WriteSession
from services.platform.identity import load_private_key, load_public_key
from services.platform.request_id import redact_path
from services.platform.settings import Service, Settings
from tests.conftest import Hub, Server, new_key
from tests.gateway.key_rows import (
    audit_partitions,
    chain_audit_log,
    move_newest_lines,
    past_triggers,
)
from tests.gateway.links import fields_of, new_link
from tests.rows import hidden_table, rows
from tests.servers import serving
from tests.upgrading import upgrade

Result = TypeVar("Result")

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
    return list(chain_entries("12.12", NO_LINE, [entry(number) for number in range(1, length + 1)]))


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
    chain_audit_log(hub.settings)
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


@pytest.mark.slow
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


@pytest.mark.slow
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
    assert first_fault(stored(settings)) is None


def anonymous_lines(settings: Settings) -> list[AuditEntry]:
    lines = stored(settings)
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
        with hidden_table(settings, "gateway.audit_pending"):
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


def test_a_device_is_registered_and_signed_out_in_the_name_of_its_link(
    hub: Hub, admin: dict[str, str]
) -> None:
    link = new_link(hub.settings, "device")
    hub.client.post("/survei/perangkat", content=urlencode(fields_of(link)))
    hub.client.post("/survei/perangkat/keluar", content=f"sesi=semua&kode={link.code}")
    signed_out, registered = lines_at(hub, admin)[:2]
    for line in (signed_out, registered):
        assert (line["agency"], line["key_id"], line["status"]) == ("dukcapil", link.id, 303)


@pytest.mark.slow
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
    chain_audit_log(hub.settings)
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
    with hidden_table(hub.settings, "gateway.audit_pending"):
        answer = hub.client.post("/api/v1/keys", json={"scopes": ["usage:write"]}, headers=admin)
        assert answer.status_code == 503
        assert answer.json()["type"] == "urn:emall:problem:unavailable"
        assert "emk_" not in answer.text
        assert hub.client.get("/api/v1/services", headers=admin).status_code == 200
    assert hub.client.post("/api/v1/keys", json={}, headers=admin).status_code != 503


@pytest.mark.slow
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
    lines = stored(settings)
    assert len([line for line in lines if line.entry.agency == "dukcapil"]) == 80
    assert first_fault(lines) is None


def stored(settings: Settings) -> list[ChainedEntry]:
    """Chain what is stored, and return the whole chain."""
    return stored_after(settings, 0)


def stored_after(settings: Settings, after: int) -> list[ChainedEntry]:
    """Chain what is stored, and return the chain after a number."""
    chain_audit_log(settings)

    async def read() -> list[ChainedEntry]:
        database = Database(settings, Service.gateway)
        async with database.read_session() as session:
            lines = [line async for line in iter_entries(session, settings.region, after=after)]
        await database.close()
        return lines

    return asyncio.run(read())


@pytest.fixture
def written(empty: Settings) -> Settings:
    """Provide settings of a database whose audit log has five lines."""

    async def write() -> None:
        database = Database(empty, Service.gateway)
        async with database.write_session() as session:
            await insert_entries(session, empty.region, [entry(1), entry(2)])
        log = AuditLog(database, empty.region)
        await asyncio.gather(*(log.append(entry(number, agency=None)) for number in (3, 4, 5)))
        await log.stop()
        await database.close()

    asyncio.run(write())
    chain_audit_log(empty)
    return empty


def test_a_stored_log_is_read_back_and_verifies(written: Settings) -> None:
    lines = stored(written)
    assert [line.number for line in lines] == [1, 2, 3, 4, 5]
    assert [line.entry for line in lines[:2]] == [entry(1), entry(2)]
    assert first_fault(lines, expected=lines[-1].hash) is None


PARTITION = "gateway.audit_line_{now:%Y_%m}"
"""The month in which a test runs, which may begin after its collection."""
TABLES = ("gateway.audit_line", PARTITION, "gateway.audit_pending", "gateway.audit_month")
CHANGING = [
    statement
    for table in TABLES
    for statement in (
        f"UPDATE {table} SET region = 'x'",
        f"DELETE FROM {table}",
        f"TRUNCATE {table}",
    )
]


@pytest.mark.slow
@pytest.mark.parametrize("statement", CHANGING)
def test_no_statement_changes_the_log(written: Settings, statement: str) -> None:
    move_newest_lines(written, 5, OLD)
    maintain(written)
    store(written, entry(6))
    chain_audit_log(written)
    store(written, entry(7))
    statement = statement.format(now=datetime.now(UTC))
    with pytest.raises(asyncpg.PostgresError, match="cannot be changed"):
        rows(written, statement)
    with pytest.raises(asyncpg.PostgresError, match=r"permission denied|cannot be changed"):
        rows_as_gateway(written, statement)
    assert first_fault(stored(written)) is None


def rows_as_gateway(settings: Settings, statement: str) -> None:
    async def work() -> None:
        database = Database(settings, Service.gateway)
        connection = await database.connect(purpose="test")
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(work())


@pytest.mark.slow
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
    past_triggers(written, statement)
    found = first_fault(stored(written))
    assert found is not None
    assert found.startswith(fault)


def test_queued_lines_are_stored_when_the_hub_stops(empty: Settings) -> None:
    async def story() -> None:
        database = Database(empty, Service.gateway)
        log = AuditLog(database, empty.region)
        keeping = [asyncio.ensure_future(log.append(entry(number))) for number in range(50)]
        await asyncio.sleep(0)
        await log.stop()
        assert all(appended.done() for appended in keeping)
        await asyncio.gather(*keeping)
        await database.close()

    asyncio.run(story())
    assert len(stored(empty)) == 50


def store(settings: Settings, *entries: AuditEntry) -> None:
    """Store entries without chaining them."""
    in_transaction(settings, lambda session: insert_entries(session, settings.region, entries))


def chain_at(settings: Settings, now: datetime) -> int:
    """Chain what is due at a time, and return the number of lines."""
    return in_transaction(
        settings, lambda session: chain_pending(session, settings.region, now=now)
    )


def in_transaction(settings: Settings, work: Callable[[WriteSession], Awaitable[Result]]) -> Result:
    async def transaction() -> Result:
        database = Database(settings, Service.gateway)
        async with database.write_session() as session:
            result = await work(session)
        await database.close()
        return result

    return asyncio.run(transaction())


def test_lines_are_chained_in_the_order_of_their_time(empty: Settings) -> None:
    for number in (2, 3, 1):
        store(empty, entry(number))
    assert chain_at(empty, NOW + timedelta(minutes=1)) == 3
    assert [line.entry.key_id for line in stored(empty)] == ["key1", "key2", "key3"]


@pytest.mark.slow
def test_a_line_that_hides_its_minute_is_chained_when_its_hour_is_over(empty: Settings) -> None:
    hour = NOW.replace(minute=0, second=0, microsecond=0)
    for number in range(1, 21):
        store(empty, entry(number), entry(number, at=hour, key_id=f"citizen{number}"))
    assert chain_at(empty, hour + timedelta(minutes=64)) == 20
    store(empty, entry(3300))  # in the next hour
    assert chain_at(empty, hour + timedelta(minutes=65)) == 21
    lines = [line.entry.key_id for line in stored(empty)]
    citizens = [name for name in lines if name.startswith("citizen")]
    assert len(citizens) == 20
    assert not {lines.index(name) for name in citizens} & set(range(20))
    # Nor does their order tell which came first.
    assert citizens != [f"citizen{number}" for number in range(1, 21)]


def test_a_write_waits_for_nobody_who_chains_and_no_other_process_chains(
    hub: Hub, admin: dict[str, str]
) -> None:
    assert hub.settings.database_url is not None
    address = hub.settings.database_url.get_secret_value()

    async def story() -> None:
        connection = await asyncpg.connect(address)
        async with connection.transaction():
            lock = "SELECT pg_advisory_xact_lock(hashtextextended('emall audit 12.12', 0))"
            await connection.execute(lock)
            sent = await asyncio.to_thread(
                hub.client.post, "/api/v1/keys", json={"scopes": ["usage:write"]}, headers=admin
            )
            assert sent.status_code == 201, sent.text
            assert await asyncio.to_thread(chain_at, hub.settings, datetime.now(UTC)) == 0
        await connection.close()

    asyncio.run(story())
    assert lines_at(hub, admin)[0]["target"] == "/api/v1/keys"


def test_a_line_stored_during_a_failed_write_of_others_is_stored(empty: Settings) -> None:
    async def story() -> list[BaseException | None]:
        database = Database(empty, Service.gateway)
        log = AuditLog(database, empty.region)
        with_nul = [entry(number, target="\0") for number in range(4)]
        results = await asyncio.gather(
            *(log.append(refused) for refused in with_nul), return_exceptions=True
        )
        await log.append(entry(9))
        await database.close()
        return results

    assert all(isinstance(result, DATABASE_ERRORS) for result in asyncio.run(story()))
    assert [line.entry.key_id for line in stored(empty)] == ["key9"]


OLD = date(2024, 1, 1)
"""A month past every retention."""


def chain_in_month(settings: Settings, month: date, *entries: AuditEntry) -> None:
    """Chain entries as if it were that month."""
    store(settings, *entries)
    chain_audit_log(settings)
    move_newest_lines(settings, len(entries), month)


def maintain(
    settings: Settings, *, now: datetime | None = None, signs: bool = True, retention: int = 60
) -> MaintenanceResult:
    async def work() -> MaintenanceResult:
        database = Database(settings, Service.gateway)
        key = load_private_key(settings.private_key_file) if signs else None
        months = AuditMonths(database, settings.region, key, retention_months=retention)
        result = await months.maintain(now=now or datetime.now(UTC))
        await database.close()
        return result

    return asyncio.run(work())


def verified(settings: Settings, *keys: Ed25519PublicKey, expected: str | None = None) -> Any:
    trusted = keys or (load_public_key(settings.public_key_file),)
    return asyncio.run(verify_log(settings, expected, list(trusted)))


@pytest.fixture
def aged(empty: Settings) -> Settings:
    """Provide settings of a database with lines of January and February 2024 and of now."""
    chain_in_month(empty, OLD, entry(1), entry(2), entry(3))
    chain_in_month(empty, date(2024, 2, 1), entry(4), entry(5))
    store(empty, entry(6))
    chain_audit_log(empty)
    return empty


def test_closed_months_are_signed_once_and_the_current_one_is_not(aged: Settings) -> None:
    assert maintain(aged).signed == (OLD, date(2024, 2, 1))
    assert maintain(aged).signed == ()
    found = verified(aged)
    assert (found.fault, found.lines, found.signed, found.pruned) == (None, 6, 2, [])


def test_a_month_is_signed_an_hour_after_its_end(empty: Settings) -> None:
    store(empty, entry(1))
    chain_audit_log(empty)
    this_month = datetime.now(UTC).date().replace(day=1)
    end = datetime.combine(month_before(datetime.now(UTC), -1), datetime.min.time(), tzinfo=UTC)
    assert maintain(empty, now=end + timedelta(minutes=59)).signed == ()
    assert maintain(empty, now=end + timedelta(minutes=60)).signed == (this_month,)
    # What comes now is of the next month, whatever the clock of the database says.
    store(empty, entry(2))
    chain_audit_log(empty)
    found = verified(empty)
    assert (found.fault, found.lines) == (None, 2)


def test_partitions_exist_before_their_month_begins(empty: Settings) -> None:
    now = datetime.now(UTC) + timedelta(days=400)
    maintain(empty, now=now)
    names = {f"audit_line_{month_before(now, before):%Y_%m}" for before in (0, -1)}
    assert names <= set(audit_partitions(empty))


@pytest.mark.slow
def test_only_signed_months_past_their_retention_are_dropped(aged: Settings) -> None:
    assert maintain(aged, signs=False, retention=12).dropped == ()
    assert maintain(aged).dropped == ()  # retained for 60 months
    assert maintain(aged, retention=12).dropped == (OLD, date(2024, 2, 1))
    assert maintain(aged, retention=12).dropped == ()
    actions = [(line.entry.action, line.entry.target) for line in stored_after(aged, 5)]
    assert actions[1:] == [("prune", "audit 2024-01"), ("prune", "audit 2024-02")]
    found = verified(aged)
    assert (found.fault, found.lines) == (None, 3)
    assert [month.last_number for month in found.pruned] == [3, 5]


@pytest.mark.slow
def test_a_pruned_log_still_shows_what_is_changed_missing_or_unsigned(aged: Settings) -> None:
    heads = [line.hash for line in stored(aged)]
    maintain(aged, retention=12)
    chain_audit_log(aged)
    assert verified(aged, expected=heads[2]).fault is None  # the signed head of a pruned month
    assert verified(aged, expected=heads[5]).fault is None
    assert "pruned lines 1 to 5" in verified(aged, expected=heads[0]).fault
    other = Ed25519PrivateKey.generate().public_key()
    assert "not this hub's" in verified(aged, other).fault
    assert verified(aged, other, load_public_key(aged.public_key_file)).fault is None
    past_triggers(aged, "UPDATE gateway.audit_month SET head = previous WHERE month = '2024-02-01'")
    assert "signed head of 2024-02 was changed" in verified(aged).fault
    past_triggers(aged, "DELETE FROM gateway.audit_month WHERE month = '2024-01-01'")
    assert "2024-02 does not follow line 0" in verified(aged).fault
    past_triggers(aged, "DELETE FROM gateway.audit_month")
    assert verified(aged).fault == "line 1 is missing: line 6 follows 0"


def test_a_month_that_disappears_without_being_pruned_is_missing(empty: Settings) -> None:
    recent = month_before(datetime.now(UTC), 3)
    chain_in_month(empty, recent, entry(1))
    maintain(empty)
    store(empty, entry(2))
    chain_audit_log(empty)
    past_triggers(empty, "DELETE FROM gateway.audit_line WHERE number = 1")
    assert f"the lines of {recent:%Y-%m} are missing" in verified(empty).fault


@pytest.mark.slow
def test_a_signed_month_that_was_rewritten_is_named(aged: Settings) -> None:
    maintain(aged)
    lines = stored(aged)
    forged = list(chain_entries("12.12", NO_LINE, [entry(n, agency="x") for n in range(1, 7)]))
    assert len(forged) == len(lines)
    for line in forged:
        past_triggers(
            aged,
            "UPDATE gateway.audit_line SET agency = 'x', "
            f"previous = '{line.previous}', hash = '{line.hash}' WHERE number = {line.number}",
        )
    fault = verified(aged).fault
    assert fault == "line 3 was rewritten: its hash is not the one that was signed"
    past_triggers(aged, "DELETE FROM gateway.audit_line WHERE number > 2")
    assert verified(aged).fault == "line 3 is missing: lines up to 5 were signed"


def test_the_chain_goes_on_after_all_lines_were_pruned(empty: Settings) -> None:
    chain_in_month(empty, date(2020, 1, 1), entry(1), entry(2))
    assert len(maintain(empty).dropped) == 1
    past_triggers(empty, "DELETE FROM gateway.audit_pending")  # the line about it
    store(empty, entry(3))
    assert [line.number for line in stored_after(empty, 2)] == [3]
    assert verified(empty).fault is None


def test_the_gateways_role_drops_nothing_of_the_last_year(written: Settings) -> None:
    recent = month_before(datetime.now(UTC), 11)
    with pytest.raises(asyncpg.PostgresError, match="last 12 months"):
        rows_as_gateway(written, f"SELECT gateway.drop_audit_months('12.12', '{recent}')")


def test_a_line_cannot_be_chained_twice_or_out_of_its_place(written: Settings) -> None:
    call = "SELECT gateway.chain_audit_lines('12.12', ARRAY[gen_random_uuid()], ARRAY[{}], {}, {})"
    for number, reason in ((5, "line 5 does not follow line 5"), (6, "of 1 pending lines 0")):
        with pytest.raises(asyncpg.PostgresError, match=reason):
            rows_as_gateway(written, call.format(number, "ARRAY['x']", "ARRAY['x']"))


MONTHS = [
    SignedMonth(date(2024, number, 1), number, number, before, after, "", "")
    for number, before, after in ((1, GENESIS_HASH, "a" * 64), (2, "a" * 64, "b" * 64))
]


@BOUNDS
@given(
    st.integers(0, 1),
    st.sampled_from(sorted({"month", "first_number", "last_number", "previous", "head"})),
)
def test_any_change_of_a_signed_head_shows(place: int, name: str) -> None:
    key = Ed25519PrivateKey.from_private_bytes(b"1" * 32)
    public = raw_public_key(key.public_key())
    signed = [
        replace(month, public_key=public, signature=key.sign(statement("12.12", month)).hex())
        for month in MONTHS
    ]
    assert verify_months("12.12", signed, [key.public_key()]) is None
    assert verify_months("12.13", signed, [key.public_key()]) is not None
    other: dict[str, Any] = {"month": date(2025, 1, 1), "previous": "c" * 64, "head": "c" * 64}
    signed[place] = replace(signed[place], **{name: other.get(name, 7)})
    assert verify_months("12.12", signed, [key.public_key()]) is not None


@pytest.mark.slow
def test_the_log_of_an_older_version_is_kept_and_that_version_goes_on_writing(
    server: Server,
) -> None:
    lines = [
        *chain_entries("12.12", NO_LINE, [entry(1), entry(2, at=NOW + timedelta(days=40))]),
    ]
    later = entry(3, at=NOW)  # an hour hides its minute, and so may follow a later line
    lines += chain_entries("12.12", Head(2, lines[-1].hash), [later])
    with server.database_from("template1") as name:
        settings, address = server.settings(name), server.address_of(name)
        upgrade(address, "gateway_0015_refused_items")
        for line in lines:
            rows(settings, INSERT_AS_BEFORE, "12.12", *columns_of(line))
        upgrade(address, "heads")
        assert stored(settings) == lines
        assert {"audit_line_2026_03", "audit_line_2026_04"} <= set(audit_partitions(settings))
        [fourth] = chain_entries("12.12", Head(3, lines[-1].hash), [entry(4)])
        values = [f"'{value}'" if value is not None else "NULL" for value in columns_of(fourth)]
        rows_as_gateway(
            settings,
            INSERT_AS_BEFORE.split("VALUES", maxsplit=1)[0]
            + f"VALUES ('12.12', {', '.join(values)})",
        )
        store(settings, entry(5))
        assert [line.number for line in stored(settings)] == [1, 2, 3, 4, 5]
        assert first_fault(stored(settings)) is None


INSERT_AS_BEFORE = """
INSERT INTO gateway.audit_line (region, number, at, key_id, agency, action, target, status,
                                problem, request_id, body_hash, previous, hash)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""


def columns_of(line: ChainedEntry) -> list[Any]:
    return [line.number, *asdict(line.entry).values(), line.previous, line.hash]
