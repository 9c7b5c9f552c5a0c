"""Usage by district: in fives, so that nothing that is added or subtracted finds a person."""

from collections import Counter
from itertools import combinations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Room
from tests.feedback.conftest import offering_agency
from tests.feedback.sending import (
    event,
    expect_reports,
    load,
    send_events,
    send_statistics,
    statistic,
    summary,
    sums,
)

DISTRICTS = ("12.12.01", "12.12.02", None)
EVENTS = st.tuples(
    st.sampled_from(("ktp", "pbg")),
    st.sampled_from(DISTRICTS),
    st.sampled_from(("2024-02-10", "2024-03-05", "2024-03-28")),
    st.sampled_from(("kiosk", "agency")),
)
WAVES = st.lists(st.lists(EVENTS, min_size=1, max_size=25), min_size=1, max_size=3)
SPANS = (
    ("2024-01-01", "2024-12-31"),
    ("2024-02-01", "2024-03-31"),
    ("2024-02-01", "2024-02-29"),
    ("2024-03-01", "2024-03-31"),
)
BESIDE = [
    list(names) for size in range(4) for names in combinations(("month", "agency", "service"), size)
]


def sent(events: list[tuple[str, str | None, str, str]]) -> list[dict[str, Any]]:
    return [
        event(service=service, district=district, occurred_at=f"{day}T10:00:00+07:00", source=way)
        for service, district, day, way in events
    ]


@pytest.fixture(scope="module", autouse=True)
def _names(office: Room) -> None:
    """Store the districts that events name."""
    load(office)


@pytest.mark.slow
@settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(waves=WAVES)
def test_district_counts_are_multiples_of_five_and_sums_are_exact(
    office: Room, waves: list[list[tuple[str, str | None, str, str]]]
) -> None:
    agency = offering_agency(office, "ktp", "pbg")
    for wave in waves:
        send_events(office, agency, *sent(wave)).raise_for_status()
        for first, last in SPANS:
            for names in BESIDE:
                span = {"from": first, "to": last, "agency": agency}
                exact = sums(office, ",".join(names), **span)
                reported = sums(office, ",".join([*names, "district"]), **span)
                together: Counter[tuple[Any, ...]] = Counter()
                for (*key, district), value in reported.items():
                    assert district is None or value % 5 == 0
                    together[*key] += value
                assert together == exact


def test_the_remainder_of_a_rounded_district_is_counted_without_a_district(
    office: Room, agency: str
) -> None:
    expect_reports(office, (agency, "ktp"))
    busy = [("ktp", "12.12.01", "2024-03-05", "agency")] * 7
    quiet = [("ktp", "12.12.02", "2024-03-05", "agency"), ("ktp", None, "2024-03-05", "agency")]
    send_events(office, agency, *sent([*busy, *quiet])).raise_for_status()
    send_statistics(office, agency, statistic(agency)).raise_for_status()
    assert sums(office, "district", agency=agency) == {
        ("form_end", "12.12.01"): 5,
        ("form_end", None): 4,
        ("submitted", None): 412,
    }


@pytest.mark.parametrize(
    ("group_by", "first", "last", "parameters"),
    [
        ("district", "2024-01-01", "2024-12-31", []),
        ("district", "2024-03-01", "9999-12-31", []),
        ("district", "0001-01-01", "0001-01-31", []),
        ("district,service,month", "2024-03-01", "2024-03-31", []),
        ("district", "2024-03-02", "2024-03-31", ["from"]),
        ("district", "2024-03-01", "2024-03-30", ["to"]),
        ("day,district", "2024-03-01", "2024-03-31", ["group_by"]),
        ("hour,district", "2024-03-01", "2024-03-31", ["group_by"]),
        ("channel,source,district", "2024-03-01", "2024-03-31", ["group_by", "group_by"]),
    ],
)
def test_districts_are_shown_by_whole_months_and_with_few_dimensions(
    office: Room, group_by: str, first: str, last: str, parameters: list[str]
) -> None:
    answer = summary(office, **{"from": first, "to": last}, group_by=group_by)
    assert answer.status_code == (422 if parameters else 200), answer.text
    if parameters:
        assert [error["parameter"] for error in answer.json()["errors"]] == parameters
