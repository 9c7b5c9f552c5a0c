"""Monthly statistics: a figure counts once, a correction is a revision, both stay on record."""

import json
from base64 import urlsafe_b64encode
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import ANONYMOUS, Room, agency_caller
from tests.feedback.conftest import new_agency
from tests.feedback.feedback_rows import store_monthly_use
from tests.feedback.sending import (
    USAGE,
    event,
    expect_reports,
    pointers,
    send_events,
    send_statistics,
    statistic,
    summary,
    sums,
)

JAKARTA = ZoneInfo("Asia/Jakarta")


@pytest.fixture
def agency(office: Room) -> str:
    """Provide an agency obliged to report two services; another is obliged to report one."""
    slug = new_agency()
    expect_reports(office, (slug, "ktp"), (slug, "akta"), ("dishub", "kir"))
    return slug


def revisions(office: Room, agency: str, period: str = "2024-03") -> list[tuple[Any, ...]]:
    """Every figure of a month with its revision, whether it stands, and why it was corrected."""
    items = office.get(f"{USAGE}/statistics", period=period, agency=agency).json()["items"]
    names = ("service", "measure", "revision", "value", "is_current", "reason")
    return [tuple(item[name] for name in names) for item in items]


def test_statistics_are_stored_counter_by_counter(office: Room, agency: str) -> None:
    month = statistic(agency, counters={"submitted": 412, "completed": 398, "rejected": 0})
    answer = send_statistics(office, agency, month)
    assert answer.json() == {"added": 3, "revised": 0, "unchanged": 0, "flags": []}
    assert sums(office, agency=agency) == {
        ("submitted",): 412,
        ("completed",): 398,
        ("rejected",): 0,
    }


def test_statistics_that_are_sent_twice_double_nothing(office: Room, agency: str) -> None:
    batch = [statistic(agency), statistic(agency, "akta", counters={"submitted": 5, "returned": 1})]
    send_statistics(office, agency, *batch)
    before = revisions(office, agency)
    answer = send_statistics(office, agency, *batch)
    assert answer.json() == {"added": 0, "revised": 0, "unchanged": 3, "flags": []}
    assert revisions(office, agency) == before
    assert sums(office, agency=agency) == {("submitted",): 417, ("returned",): 1}


def test_a_correction_is_a_revision_with_its_reason_and_both_are_listed(
    office: Room, agency: str
) -> None:
    send_statistics(office, agency, statistic(agency, counters={"submitted": 412, "completed": 1}))
    corrected = statistic(agency, counters={"submitted": 421, "completed": 1}, reason="Salah ketik")
    answer = send_statistics(office, agency, corrected)
    assert answer.json() == {"added": 0, "revised": 1, "unchanged": 1, "flags": []}
    assert revisions(office, agency) == [
        ("ktp", "completed", 1, 1, True, None),
        ("ktp", "submitted", 1, 412, False, None),
        ("ktp", "submitted", 2, 421, True, "Salah ketik"),
    ]
    assert sums(office, agency=agency) == {("submitted",): 421, ("completed",): 1}


def test_a_figure_that_returns_to_an_earlier_one_is_one_more_revision(
    office: Room, agency: str
) -> None:
    for value in (1, 2, 1, 1):
        send_statistics(office, agency, statistic(agency, counters={"submitted": value}))
    assert [(row[2], row[3], row[4]) for row in revisions(office, agency)] == [
        (1, 1, False),
        (2, 2, False),
        (3, 1, True),
    ]


def test_an_omitted_counter_retains_its_figure(office: Room, agency: str) -> None:
    send_statistics(office, agency, statistic(agency, counters={"submitted": 4, "completed": 3}))
    send_statistics(office, agency, statistic(agency, counters={"submitted": 5}))
    send_statistics(office, agency, statistic(agency, counters={"completed": None}))
    assert sums(office, agency=agency) == {("submitted",): 5, ("completed",): 3}


@pytest.mark.parametrize(
    "other",
    [{"channel": "online"}, {"period": "2024-04"}, {"service": "akta"}],
)
def test_a_figure_of_another_channel_month_or_service_stands_beside_it(
    office: Room, agency: str, other: dict[str, str]
) -> None:
    send_statistics(office, agency, statistic(agency))
    answer = send_statistics(office, agency, statistic(agency, **other))
    assert answer.json() == {"added": 1, "revised": 0, "unchanged": 0, "flags": []}
    assert sums(office, agency=agency) == {("submitted",): 824}


