"""What an agency owes, as an iCalendar feed (RFC 5545) with an alarm before each due day."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from icalendar import Alarm, Calendar, Event

from services.feedback.statistics.obligations import AgencyMonth
from services.platform.translation import translator
from services.platform.version import VERSION

ALARM_BEFORE = timedelta(days=3)


def calendar_of(
    months: Sequence[AgencyMonth], *, region: str, agency: str, due_day: int, now: datetime
) -> bytes:
    """The feed of the months that are not complete; a month that came whole is gone from it."""
    calendar = Calendar()
    calendar.add("prodid", f"-//emall//{VERSION}//ID")
    calendar.add("version", "2.0")
    calendar.add("name", f"Statistik bulanan {agency}")
    indonesian = translator("id")
    for month in months:
        if month.is_complete:
            continue
        due = month.due_on(due_day)
        event = Event()
        event.add("uid", f"{region}-statistics-{agency}-{month.month:%Y-%m}@emall")
        event.add("dtstamp", now)
        event.add("dtstart", due)
        event.add("dtend", due + timedelta(days=1))
        event.add("transp", "TRANSPARENT")
        event.add("summary", f"Batas laporan statistik {indonesian.month(month.month)}")
        event.add(
            "description",
            f"Sudah dilaporkan {month.services_reported} dari {month.services_owed} layanan. "
            f"Belum: {', '.join(month.missing)}. Unggah di halaman /unggah.",
        )
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", f"Laporkan statistik {indonesian.month(month.month)}")
        alarm.add("trigger", -ALARM_BEFORE)
        event.add_component(alarm)
        calendar.add_component(event)
    return calendar.to_ical()
