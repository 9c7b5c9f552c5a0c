"""When a meeting takes place, as people write it (pure)."""

from datetime import datetime
from zoneinfo import ZoneInfo

from services.platform.translation import Translator


def period_text(
    messages: Translator, starts_at: datetime, ends_at: datetime, zone: ZoneInfo
) -> str:
    """Return such as `5 Desember 2026, 09.00–11.00 WIB`."""
    start, end = starts_at.astimezone(zone), ends_at.astimezone(zone)
    begins = f"{messages.long_date(start.date())}, {messages.clock(start)}"
    if start.date() == end.date():
        return f"{begins}–{messages.clock(end)} {end.tzname()}"
    return f"{begins} – {messages.long_date(end.date())}, {messages.clock(end)} {end.tzname()}"
