"""Field types that mean the same in every service, with the limits that the API documents."""

import re
from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints

SLUG_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*$"

# PostgreSQL stores no NUL and a page shows no control characters; line feed and tab may stand.
TEXT_PATTERN = r"^[^\x00-\x08\x0B-\x1F\x7F]*$"

Slug = Annotated[str, StringConstraints(pattern=SLUG_PATTERN, max_length=80)]
ShortText = Annotated[str, StringConstraints(pattern=TEXT_PATTERN, min_length=1, max_length=300)]
Text = Annotated[str, StringConstraints(pattern=TEXT_PATTERN, max_length=5000)]
RegionCode = Annotated[str, StringConstraints(pattern=r"^\d{2}(\.\d{2})?$")]
DistrictCode = Annotated[str, StringConstraints(pattern=r"^\d{2}\.\d{2}\.\d{2}$")]
HttpsUrl = Annotated[
    str, StringConstraints(pattern=r"^https?://[^\s\x00-\x1F\x7F]+$", max_length=2000)
]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Href = Annotated[str, Field(max_length=2000, json_schema_extra={"format": "uri-reference"})]
"""An address at this hub, made of its paths and of names that are short themselves."""


ISO_DATE_PREFIX = re.compile(r"\d{4}-\d{2}-\d{2}(?!\d)", re.ASCII)


def _require_iso_date(value: object) -> object:
    """Refuses a bare number, which pydantic takes for seconds since 1970."""
    if isinstance(value, date):
        return value
    if isinstance(value, str) and ISO_DATE_PREFIX.match(value):
        return value
    raise ValueError("begins with a date written as 2024-03-31")


def _require_number(value: object) -> object:
    if isinstance(value, bool | str | bytes):
        raise ValueError("must be a number, not a text or a truth value")
    return value


StrictNumber = BeforeValidator(_require_number)
"""Keeps a number in a JSON body from being read out of a text or of true and false; in an address
every number is a text."""

IsoDate = Annotated[date, BeforeValidator(_require_iso_date)]
"""A calendar day."""


def _to_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("lies outside the years 1 to 9999 in UTC") from None


UtcDatetime = Annotated[AwareDatetime, BeforeValidator(_require_iso_date), AfterValidator(_to_utc)]
"""A time with a zone, kept in UTC."""


def _require_first_of_month(value: date) -> date:
    if value.day != 1:
        raise ValueError("a month is written as its first day, such as 2024-03-01")
    return value


Month = Annotated[date, AfterValidator(_require_first_of_month)]
"""A calendar month, written as its first day."""

YearMonth = Annotated[
    str, StringConstraints(pattern=r"^(20\d{2})-(0[1-9]|1[0-2])$"), Field(examples=["2024-03"])
]
"""A calendar month such as 2024-03, in the years 2000-2099."""

Year = Annotated[int, Field(ge=2000, le=2099, examples=[2024])]
"""A calendar year."""
