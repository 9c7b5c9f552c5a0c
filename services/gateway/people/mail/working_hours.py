"""When the hub writes to people of its own accord: in working hours of the regency."""

from dataclasses import dataclass
from datetime import date, datetime, time

from services.platform.local_time import LocalTime
from services.platform.working_days import is_working_day


@dataclass(frozen=True)
class WorkingHours:
    """The hours of a working day in the regency's time zone."""

    local_time: LocalTime
    begin: time
    end: time

    def day_at(self, now: datetime) -> date | None:
        """Return the local day of a moment in working hours; None outside of them."""
        local = now.astimezone(self.local_time.zone)
        is_within = self.begin <= local.time() < self.end
        return local.date() if is_within and is_working_day(local.date()) else None
