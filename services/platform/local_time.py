"""Local time: the time zone of the region, and moments as people write them."""

from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

from services.platform.languages import Language
from services.platform.translation import translator

JAKARTA = ZoneInfo("Asia/Jakarta")


def format_time(at: datetime, *, now: datetime, zone: tzinfo, language: Language) -> str:
    """Return `09.40` for a moment of today, `23 November 09.40` for one of another day."""
    formats, local = translator(language), at.astimezone(zone)
    clock = formats.clock(local)
    if local.date() == now.astimezone(zone).date():
        return clock
    return f"{formats.day_of_year(local.date())} {clock}"
