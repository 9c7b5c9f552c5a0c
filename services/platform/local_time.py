"""Local time: the time zone, month names, and moments as people write them."""

from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

from services.platform.languages import Language

JAKARTA = ZoneInfo("Asia/Jakarta")


MONTHS = {
    "id": "Januari Februari Maret April Mei Juni Juli Agustus September Oktober November Desember",
    "en": "January February March April May June July August September October November December",
}


def format_time(at: datetime, *, now: datetime, zone: tzinfo, language: Language) -> str:
    """`09.40` of today, `23 November 09.40` of another day."""
    local = at.astimezone(zone)
    clock = f"{local:%H:%M}" if language == "en" else f"{local:%H.%M}"
    if local.date() == now.astimezone(zone).date():
        return clock
    return f"{local.day} {MONTHS[language].split()[local.month - 1]} {clock}"
