"""Parser of dates in HTTP fields (RFC 9110, 5.6.7)."""

import re
from datetime import UTC, datetime

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = f"(?P<month>{'|'.join(MONTHS)})"
_TIME = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
_SHORT_DAY = "(?:mon|tue|wed|thu|fri|sat|sun)"
_LONG_DAY = "(?:mon|tues|wednes|thurs|fri|satur|sun)day"
FORMS = tuple(
    re.compile(form, re.IGNORECASE | re.ASCII)
    for form in (
        rf"{_SHORT_DAY}, (?P<day>\d\d) {_MONTH} (?P<year>\d{{4}}) {_TIME} gmt",
        rf"{_LONG_DAY}, (?P<day>\d\d)-{_MONTH}-(?P<year>\d\d) {_TIME} gmt",
        rf"{_SHORT_DAY} {_MONTH} (?P<day>[ \d]\d) {_TIME} (?P<year>\d{{4}})",
    )
)
"""The form that is written now, and the two obsolete ones: RFC 850 and asctime."""


def parse_http_date(value: str, *, now: float) -> float | None:
    """Return the Unix time of a date, None if it has none of the three forms.

    Names are read in any case, as browsers and caches do; zones other than GMT are not, for
    RFC 9111 (4.2.1) wants no date to be guessed. A year of two digits that would be more than 50
    years after `now` is one of the century before (RFC 9110, 5.6.7).
    """
    match = next((found for form in FORMS if (found := form.fullmatch(value.strip()))), None)
    if match is None:
        return None
    year = int(match["year"])
    if len(match["year"]) == 2:
        this_year = datetime.fromtimestamp(now, UTC).year
        year += this_year - this_year % 100
        year -= 100 if year > this_year + 50 else 0
    try:
        moment = datetime(
            year,
            MONTHS.index(match["month"].lower()) + 1,
            int(match["day"]),
            int(match["hour"]),
            int(match["minute"]),
            min(int(match["second"]), 59),  # a leap second counts as the one before
            tzinfo=UTC,
        )
    except ValueError:
        return None
    return moment.timestamp()
