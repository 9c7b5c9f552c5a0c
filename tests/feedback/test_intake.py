"""Events over HTTP: what is taken in which form, what is answered, and what a bad client gets."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.feedback.app import create_app
from services.feedback.events import event_queue
from services.platform import request_body
from services.platform.settings import Settings
from tests.conftest import Room, agency_caller, room
from tests.feedback.feedback_rows import count_event_commits, locked_events
from tests.feedback.sending import load
from tests.servers import LOOPBACK, serving

EVENTS = "/api/v1/usage/events"
NOON = "2024-03-05T12:00:00+07:00"
WRITER = agency_caller("dukcapil", "usage:write")


@pytest.fixture
def feedback(feedback: Room) -> Room:
    """Provide the service with a catalogue."""
    load(feedback, obligations=[("dukcapil", "ktp-el"), ("pupr", "ktp-el")])
    return feedback


@pytest.fixture(scope="module")
def refusing(office: Room) -> Room:
    """Provide the service with a catalogue once for the tests whose events are all refused."""
    load(office, obligations=[("dukcapil", "ktp-el"), ("pupr", "ktp-el")])
    return office


def event(**more: Any) -> dict[str, Any]:
    return {
        "id": str(uuid4()), "kind": "search", "source": "kiosk", "occurred_at": NOON
    } | more  # fmt: skip


def cloud_event(**more: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "/kiosk/balige",
        "type": "id.emall.usage.form_start.v1",
        "time": NOON,
        "data": {"source": "kiosk", "service": "ktp-el"},
    } | more


def send(office: Room, body: bytes | Any, path: str = EVENTS, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"Content-Type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return office.client.post(path, content=content, headers=office.token(WRITER) | given)


def counted(office: Room, group_by: str = "service") -> dict[tuple[str, str | None], int]:
    answer = office.get(f"/api/v1/usage/summary?from=2024-01-01&to=2024-12-31&group_by={group_by}")
    return {(item["measure"], item[group_by]): item["value"] for item in answer.json()["items"]}


def test_a_preference_without_an_end_is_refused(feedback: Room) -> None:
    answer = send(feedback, {"events": [event()]}, Prefer="wait=10, " * 100)
    assert answer.status_code == 422
    assert [error["parameter"] for error in answer.json()["errors"]] == ["prefer"]


def test_each_event_has_its_result(feedback: Room) -> None:
    known, new, foreign = event(), event(service="ktp-el"), event(agency="dishub")
    send(feedback, {"events": [known]})
    early = event(occurred_at="2019-01-01T00:00:00Z")
    wrong = [event(kind="x", service="?"), early, "event"]
    used = known | {"kind": "form_end"}
    batch = {"events": [known, new, foreign, *wrong, new]}
    [rejected] = send(feedback, {"events": [used]}, f"{EVENTS}?detail=true").json()["items"]
    assert [error["pointer"] for error in rejected["errors"]] == ["#/events/0/id"]
    answer = send(feedback, batch, Prefer="respond-async, return=representation")
    assert answer.headers["preference-applied"] == "return=representation"
    reported = answer.json()
    assert [item["result"] for item in reported["items"]] == [
        "repeated", "accepted", "rejected", "rejected", "rejected", "rejected", "repeated",
    ]  # fmt: skip
    assert (reported["accepted"], reported["repeated"], reported["rejected"]) == (1, 2, 4)
    pointers = [[error["pointer"] for error in item["errors"]] for item in reported["items"]]
    assert pointers == [
        [],
        [],
        ["#/events/2/agency"],
        ["#/events/3/kind", "#/events/3/service"],
        ["#/events/4/occurred_at"],
        ["#/events/5"],
        [],
    ]
    assert [item["id"] for item in reported["items"]] == [
        known["id"], new["id"], foreign["id"], None, early["id"], None, new["id"],
    ]  # fmt: skip
    assert counted(feedback) == {("search", None): 1, ("search", "ktp-el"): 1}


def test_the_address_may_ask_for_each_result_too(feedback: Room) -> None:
    one = event()
    answer = send(feedback, {"events": [one, 7]}, f"{EVENTS}?detail=true")
    assert [item["result"] for item in answer.json()["items"]] == ["accepted", "rejected"]
    assert send(feedback, {"events": [one]}, f"{EVENTS}?detail=no").json() == {
        "accepted": 0,
        "repeated": 1,
    }
    answer = send(feedback, {"events": [one]}, f"{EVENTS}?detail=perhaps")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == "detail"


def test_an_envelope_that_is_wrong_is_refused_though_each_result_was_asked_for(
    feedback: Room,
) -> None:
    for body in ({"events": []}, {"events": [event()], "x": 1}, [event()], {"events": 7}):
        assert send(feedback, body, f"{EVENTS}?detail=true").status_code == 422
    assert counted(feedback) == {}


def test_cloud_events_are_taken_in_batches_and_one_by_one(feedback: Room) -> None:
    one, other = cloud_event(), cloud_event(id="no-uuid-7")
    batch = {"Content_Type": "application/cloudevents-batch+json; charset=utf-8"}
    single = {"Content_Type": "application/cloudevents+json"}
    assert send(feedback, [one, other], **batch).json() == {"accepted": 2, "repeated": 0}
    assert send(feedback, other, **single).json() == {"accepted": 0, "repeated": 1}
    same = event(id=one["id"], kind="form_start", service="ktp-el")
    assert send(feedback, {"events": [same]}).json() == {"accepted": 0, "repeated": 1}
    assert counted(feedback) == {("form_start", "ktp-el"): 2}


def test_cloud_events_of_two_agencies_that_count_from_one_both_count(feedback: Room) -> None:
    one = cloud_event(id="1", source="/loket")
    single = {"Content_Type": "application/cloudevents+json"}
    other_agency = feedback.token(agency_caller("pupr", "usage:write"))
    assert send(feedback, one, **single).json() == {"accepted": 1, "repeated": 0}
    assert send(feedback, one, **single, **other_agency).json() == {"accepted": 1, "repeated": 0}
    assert send(feedback, one, **single, **other_agency).json() == {"accepted": 0, "repeated": 1}
    assert counted(feedback, "agency") == {("form_start", "dukcapil"): 1, ("form_start", "pupr"): 1}


@pytest.mark.parametrize(
    ("change", "batch_pointer", "status"),
    [
        ({"type": "id.emall.usage.click.v1"}, "#/1/type", 422),
        ({"specversion": "0.3"}, "#/1/specversion", 422),
        ({"data": {"source": "kiosk", "visitor": "somebody"}}, "#/1/data/visitor", 422),
        ({"data": {"source": "kiosk", "agency": "dishub"}}, "#/1/data/agency", 403),
        ({"time": "2019-01-01T00:00:00Z"}, "#/1/time", 409),
    ],
)
def test_a_fault_of_a_cloud_event_is_found_where_it_stands(
    refusing: Room, change: dict[str, Any], batch_pointer: str, status: int
) -> None:
    wrong = cloud_event(**change)
    answer = send(
        refusing, [cloud_event(), wrong], Content_Type="application/cloudevents-batch+json"
    )
    assert answer.status_code == status
    assert [error["pointer"] for error in answer.json()["errors"]] == [batch_pointer]
    answer = send(refusing, wrong, Content_Type="application/cloudevents+json")
    assert answer.status_code == status
    alone = batch_pointer.replace("#/1/", "#/")
    assert [error["pointer"] for error in answer.json()["errors"]] == [alone]
    assert counted(refusing) == {}


def test_every_form_stands_in_the_document_with_its_limits(feedback: Room) -> None:
    document = feedback.client.get("/openapi.json").json()
    operation = document["paths"][EVENTS]["post"]
    content = operation["requestBody"]["content"]
    assert content.keys() == {
        "application/json", "application/cloudevents-batch+json", "application/cloudevents+json",
    }  # fmt: skip
    batch = document["components"]["schemas"]["UsageEventBatch"]["properties"]["events"]
    clouds = content["application/cloudevents-batch+json"]["schema"]
    assert (batch["minItems"], batch["maxItems"]) == (1, 5000)
    assert (clouds["minItems"], clouds["maxItems"]) == (1, 5000)
    single = content["application/cloudevents+json"]["schema"]
    assert clouds["items"] == single == {"$ref": "#/components/schemas/UsageCloudEvent"}
    schemas = document["components"]["schemas"]
    named = schemas["UsageEvent"]["properties"]["service"]["anyOf"][0]
    data = schemas["UsageCloudEvent"]["properties"]["data"]["$ref"].rpartition("/")[2]
    assert schemas[data]["properties"]["service"]["anyOf"][0] == named
    assert operation["security"] == [{"agency_key": []}]
    assert {"200", "401", "403", "408", "409", "413", "415", "422", "503"} <= (
        operation["responses"].keys()
    )
    assert {item["name"] for item in operation["parameters"]} == {"detail", "prefer"}


DEEP = b'{"events":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
LONG_NUMBER = b'{"events":[{"id":' + b"9" * 10_000 + b"}]}"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{", 422),
        (b'{"events":[}', 422),
        (b"null", 422),
        (b'"' + b"x" * 100_000 + b'"', 422),
        (b'{"events":[' + b"{}," * 5_000 + b"{}]}", 422),
        (b'{"events":[{"id":NaN}]}', 422),
        (b'{"events":[{"id":1e400}]}', 422),
        (b'{"events":["\\ud800"]}', 422),
        (b'{"events":[{"\\ud800":"\\ud800"}]}', 422),
        (b'{"events":[{"id":"\xff"}]}', 422),
        (LONG_NUMBER, 422),
        (DEEP, 422),
        (json.dumps({"events": [{str(n): n for n in range(10_000)}]}).encode(), 422),
        (json.dumps({str(n): n for n in range(10_000)}).encode(), 422),
    ],
    ids=lambda value: repr(value)[:30],
)
@pytest.mark.parametrize("query", ["", "?detail=true"])
def test_what_is_no_batch_is_answered_with_a_problem(
    refusing: Room, body: bytes, status: int, query: str
) -> None:
    answer = send(refusing, body, EVENTS + query)
    if status == 422 and query and answer.status_code == 200:
        assert answer.json()["accepted"] == 0  # an envelope of wrong items
        return
    assert answer.status_code == status, answer.text[:500]
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.content) < 40_000


def test_a_compressed_body_is_not_unpacked(feedback: Room) -> None:
    for encoding in ("gzip", "deflate", "br", "gzip, identity"):
        answer = send(feedback, b"\x1f\x8b" + b"\x00" * 1000, Content_Encoding=encoding)
        assert answer.status_code == 415
        assert answer.headers["accept-encoding"] == "identity"
    assert send(feedback, {"events": [event()]}, Content_Encoding="identity").status_code == 200


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "application/jsonx"])
def test_a_body_of_another_media_type_is_refused(feedback: Room, media_type: str) -> None:
    answer = send(feedback, {"events": [event()]}, Content_Type=media_type)
    assert answer.status_code == 415
    assert "application/cloudevents-batch+json" in answer.headers["accept-post"]


def test_a_full_queue_is_503_and_accepted_events_are_stored(
    feedback: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_queue, "MAX_QUEUED_EVENTS", 2)
    answer = send(feedback, {"events": [event(), event(), event()]})
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert send(feedback, {"events": [event(), event()]}).status_code == 200
    assert counted(feedback) == {("search", None): 2}


def test_an_unavailable_database_is_503_with_retry_after(
    empty: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with room(create_app, empty) as office:

        def gone(**_: str) -> Any:
            raise ConnectionRefusedError("nobody listens")

        batch = {"events": [event()]}
        monkeypatch.setattr(office.app.state.database, "connect", gone)
        answer = send(office, batch)
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1
        monkeypatch.undo()
        assert send(office, batch).json() == {"accepted": 1, "repeated": 0}


@pytest.fixture
def address(feedback: Room) -> Iterator[str]:
    """Serve the application on a socket, for clients that break the protocol."""
    app = create_app(feedback.settings)
    with serving(app) as at:
        yield at


def head(office: Room, length: int) -> bytes:
    token = office.token(WRITER)["Authorization"]
    return (
        f"POST {EVENTS} HTTP/1.1\r\nHost: emall\r\nAuthorization: {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def connect(address: str) -> socket.socket:
    host, _, port = address.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=20)


@pytest.mark.slow
def test_a_body_that_drips_is_given_up_and_others_are_served_meanwhile(
    feedback: Room, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_body, "BODY_TIMEOUT_SECONDS", 1.0)
    slow = [connect(address) for _ in range(20)]
    for connection in slow:
        connection.sendall(head(feedback, 1000) + b'{"events"')
    ended = threading.Event()

    def drip() -> None:
        while not ended.wait(0.1):
            for connection in slow:
                try:
                    connection.sendall(b" ")
                except OSError:
                    return

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        answer = LOOPBACK.post(
            address + EVENTS, json={"events": [event()]}, headers=feedback.token(WRITER)
        )
        assert answer.json() == {"accepted": 1, "repeated": 0}
        assert {connection.recv(4096)[:12] for connection in slow} == {b"HTTP/1.1 408"}
    finally:
        ended.set()
        thread.join()
        for connection in slow:
            connection.close()


@pytest.mark.slow
def test_large_bodies_share_a_bounded_memory_and_small_ones_are_served_meanwhile(
    feedback: Room, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_body, "MAX_LARGE_BODIES_BYTES", 2_000_000)
    large = [connect(address) for _ in range(6)]
    try:
        for connection in large:
            connection.sendall(head(feedback, 2_000_000) + b" " * 600_000)
        time.sleep(0.5)
        answer = LOOPBACK.post(
            address + EVENTS, json={"events": [event()]}, headers=feedback.token(WRITER)
        )
        assert answer.json() == {"accepted": 1, "repeated": 0}
        refused = 0
        for connection in large:
            connection.settimeout(0.5)
            with suppress(TimeoutError):
                refused += connection.recv(4096).startswith(b"HTTP/1.1 503")
        assert refused == 3
    finally:
        for connection in large:
            connection.close()
    answer = LOOPBACK.post(
        address + EVENTS,
        content=json.dumps({"events": [event()]}).encode() + b" " * 1_000_000,
        headers=feedback.token(WRITER) | {"Content-Type": "application/json"},
    )
    assert answer.status_code == 200


def test_a_body_over_the_limit_is_refused_before_it_is_read(feedback: Room, address: str) -> None:
    with connect(address) as connection:
        connection.sendall(head(feedback, 10**10))
        assert connection.recv(4096).startswith(b"HTTP/1.1 413")


def test_a_client_that_goes_away_leaves_the_service_as_it_was(feedback: Room, address: str) -> None:
    for sent in (b"", b'{"events":[', b"x" * 300_000):
        with connect(address) as connection:
            connection.sendall(head(feedback, 1_000_000) + sent)
    answer = LOOPBACK.post(
        address + EVENTS, json={"events": [event()]}, headers=feedback.token(WRITER)
    )
    assert answer.json() == {"accepted": 1, "repeated": 0}


@pytest.mark.slow
def test_single_events_of_many_clients_share_commits(feedback: Room, address: str) -> None:
    headers = feedback.token(WRITER)
    send(feedback, {"events": [event()]})

    async def work() -> set[int]:
        limits = httpx.Limits(max_connections=128)
        async with httpx.AsyncClient(base_url=address, limits=limits, timeout=60) as client:
            async with locked_events(feedback.settings):  # the first commits take as long
                posts = [
                    asyncio.create_task(
                        client.post(EVENTS, json={"events": [event()]}, headers=headers)
                    )
                    for _ in range(128)
                ]
                await asyncio.sleep(2)
            answers = await asyncio.gather(*posts)
        return {answer.json()["accepted"] for answer in answers}

    began = datetime.now(UTC)
    assert asyncio.run(work()) == {1}
    assert counted(feedback) == {("search", None): 129}
    assert count_event_commits(feedback.settings, since=began) < 64
