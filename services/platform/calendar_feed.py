"""Calendar feeds to subscribe to: their name, and how often programs should read them again."""

from datetime import timedelta
from typing import TYPE_CHECKING

from services.platform.version import VERSION

if TYPE_CHECKING:
    from icalendar import Calendar

REFRESH_INTERVAL = timedelta(hours=12)


def new_calendar(name: str) -> "Calendar":
    """Return a calendar with the properties of a subscription (RFC 7986).

    Google Calendar and Outlook read the older `X-WR-CALNAME` and `X-PUBLISHED-TTL` only.
    """
    from icalendar import Calendar, vDuration, vText  # noqa: PLC0415 - large, and seldom needed

    calendar = Calendar()
    calendar.add("prodid", f"-//emall//{VERSION}//ID")
    calendar.add("version", "2.0")
    calendar.add("name", vText(name))
    calendar.add("x-wr-calname", vText(name))
    duration = {"VALUE": "DURATION"}
    calendar.add("refresh-interval", vDuration(REFRESH_INTERVAL), parameters=duration)
    calendar.add("x-published-ttl", vDuration(REFRESH_INTERVAL))
    return calendar
