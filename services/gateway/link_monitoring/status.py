"""Where a link stands after each check, and when that opens or closes an incident.

Pure: two failing checks in a row open an incident, two good ones close it.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from services.gateway.link_monitoring.classify import Reason, State, Verdict
from services.platform.local_time import JAKARTA

OPENS_AFTER = 2
CLOSES_AFTER = 2


@dataclass(frozen=True)
class Standing:
    """What is known of a link."""

    state: State
    reason: Reason | None
    detail: str
    since: datetime
    """Since when it is in this state."""
    checked_at: datetime | None = None
    in_maintenance: bool = False
    failing: int = 0
    good: int = 0
    broken_since: datetime | None = None

    @property
    def incident(self) -> Literal["open", "close"] | None:
        """What the rule asks for; whether an incident is open already, the table knows."""
        if self.failing >= OPENS_AFTER:
            return "open"
        if self.good >= CLOSES_AFTER:
            return "close"
        return None


def after(standing: Standing, verdict: Verdict, *, now: datetime, in_maintenance: bool) -> Standing:
    """The standing after a check. What is announced as maintenance counts for no incident."""
    seen = replace(
        standing,
        state=verdict.state,
        reason=verdict.reason,
        detail=verdict.detail,
        since=standing.since if verdict.state == standing.state else now,
        checked_at=now,
        in_maintenance=in_maintenance,
    )
    if verdict.state == "pending":
        return seen
    if verdict.state == "broken":
        if in_maintenance:
            return replace(seen, good=0)
        return replace(
            seen,
            failing=standing.failing + 1,
            good=0,
            broken_since=standing.broken_since or now,
        )
    return replace(seen, failing=0, good=standing.good + 1, broken_since=None)


def held(standing: Standing, *, now: datetime, longest: timedelta) -> list[tuple[date, int]]:
    """The seconds for which what the last check saw is taken to hold, by day of Asia/Jakarta.

    A check speaks for the time until the next one, but for no longer than `longest`: what nobody
    looked at stays unknown.
    """
    if standing.checked_at is None:
        return []
    begin = standing.checked_at
    end = min(now, begin + longest)
    days: list[tuple[date, int]] = []
    while begin < end:
        day = begin.astimezone(JAKARTA).date()
        midnight = datetime.combine(day + timedelta(days=1), time(), JAKARTA).astimezone(UTC)
        until = min(end, midnight)
        days.append((day, round((until - begin).total_seconds())))
        begin = until
    return days
