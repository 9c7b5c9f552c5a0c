"""Dates of feeds: as RSS and Atom prescribe them, and as Indonesian programs write them."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo

_MONTHS = (
    ("januari", "jan"),
    ("februari", "pebruari", "feb", "peb"),
    ("maret", "mar"),
    ("april", "apr"),
    ("mei",),
    ("juni", "jun"),
    ("juli", "jul"),
    ("agustus", "agu", "agt", "ags", "agus"),
    ("september", "sep", "sept"),
    ("oktober", "okt"),
    ("november", "nopember", "nov", "nop"),
    ("desember", "des"),
)
MONTHS = {name: number for number, names in enumerate(_MONTHS, start=1) for name in names}
"""Indonesian names and abbreviations of months, old spellings too."""
ZONES: dict[str, tzinfo] = {
    "wib": timezone(timedelta(hours=7), "WIB"),
    "wita": timezone(timedelta(hours=8), "WITA"),
    "wit": timezone(timedelta(hours=9), "WIT"),
    "gmt": UTC,
    "utc": UTC,
    "z": UTC,
}
WRITTEN = re.compile(
    r"(?:[a-z']{3,8}\.?,?\s+)?"  # the day of the week
    r"(?P<day>\d{1,2})(?:\s+|-|/|\.)(?P<month>[a-z]{3,9}|\d{1,2})(?:\.?\s+|-|/|\.)(?P<year>\d{4})"
    r"(?:,?\s+(?:(?:pukul|-|\|)\s+)?(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2}))?)?"
    r"(?:\s*(?P<zone>[a-z]{1,4}|(?:gmt|utc)?[+-]\d{1,2}(?::?\d{2})?))?",
)
RFC_3339 = re.compile(
    r"(\d{4})[-/](\d{2})[-/](\d{2})(?:[tT ](\d{2}:\d{2}(?::(?:[0-5]\d)(?:[.,]\d+)?)?)"
    r"(?::60)?\s*([zZ]|[+ -]\d{2}:?\d{2})?)?"
)
"""RFC 3339, also without seconds or zone, with slashes, or with a leap second (5.6, 5.7).

A plus sign that went through a form is a blank."""


OFFSET = re.compile(r"(?:gmt|utc)?([+-])(\d{1,2}):?(\d{2})?")


def parse_date(text: str, zone: ZoneInfo) -> datetime | None:
    """Return a date in UTC; None if it is in none of the known forms.

    Known are RFC 3339 (Atom), RFC 5322 (RSS), and day, month and year in Indonesian, with names or
    numbers of months. A date without a zone is in `zone`.
    """
    text = text.strip()
    try:
        date = _international(text) or _indonesian(text.lower())
        if date is None:
            return None
        return (date if date.tzinfo is not None else date.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _international(text: str) -> datetime | None:
    try:
        if text[:4].isdigit():
            return _iso(text)
        # Of another form it may take the year of a two-digit number, or leave out the zone.
        date = parsedate_to_datetime(text) if ENGLISH.search(text) else None
    except (ValueError, OverflowError):
        return None
    # -0000 is a time in UTC of which the zone is not known (RFC 5322, 3.3).
    return date.replace(tzinfo=UTC) if date is not None and text.endswith("-0000") else date


def _iso(text: str) -> datetime:
    found = RFC_3339.fullmatch(text)
    if found is None:
        return datetime.fromisoformat(text)
    year, month, day, time, zone = found.groups()
    zone = (zone or "").upper().replace(" ", "+")
    return datetime.fromisoformat(f"{year}-{month}-{day}T{time or '00:00'}{zone}")


ENGLISH = re.compile(
    r"\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\s+\d{2,4}\s+\d{1,2}:\d{2}"
    r"(:\d{2})?\s*([+-]\d{4}|gmt|utc|ut|z|[ecmp][sd]t)?\s*(\(.*\))?$",
    re.IGNORECASE,
)


def _indonesian(text: str) -> datetime | None:
    found = WRITTEN.fullmatch(text)
    if found is None:
        return None
    name = found["month"]
    month = int(name) if name.isdigit() else MONTHS.get(name)
    zone = _zone(found["zone"])
    if month is None or (found["zone"] and zone is None):
        return None
    hour, minute, second = (int(found[part] or 0) for part in ("hour", "minute", "second"))
    return datetime(int(found["year"]), month, int(found["day"]), hour, minute, second, tzinfo=zone)


def _zone(text: str | None) -> tzinfo | None:
    if text is None or text in ZONES:
        return ZONES.get(text or "")
    found = OFFSET.fullmatch(text)
    if found is None:
        return None
    sign = -1 if found[1] == "-" else 1
    return timezone(sign * timedelta(hours=int(found[2]), minutes=int(found[3] or 0)))