def test_one_counter_with_two_values_in_a_batch_is_refused_and_both_are_named(
    office: Room, agency: str
) -> None:
    batch = [statistic(agency), statistic(agency, counters={"submitted": 9, "completed": 9})]
    answer = send_statistics(office, agency, *batch)
    assert pointers(answer, 422) == ["#/statistics/1/counters/submitted"]
    [error] = answer.json()["errors"]
    assert "#/statistics/0/counters/submitted is 412" in error["detail"]
    assert sums(office, agency=agency) == {}


def test_one_counter_with_one_value_twice_in_a_batch_counts_once(office: Room, agency: str) -> None:
    answer = send_statistics(office, agency, statistic(agency), statistic(agency))
    assert answer.json() == {"added": 1, "revised": 0, "unchanged": 0, "flags": []}


def test_statistics_of_another_agency_are_refused_and_named(office: Room, agency: str) -> None:
    batch = [statistic(agency), statistic("dishub", "kir")]
    answer = send_statistics(office, agency, *batch)
    assert pointers(answer, 403) == ["#/statistics/1/agency"]
    assert sums(office, agency=agency) == {}
    assert sums(office, agency="dishub") == {}


def test_an_administrator_sends_statistics_of_every_agency(office: Room, agency: str) -> None:
    batch = {"statistics": [statistic(agency)]}
    caller = agency_caller("diskominfo", "admin")
    assert office.post(f"{USAGE}/statistics", batch, caller=caller).json()["added"] == 1


def test_a_service_that_is_not_the_agencys_is_named(office: Room, agency: str) -> None:
    batch = [statistic(agency), statistic(agency, "kir"), statistic(agency, "sihir")]
    answer = send_statistics(office, agency, *batch)
    assert pointers(answer, 409) == ["#/statistics/1/service", "#/statistics/2/service"]
    assert sums(office, agency=agency) == {}


