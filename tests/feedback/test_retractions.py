"""Retractions: what a key sent leaves every figure, of that key alone, and comes back exactly."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.platform.identity import Caller
from services.platform.local_time import DEFAULT_ZONE
from tests.conftest import Hub, Room, agency_caller
from tests.feedback.conftest import new_agency, offering_agency
from tests.feedback.feedback_rows import counts_by_key, set_received_at
from tests.feedback.sending import (
    USAGE,
    event,
    load,
    pointers,
    send_events,
    send_statistics,
    statistic,
    summary,
    sums,
)
from tests.feedback.test_partitions import keep
from tests.gateway.key_rows import chain_audit_log

RETRACTIONS = f"{USAGE}/retractions"
ADMIN = Caller(subject="key-of-admin", agency="diskominfo", scopes=frozenset({"admin"}))
BEGIN = "2024-01-01T00:00:00Z"
YEAR = {"from": "2024-01-01", "to": "2024-12-31"}


@pytest.fixture(scope="module", autouse=True)
def _names(office: Room) -> None:
    """Store the links and districts that events name."""
    load(office)


@pytest.fixture
def agency(office: Room) -> str:
    """Provide an agency that no other test uses, with two services."""
    return offering_agency(office, "ktp", "akta")


def key_of(agency: str) -> str:
    return agency_caller(agency).subject


def retract(office: Room, key: str, /, **more: Any) -> Any:
    body = {"key": key, "from": BEGIN, "reason": "Kunci bocor"} | more
    return office.post(RETRACTIONS, body, caller=ADMIN)


def reverse(office: Room, retraction: dict[str, Any]) -> Any:
    body = {"reason": "Salah kunci"}
    return office.post(f"{retraction['href']}/reversal", body, caller=ADMIN)


def figures(office: Room, agency: str) -> dict[str, Any]:
    """Return every public figure of an agency."""
    found: dict[str, Any] = {
        dimensions: sums(office, dimensions, agency=agency)
        for dimensions in ("service,link,source,channel,month", "service,district,month")
    }
    for dimensions in ("day,service", "hour"):
        span = {"from": "2024-03-01", "to": "2024-03-31"}
        found[dimensions] = sums(office, dimensions, agency=agency, **span)
    asked: dict[str, Any] = {"agency": agency, "from": "2024-03", "to": "2024-04"}
    found["completeness"] = office.get(f"{USAGE}/completeness", **asked).json()
    asked = {"agency": agency, "period": "2024-03"}
    found["revisions"] = office.get(f"{USAGE}/statistics", **asked).json()["items"]
    return found


def fill(office: Room, agency: str) -> None:
    """Send events and statistics of two months, and a correction."""
    events = [
        event(service="ktp", link="simbg", district="12.12.01", channel="online"),
        event(service="ktp", occurred_at="2024-03-31T23:30:00+07:00"),
        event(service="akta", occurred_at="2024-04-01T00:30:00+07:00", kind="click_out"),
        *(event(district="12.12.02") for _ in range(7)),
    ]
    assert send_events(office, agency, *events).status_code == 200
    april = statistic(agency, "akta", period="2024-04", counters={"submitted": 3, "completed": 2})
    for batch in ([statistic(agency), april], [statistic(agency, counters={"submitted": 500})]):
        assert send_statistics(office, agency, *batch).status_code == 200


def test_what_a_key_sent_leaves_every_figure_and_comes_back_exactly(
    office: Room, agency: str
) -> None:
    other = offering_agency(office, "ktp", "akta")
    untouched = figures(office, agency)
    for each in (agency, other):
        fill(office, each)
    before, of_the_other = figures(office, agency), figures(office, other)
    answer = retract(office, key_of(agency))
    assert answer.status_code == 201, answer.text
    retraction = answer.json()
    assert answer.headers["location"] == retraction["href"]
    assert (retraction["events"], retraction["statistics"]) == (10, 4)
    assert figures(office, agency) == untouched
    assert figures(office, other) == of_the_other
    assert sums(office, agency=agency) == {}
    restored = reverse(office, retraction).json()
    assert restored["reversal"]["reason"] == "Salah kunci"
    assert restored["reversal"]["reversed_by"] == "diskominfo"
    assert figures(office, agency) == before
    assert figures(office, other) == of_the_other
    assert office.get(retraction["href"], caller=ADMIN).json() == restored


@pytest.mark.parametrize(
    ("kind", "left"),
    [("events", {"submitted", "completed"}), ("statistics", {"form_end", "click_out"})],
)
def test_one_kind_may_be_struck_out_by_itself(
    office: Room, agency: str, kind: str, left: set[str]
) -> None:
    fill(office, agency)
    before = figures(office, agency)
    retraction = retract(office, key_of(agency), kinds=[kind]).json()
    assert retraction["kinds"] == [kind]
    assert {measure for measure, *_ in sums(office, agency=agency)} == left
    assert reverse(office, retraction).status_code == 200
    assert figures(office, agency) == before


def test_the_summary_tells_what_was_struck_out_and_why(office: Room, agency: str) -> None:
    fill(office, agency)

    def noted(**more: Any) -> dict[str, Any]:
        return summary(office, agency=agency, **(YEAR | more)).json()["retracted"]

    assert noted() == {"events": 0, "statistics": 0, "retractions": []}
    retraction = retract(office, key_of(agency)).json()
    found = noted()
    assert (found["events"], found["statistics"]) == (10, 4)
    [one] = found["retractions"]
    assert (one["retraction"], one["reason"]) == (retraction["id"], "Kunci bocor")
    assert noted(group_by="day")["statistics"] == 0
    akta = noted(service="akta")
    assert (akta["events"], akta["statistics"]) == (1, 2)
    march = noted(**{"from": "2024-03-01", "to": "2024-03-31"})
    assert (march["events"], march["statistics"]) == (9, 2)
    reverse(office, retraction)
    assert noted() == {"events": 0, "statistics": 0, "retractions": []}


def test_an_earlier_figure_of_another_key_becomes_current_again(office: Room, agency: str) -> None:
    send_statistics(office, agency, statistic(agency))
    body = {"statistics": [statistic(agency, counters={"submitted": 9999})]}
    office.post(f"{USAGE}/statistics", body, caller=ADMIN)
    retraction = retract(office, ADMIN.subject, kinds=["statistics"]).json()
    assert sums(office, agency=agency) == {("submitted",): 412}
    corrected = statistic(agency, counters={"submitted": 413})
    assert send_statistics(office, agency, corrected).json()["revised"] == 1
    reverse(office, retraction)
    assert sums(office, agency=agency) == {("submitted",): 413}
    asked: dict[str, Any] = {"period": "2024-03", "agency": agency}
    items = office.get(f"{USAGE}/statistics", **asked).json()["items"]
    assert [(item["revision"], item["value"], item["is_current"]) for item in items] == [
        (1, 412, False), (2, 9999, False), (3, 413, True),
    ]  # fmt: skip


def test_a_figure_that_was_struck_out_may_be_reported_again(office: Room, agency: str) -> None:
    send_statistics(office, agency, statistic(agency))
    retraction = retract(office, key_of(agency)).json()
    assert send_statistics(office, agency, statistic(agency)).json()["added"] == 1
    assert sums(office, agency=agency) == {("submitted",): 412}
    reverse(office, retraction)
    assert sums(office, agency=agency) == {("submitted",): 412}


def test_flags_follow_the_figures(office: Room, agency: str) -> None:
    months = [
        statistic(agency, period=f"2024-{month:02}", counters={"submitted": 400 + month})
        for month in range(1, 8)
    ]
    send_statistics(office, agency, *months)
    jump = statistic(agency, period="2024-08", counters={"submitted": 9_000})
    answer = office.post(f"{USAGE}/statistics", {"statistics": [jump]}, caller=ADMIN)
    [flag] = answer.json()["flags"]

    def state() -> str:
        caller = agency_caller(agency, "usage:write")
        flags = office.get(f"{USAGE}/statistics/flags", caller=caller).json()["items"]
        return next(each["state"] for each in flags if each["id"] == flag["id"])

    retraction = retract(office, ADMIN.subject, kinds=["statistics"])
    assert retraction.status_code == 201, retraction.text
    assert state() == "resolved"
    reverse(office, retraction.json())
    assert state() == "open"


def test_a_flag_that_retracted_clicks_raised_is_resolved(office: Room, agency: str) -> None:
    now = datetime.now(DEFAULT_ZONE)  # a month begins at the regency's midnight
    service = f"{agency}-x"
    load(office, obligations=[(agency, service)])
    clicks = [
        event(kind="click_out", service=service, occurred_at=now.isoformat()) for _ in range(40)
    ]
    send_events(office, agency, *clicks)
    month = statistic(
        agency, service, channel="online", period=f"{now:%Y-%m}", counters={"submitted": 0}
    )
    [flag] = send_statistics(office, agency, month).json()["flags"]
    assert flag["kind"] == "click_outs"
    caller = agency_caller(agency, "usage:write")

    def open_flags() -> int:
        asked = office.get(f"{USAGE}/statistics/flags", caller=caller, state="open")
        return len(asked.json()["items"])

    retraction = retract(office, key_of(agency), kinds=["events"]).json()
    assert open_flags() == 0
    reverse(office, retraction)
    assert open_flags() == 1


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"key": "kunci lain"}, "#/key"),
        ({"from": "2024-01-01"}, "#/from"),
        ({"from": "2999-01-01T00:00:00Z"}, "#/from"),
        ({"to": BEGIN}, "#/from"),
        ({"kinds": []}, "#/kinds"),
        ({"kinds": ["surveys"]}, "#/kinds/0"),
        ({"reason": ""}, "#/reason"),
        ({"reason": "x" * 1001}, "#/reason"),
        ({"reason": "\x00"}, "#/reason"),
    ],
)
def test_a_wrong_field_is_named(
    office: Room, agency: str, change: dict[str, Any], where: str
) -> None:
    assert pointers(retract(office, key_of(agency), **change), 422) == [where]


def test_only_an_administrator_may_strike_out_and_see(office: Room, agency: str) -> None:
    fill(office, agency)
    body = {"key": key_of(agency), "from": BEGIN, "reason": "x"}
    retraction = retract(office, key_of(agency)).json()
    for caller, status in (
        (agency_caller(agency, "usage:write"), 403),
        (Caller(subject="anonymous"), 401),
    ):
        assert office.post(RETRACTIONS, body, caller=caller).status_code == status
        for path in (RETRACTIONS, retraction["href"]):
            assert office.get(path, caller=caller).status_code == status
        answer = office.post(f"{retraction['href']}/reversal", {"reason": "x"}, caller=caller)
        assert answer.status_code == status


def test_nothing_is_struck_out_or_restored_twice(office: Room, agency: str) -> None:
    assert pointers(retract(office, key_of(agency)), 409) == ["#/key"]
    fill(office, agency)
    before = figures(office, agency)
    retraction = retract(office, key_of(agency)).json()
    again = retract(office, key_of(agency), kinds=["events"])
    assert pointers(again, 409) == ["#/from"]
    assert retraction["to"] in again.json()["errors"][0]["detail"]
    assert reverse(office, retraction).status_code == 200
    assert reverse(office, retraction).status_code == 409
    assert figures(office, agency) == before
    assert (
        office.post(
            f"{RETRACTIONS}/{'0' * 8}-0000-7000-8000-{'0' * 12}/reversal",
            {"reason": "x"},
            caller=ADMIN,
        ).status_code
        == 404
    )
    assert retract(office, key_of(agency)).status_code == 201


def test_a_repeated_request_strikes_out_once(office: Room, agency: str) -> None:
    fill(office, agency)
    body = {"key": key_of(agency), "from": BEGIN, "reason": "x"}
    header = office.token(ADMIN) | {"Idempotency-Key": f"retract-{agency}"}
    first, second = (
        office.client.post(RETRACTIONS, json=body, headers=header).json() for _ in range(2)
    )
    assert first == second
    listed = office.get(RETRACTIONS, caller=ADMIN, key=key_of(agency)).json()["items"]
    assert [item["id"] for item in listed] == [first["id"]]


def test_what_is_sent_afterwards_counts(office: Room, agency: str) -> None:
    fill(office, agency)
    later = datetime.now(UTC) + timedelta(days=1)
    retraction = retract(office, key_of(agency), to=later.isoformat()).json()
    assert datetime.fromisoformat(retraction["to"]) < later
    send_events(office, agency, event(service="ktp"))
    assert sums(office, agency=agency) == {("form_end",): 1}
    assert retract(office, key_of(agency), **{"from": retraction["to"]}).json()["events"] == 1


SPANS = st.tuples(st.integers(0, 9), st.integers(1, 10)).map(sorted).filter(lambda s: s[0] < s[1])


@pytest.mark.slow
@given(
    sent=st.lists(
        st.tuples(
            st.integers(0, 2),
            st.integers(0, 9),
            st.sampled_from(["2024-02-29T23:30:00+07:00", "2024-03-05T10:00:00+07:00"]),
        ),
        min_size=1,
        max_size=12,
    ),
    spans=st.lists(st.tuples(st.integers(0, 2), SPANS), min_size=1, max_size=4),
    data=st.data(),
)
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_retractions_leave_what_a_plain_list_has_and_end_as_they_began(
    office: Room,
    sent: list[tuple[int, int, str]],
    spans: list[tuple[int, Any]],
    data: st.DataObject,
) -> None:
    keys = [new_agency() for _ in range(3)]
    days = [datetime(2024, 5, 1 + day, tzinfo=UTC) for day in range(11)]
    for key, day, moment in sent:
        one = event(occurred_at=moment)
        send_events(office, keys[key], one)
        set_received_at(office.settings, one["id"], days[day])

    def expected(active: list[tuple[int, list[int]]]) -> dict[str, int]:
        counted: dict[str, int] = {}
        for key, day, _ in sent:
            if not any(key == k and first <= day < last for k, (first, last) in active):
                counted[keys[key]] = counted.get(keys[key], 0) + 1
        return counted

    def found() -> dict[str, int]:
        return {key: value for key in keys for value in sums(office, agency=key).values()}

    active: list[tuple[tuple[int, list[int]], dict[str, Any]]] = []
    for key, (first, last) in spans:
        until = (days[last]).isoformat()
        answer = retract(
            office, key_of(keys[key]), **{"from": days[first].isoformat(), "to": until}
        )
        if answer.status_code == 201:
            active.append(((key, [first, last]), answer.json()))
        else:
            assert answer.status_code == 409
        assert found() == expected([each for each, _ in active])
    for each in data.draw(st.permutations(active)):
        assert reverse(office, each[1]).status_code == 200
        active.remove(each)
        assert found() == expected([span for span, _ in active])
    assert counts_by_key(office.settings, keys) == expected([])


REPORTS = st.tuples(st.just("report"), st.integers(0, 2), st.integers(1, 3))
RETRACTS = st.tuples(st.just("retract"), st.integers(0, 2), st.just(0))
REVERSALS = st.tuples(st.just("reverse"), st.integers(0, 2), st.just(0))


@pytest.mark.slow
@given(steps=st.lists(REPORTS | RETRACTS | REVERSALS, min_size=3, max_size=14))
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_current_figure_is_the_newest_that_is_not_struck_out(
    office: Room, steps: list[tuple[str, int, int]]
) -> None:
    agency = offering_agency(office, "ktp")
    keys = [
        Caller(subject=f"key-{n}-of-{agency}", agency=agency, scopes=frozenset({"usage:write"}))
        for n in range(3)
    ]
    stored: list[tuple[int, int]] = []  # key and value of each revision
    struck: dict[int, dict[str, Any]] = {}  # revisions by index, with their retraction

    def current() -> int | None:
        left = [value for index, (_, value) in enumerate(stored) if index not in struck]
        return left[-1] if left else None

    for step, key, value in steps:
        if step == "report":
            body = {"statistics": [statistic(agency, counters={"submitted": value})]}
            answer = office.post(f"{USAGE}/statistics", body, caller=keys[key])
            assert answer.status_code == 200, answer.text
            if value != current():
                stored.append((key, value))
        elif step == "retract":
            own = [n for n, (by, _) in enumerate(stored) if by == key and n not in struck]
            since = max((struck[n]["to"] for n in struck if stored[n][0] == key), default=BEGIN)
            answer = retract(office, keys[key].subject, **{"from": since})
            assert answer.status_code == (201 if own else 409), answer.text
            for n in own:
                struck[n] = answer.json()
        else:
            known = {struck[n]["id"]: struck[n] for n in struck if stored[n][0] == key}
            for retraction in known.values():
                assert reverse(office, retraction).status_code == 200
                struck = {n: each for n, each in struck.items() if each != retraction}
        value_now = current()
        wanted = {} if value_now is None else {("submitted",): value_now}
        assert sums(office, agency=agency) == wanted


def test_events_that_arrive_meanwhile_are_struck_out_or_counted_but_never_lost(
    office: Room, agency: str
) -> None:
    stop = threading.Event()

    def send() -> int:
        number = 0
        while not stop.is_set():
            batch = [event(service="ktp") for _ in range(20)]
            assert send_events(office, agency, *batch).json()["accepted"] == 20
            number += 20
        return number

    other = offering_agency(office, "ktp")
    with ThreadPoolExecutor(3) as pool:
        senders = [pool.submit(send) for _ in range(2)]
        done: list[dict[str, Any]] = []
        since = BEGIN
        for _ in range(4):
            send_events(office, agency, event())
            send_events(office, other, event())
            answer = retract(office, key_of(agency), **{"from": since})
            assert answer.status_code == 201, answer.text
            done.append(answer.json())
            since = done[-1]["to"]
        stop.set()
        total = sum(sender.result() for sender in senders) + 4
    [left] = [*sums(office, agency=agency).values()] or [0]
    assert sum(each["events"] for each in done) + left == total
    assert sum(sums(office, agency=other).values()) == 4
    for each in done:
        assert reverse(office, each).status_code == 200
    assert sum(sums(office, agency=agency).values()) == total
    assert sums(office, "hour", agency=agency, **{"from": "2024-03-05", "to": "2024-03-05"}) == {
        ("form_end", "2024-03-05T12:00:00+07:00"): total
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    "moment",
    [
        "2024-02-10T12:00:00+07:00",
        "2024-02-29T23:00:00+07:00",  # after midnight in Jayapura, where partitions begin
    ],
)
def test_events_of_dropped_months_are_refused_by_month_but_a_reversal_restores_them(
    feedback: Room, moment: str
) -> None:
    load(feedback, obligations=[("dukcapil", "ktp"), ("dinkes", "imunisasi")])
    old = event(occurred_at=moment, service="ktp")
    send_events(feedback, "dukcapil", old)
    before = sums(feedback)
    retraction = retract(feedback, key_of("dukcapil")).json()
    send_events(feedback, "dinkes", old | {"id": event()["id"], "service": "imunisasi"})
    keep(feedback.settings, now=datetime(2024, 4, 10, tzinfo=UTC), months=1)
    refused = retract(feedback, key_of("dinkes"))
    assert pointers(refused, 409) == ["#/from"]
    assert "2024-02 (1)" in refused.json()["errors"][0]["detail"]
    assert sums(feedback) == before
    assert reverse(feedback, retraction).status_code == 200
    assert sums(feedback) == {("form_end",): 2}
    fresh = event(service="imunisasi", occurred_at=datetime.now(UTC).isoformat())
    after = datetime.now(UTC).isoformat()
    send_events(feedback, "dinkes", fresh)
    assert retract(feedback, key_of("dinkes"), **{"from": after}).json()["events"] == 1


def test_a_retraction_is_in_the_audit_log(hub: Hub) -> None:
    admin, key = hub.auth("diskominfo", "admin"), hub.key("dukcapil", "usage:write")
    batch = {"events": [event(service="ktp-el")]}
    sent = hub.client.post(
        f"{USAGE}/events", json=batch, headers={"Authorization": f"Bearer {key}"}
    )
    assert sent.status_code == 200
    body = {"key": key.split("_")[1], "from": BEGIN, "reason": "Kunci bocor"}
    retraction = hub.client.post(RETRACTIONS, json=body, headers=admin)
    assert retraction.json()["events"] == 1, retraction.text
    href = retraction.json()["href"]
    hub.client.post(f"{href}/reversal", json={"reason": "Salah"}, headers=admin)
    chain_audit_log(hub.settings)
    lines = hub.client.get("/api/v1/audit", headers=admin).json()["items"]
    written = [(line["action"], line["target"], line["status"]) for line in lines]
    assert ("POST", RETRACTIONS, 201) in written
    assert ("POST", f"{href}/reversal", 200) in written
