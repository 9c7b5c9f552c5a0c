"""An agency's reporting deadlines as an iCalendar feed (RFC 5545), each with an alarm."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.feedback.statistics.obligations import MonthlyObligation
from services.platform.calendar_feed import new_calendar
from services.platform.translation import translator

ALARM_BEFORE = timedelta(days=3)


def calendar_of(
    obligations: Sequence[MonthlyObligation],
    *,
    region: str,
    agency: str,
    due_day: int,
    now: datetime,
) -> bytes:
    """Return the feed of the months that are not completely reported."""
    from icalendar import Alarm, Event  # noqa: PLC0415 - large, and seldom needed

    calendar = new_calendar(f"Statistik bulanan {agency}")
    for obligation in obligations:
        if obligation.is_complete:
            continue
        due = obligation.due_on(due_day)
        name = translator("id").month(obligation.month)
        event = Event()
        event.add("uid", f"{region}-statistics-{agency}-{obligation.month:%Y-%m}@emall")
        event.add("dtstamp", now)
        event.add("dtstart", due)
        event.add("dtend", due + timedelta(days=1))
        event.add("transp", "TRANSPARENT")
        event.add("summary", f"Batas laporan statistik {name}")
        event.add(
            "description",
            f"Sudah dilaporkan {obligation.services_reported} dari "
            f"{obligation.services_expected} layanan. "
            f"Belum: {', '.join(obligation.missing)}. Unggah di halaman /unggah.",
        )
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", f"Laporkan statistik {name}")
        alarm.add("trigger", -ALARM_BEFORE)
        event.add_component(alarm)
        calendar.add_component(event)
    return calendar.to_ical()
