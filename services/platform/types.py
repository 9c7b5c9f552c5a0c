"""Field types that the services share, with the limits that the API documents."""

import re
from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints

from services.platform.translation import N_
from services.platform.validation_messages import InvalidValueError

SLUG_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*$"

# PostgreSQL cannot store NUL and pages cannot show control characters; LF and tab are allowed.
TEXT_PATTERN = r"^[^\x00-\x08\x0B-\x1F\x7F]*$"

Slug = Annotated[str, StringConstraints(pattern=SLUG_PATTERN, max_length=80)]
LINES_PATTERN = r"^[^\x00-\x08\x0E-\x1F\x7F]*$"
"""Of a text whose line breaks are normalised: the API document allows any of them."""

LINE_BREAK = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")


def normalise_line_breaks(text: str) -> str:
    """Return a text with LF for each line break.

    Browsers send CR LF (HTML, form submission), word processors a vertical tab.
    """
    return LINE_BREAK.sub("\n", text)


def _with_line_breaks(value: object) -> object:
    return normalise_line_breaks(value) if isinstance(value, str) else value


LineBreaks = BeforeValidator(_with_line_breaks)
"""Normalises line breaks before pattern and length of a text are checked."""

ShortText = Annotated[
    str, StringConstraints(pattern=LINES_PATTERN, min_length=1, max_length=300), LineBreaks
]
Text = Annotated[str, StringConstraints(pattern=LINES_PATTERN, max_length=5000), LineBreaks]
RegionCode = Annotated[str, StringConstraints(pattern=r"^\d{2}(\.\d{2})?$")]
DistrictCode = Annotated[str, StringConstraints(pattern=r"^\d{2}\.\d{2}\.\d{2}$")]
HttpsUrl = Annotated[
    str, StringConstraints(pattern=r"^https?://[^\s\x00-\x1F\x7F-\x9F]+$", max_length=2000)
]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Href = Annotated[str, Field(max_length=2000, json_schema_extra={"format": "uri-reference"})]
"""URL of this hub (path and query)."""


ISO_DATE_PREFIX = re.compile(r"\d{4}-\d{2}-\d{2}(?!\d)", re.ASCII)


def _require_iso_date(value: object) -> object:
    """Reject a bare number, which pydantic reads as seconds since 1970."""
    if isinstance(value, date):
        return value
    if isinstance(value, str) and ISO_DATE_PREFIX.match(value):
        return value
    raise InvalidValueError(N_("harus diawali tanggal, seperti 2024-03-31"))


def _require_number(value: object) -> object:
    if isinstance(value, bool | str | bytes):
        raise InvalidValueError(N_("harus berupa bilangan, bukan teks atau true/false"))
    return value


StrictNumber = BeforeValidator(_require_number)
"""Rejects strings and booleans as numbers in a JSON body; in a query every number is a string."""

IsoDate = Annotated[date, BeforeValidator(_require_iso_date)]
"""Calendar date."""


def _to_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise InvalidValueError(N_("harus antara tahun 1 dan 9999 dalam UTC")) from None


UtcDatetime = Annotated[AwareDatetime, BeforeValidator(_require_iso_date), AfterValidator(_to_utc)]
"""Time with a UTC offset, converted to UTC."""


def _require_first_of_month(value: date) -> date:
    if value.day != 1:
        raise InvalidValueError(N_("harus hari pertama sebuah bulan, seperti 2024-03-01"))
    return value


Month = Annotated[date, AfterValidator(_require_first_of_month)]
"""Calendar month, as its first day."""

YearMonth = Annotated[
    str, StringConstraints(pattern=r"^(20\d{2})-(0[1-9]|1[0-2])$"), Field(examples=["2024-03"])
]
"""Calendar month such as 2024-03, years 2000-2099."""

FIRST_YEAR = 2000
"""The earliest year that figures may be of."""

Year = Annotated[int, Field(ge=FIRST_YEAR, le=2099, examples=[2024])]
"""Calendar year."""