def test_a_month_that_has_not_begun_is_refused_and_the_present_one_is_not(
    office: Room, agency: str
) -> None:
    now = datetime.now(JAKARTA)
    next_month = (now.replace(day=1).month % 12 + 1, now.year + (now.month == 12))
    coming = statistic(agency, period=f"{next_month[1]}-{next_month[0]:02}")
    answer = send_statistics(office, agency, statistic(agency), coming)
    assert pointers(answer, 422) == ["#/statistics/1/period"]
    assert sums(office, agency=agency) == {}
    present = statistic(agency, period=f"{now:%Y-%m}")
    assert send_statistics(office, agency, present).json()["added"] == 1


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"channel": "pigeon"}, "channel"),
        ({"period": "2024-13"}, "period"),
        ({"period": "2024-03-01"}, "period"),
        ({"period": "1999-03"}, "period"),
        ({"agency": ""}, "agency"),
        ({"counters": {"submitted": -1}}, "counters/submitted"),
        ({"counters": {"submitted": 1.5}}, "counters/submitted"),
        ({"counters": {"submitted": 1_000_000_001}}, "counters/submitted"),
        ({"counters": {"lost": 1}}, "counters/lost"),
        ({"reason": ""}, "reason"),
        ({"reason": "\x00"}, "reason"),
        ({"note": "x"}, "note"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_of_the_batch_is_stored(
    office: Room, agency: str, change: dict[str, Any], where: str
) -> None:
    answer = send_statistics(office, agency, statistic(agency), statistic(agency) | change)
    assert pointers(answer, 422) == [f"#/statistics/1/{where}"]
    assert sums(office, agency=agency) == {}


def test_a_batch_holds_1_to_1000_statistics(office: Room, agency: str) -> None:
    assert pointers(send_statistics(office, agency), 422) == ["#/statistics"]
    many = [statistic(agency)] * 1_001
    assert pointers(send_statistics(office, agency, *many), 422) == ["#/statistics"]
    months = [f"{year}-{month:02}" for year in range(2000, 2026) for month in range(1, 13)]
    channels = ("online", "counter", "phone", "visit", "email")
    batch = [
        statistic(agency, service, channel=channel, period=month)
        for service in ("ktp", "akta")
        for channel in channels
        for month in months
    ][:1_000]
    assert send_statistics(office, agency, *batch).json()["added"] == 1_000


def test_a_batch_without_a_counter_stores_nothing(office: Room, agency: str) -> None:
    answer = send_statistics(office, agency, statistic(agency, counters={}))
    assert answer.json() == {"added": 0, "revised": 0, "unchanged": 0, "flags": []}
    assert revisions(office, agency) == []


def test_without_a_key_or_its_scope_nothing_is_taken(office: Room, agency: str) -> None:
    batch = {"statistics": [statistic(agency)]}
    assert office.post(f"{USAGE}/statistics", batch, caller=ANONYMOUS).status_code == 401
    lacking = agency_caller(agency, "metrics:draft")
    assert office.post(f"{USAGE}/statistics", batch, caller=lacking).status_code == 403
    assert sums(office, agency=agency) == {}


def test_the_list_of_figures_filters_by_agency_and_service(office: Room, agency: str) -> None:
    send_statistics(office, agency, statistic(agency), statistic(agency, "akta"))
    one = office.get(f"{USAGE}/statistics", period="2024-03", agency=agency, service="akta").json()
    [item] = one["items"]
    assert (item["agency"], item["service"], item["channel"]) == (agency, "akta", "counter")
    assert datetime.fromisoformat(item["reported_at"]) <= datetime.now(UTC)
    assert office.get(f"{USAGE}/statistics", period="2024-04", agency=agency).json()["items"] == []
    assert office.get(f"{USAGE}/statistics", period="2024").status_code == 422


def test_the_summary_counts_a_month_that_begins_in_the_span_or_holds_its_first_day(
    office: Room, agency: str
) -> None:
    months = [statistic(agency, period=f"2024-0{n}", counters={"submitted": n}) for n in (2, 3, 4)]
    send_statistics(office, agency, *months)
    in_march = {"from": "2024-03-31", "to": "2024-03-31", "agency": agency}
    assert sums(office, "month", **in_march) == {("submitted", "2024-03"): 3}
    into_april = in_march | {"to": "2024-04-01"}
    assert sums(office, **into_april) == {("submitted",): 7}


@pytest.mark.parametrize("dimension", ["link", "source", "district"])
def test_a_dimension_that_statistics_do_not_have_is_null_for_them(
    office: Room, agency: str, dimension: str
) -> None:
    send_statistics(office, agency, statistic(agency))
    # Five, for of a district no fewer are told.
    reported = {"link": "oss", "district": "12.12.01", "source": "kiosk"}
    send_events(office, agency, *(event(**reported) for _ in range(5)))
    assert sums(office, dimension, agency=agency) == {
        ("submitted", None): 412,
        ("form_end", reported[dimension]): 5,
    }


WHOLE = {"from": "2024-03-01", "to": "2024-03-31"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "question", "items"),
    [
        ("summary", WHOLE, 2),
        ("summary", WHOLE | {"group_by": "service,source,link,channel"}, 4),
        ("summary", WHOLE | {"group_by": "service,day"}, 3),
        ("summary", WHOLE | {"group_by": "hour,service"}, 3),
        ("summary", WHOLE | {"group_by": "month,service,district"}, 4),
        ("statistics", {"period": "2024-03"}, 3),
    ],
)
def test_a_long_answer_is_on_pages_which_hold_all_of_it_once(
    office: Room, agency: str, path: str, question: dict[str, str], items: int
) -> None:
    more = statistic(agency, counters={"submitted": 413}, reason="salah ketik")
    for batch in ([statistic(agency), statistic(agency, "akta")], [more]):
        assert send_statistics(office, agency, *batch).status_code == 200
    moments = ("2024-03-05T10:00:00+07:00", "2024-03-09T10:00:00+07:00")
    events = [event(service="ktp", occurred_at=moment) for moment in moments]
    send_events(office, agency, *events, event(service="akta", link="simbg", source="kiosk"))
    asked: dict[str, Any] = {"agency": agency, **question}
    at_once = office.get(f"{USAGE}/{path}", **asked).json()
    assert (len(at_once["items"]), at_once["next"]) == (items, None)
    for limit in (1, 2, items):
        found: list[Any] = []
        answer = office.get(f"{USAGE}/{path}", **asked, limit=limit).json()
        while answer["next"] is not None:
            assert len(answer["items"]) == limit
            found += answer["items"]
            answer = office.get(answer["next"]).json()
        assert found + answer["items"] == at_once["items"]


def cursor_of(*values: object) -> str:
    return urlsafe_b64encode(json.dumps(values).encode()).decode()


