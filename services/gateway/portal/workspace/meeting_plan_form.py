"""The form that plans a meeting: what a person typed, and the plan that it makes (pure)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.gateway.meetings.schemas import (
    MAX_AGENDA,
    MAX_DURATION,
    MAX_INVITED,
    MeetingPlan,
    PlannedMeeting,
)
from services.gateway.portal.workspace.meeting_form import (
    MAX_SHORT,
    ROWS,
    SHORT_TEXT,
    MeetingFields,
    name_of,
)
from services.platform.translation import N_

NO_TIME = N_("Tulis jamnya sebagai jam dan menit, seperti 09.00.")
ENDS_EARLY = N_("Jam selesai harus sesudah jam mulai.")
ENDS_LATE = N_("Rapat berlangsung paling lama tujuh hari. Tulis jam selesai yang lebih awal.")
PAST = N_("Hari ini sudah lewat. Rapat yang sudah berlangsung dicatat, tidak direncanakan.")
NOBODY = N_("Pilih sedikitnya satu yang diundang.")
TOO_MANY = N_("Paling banyak %(count)s yang diundang.")

_CLOCK = re.compile(r"([01]?[0-9]|2[0-3])[.:]([0-5][0-9])")


@dataclass
class MeetingPlanForm(MeetingFields):
    """The form that plans a meeting, or changes a plan."""

    def read_plan(self, current: PlannedMeeting | None, zone: ZoneInfo) -> PlannedMeeting | None:
        """Return the planned meeting; None if a field is faulty.

        A plan over several days, which the API can make, stays as many days long.
        """
        kind = self.read_kind()
        day = self.read_day()
        is_new_day = current is None or day != current.starts_at.astimezone(zone).date()
        if day is not None and day < self.today and is_new_day:
            self.refuse("tanggal", PAST)
        start, end = self._read_time("mulai"), self._read_time("selesai")
        place, problem = self.read_place(), self.read_problem()
        name = self.read_text("nama", SHORT_TEXT, MAX_SHORT)
        agenda, invited = self.read_agenda(most=MAX_AGENDA), self._read_invited()
        if kind is None or day is None or start is None or end is None:
            return None
        starts_at = datetime.combine(day, start, zone)
        ends_at = datetime.combine(day + _further_days(current, zone), end, zone)
        if ends_at <= starts_at:
            self.refuse("selesai", ENDS_EARLY)
        elif ends_at - starts_at > MAX_DURATION:
            self.refuse("selesai", ENDS_LATE)
        if self.errors:
            return None
        if current is not None and name == current.name:
            name_en = current.name_en
        else:
            name_en = name or name_of(kind, day, "en")
        return PlannedMeeting(
            name=name or name_of(kind, day, "id"),
            name_en=name_en,
            kind=kind,
            starts_at=starts_at,
            ends_at=ends_at,
            place=place,
            problem_statement=problem,
            agenda=agenda,
            invited=invited,
        )

    def _read_time(self, name: str) -> time | None:
        found = _CLOCK.fullmatch(self.fields.get(name, ""))
        if found is None:
            self.refuse(name, NO_TIME)
            return None
        return time(int(found[1]), int(found[2]))

    def _read_invited(self) -> list[str]:
        invited = [key for key in self.stakeholders if self.fields.get(f"diundang-{key}")]
        if not invited:
            self.refuse("diundang", NOBODY)
        elif len(invited) > MAX_INVITED:
            self.errors["diundang"] = self.messages.translate(TOO_MANY, count=MAX_INVITED)
        return invited


def blank_plan(today: date) -> dict[str, str]:
    """Return the fields of an empty form: a meeting of the forum, in a week."""
    day = today + timedelta(days=7)
    return {"jenis": "forum", "tanggal": day.isoformat(), "mulai": "09:00", "selesai": "11:00"}


def fields_of_plan(plan: MeetingPlan, zone: ZoneInfo) -> dict[str, str]:
    """Return the fields of the form that show a plan."""
    meeting = plan.meeting
    start, end = meeting.starts_at.astimezone(zone), meeting.ends_at.astimezone(zone)
    return _shared_fields(meeting, zone) | {
        "mulai": f"{start:%H:%M}",
        "selesai": f"{end:%H:%M}",
    }


def record_fields_of_plan(plan: MeetingPlan, zone: ZoneInfo) -> dict[str, str]:
    """Return the fields of the form that records a planned meeting after it took place."""
    meeting = plan.meeting
    return _shared_fields(meeting, zone) | {
        "id": str(plan.id),
        "rencana": str(plan.id),
        "baris": str(ROWS),
    }


def _shared_fields(meeting: PlannedMeeting, zone: ZoneInfo) -> dict[str, str]:
    invited: Mapping[str, str] = {f"diundang-{key}": "1" for key in meeting.invited}
    day = meeting.starts_at.astimezone(zone).date()
    is_named = meeting.name != name_of(meeting.kind, day, "id")
    return {
        "jenis": meeting.kind,
        "tanggal": day.isoformat(),
        "nama": meeting.name if is_named else "",
        "tempat": meeting.place or "",
        "masalah": meeting.problem_statement or "",
        "agenda": "\n".join(meeting.agenda),
        **invited,
    }


def _further_days(current: PlannedMeeting | None, zone: ZoneInfo) -> timedelta:
    """Return by how many days a plan ends after the day on which it begins."""
    if current is None:
        return timedelta()
    start, end = current.starts_at.astimezone(zone), current.ends_at.astimezone(zone)
    return timedelta(days=(end.date() - start.date()).days)
