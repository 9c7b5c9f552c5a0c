"""Evidence as iCalendar (RFC 5545): a feed of due dates, and a file of one meeting.

Due dates are meetings, action items, ends of agreements and reviews of risks.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

from services.assessment.evidence.records import Agreement, Evidence, Meeting, Risk
from services.assessment.evidence.states import EvidenceState
from services.platform.calendar_feed import meeting_uid, new_calendar, published_event

RECORDED_SEQUENCE = 1000
"""Before the SEQUENCE of recorded meetings."""


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
                event.add("uid", _uid(region, kind, record, part))
                event.add("dtstamp", now)
                event.add("dtstart", day)
                event.add("dtend", day + timedelta(days=1))
                event.add("summary", summary)
                confirmed = states.get((kind, record.key)) == "confirmed"
                event.add("status", "CONFIRMED" if confirmed else "TENTATIVE")
                calendar.add_component(event)
    return calendar.to_ical()


def calendar_of_meeting(
    meeting: Meeting,
    *,
    region: str,
    version: int,
    recorded_at: datetime,
    is_confirmed: bool,
    contact: str,
) -> bytes:
    """Return a meeting that took place as a file with one event, of its whole day.

    `contact` is an address (a URI) of who announces it, which PUBLISH requires (RFC 5546, 3.2.1).
    """
    from icalendar import Event, vCalAddress  # noqa: PLC0415 - large, and seldom needed

    event = Event()
    event.add("uid", meeting_uid(region, meeting.key))
    # Above what invitations to it had: the day that was recorded replaces the hours planned.
    event.add("sequence", RECORDED_SEQUENCE + version)
    event.add("dtstamp", recorded_at)
    event.add("dtstart", meeting.held_on)
    event.add("dtend", meeting.held_on + timedelta(days=1))
    event.add("summary", meeting.name)
    if meeting.place is not None:
        event.add("location", meeting.place)
    described = [meeting.problem_statement or "", *(f"- {item}" for item in meeting.agenda or ())]
    if text := "\n".join(filter(None, described)):
        event.add("description", text)
    event.add("status", "CONFIRMED" if is_confirmed else "TENTATIVE")
    event.add("organizer", vCalAddress(contact))
    return published_event(event)


def _uid(region: str, kind: str, record: Evidence, part: str) -> str:
    if isinstance(record, Meeting) and part == "held":
        return meeting_uid(region, record.key)
    return f"{region}-{kind}-{record.key}-{part}@emall"


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
