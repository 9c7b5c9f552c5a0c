"""Field types that mean the same in every service, with the limits that the API documents."""

from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

SLUG_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*$"

# PostgreSQL stores no NUL and a page shows no control characters; line feed and tab may stand.
TEXT_PATTERN = r"^[^\x00-\x08\x0B-\x1F\x7F]*$"

Slug = Annotated[str, StringConstraints(pattern=SLUG_PATTERN, max_length=80)]
Line = Annotated[str, StringConstraints(pattern=TEXT_PATTERN, min_length=1, max_length=300)]
Text = Annotated[str, StringConstraints(pattern=TEXT_PATTERN, max_length=5000)]
RegionCode = Annotated[str, StringConstraints(pattern=r"^\d{2}(\.\d{2})?$")]
DistrictCode = Annotated[str, StringConstraints(pattern=r"^\d{2}\.\d{2}\.\d{2}$")]
HttpsUrl = Annotated[
    str, StringConstraints(pattern=r"^https?://[^\s\x00-\x1F\x7F]+$", max_length=2000)
]


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("lies outside the years 1 to 9999 in UTC") from None


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A time with a zone, kept in UTC."""


def _first_of_month(value: date) -> date:
    if value.day != 1:
        raise ValueError("a month is written as its first day, such as 2024-03-01")
    return value


Month = Annotated[date, AfterValidator(_first_of_month)]
"""A calendar month, written as its first day."""

YearMonth = Annotated[
    str, StringConstraints(pattern=r"^(20\d{2})-(0[1-9]|1[0-2])$"), Field(examples=["2024-03"])
]
"""A calendar month such as 2024-03, in the years 2000-2099."""

Year = Annotated[int, Field(ge=2000, le=2099, examples=[2024])]
"""A calendar year."""
