"""What agencies and citizens send to the feedback service, and how its sums are read."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import uuid4

import httpx

from services.feedback.pack import FeedbackPack, load_feedback
from services.feedback.reference_data import ReferenceCodes
from services.feedback.reporting_obligations import ReportingObligation
from services.feedback.statistics.revisions import store_statistics
from services.feedback.statistics.schemas import Statistic
from services.feedback.surveys.definition import Survey
from services.platform.local_time import DEFAULT_ZONE
from services.platform.packs import Change
from tests.conftest import Room, agency_caller

USAGE = "/api/v1/usage"
SURVEYS = "/api/v1/surveys"
LONG_AGO = date(2000, 1, 1)
NOON = "2024-03-05T12:00:00+07:00"


def event(**more: Any) -> dict[str, Any]:
    """Return an event of 5 March 2024."""
    return {
        "id": str(uuid4()),
        "kind": "form_end",
        "source": "agency",
        "occurred_at": NOON,
    } | more


def send_events(office: Room, agency: str, *events: dict[str, Any]) -> httpx.Response:
    caller = agency_caller(agency, "usage:write")
    return office.post(f"{USAGE}/events", {"events": list(events)}, caller=caller)


def statistic(agency: str, service: str = "ktp", **more: Any) -> dict[str, Any]:
    """412 applications at the counter in March 2024."""
    return {
        "agency": agency,
        "service": service,
        "channel": "counter",
        "period": "2024-03",
        "counters": {"submitted": 412},
    } | more


def send_statistics(office: Room, agency: str, *statistics: dict[str, Any]) -> httpx.Response:
    caller = agency_caller(agency, "usage:write")
    return office.post(f"{USAGE}/statistics", {"statistics": list(statistics)}, caller=caller)


def report_at(office: Room, now: datetime, *statistics: dict[str, Any]) -> None:
    """Store these statistics as if they had been sent at that time."""
    given = [Statistic.model_validate(item) for item in statistics]
    caller = agency_caller(given[0].agency, "usage:write")
    region = office.settings.region
    office.store(
        lambda session: store_statistics(
            session, region, given, caller=caller, now=now, zone=DEFAULT_ZONE
        )
    )


def expect_reports(office: Room, *pairs: tuple[str, str]) -> list[Change]:
    """Make only these services (agency, service) ones that must be reported on."""
    return load(office, obligations=pairs)


REFERENCES = ReferenceCodes(
    agencies=("dukcapil", "dinkes"), links=("simbg", "oss"), districts=("12.12.01", "12.12.02")
)


def load(
    office: Room,
    *surveys: Survey,
    obligations: Sequence[tuple[str, str]] = (),
    not_owed: Sequence[tuple[str, str]] = (),
    references: ReferenceCodes = REFERENCES,
    month: date = LONG_AGO,
    since: date | None = None,
) -> list[Change]:
    """Load these surveys, reporting obligations and names, and no others.

    New obligations begin in `month`, or all `since` the month that the pack states.
    """
    region = office.settings.region
    pack = FeedbackPack(surveys)
    return office.store(
        lambda session: load_feedback(
            session,
            region,
            pack,
            obligations=[
                *(ReportingObligation(*pair, since=since) for pair in obligations),
                *(ReportingObligation(*pair, since=since, is_owed=False) for pair in not_owed),
            ],
            references=references,
            month=month,
        )
    )


def summary(office: Room, **parameters: Any) -> httpx.Response:
    return office.get(f"{USAGE}/summary", **parameters)


def sums(office: Room, group_by: str = "", **filters: str) -> dict[tuple[Any, ...], int]:
    """Return the sums by measure and dimensions for 2024, or for the period of the filters."""
    span: dict[str, Any] = {"from": "2024-01-01", "to": "2024-12-31"} | filters
    names = group_by.split(",") if group_by else []
    answer = summary(office, **span, group_by=names)
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    found = {(item["measure"], *(item[name] for name in names)): item["value"] for item in items}
    assert len(found) == len(items)
    return found


def pointers(answer: httpx.Response, status: int) -> list[str]:
    """Where a refused body was wrong."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return [error["pointer"] for error in answer.json()["errors"]]
