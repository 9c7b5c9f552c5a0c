"""Events that the server's protocol answers by itself: the same words, stored as safely."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from services.feedback.app import create_app
from services.feedback.events import event_queue
from services.feedback.events.fast_path import EventProtocol
from services.feedback.events.routes import PATH, EventIngestApp
from services.platform.settings import Settings
from tests.conftest import Room, agency_caller, room
from tests.feedback.feedback_rows import is_a_lock_awaited, locked_events
from tests.feedback.sending import event, send_events, sums
from tests.feedback.test_partitions import keep
from tests.servers import serving
from tests.waiting import until

LINE = f"POST {PATH} HTTP/1.1"
LONG_WAY = "httptools"
BOTH = pytest.mark.parametrize("http", [EventProtocol, LONG_WAY], ids=["short", "long"])


def batch(*events: Any) -> bytes:
    return json.dumps({"events": list(events)}).encode()


def head(room: Room, agency: str, length: int | None, line: str = LINE, **fields: str) -> bytes:
    """Return the head of a request with an agency's token, without the fields of empty text."""
    given = {
        "Host": "hub",
        "Content-Type": "application/json",
        **room.token(agency_caller(agency, "usage:write")),
        "Content-Length": "" if length is None else str(length),
    } | {name.replace("_", "-"): value for name, value in fields.items()}
    lines = [line, *(f"{name}: {value}" for name, value in given.items() if value)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Line:
    """A connection of a client that sees the bytes."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self.socket = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=15)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def send(self, *pieces: bytes, pause: float = 0.05) -> None:
        for n, piece in enumerate(pieces):
            if n:
                time.sleep(pause)
            self.socket.sendall(piece)

    def answer(self) -> tuple[bytes, dict[str, str], bytes]:
        """Status line, fields but the date, and body of the next answer, with the same id."""
        status = self.file.readline()
        fields: dict[str, str] = {}
        while (line := self.file.readline()) not in {b"\r\n", b""}:
            name, _, value = line.decode().partition(":")
            fields[name.lower()] = value.strip()
        body = self.file.read(int(fields.get("content-length", "0")))
        fields.pop("date", None)
        if request_id := fields.get("x-request-id"):
            fields["x-request-id"] = "id"
            body = body.replace(request_id.encode(), b"id")
        return status, fields, body

    def ended(self) -> bool:
        return self.file.read(1) == b""

    def close(self) -> None:
        self.file.close()
        self.socket.close()


@contextmanager
def line_to(address: str) -> Generator[Line]:
    line = Line(address)
    try:
        yield line
    finally:
        line.close()


@pytest.fixture
def taken_long(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Provide the list of the POST requests that reach the ASGI application."""
    seen: list[str] = []
    call = EventIngestApp.__call__

    async def noted(self: Any, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            seen.append(scope["path"])
        await call(self, scope, receive, send)

    monkeypatch.setattr(EventIngestApp, "__call__", noted)
    return seen


def served(settings: Settings, http: Any, *, grace: int = 5) -> AbstractContextManager[str]:
    return serving(create_app(settings), http=http, grace=grace, access_log=False)


@pytest.fixture(scope="module")
def ways(office: Room) -> Iterator[dict[Any, str]]:
    """Servers of both ways, before the database of `office`."""
    with served(office.settings, EventProtocol) as short, served(office.settings, LONG_WAY) as long:
        yield {EventProtocol: short, LONG_WAY: long}


def responses_of(
    address: str, *pieces: bytes, answers: int = 1
) -> list[tuple[bytes, dict[str, str], bytes]]:
    with line_to(address) as line:
        line.send(*pieces)
        return [line.answer() for _ in range(answers)]


def test_what_is_right_needs_no_application(
    office: Room, ways: dict[Any, str], agency: str, taken_long: list[str]
) -> None:
    one, more = batch(event()), batch(event(), event(kind="search"))
    with line_to(ways[EventProtocol]) as line:
        for body, reported in (
            (one, {"accepted": 1, "repeated": 0}),
            (more, {"accepted": 2, "repeated": 0}),
            (one, {"accepted": 0, "repeated": 1}),
        ):
            line.send(head(office, agency, len(body)) + body)
            status, fields, answer = line.answer()
            assert (status, json.loads(answer)) == (b"HTTP/1.1 200 OK\r\n", reported)
            assert fields == {
                "content-type": "application/json", "content-length": str(len(answer)),
                "x-request-id": "id",
            }  # fmt: skip
    assert taken_long == []
    assert sums(office, agency=agency) == {("form_end",): 2, ("search",): 1}


def test_a_body_that_follows_its_head_needs_no_application_either(
    office: Room, ways: dict[Any, str], agency: str, taken_long: list[str]
) -> None:
    body = batch(event())
    start = head(office, agency, len(body))
    with line_to(ways[EventProtocol]) as line:
        for pieces in ([start, body], [start + body[:9], body[9:]]):
            line.send(*pieces, pause=0.01)
            assert line.answer()[0] == b"HTTP/1.1 200 OK\r\n"
    assert taken_long == []
    assert sums(office, agency=agency) == {("form_end",): 1}


def test_a_body_that_does_not_follow_is_not_waited_for(
    office: Room, ways: dict[Any, str], agency: str, taken_long: list[str]
) -> None:
    body = batch(event())
    with line_to(ways[EventProtocol]) as line:
        line.send(head(office, agency, len(body)), body[:9], body[9:], pause=0.3)
        assert line.answer()[0] == b"HTTP/1.1 200 OK\r\n"
    assert taken_long == [PATH]


@BOTH
def test_what_comes_behind_waits_for_its_turn(
    office: Room, ways: dict[Any, str], agency: str, http: Any
) -> None:
    first, wrong, last = batch(event()), batch(event(kind="dance")), batch(event())
    with line_to(ways[http]) as line:
        with nothing_is_stored(office.settings) as one_waits:
            line.send(*(head(office, agency, len(one)) + one for one in (first, wrong, last)))
            line.send(b"GET /health/live HTTP/1.1\r\nHost: hub\r\n\r\n")
            until(one_waits)
        statuses = [int(line.answer()[0].split()[1]) for _ in range(4)]
    assert statuses == [200, 422, 200, 200]
    assert sums(office, agency=agency) == {("form_end",): 2}


@pytest.mark.slow
def test_a_connection_stays_open_while_a_request_waits_for_its_commit(
    office: Room, agency: str
) -> None:
    body = batch(event())
    request = head(office, agency, len(body)) + body
    app = create_app(office.settings)
    with (
        serving(app, http=EventProtocol, access_log=False, timeout_keep_alive=1) as address,
        line_to(address) as line,
    ):
        line.send(request)
        assert json.loads(line.answer()[2]) == {"accepted": 1, "repeated": 0}
        with nothing_is_stored(office.settings) as one_waits:
            line.send(request)
            until(one_waits)
            time.sleep(1.5)  # longer than a connection may be idle
        assert json.loads(line.answer()[2]) == {"accepted": 0, "repeated": 1}
        assert line.ended()  # idle for a second


Pieces = Callable[[Room, str], list[bytes]]


def whole(*events: dict[str, Any], line: str = LINE, **fields: str) -> Pieces:
    def made(room: Room, agency: str) -> list[bytes]:
        body = batch(*(one | {"id": str(uuid4())} for one in events or [event()]))
        return [head(room, agency, len(body), line, **fields) + body]

    return made


def with_body(body: bytes, **fields: str) -> Pieces:
    return lambda room, agency: [head(room, agency, len(body), **fields) + body]


def in_pieces(room: Room, agency: str) -> list[bytes]:
    body = batch(event())
    start = head(room, agency, len(body))
    return [start[:40], start[40:] + body[:30], body[30:]]


def chunked(room: Room, agency: str) -> list[bytes]:
    body = batch(event())
    start = head(room, agency, None, Transfer_Encoding="chunked")
    return [start + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)]


def twice_typed(room: Room, agency: str) -> list[bytes]:
    [request] = whole()(room, agency)
    return [request.replace(b"Content-Length:", b"Content-Type: text/plain\r\nContent-Length:", 1)]


@pytest.mark.parametrize(
    ("pieces", "status"),
    [
        pytest.param(whole(), 200, id="right"),
        pytest.param(whole(event(), event()), 200, id="two"),
        pytest.param(whole(line=f"POST {PATH}?detail=true HTTP/1.1"), 200, id="each"),
        pytest.param(whole(line=f"POST {PATH}?detail=perhaps HTTP/1.1"), 422, id="a wrong query"),
        pytest.param(whole(Prefer="return=representation"), 200, id="each, preferred"),
        pytest.param(whole(Connection="close"), 200, id="for the last time"),
        pytest.param(whole(line=f"POST {PATH} HTTP/1.0"), 200, id="HTTP/1.0"),
        pytest.param(whole(Expect="100-continue"), 100, id="after asking"),
        pytest.param(whole(Content_Type="application/json; charset=utf-8"), 200, id="charset"),
        pytest.param(whole(Content_Type="text/plain"), 415, id="another type"),
        pytest.param(whole(Content_Encoding="gzip"), 415, id="packed"),
        pytest.param(whole(Authorization=""), 401, id="no token"),
        pytest.param(whole(Authorization="Bearer x.y.z"), 401, id="a wrong token"),
        pytest.param(whole(Authorization="Basic eDp5"), 401, id="another scheme"),
        pytest.param(whole(event(agency="somebody-else")), 403, id="for another agency"),
        pytest.param(whole(event(kind="dance")), 422, id="an unknown kind"),
        pytest.param(whole(event(occurred_at="2019-01-01T00:00:00Z")), 409, id="too early"),
        pytest.param(whole(event(occurred_at="2999-01-01T00:00:00Z")), 409, id="too late"),
        pytest.param(with_body(b""), 422, id="empty"),
        pytest.param(with_body(b"{"), 422, id="no JSON"),
        pytest.param(with_body(b'{"events": "\xff"}'), 422, id="no UTF-8"),
        pytest.param(whole(line=f"PUT {PATH} HTTP/1.1"), 405, id="another method"),
        pytest.param(whole(line="POST /api/v1/usage/event HTTP/1.1"), 404, id="another path"),
        pytest.param(with_body(b"x" * 20, Content_Length="9000000"), 413, id="announced too long"),
        pytest.param(in_pieces, 200, id="in pieces"),
        pytest.param(chunked, 200, id="chunked"),
        pytest.param(twice_typed, 415, id="two types"),
    ],
)
def test_both_paths_respond_the_same(
    office: Room, ways: dict[Any, str], agency: str, pieces: Pieces, status: int
) -> None:
    said = [
        responses_of(ways[http], *pieces(office, agency))[0] for http in (EventProtocol, LONG_WAY)
    ]
    (short_line, short_fields, short_body), (long_line, long_fields, long_body) = said
    assert int(long_line.split()[1]) == status
    assert (short_line, short_fields) == (long_line, long_fields)
    short, long = (json.loads(body or b"null") for body in (short_body, long_body))
    for reported in (short, long):
        for item in (reported or {}).get("items", []):
            del item["id"]
    assert short == long


@BOTH
def test_requests_that_follow_each_other_at_once_are_answered_in_order(
    office: Room, ways: dict[Any, str], agency: str, http: Any
) -> None:
    first, second, wrong = batch(event()), batch(event(), event()), batch(event(kind="dance"))
    used = batch(json.loads(first)["events"][0] | {"kind": "search"})
    sent = [first, second, first, wrong, used, second]
    pieces = b"".join(head(office, agency, len(body)) + body for body in sent)
    answers = responses_of(ways[http], pieces, answers=6)
    assert [int(line.split()[1]) for line, _, _ in answers] == [200, 200, 200, 422, 409, 200]
    reported = [json.loads(body) for _, _, body in answers]
    assert [one.get("repeated") for one in reported] == [0, 0, 1, None, None, 2]
    assert sums(office, agency=agency) == {("form_end",): 3}


@contextmanager
def nothing_is_stored(settings: Settings) -> Generator[Callable[[], bool]]:
    """Until the block ends, every commit of events waits; tells whether one does already."""
    locked, release = threading.Event(), threading.Event()

    async def hold() -> None:
        async with locked_events(settings):
            locked.set()
            await asyncio.to_thread(release.wait)

    holder = threading.Thread(target=asyncio.run, args=(hold(),))
    holder.start()
    assert locked.wait(10)
    try:
        yield lambda: is_a_lock_awaited(settings)
    finally:
        release.set()
        holder.join(10)


@pytest.mark.slow
@BOTH
def test_a_slow_database_is_reported_and_received_events_are_stored(
    office: Room, agency: str, http: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_queue, "RESPONSE_TIMEOUT_SECONDS", 0.3)
    body = batch(event())
    request = head(office, agency, len(body)) + body
    with served(office.settings, http) as address, line_to(address) as line:
        with nothing_is_stored(office.settings):
            line.send(request)
            status, fields, answer = line.answer()
        assert status.startswith(b"HTTP/1.1 503")
        assert fields["retry-after"] == "10"
        assert "in time" in json.loads(answer)["detail"]
        until(lambda: sums(office, agency=agency) == {("form_end",): 1})
        line.send(request)
        assert json.loads(line.answer()[2]) == {"accepted": 0, "repeated": 1}


@BOTH
def test_a_client_that_goes_away_takes_nothing_back(
    office: Room, ways: dict[Any, str], agency: str, http: Any
) -> None:
    body = batch(event())
    with nothing_is_stored(office.settings) as one_waits:
        with line_to(ways[http]) as line:
            line.send(head(office, agency, len(body)) + body)
            until(one_waits)
        time.sleep(0.1)  # the server learns that nobody listens
    until(lambda: sums(office, agency=agency) == {("form_end",): 1})
    [(_, _, answer)] = responses_of(ways[http], head(office, agency, len(body)) + body)
    assert json.loads(answer) == {"accepted": 0, "repeated": 1}


@pytest.mark.slow
@BOTH
def test_a_stopping_server_answers_accepted_requests(office: Room, agency: str, http: Any) -> None:
    body = batch(event())
    server = served(office.settings, http)
    with line_to(server.__enter__()) as line:
        with nothing_is_stored(office.settings) as one_waits:
            line.send(head(office, agency, len(body)) + body)
            until(one_waits)
            stopping = threading.Thread(target=server.__exit__, args=(None, None, None))
            stopping.start()
            time.sleep(0.3)
        status, fields, answer = line.answer()
        assert line.ended()
    stopping.join(20)
    assert (status, fields["connection"]) == (b"HTTP/1.1 200 OK\r\n", "close")
    assert json.loads(answer) == {"accepted": 1, "repeated": 0}


@pytest.mark.slow
def test_a_stopping_server_tells_those_it_waits_for_no_longer_to_come_again(
    office: Room, agency: str
) -> None:
    """The database is slow: the time to stop is over before the events are stored."""
    body = batch(event())
    request = head(office, agency, len(body), Prefer="return=representation") + body
    server = served(office.settings, EventProtocol, grace=1)
    with line_to(server.__enter__()) as line:
        with nothing_is_stored(office.settings) as one_waits:
            line.send(request)  # for the application, not the fast path
            until(one_waits)
            stopping = threading.Thread(target=server.__exit__, args=(None, None, None))
            stopping.start()
            status, fields, answer = line.answer()
        assert line.ended()
    stopping.join(20)
    assert (status[:12], fields["connection"]) == (b"HTTP/1.1 503", "close")
    assert fields["content-type"] == "application/problem+json"
    assert fields["retry-after"] == "5"
    assert "stopping" in json.loads(answer)["detail"]


@pytest.mark.slow
def test_events_of_a_month_that_was_dropped_are_refused_both_ways(
    empty: Settings, agency: str
) -> None:
    with room(create_app, empty) as office:
        old = event(occurred_at="2024-02-29T12:00:00+07:00")
        send_events(office, agency, old)
        keep(empty)
        request = head(office, agency, len(batch(old))) + batch(old)
    for http in (EventProtocol, LONG_WAY):
        with served(empty, http) as address:
            [(status, _, answer)] = responses_of(address, request)
        assert status.startswith(b"HTTP/1.1 409")
        assert json.loads(answer)["errors"][0]["pointer"] == "#/events/0/occurred_at"
