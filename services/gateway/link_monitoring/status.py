"""State machine of a link: the status after each check, and when an incident opens or closes.

Pure. `FAILURES_TO_OPEN` failed checks in a row open an incident, `SUCCESSES_TO_CLOSE` successful
ones close it.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from services.gateway.link_monitoring.classify import Classification, Reason, State
from services.platform.local_time import day_of, start_of_day

FAILURES_TO_OPEN = 2
SUCCESSES_TO_CLOSE = 2


@dataclass(frozen=True)
class LinkStatus:
    """The monitoring status of a link after its last check."""

    state: State
    reason: Reason | None
    detail: str
    since: datetime
    """When the link entered this state."""
    checked_at: datetime | None = None
    in_maintenance: bool = False
    consecutive_failures: int = 0
    consecutive_successes: int = 0
    down_since: datetime | None = None

    @property
    def incident(self) -> Literal["open", "close"] | None:
        """Whether the counts require an open or a closed incident; both requests are idempotent."""
        if self.consecutive_failures >= FAILURES_TO_OPEN:
            return "open"
        if self.consecutive_successes >= SUCCESSES_TO_CLOSE:
            return "close"
        return None


def apply_check(
    status: LinkStatus, classification: Classification, *, now: datetime, in_maintenance: bool
) -> LinkStatus:
    """Return the status after a check; a failure during maintenance is not counted."""
    checked = replace(
        status,
        state=classification.state,
        reason=classification.reason,
        detail=classification.detail,
        since=status.since if classification.state == status.state else now,
        checked_at=now,
        in_maintenance=in_maintenance,
    )
    if classification.state == "pending":
        return checked
    if classification.state == "broken":
        if in_maintenance:
            return replace(checked, consecutive_successes=0)
        return replace(
            checked,
            consecutive_failures=status.consecutive_failures + 1,
            consecutive_successes=0,
            down_since=status.down_since or now,
        )
    return replace(
        checked,
        consecutive_failures=0,
        consecutive_successes=status.consecutive_successes + 1,
        down_since=None,
    )


def covered_seconds(
    status: LinkStatus, *, now: datetime, zone: ZoneInfo, max_coverage: timedelta
) -> list[tuple[date, int]]:
    """Return the seconds covered by the last check, per day of the region's time zone.

    A check covers the time until the next one, but at most `max_coverage`; the rest is unknown.
    """
    if status.checked_at is None:
        return []
    begin = status.checked_at
    end = min(now, begin + max_coverage)
    days: list[tuple[date, int]] = []
    while begin < end:
        day = day_of(begin, zone)
        midnight = start_of_day(day + timedelta(days=1), zone).astimezone(UTC)
        until = min(end, midnight)
        days.append((day, round((until - begin).total_seconds())))
        begin = until
    return days
