"""Both ways to read events: msgspec may be faster than pydantic, and nothing else."""

import json
import tracemalloc
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.exceptions import RequestValidationError
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from services.feedback.events import parsing
from services.feedback.events.formats import (
    CLOUD_EVENT,
    CLOUD_EVENT_NAMESPACE,
    CLOUD_EVENTS_BATCH,
    JSON,
    MAX_ERRORS,
)
from services.feedback.events.parsing import parse_batch, parse_each
from services.feedback.events.schemas import UsageCloudEvents, UsageEventBatch
from services.platform.problems import Invalid, field_errors

NOON = "2024-03-05T12:00:00+07:00"

RIGHT: dict[str, st.SearchStrategy[Any]] = {
    "id": st.uuids().map(str),
    "kind": st.sampled_from(["page_view", "search", "click_out", "form_start", "form_end"]),
    "source": st.sampled_from(["gateway", "kiosk", "poster", "agency"]),
    "occurred_at": st.datetimes(timezones=st.timezones()).map(lambda time: time.isoformat()),
}
NAMED: dict[str, st.SearchStrategy[Any]] = {
    "agency": st.from_regex(r"[a-z0-9]+(-[a-z0-9]+)*", fullmatch=True).filter(
        lambda text: len(text) <= 80
    ),
    "service": st.none() | st.just("ktp-el"),
    "link": st.none() | st.just("simbg"),
    "channel": st.none() | st.sampled_from(["online", "counter", "phone", "visit", "email"]),
    "district": st.none() | st.from_regex(r"\d\d\.\d\d\.\d\d", fullmatch=True),
}
EVENTS = st.fixed_dictionaries(RIGHT, optional=NAMED)
ODD = st.sampled_from(
    [
        None, True, 0, -1, 1.5, 1709614800, 10**30, float("nan"), "", " ", "\x00", "\ud800", [], {},
        "page_view", "PAGE_VIEW", "gateway", "ktp-el\n", "ktp--el", "-", "a" * 80, "a" * 81,
        "12.12.01\n", "١٢.١٢.٠١", "1709614800", "2024-03-05", "2024-03-05T12:00:00",
        "2024-03-05 12:00Z",
        "2024-03-05T24:00:00Z", "2024-03-05T12:00:60Z", "2024-03-05T12:00:00.1234567Z",
        "2024-03-05T12:00:00+24:00", "2024-03-05t12:00:00z", "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59.9999999Z", "9999-12-31T23:00:00-10:00", "2024-03-05T12:00:00+0700",
        "00000000000040008000000000000000", "{00000000-0000-4000-8000-00000000000a}",
        "urn:uuid:00000000-0000-4000-8000-000000000000", "00000000-0000-4000-8000-00000000000A",
        "0000000000-00-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000a,",
    ]
)  # fmt: skip
ANYTHING = ODD | st.text(max_size=12) | st.integers() | st.booleans()


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """Return a batch that was valid before some changes."""
    events = draw(st.lists(EVENTS, min_size=0, max_size=4))
    document: dict[str, Any] = {"events": events}
    for _ in range(draw(st.integers(0, 3))):
        target: Any = document
        if events and draw(st.booleans()):
            target = draw(st.sampled_from(events))
        if not isinstance(target, dict):
            continue
        names = [*RIGHT, *NAMED, "events", "x~/y"]
        name = draw(st.sampled_from(names))
        if draw(st.booleans()):
            target.pop(name, None)
        else:
            target[name] = draw(ANYTHING)
    return document


def verdict_of_pydantic(
    document: Any, model: Any = UsageEventBatch
) -> list[tuple[str | None, str]]:
    """Where FastAPI would find fault with this document, and how it would say it."""
    try:
        TypeAdapter(model).validate_python(document)
    except ValidationError as error:
        found = [dict(one) | {"loc": ("body", *one["loc"])} for one in error.errors()]
        errors = field_errors(RequestValidationError(found, body=document))
        return [(one.pointer, one.detail) for one in errors][:MAX_ERRORS]
    return []


def verdict(body: bytes, media_type: str = JSON) -> list[tuple[str | None, str]]:
    try:
        parse_batch(body, media_type)
    except Invalid as error:
        return [(one.pointer, one.detail) for one in error.errors]
    return []


@pytest.mark.slow
@given(document=mutated() | st.recursive(ANYTHING, st.lists, max_leaves=4))
@settings(max_examples=400, deadline=None)
def test_a_body_is_judged_as_pydantic_judges_it_to_the_last_pointer(document: Any) -> None:
    body = json.dumps(document).encode()
    assert verdict(body) == verdict_of_pydantic(json.loads(body))


@pytest.mark.slow
@given(events=st.lists(EVENTS, min_size=1, max_size=4))
@settings(max_examples=200, deadline=None)
def test_what_msgspec_reads_is_what_pydantic_reads(events: list[dict[str, Any]]) -> None:
    body = json.dumps({"events": events}).encode()
    try:
        expected = UsageEventBatch.model_validate_json(body).events
    except ValidationError:
        assert verdict(body)
        return
    batch = parse_batch(body, JSON)
    assert batch.ids == [str(event.id) for event in expected]
    assert batch.times == [event.occurred_at for event in expected]
    names = ("kind", "source", "agency", "service", "link", "channel", "district")
    assert batch.dimensions == [tuple(getattr(event, name) for name in names) for event in expected]


def event(**more: Any) -> dict[str, Any]:
    return {
        "id": str(uuid4()), "kind": "search", "source": "kiosk", "occurred_at": NOON
    } | more  # fmt: skip


def test_a_valid_batch_is_parsed_only_by_msgspec(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "FORMATS", {})
    batch = parse_batch(json.dumps({"events": [event(service="ktp"), event()]}).encode(), JSON)
    assert len(batch) == 2


