"""iCalendar (RFC 5545): feeds to subscribe to, and single events that somebody announces."""

from datetime import timedelta
from typing import TYPE_CHECKING

from services.platform.version import VERSION

if TYPE_CHECKING:
    from icalendar import Calendar, Event

REFRESH_INTERVAL = timedelta(hours=12)
CALENDAR_MEDIA_TYPE = "text/calendar"


def new_calendar(name: str) -> "Calendar":
    """Return a calendar with the properties of a subscription (RFC 7986).

    Google Calendar and Outlook read the older `X-WR-CALNAME` and `X-PUBLISHED-TTL` only.
    """
    from icalendar import vDuration, vText  # noqa: PLC0415 - large, and seldom needed

    calendar = _calendar()
    calendar.add("name", vText(name))
    calendar.add("x-wr-calname", vText(name))
    duration = {"VALUE": "DURATION"}
    calendar.add("refresh-interval", vDuration(REFRESH_INTERVAL), parameters=duration)
    calendar.add("x-published-ttl", vDuration(REFRESH_INTERVAL))
    return calendar


def published_event(event: "Event") -> bytes:
    """Return a file with one event that is announced and expects no answer (RFC 5546, PUBLISH)."""
    return _single_event(event, "PUBLISH")


def cancelled_event(event: "Event") -> bytes:
    """Return a file that takes an announced event out of calendars (RFC 5546, 4.1.3, CANCEL)."""
    return _single_event(event, "CANCEL")


def method_of(file: bytes) -> str:
    """Return the method of a file that was made here."""
    return "CANCEL" if b"\r\nMETHOD:CANCEL\r\n" in file else "PUBLISH"


def _single_event(event: "Event", method: str) -> bytes:
    calendar = _calendar()
    calendar.add("method", method)
    calendar.add_component(event)
    return calendar.to_ical()


def meeting_uid(region: str, key: str) -> str:
    """Return the UID of a meeting by the key of its record, planned or recorded."""
    return f"{region}-meetings-{key}-held@emall"


def _calendar() -> "Calendar":
    from icalendar import Calendar  # noqa: PLC0415 - large, and seldom needed

    calendar = Calendar()
    calendar.add("prodid", f"-//emall//{VERSION}//ID")
    calendar.add("version", "2.0")
    return calendar
