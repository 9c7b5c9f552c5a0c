"""API models of reporting obligations."""

from datetime import date
from typing import Literal

from pydantic import AwareDatetime, Field

from services.platform.api_model import ApiModel
from services.platform.types import YearMonth

ObligationState = Literal["open", "on_time", "late", "missing", "not_asked"]


class ReportingMonth(ApiModel):
    """A month of an agency: which reports are asked for, and which were given."""

    agency: str
    period: YearMonth = Field(description="Calendar month, such as `2024-03`.")
    due_on: date | None = Field(
        description="Last day on which the report is on time; null if none is asked for."
    )
    state: ObligationState = Field(
        description="By the first figure received; `open` if there is none and the deadline has "
        "not passed; `not_asked` if no report of this month is asked for, though one is taken: "
        "before the obligation begins, after it ended, and of inactive services and partners."
    )
    complete: bool | None = Field(
        description="Whether every service was reported whose figures are due; null if none are."
    )
    services_expected: int = Field(description="Number of services whose figures are due.")
    services_reported: int = Field(description="Number of services whose figures were received.")
    services_not_asked: int = Field(
        description="Number of the agency's services whose figures nobody asks for this month."
    )
    received_at: AwareDatetime | None
    completed_at: AwareDatetime | None


class ReportingCalendar(ApiModel):
    """Months of agencies: which reports are asked for, and what was received."""

    items: list[ReportingMonth] = Field(
        description="Months with what is due and what was received."
    )
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

    period: int = Field(description="Calendar year that is counted.")
    expected: int
    on_time: int = Field(description="Received by the due day of the next month.")
    late: int
    on_time_flagged: int = Field(
        description="Of those on time: with figures that are likely wrong and not yet explained."
    )
    late_flagged: int
    services_expected: int = Field(
        description="Reports of single services that agencies owe for the months that are due."
    )
    services_reported: int = Field(description="Of these: received.")
    agencies: list[AgencyReporting]
