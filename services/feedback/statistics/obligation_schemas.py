"""API models of reporting obligations."""

from datetime import date
from typing import Literal

from pydantic import AwareDatetime, Field

from services.platform.api_model import ApiModel
from services.platform.types import YearMonth

ObligationState = Literal["open", "on_time", "late", "missing"]


class ReportingMonth(ApiModel):
    """A month for which an agency must report statistics."""

    agency: str
    period: YearMonth
    due_on: date = Field(description="Last day on which the report is on time.")
    state: ObligationState = Field(
        description="By the first figure received; `open` if there is none and the deadline has "
        "not passed."
    )
    complete: bool = Field(description="Whether every service was reported.")
    services_expected: int
    services_reported: int
    received_at: AwareDatetime | None
    completed_at: AwareDatetime | None


class ReportingCalendar(ApiModel):
    """Months for which agencies must report statistics, and what was received."""

    items: list[ReportingMonth]
    next: str | None = None


class AgencyReporting(ApiModel):
    """How many of an agency's monthly reports were on time."""

    agency: str
    expected: int
    on_time: int
    late: int
    on_time_flagged: int = Field(
        description="Of those on time: with figures that are likely wrong and not yet explained."
    )
    late_flagged: int


class Reporting(ApiModel):
    """Monthly reports expected of agencies, and those received (an agency-month counts once)."""

    period: int
    expected: int
    on_time: int = Field(description="Received by the due day of the next month.")
    late: int
    on_time_flagged: int = Field(
        description="Of those on time: with figures that are likely wrong and not yet explained."
    )
    late_flagged: int
    agencies: list[AgencyReporting]
