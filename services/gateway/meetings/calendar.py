"""The invitation to a planned meeting, and its cancellation, as calendar files (pure)."""

from typing import TYPE_CHECKING

from services.gateway.meetings.plans import Plan, record_key
from services.platform.calendar_feed import cancelled_event, meeting_uid, published_event

if TYPE_CHECKING:
    from icalendar import Event


def invitation_calendar(plan: Plan, *, region: str, organiser: str, contact: str) -> bytes:
    """Return the file that a calendar program takes (RFC 5545, METHOD:PUBLISH).

    A later version of the plan has the same UID and a higher SEQUENCE, so that programs move the
    event. `contact` is the organiser's address (a URI), which PUBLISH requires (RFC 5546, 3.2.1).
    """
    event = _event(plan, region=region, organiser=organiser, contact=contact)
    event.add("sequence", plan.version - 1)
    event.add("status", "CONFIRMED")
    return published_event(event)


def cancellation_calendar(
    plan: Plan, *, sequence: int, region: str, organiser: str, contact: str
) -> bytes:
    """Return the file that takes the meeting out of calendars (METHOD:CANCEL).

    `sequence` has to be above that of the invitation that was sent.
    """
    event = _event(plan, region=region, organiser=organiser, contact=contact)
    event.add("sequence", sequence)
    event.add("status", "CANCELLED")
    return cancelled_event(event)


def _event(plan: Plan, *, region: str, organiser: str, contact: str) -> "Event":
    from icalendar import Event, vCalAddress, vText  # noqa: PLC0415 - large, and seldom needed

    meeting = plan.meeting
    event = Event()
    event.add("uid", meeting_uid(region, record_key(plan.id)))
    event.add("dtstamp", plan.recorded_at)
    event.add("dtstart", meeting.starts_at)
    event.add("dtend", meeting.ends_at)
    event.add("summary", meeting.name)
    if meeting.place is not None:
        event.add("location", meeting.place)
    described = [meeting.problem_statement or "", *(f"- {item}" for item in meeting.agenda)]
    if text := "\n".join(filter(None, described)):
        event.add("description", text)
    address = vCalAddress(contact)
    address.params["cn"] = vText(organiser)
    event.add("organizer", address)
    return event
