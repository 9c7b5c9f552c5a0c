"""The invitation to a planned meeting as a calendar file (pure)."""

from services.gateway.meetings.plans import Plan, record_key
from services.platform.calendar_feed import meeting_uid, published_event


def invitation_calendar(plan: Plan, *, region: str, organiser: str, contact: str) -> bytes:
    """Return the file that a calendar program takes (RFC 5545, METHOD:PUBLISH).

    A later version of the plan has the same UID and a higher SEQUENCE, so that programs move the
    event. `contact` is the organiser's address (a URI), which PUBLISH requires (RFC 5546, 3.2.1).
    """
    from icalendar import Event, vCalAddress, vText  # noqa: PLC0415 - large, and seldom needed

    meeting = plan.meeting
    event = Event()
    event.add("uid", meeting_uid(region, record_key(plan.id)))
    event.add("sequence", plan.version - 1)
    event.add("dtstamp", plan.recorded_at)
    event.add("dtstart", meeting.starts_at)
    event.add("dtend", meeting.ends_at)
    event.add("summary", meeting.name)
    if meeting.place is not None:
        event.add("location", meeting.place)
    described = [meeting.problem_statement or "", *(f"- {item}" for item in meeting.agenda)]
    if text := "\n".join(filter(None, described)):
        event.add("description", text)
    event.add("status", "CONFIRMED")
    address = vCalAddress(contact)
    address.params["cn"] = vText(organiser)
    event.add("organizer", address)
    return published_event(event)
