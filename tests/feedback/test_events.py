"""Usage events: every batch whole or not at all, every event once, whatever order they come in."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import ANONYMOUS, Room, agency_caller
from tests.feedback.conftest import offering_agency
from tests.feedback.sending import USAGE, event, load, pointers, send_events, summary, sums

JAKARTA = ZoneInfo("Asia/Jakarta")
NOWHERE = UUID("00000000-0000-4000-8000-000000000000")
IN_A_DATABASE = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


SERVICES = ("ktp", "akta", *(f"s{n}" for n in range(7)))


@pytest.fixture(scope="module", autouse=True)
def _names(office: Room) -> None:
    """Store the links and districts that events name."""
    load(office)


@pytest.fixture
def agency(office: Room) -> str:
    """Provide an agency that no other test uses, with its services."""
    return offering_agency(office, *SERVICES)


def test_a_batch_is_counted(office: Room, agency: str) -> None:
    answer = send_events(office, agency, event(), event(kind="page_view"), event())
    assert answer.json() == {"accepted": 3, "repeated": 0}
    assert sums(office, agency=agency) == {("form_end",): 2, ("page_view",): 1}


def test_a_batch_that_is_sent_again_counts_nothing_twice(office: Room, agency: str) -> None:
    batch = [event(), event()]
    send_events(office, agency, *batch)
    assert send_events(office, agency, *batch).json() == {"accepted": 0, "repeated": 2}
    assert sums(office, agency=agency) == {("form_end",): 2}


def test_of_a_batch_that_was_partly_sent_before_only_the_rest_is_counted(
    office: Room, agency: str
) -> None:
    old, new = event(), event()
    send_events(office, agency, old)
    assert send_events(office, agency, new, old).json() == {"accepted": 1, "repeated": 1}
    assert sums(office, agency=agency) == {("form_end",): 2}


def test_an_event_that_stands_twice_in_a_batch_counts_once(office: Room, agency: str) -> None:
    one = event()
    answer = send_events(office, agency, one, event(), one, one)
    assert answer.json() == {"accepted": 2, "repeated": 2}
    assert sums(office, agency=agency) == {("form_end",): 2}


def test_an_id_in_another_spelling_is_the_same_event(office: Room, agency: str) -> None:
    one = event()
    send_events(office, agency, one)
    shouted = one | {"id": one["id"].upper()}
    assert send_events(office, agency, shouted).json() == {"accepted": 0, "repeated": 1}


OTHER_CONTENT: list[dict[str, Any]] = [
    {"kind": "search"},
    {"service": None},
    {"channel": "phone"},
    {"occurred_at": "2024-03-05T08:00:01+07:00"},
]


@pytest.mark.slow
@pytest.mark.parametrize("change", OTHER_CONTENT)
def test_an_id_of_another_event_is_refused_and_named(
    office: Room, agency: str, change: dict[str, Any]
) -> None:
    one = event(service="ktp", channel="counter", occurred_at="2024-03-05T08:00:00+07:00")
    other = {name: value for name, value in (one | change).items() if value is not None}
    # In one request, after the first, and from another agency: nothing of the batch is stored.
    assert pointers(send_events(office, agency, event(), one, other), 409) == [
        "#/events/1/id",
        "#/events/2/id",
    ]
    assert send_events(office, agency, one).json() == {"accepted": 1, "repeated": 0}
    refused = send_events(office, agency, event(), other, event())
    assert pointers(refused, 409) == ["#/events/1/id"]
    assert sums(office, "service", agency=agency) == {("form_end", "ktp"): 1}
    same = one | {"occurred_at": "2024-03-05T01:00:00Z"}
    assert send_events(office, agency, same).json() == {"accepted": 0, "repeated": 1}


def test_of_events_with_one_id_that_come_at_once_one_is_counted(office: Room, agency: str) -> None:
    one = event()
    kinds = ["form_end", "search", "page_view", "form_start"]

    def send(kind: str) -> tuple[str, int]:
        return kind, send_events(office, agency, event(), one | {"kind": kind}).status_code

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(send, kinds))
    [stored] = [kind for kind, status in answers if status == 200]
    assert sorted(status for _, status in answers) == [200, 409, 409, 409]
    counted = Counter({("form_end",): 1}) + Counter({(stored,): 1})
    assert sums(office, agency=agency) == counted


def test_events_may_come_late_and_out_of_order(office: Room, agency: str) -> None:
    march = event(occurred_at="2024-03-09T10:00:00+07:00")
    january = event(occurred_at="2024-01-09T10:00:00+07:00")
    send_events(office, agency, march)
    send_events(office, agency, event(occurred_at="2024-03-31T10:00:00+07:00"), january)
    assert sums(office, "month", agency=agency) == {
        ("form_end", "2024-01"): 1,
        ("form_end", "2024-03"): 2,
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("occurred_at", "month"),
    [
        ("2024-03-31T16:59:59Z", "2024-03"),
        ("2024-03-31T17:00:00Z", "2024-04"),
        ("2024-03-31T23:59:59.999999+07:00", "2024-03"),
        ("2024-04-01T00:00:00+07:00", "2024-04"),
        ("2024-03-31T12:00:00-12:00", "2024-04"),
        ("2024-12-31T16:59:59Z", "2024-12"),
    ],
)
def test_months_begin_at_midnight_in_jakarta(
    office: Room, agency: str, occurred_at: str, month: str
) -> None:
    send_events(office, agency, event(occurred_at=occurred_at))
    assert sums(office, "month", agency=agency) == {("form_end", month): 1}


def test_days_begin_at_midnight_in_jakarta_and_both_ends_of_a_span_belong_to_it(
    office: Room, agency: str
) -> None:
    for moment in ("2024-03-04T17:00:00Z", "2024-03-05T16:59:59Z", "2024-03-05T17:00:00Z"):
        send_events(office, agency, event(occurred_at=moment))
    on_the_5th = {"from": "2024-03-05", "to": "2024-03-05", "agency": agency}
    assert sums(office, **on_the_5th) == {("form_end",): 2}
    assert sums(office, **on_the_5th | {"to": "2024-03-06"}) == {("form_end",): 3}
    assert sums(office, **on_the_5th | {"to": "2024-03-04"}) == {}


def test_without_a_span_the_summary_is_of_this_year_until_today(office: Room, agency: str) -> None:
    today = datetime.now(JAKARTA)
    last_year = today.replace(year=today.year - 1, month=12, day=31)
    for moment in (today, last_year):
        send_events(office, agency, event(occurred_at=moment.isoformat()))

    def asked(**span: str) -> int:
        items = summary(office, agency=agency, **span).json()["items"]
        return sum(item["value"] for item in items)

    assert asked() == 1
    assert asked(**{"from": f"{last_year:%Y-%m-%d}"}) == 2
    assert asked(to=f"{last_year:%Y-%m-%d}") == 1
    assert asked(**{"from": "2999-01-01"}) == 0


def test_the_first_day_of_2020_in_jakarta_is_not_too_early(office: Room, agency: str) -> None:
    answer = send_events(office, agency, event(occurred_at="2020-01-01T00:00:00+07:00"))
    assert answer.json() == {"accepted": 1, "repeated": 0}


def test_a_clock_that_is_some_minutes_fast_is_forgiven(office: Room, agency: str) -> None:
    soon = datetime.now(UTC) + timedelta(minutes=5)
    assert send_events(office, agency, event(occurred_at=soon.isoformat())).status_code == 200


@pytest.mark.parametrize(
    "moment",
    [
        lambda: datetime.now(UTC) + timedelta(hours=1),
        lambda: datetime(2019, 12, 31, 16, 59, 59, tzinfo=UTC),
        lambda: datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
        lambda: datetime(1, 1, 1, tzinfo=UTC),
    ],
)
def test_a_time_that_cannot_be_true_refuses_the_batch(
    office: Room, agency: str, moment: Any
) -> None:
    wrong = event(occurred_at=moment().isoformat())
    answer = send_events(office, agency, event(), wrong, event())
    assert pointers(answer, 409) == ["#/events/1/occurred_at"]
    assert sums(office, agency=agency) == {}


def test_an_event_of_another_agency_refuses_the_batch_and_is_named(
    office: Room, agency: str
) -> None:
    batch = [event(), event(agency=agency), event(agency="dishub"), event(agency="dinkes")]
    answer = send_events(office, agency, *batch)
    assert pointers(answer, 403) == ["#/events/2/agency", "#/events/3/agency"]
    assert agency in answer.json()["detail"]
    assert sums(office, agency=agency) == {}


def test_an_event_without_an_agency_is_the_keys_own(office: Room, agency: str) -> None:
    send_events(office, agency, event(), event(agency=agency))
    assert sums(office, "agency", agency=agency) == {("form_end", agency): 2}


def test_an_administrator_writes_for_every_agency(office: Room, agency: str) -> None:
    other = offering_agency(office, *SERVICES)
    caller = agency_caller(agency, "admin")
    batch = {"events": [event(agency=other), event()]}
    assert office.post(f"{USAGE}/events", batch, caller=caller).status_code == 200
    assert sums(office, agency=other) == {("form_end",): 1}
    assert sums(office, agency=agency) == {("form_end",): 1}


def test_without_a_key_or_its_scope_nothing_is_taken(office: Room, agency: str) -> None:
    batch = {"events": [event()]}
    assert office.post(f"{USAGE}/events", batch, caller=ANONYMOUS).status_code == 401
    lacking = agency_caller(agency, "catalog:write", "metrics:draft")
    assert office.post(f"{USAGE}/events", batch, caller=lacking).status_code == 403
    assert sums(office, agency=agency) == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"id": "17"}, "id"),
        ({"kind": "click"}, "kind"),
        ({"source": "satellite"}, "source"),
        ({"occurred_at": "2024-03-05T12:00:00"}, "occurred_at"),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, "occurred_at"),
        ({"occurred_at": "2024-02-30T00:00:00Z"}, "occurred_at"),
        ({"agency": "Dinas X"}, "agency"),
        ({"service": "ktp\x00"}, "service"),
        ({"link": "x" * 81}, "link"),
        ({"channel": "pigeon"}, "channel"),
        ({"district": "12.12"}, "district"),
        ({"visitor": "somebody"}, "visitor"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_of_the_batch_is_stored(
    office: Room, agency: str, change: dict[str, Any], where: str
) -> None:
    answer = send_events(office, agency, event(), event(**change))
    assert pointers(answer, 422) == [f"#/events/1/{where}"]
    assert sums(office, agency=agency) == {}


def test_a_missing_field_is_named(office: Room, agency: str) -> None:
    without = {name: value for name, value in event().items() if name != "occurred_at"}
    assert pointers(send_events(office, agency, without), 422) == ["#/events/0/occurred_at"]


def test_a_batch_holds_1_to_5000_events(office: Room, agency: str) -> None:
    many = [event(id=str(UUID(int=n, version=4))) for n in range(5_001)]
    assert pointers(send_events(office, agency, *many), 422) == ["#/events"]
    assert pointers(send_events(office, agency), 422) == ["#/events"]
    assert sums(office, agency=agency) == {}
    answer = send_events(office, agency, *many[:5_000])
    assert answer.json() == {"accepted": 5_000, "repeated": 0}
    assert sums(office, agency=agency) == {("form_end",): 5_000}


FULL = {
    "service": "ktp",
    "link": "simbg",
    "channel": "online",
    "district": "12.12.01",
    "source": "kiosk",
}


@pytest.mark.parametrize("dimension", sorted(FULL.keys() - {"district"}))  # test_summary_districts
def test_the_summary_groups_by_each_dimension_of_events(
    office: Room, agency: str, dimension: str
) -> None:
    send_events(office, agency, event(**FULL), event(**FULL), event())
    unnamed = "agency" if dimension == "source" else None
    assert sums(office, dimension, agency=agency) == {
        ("form_end", FULL[dimension]): 2,
        ("form_end", unnamed): 1,
    }


def test_dimensions_may_be_repeated_or_stand_with_commas_between(office: Room, agency: str) -> None:
    send_events(office, agency, event(**FULL), event())
    filters = {"agency": agency, "from": "2024-01-01", "to": "2024-12-31"}
    with_commas = summary(office, group_by="channel,service,channel", **filters)
    repeated = summary(office, group_by=["service", "channel"], **filters)
    assert with_commas.json() == repeated.json()
    assert {(item["service"], item["channel"]) for item in repeated.json()["items"]} == {
        ("ktp", "online"),
        (None, None),
    }


def test_the_summary_filters_by_service(office: Room, agency: str) -> None:
    send_events(office, agency, event(service="ktp"), event(service="akta"), event())
    assert sums(office, agency=agency, service="ktp") == {("form_end",): 1}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("group_by", "weather"),
        ("group_by", "month,"),
        ("from", "2024-13-01"),
        ("to", "yesterday"),
        ("agency", "Dinas X"),
        ("service", "%00"),
    ],
)
def test_a_wrong_question_is_named(office: Room, name: str, value: str) -> None:
    answer = summary(office, **{name: value})
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["parameter"].split(".")[0] == name


def test_batches_that_come_at_once_and_overlap_count_each_event_once(
    office: Room, agency: str
) -> None:
    events = [event(service=f"s{n % 7}") for n in range(120)]
    batches = [events[n : n + 60] for n in range(0, 70, 10)]
    with ThreadPoolExecutor(len(batches)) as pool:
        answers = list(pool.map(lambda batch: send_events(office, agency, *batch), batches))
    assert {answer.status_code for answer in answers} == {200}
    assert sum(answer.json()["accepted"] for answer in answers) == 120
    assert sums(office, agency=agency) == {("form_end",): 120}


EVENTS = st.lists(
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["page_view", "search", "form_end"]),
            "occurred_at": st.datetimes(
                datetime(2023, 12, 30), datetime(2025, 1, 3), timezones=st.just(UTC)
            ),
        },
        optional={
            "service": st.sampled_from(["ktp", "akta"]),
            "channel": st.sampled_from(["online", "counter"]),
            "district": st.sampled_from(["12.12.01", "12.12.02"]),
        },
    ),
    min_size=1,
    max_size=8,
)


@pytest.mark.slow
@given(events=EVENTS, data=st.data())
@IN_A_DATABASE
def test_the_counts_are_those_of_a_plain_list_for_any_batches_and_repeats(
    office: Room, events: list[dict[str, Any]], data: st.DataObject
) -> None:
    agency = offering_agency(office, *SERVICES)
    known: list[dict[str, Any]] = [
        one | {"id": str(uuid5(NOWHERE, f"{agency} {number}")), "source": "agency"}
        for number, one in enumerate(events)
    ]
    picked = st.lists(st.integers(0, len(known) - 1), min_size=1, max_size=8)
    stored: set[int] = set()
    for batch in data.draw(st.lists(picked, min_size=1, max_size=5)):
        sent = [known[n] | {"occurred_at": known[n]["occurred_at"].isoformat()} for n in batch]
        new = set(batch) - stored
        answer = send_events(office, agency, *sent).json()
        assert answer == {"accepted": len(new), "repeated": len(batch) - len(new)}
        stored |= new

    names = ("service", "channel", "month")
    first, last = sorted(data.draw(st.tuples(DAYS, DAYS)))
    plain: Counter[tuple[Any, ...]] = Counter()
    for number in stored:
        day = known[number]["occurred_at"].astimezone(JAKARTA).date()
        if first <= day <= last:
            described = known[number] | {"month": f"{day:%Y-%m}"}
            plain[(described["kind"], *(described.get(name) for name in names))] += 1
    span = {"from": first.isoformat(), "to": last.isoformat()}
    assert sums(office, ",".join(names), agency=agency, **span) == plain


DAYS = st.dates(date(2023, 12, 29), date(2025, 1, 4))
