"""Due dates as an iCalendar feed (RFC 5545).

They are meetings, action items, ends of agreements and reviews of risks.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

from services.assessment.evidence.records import Agreement, Evidence, Meeting, Risk
from services.assessment.evidence.states import EvidenceState
from services.platform.calendar_feed import new_calendar


def calendar_of(
    records: Mapping[str, Sequence[Evidence]],
    states: Mapping[tuple[str, str], EvidenceState],
    *,
    region: str,
    now: datetime,
) -> bytes:
    """Return the feed of the records by kind; dates known only by month or year are excluded."""
    from icalendar import Event  # noqa: PLC0415 - large, and seldom needed

    calendar = new_calendar("Agenda kolaborasi")
    for kind in ("meetings", "agreements", "risks"):
        for record in records.get(kind, ()):
            for part, day, summary in _days(record):
                event = Event()
                event.add("uid", f"{region}-{kind}-{record.key}-{part}@emall")
                event.add("dtstamp", now)
                event.add("dtstart", day)
                event.add("dtend", day + timedelta(days=1))
                event.add("summary", summary)
                confirmed = states.get((kind, record.key)) == "confirmed"
                event.add("status", "CONFIRMED" if confirmed else "TENTATIVE")
                calendar.add_component(event)
    return calendar.to_ical()


def _days(record: Evidence) -> Iterator[tuple[str, date, str]]:
    match record:
        case Meeting():
            if record.precision == "day":
                yield "held", record.held_on, record.name
            for n, action in enumerate(record.action_items or ()):
                if action.done is not True:
                    yield f"action-{n}", action.due, f"Tindak lanjut: {action.task}"
        case Agreement(valid_to=date() as last, precision="day"):
            yield "end", last, f"Berakhir: {record.name}"
        case Risk(review_on=date() as review):
            yield "review", review, f"Tinjau risiko: {record.name}"
        case _:
            pass