def test_what_msgspec_cannot_read_but_pydantic_can_is_taken() -> None:
    [one] = parse_batch(
        json.dumps(
            {
                "events": [
                    event(
                        id="{00000000-0000-4000-8000-00000000000A}", occurred_at="2024-03-05T12:00Z"
                    )
                ]
            }
        ).encode(),
        JSON,
    ).ids
    assert one == "00000000-0000-4000-8000-00000000000a"


@pytest.mark.parametrize("field", ["agency", "service", "link", "district", "channel", "source"])
def test_no_long_name_is_remembered(field: str) -> None:
    bodies = [
        json.dumps({"events": [event(**{field: f"{number}-" + "a" * 100_000})]}).encode()
        for number in range(30)
    ]
    verdict(bodies[0])
    tracemalloc.start()
    try:
        for body in bodies:
            assert verdict(body)
        assert tracemalloc.get_traced_memory()[0] < 1_000_000
    finally:
        tracemalloc.stop()


def test_of_a_thousand_errors_a_hundred_are_reported() -> None:
    document = {"events": [event(kind="x") for _ in range(1000)]}
    found = verdict(json.dumps(document).encode())
    assert found == verdict_of_pydantic(document)
    assert len(found) == 100


@pytest.mark.parametrize(
    "document",
    [
        {"events": [{str(n): 0 for n in range(10_000)}]},
        {str(n): 0 for n in range(10_000)},
        {"events": [0] * 6_000},
        {"events": [{"id": {str(n): 0 for n in range(10_000)}}]},
    ],
)
def test_an_object_of_10000_members_is_judged_by_its_first_ones(document: Any) -> None:
    found = verdict(json.dumps(document).encode())
    assert found == verdict_of_pydantic(document)


def cloud_event(**more: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "/kiosk/balige",
        "type": "id.emall.usage.form_start.v1",
        "time": NOON,
        "data": {"source": "kiosk", "service": "ktp-el", "district": "12.12.01"},
    } | more


def test_a_cloud_event_is_equivalent_to_an_event() -> None:
    cloud = cloud_event(traceparent="00-aa-bb-01", subject="ktp-el")
    same = event(
        id=cloud["id"], kind="form_start", service="ktp-el", district="12.12.01", source="kiosk"
    )
    batch = parse_batch(json.dumps([cloud]).encode(), CLOUD_EVENTS_BATCH)
    assert batch == parse_batch(json.dumps({"events": [same]}).encode(), JSON)
    assert batch == parse_batch(json.dumps(cloud).encode(), CLOUD_EVENT)


def test_an_id_of_a_cloud_event_that_is_no_uuid_is_made_one_with_its_source() -> None:
    named = [
        cloud_event(id="7"),
        cloud_event(id="7"),
        cloud_event(id="7", source="/kiosk/laguboti"),
    ]
    ids = parse_batch(json.dumps(named).encode(), CLOUD_EVENTS_BATCH).ids
    assert ids[0] == ids[1] != ids[2]
    assert UUID(ids[0]).version == 5
    assert UUID(int=0) != CLOUD_EVENT_NAMESPACE


def test_an_id_that_is_no_uuid_is_one_agencys_own() -> None:
    def id_of(agency: str | None, **more: Any) -> str:
        body = json.dumps(cloud_event(source="/loket", id="1") | more).encode()
        [made] = parse_batch(body, CLOUD_EVENT, agency=agency).ids
        batch, _ = parse_each(body, CLOUD_EVENT, agency=agency)
        assert batch.ids == [made]
        return made

    named = {"data": {"source": "kiosk", "agency": "dukcapil"}}
    assert len({id_of("dukcapil"), id_of("pupr"), id_of(None)}) == 3
    # Whoever sends an event for an agency, an administrator for one, sends the agency's event.
    assert id_of("diskominfo", **named) == id_of(None, **named) == id_of("dukcapil")
    assert id_of("pupr", source="/loket 1", id="2") != id_of("pupr", source="/loket", id="1 2")
    own = str(uuid4())
    assert id_of("dukcapil", id=own) == id_of("pupr", id=own) == own


CLOUDS = st.lists(
    st.fixed_dictionaries(
        {"specversion": st.just("1.0") | ODD, "id": st.text(max_size=3) | ODD},
        optional={
            "source": st.just("/kiosk") | ODD,
            "type": st.just("id.emall.usage.search.v1") | ODD,
            "time": st.just(NOON) | ODD,
            "datacontenttype": st.just("application/json") | ODD,
            "data": st.just({"source": "kiosk"}) | st.just({"source": "kiosk", "x": 1}) | ODD,
            "data_base64": st.just("eA=="),
        },
    )
    | ODD,
    max_size=3,
)


@given(document=CLOUDS | ODD)
@settings(max_examples=200, deadline=None)
def test_cloud_events_are_judged_as_pydantic_judges_them(document: Any) -> None:
    body = json.dumps(document).encode()
    wanted = verdict_of_pydantic(json.loads(body), UsageCloudEvents)
    assert verdict(body, CLOUD_EVENTS_BATCH) == wanted


@pytest.mark.slow
@given(document=mutated())
@settings(max_examples=200, deadline=None)
def test_in_partial_mode_an_event_is_valid_exactly_if_it_is_by_itself(document: Any) -> None:
    body = json.dumps(document).encode()
    try:
        batch, errors = parse_each(body, JSON)
    except Invalid:
        return
    items = json.loads(body)["events"]
    alone = [verdict(json.dumps({"events": [item]}).encode()) for item in items]
    assert [bool(found) for found in errors] == [bool(found) for found in alone]
    assert len(batch) == sum(not found for found in errors)
