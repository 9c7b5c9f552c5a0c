"""Request parameters that the routes of statistics share."""

from datetime import date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Query

from services.platform.identity import Caller
from services.platform.local_time import month_of
from services.platform.months import add_months, parse_period
from services.platform.problems import FieldError, Invalid, NotAllowed
from services.platform.types import Slug, YearMonth

DEFAULT_MONTHS = 12
MAX_MONTHS = 60
FIRST_MONTH = date(2000, 1, 1)
"""Earliest month that `YearMonth` accepts."""

OwnAgencyQuery = Annotated[
    Slug | None,
    Query(description="Default: the key's agency; only administrators may name another."),
]
FirstMonthQuery = Annotated[YearMonth | None, Query(alias="from", description="First month.")]
LastMonthQuery = Annotated[YearMonth | None, Query(alias="to", description="Last month.")]


def resolve_agency(caller: Caller, agency: str | None) -> str:
    """Return the named agency or the caller's; raise `NotAllowed` if it is not the caller's."""
    resolved = agency or caller.agency
    if resolved is None or not caller.can_write_for(resolved):
        raise NotAllowed(f"This key is only for {caller.agency or 'no agency'}.")
    return resolved


def resolve_months(
    first: str | None, last: str | None, *, now: datetime, zone: ZoneInfo
) -> tuple[date, date]:
    """Return the first and last month; the default is the last 12 months that have ended."""
    end = parse_period(last) if last else add_months(month_of(now, zone), -1)
    if first is not None and last is None:
        end = max(end, parse_period(first))
    default = max(add_months(end, 1 - DEFAULT_MONTHS), FIRST_MONTH)
    begin = parse_period(first) if first else default
    months = (end.year - begin.year) * 12 + end.month - begin.month + 1
    if months < 1 or months > MAX_MONTHS:
        detail = f"the span must have 1 to {MAX_MONTHS} months, not {months}"
        error = FieldError(pointer=None, parameter="from", detail=detail)
        raise Invalid("The span of months is not valid.", errors=[error])
    return begin, end
