"""What is published of comments: promises kept, medians, and never a group under five."""

from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.feedback.comments.figures import (
    Outcome,
    Tally,
    bundles_of,
    cell_of,
    outcome_of,
    tally_of,
)
from services.feedback.surveys.bundles import SMALLEST_GROUP
from tests.conftest import Room
from tests.feedback.complaints import COMMENTS, answer, file, move

DAY = date(2026, 3, 2)
OUTCOMES = st.lists(st.builds(Outcome, st.booleans(), st.none() | st.integers(0, 90)), max_size=30)


@pytest.mark.parametrize(
    ("answered", "ended", "today", "wanted"),
    [
        (DAY + timedelta(days=1), None, DAY, Outcome(in_time=True, days=1)),
        (date(2026, 5, 4), None, DAY, Outcome(in_time=False, days=38)),
        (None, DAY, DAY, Outcome(in_time=True, days=0)),
        (None, None, date(2026, 5, 1), None),
        (None, None, date(2026, 5, 2), Outcome(in_time=False, days=None)),
    ],
)
def test_a_comment_is_settled_by_an_answer_an_end_or_time(
    answered: date | None, ended: date | None, today: date, wanted: Outcome | None
) -> None:
    found = outcome_of(
        received=DAY, answer_by=date(2026, 4, 1), answered=answered, ended=ended, today=today
    )
    assert found == wanted


@given(OUTCOMES, OUTCOMES)
def test_tallies_add_up_and_keep_the_median(first: list[Outcome], second: list[Outcome]) -> None:
    together = tally_of(first) + tally_of(second)
    assert together == tally_of(first + second)
    assert Tally.model_validate_json(together.model_dump_json()) == together
    days = [outcome.days for outcome in first + second if outcome.days is not None]
    assert together.median_days() == (median(days) if days else None)


CELLS = st.builds(
    cell_of,
    received=st.dates(date(2026, 1, 1), date(2026, 6, 30)),
    service=st.sampled_from(["", "ktp-el", "pbg"]),
    agency=st.sampled_from(["dukcapil", "pupr"]),
    kind=st.sampled_from(["complaint", "praise"]),
    category=st.sampled_from(["time", "fee"]),
)


@given(st.dictionaries(CELLS, st.integers(1, 7), max_size=20), st.dates(DAY, date(2027, 12, 31)))
def test_no_bundle_is_of_fewer_than_five_whenever_it_is_sealed(
    waiting: dict[Any, int], today: date
) -> None:
    for bundle in bundles_of(waiting, today=today):
        assert sum(waiting[cell] for cell in bundle.cells) >= SMALLEST_GROUP


def summary(office: Room, agency: str, **query: str) -> dict[str, Any]:
    asked = urlencode({"agency": agency} | query)
    return office.get(f"{COMMENTS}/summary?{asked}").json()


def test_an_agency_shows_once_five_of_its_comments_are_settled(office: Room, agency: str) -> None:
    filed = [file(office, agency=agency) for _ in range(7)]
    for one in filed[:3]:
        answer(office, one["ticket"])
    move(office, filed[3]["ticket"], "closed")
    spam = file(office, agency=agency, website="x")
    move(office, spam["ticket"], "closed")
    move(office, filed[6]["ticket"], "merged", into=filed[5]["ticket"])
    assert summary(office, agency)["items"] == []
    move(office, filed[4]["ticket"], "forwarded", number="1")
    shown = summary(office, agency)
    assert shown["span"] == str(datetime.now(UTC).year)
    assert shown["items"] == [
        {
            "value": agency,
            "n": 5,
            "answered": 5,
            "in_time": 5,
            "median_working_days": 0.0,
        }
    ]
    # The sixth waits for four more: the figure does not move by one.
    answer(office, filed[5]["ticket"])
    assert summary(office, agency)["n"] == 5
    by_category = summary(office, agency, by="category")["items"]
    assert [(item["value"], item["n"]) for item in by_category] == [("time", 5)]
    assert summary(office, agency, period="2020")["items"] == []