@pytest.mark.parametrize(
    ("path", "cursor"),
    [
        ("summary?group_by=service", "x"),
        ("summary?group_by=service", "%00"),
        ("summary?group_by=service", cursor_of("ktp")),
        ("summary?group_by=service", cursor_of("ktp", "\x00")),
        ("summary?group_by=service", cursor_of("ktp", 7)),
        ("summary?group_by=service", cursor_of(None, [])),
        ("summary?group_by=service", urlsafe_b64encode(b"[" * 700).decode()),
        ("summary?group_by=day&from=2024-03-01&to=2024-03-31", cursor_of("2024-02-30", "search")),
        ("statistics?period=2024-03", cursor_of("a", "b", "c", "d", "-1")),
        ("statistics?period=2024-03", cursor_of("a", "b", "c", "d", "9" * 30)),
        ("statistics?period=2024-03", cursor_of("a", "b", "c", "d", "e")),
    ],
)
def test_a_cursor_of_another_list_is_named(office: Room, path: str, cursor: str) -> None:
    answer = office.get(f"{USAGE}/{path}&cursor={cursor}")
    assert answer.status_code == 422, answer.text
    assert [error["parameter"] for error in answer.json()["errors"]] == ["cursor"]


def test_a_year_of_many_names_is_answered(office: Room, agency: str) -> None:
    """More sums than a page holds, as they were stored before names were checked."""
    store_monthly_use(office.settings, agency, services=12_000)
    answer = summary(office, agency=agency, group_by="service", **WHOLE).json()
    assert len(answer["items"]) == 10_000
    rest = office.get(answer["next"]).json()
    assert (len(rest["items"]), rest["next"]) == (2_000, None)


def test_posts_of_one_agency_at_the_same_time_number_their_revisions_one_by_one(
    office: Room, agency: str
) -> None:
    def send(value: int) -> Any:
        return send_statistics(office, agency, statistic(agency, counters={"submitted": value}))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(8)))
    assert {answer.status_code for answer in answers} == {200}
    found = revisions(office, agency)
    assert [row[2] for row in found] == list(range(1, 9))
    assert {row[3] for row in found} == set(range(8))
    assert [row[4] for row in found] == [False] * 7 + [True]
    assert sums(office, agency=agency) == {("submitted",): found[-1][3]}


KEYS = st.tuples(
    st.sampled_from(["ktp", "akta"]),
    st.sampled_from(["online", "counter"]),
    st.sampled_from(["2024-01", "2024-02"]),
)
BATCHES = st.lists(
    st.dictionaries(
        KEYS,
        st.dictionaries(st.sampled_from(["submitted", "completed"]), st.integers(0, 3), min_size=1),
        min_size=1,
        max_size=5,
    ),
    min_size=1,
    max_size=5,
)


@pytest.mark.slow
@given(BATCHES)
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_last_revision_is_current_and_earlier_ones_remain(
    office: Room, batches: list[dict[tuple[str, str, str], dict[str, int]]]
) -> None:
    agency = new_agency()
    expect_reports(office, (agency, "ktp"), (agency, "akta"))
    said: dict[tuple[str, str, str, str], list[int]] = {}
    for batch in batches:
        expected = Counter(added=0, revised=0, unchanged=0)
        for key, counters in batch.items():
            for measure, value in counters.items():
                history = said.setdefault((*key, measure), [])
                kind = "added" if not history else "revised"
                if history[-1:] == [value]:
                    kind = "unchanged"
                else:
                    history.append(value)
                expected[kind] += 1
        sent = [
            statistic(agency, service, channel=channel, period=period, counters=counters)
            for (service, channel, period), counters in batch.items()
        ]
        answer = send_statistics(office, agency, *sent).json()
        assert {kind: answer[kind] for kind in expected} == expected

    standing = {
        (measure, service, channel, period): history[-1]
        for (service, channel, period, measure), history in said.items()
    }
    assert sums(office, "service,channel,month", agency=agency) == standing
    for period in ("2024-01", "2024-02"):
        items = office.get(f"{USAGE}/statistics", period=period, agency=agency).json()["items"]
        listed: dict[tuple[str, str, str, str], list[int]] = {}
        for item in items:
            key = (item["service"], item["channel"], item["period"], item["measure"])
            listed.setdefault(key, []).append(item["value"])
        assert listed == {key: history for key, history in said.items() if key[2] == period}
