"""The form of a meeting: what a person typed, and the record that it makes (pure)."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError

from services.assessment.client import ActionItem, Attendance, Meeting, MeetingKind
from services.gateway.portal.workspace.cited_source import (
    UNREADABLE,
    SourceTextError,
    source_of,
)
from services.platform.languages import Language
from services.platform.packs import Source
from services.platform.translation import N_, NC_, Message, Translator, translator
from services.platform.types import ShortText, Text

EARLIEST = date(1945, 1, 1)
LATEST = date(2099, 12, 31)
ROWS = 1
"""Empty rows for action items that a form begins with, and that one press adds."""
MAX_ROWS = 60
MAX_SHORT = 300
"""Characters of a short text."""
MAX_LONG = 5000
MAX_RECORDED_AGENDA = 1000
MAX_DECISIONS = 200

KINDS: Mapping[MeetingKind, Message] = {
    "forum": NC_("meeting", "Rapat forum"),
    "coordination": NC_("meeting", "Rapat koordinasi antarinstansi"),
    "team": NC_("meeting", "Rapat tim"),
    "desk": NC_("meeting", "Rapat desk evaluasi"),
    "training": NC_("meeting", "Pelatihan"),
    "outreach": NC_("meeting", "Sosialisasi"),
}
Minutes = tuple[bool | None, bool | None]
"""Whether there are minutes, and whether a discussion is on record."""
MINUTES: Mapping[str, tuple[Message, Minutes]] = {
    "": (N_("tidak diketahui"), (None, None)),
    "lengkap": (N_("ada, dengan pembahasannya"), (True, True)),
    "ringkas": (N_("ada, hanya kesimpulannya"), (True, False)),
    "tidak": (N_("tidak ada"), (False, False)),
}
AS_RECORDED = "tetap"
"""The choice that leaves a combination as it is that is none of `MINUTES`."""

NO_KIND = N_("Pilih jenis rapat.")
NO_DAY = N_("Tulis tanggal rapat sebagai tahun-bulan-tanggal, seperti 2026-11-29.")
FUTURE = N_("Rapat ini belum berlangsung. Catat sesudah rapatnya.")
NO_CHOICE = N_("Pilih salah satu jawaban.")
NO_TASK = N_("Tulis apa yang akan dilakukan.")
NO_DUE_DAY = N_("Pilih batas waktu tindak lanjut %(number)s.")
EARLY_DUE_DAY = N_(
    "Batas waktu tindak lanjut %(number)s sebelum hari rapat. Pilih hari sesudahnya."
)
NO_OWNER = N_("Pilih penanggung jawab dari daftar.")
TOO_LONG = N_("Paling banyak %(count)s karakter.")
TOO_MANY_LINES = N_(
    "Paling banyak %(count)s baris, masing-masing paling panjang %(characters)s karakter."
)

SHORT_TEXT: TypeAdapter[str] = TypeAdapter(ShortText)
_LONG: TypeAdapter[str] = TypeAdapter(Text)


@dataclass
class MeetingFields:
    """The fields of a meeting, read once: `errors` has a sentence for each faulty field."""

    fields: Mapping[str, str]
    stakeholders: Collection[str]
    """Keys of the stakeholders on record."""
    messages: Translator
    today: date
    errors: dict[str, str] = field(default_factory=dict[str, str])

    def read_kind(self) -> MeetingKind | None:
        """Return the kind of the meeting; None if none is chosen."""
        typed = self.fields.get("jenis", "")
        kind: MeetingKind | None = next((code for code in KINDS if code == typed), None)
        if kind is None:
            self.refuse("jenis", NO_KIND)
        return kind

    def read_day(self) -> date | None:
        """Return the day of the meeting; None if the field has none."""
        day = _day(self.fields.get("tanggal", ""))
        if day is None:
            self.refuse("tanggal", NO_DAY)
        return day

    def read_place(self) -> str | None:
        """Return where the meeting takes place; None if that is left empty."""
        return self.read_text("tempat", SHORT_TEXT, MAX_SHORT)

    def read_problem(self) -> str | None:
        """Return what the meeting is about; None if that is left empty."""
        return self.read_text("masalah", _LONG, MAX_LONG)

    def read_agenda(self, *, most: int) -> list[str]:
        """Return the items of the agenda, one of each line, at most so many."""
        return self.read_lines("agenda", SHORT_TEXT, most=most, characters=MAX_SHORT)

    def read_lines(
        self, name: str, text: TypeAdapter[str], *, most: int, characters: int
    ) -> list[str]:
        """Return the lines of a field that are not empty, at most so many of so many characters."""
        lines = (line.strip() for line in self.fields.get(name, "").splitlines())
        items = [line for line in lines if line]
        if len(items) > most or any(len(item) > characters for item in items):
            self.errors[name] = self.messages.translate(
                TOO_MANY_LINES, count=most, characters=characters
            )
            return []
        try:
            return [text.validate_python(item) for item in items]
        except ValidationError:
            self.refuse(name, UNREADABLE)
            return []

    def read_text(self, name: str, text: TypeAdapter[str], most: int) -> str | None:
        """Return the text of a field; None if it is empty or cannot be stored."""
        typed = self.fields.get(name, "")
        if not typed:
            return None
        try:
            return text.validate_python(typed)
        except ValidationError:
            if len(typed) > most:
                self.errors[name] = self.messages.translate(TOO_LONG, count=most)
            else:
                self.refuse(name, UNREADABLE)
            return None

    def refuse(self, name: str, message: Message, **values: object) -> None:
        """Note what is wrong with a field."""
        self.errors[name] = self.messages.translate(message, **values)


@dataclass
class MeetingForm(MeetingFields):
    """The form that records a meeting."""

    def read_source(self, *, recorder: str | None, has_files: bool = False) -> Source | None:
        """Return the minutes or the photograph as a source; None if the field is faulty.

        A new record whose field is empty rests on what is attached, or on the word of its
        `recorder`; one that is corrected, without a `recorder`, keeps its sources: None too.
        """
        typed = self.fields.get("dokumen", "")
        if not typed:
            kind, day = self.read_kind(), self._held_on()
            if recorder is None or kind is None or day is None:
                return None
            basis = "Lampiran catatan" if has_files else f"Pernyataan {recorder}, tanpa dokumen"
            named = self.fields.get("nama") or name_of(kind, day, "id")
            typed = f"{basis}: {named} ({day.isoformat()})"[:MAX_SHORT]
        try:
            return source_of(
                typed,
                prefix="dokumen-rapat",
                note="Notulensi atau foto rapat, disebut oleh pencatatnya di ruang kerja.",
            )
        except SourceTextError as error:
            self.refuse("dokumen", error.message)
            return None

    def read_meeting(
        self, *, key: str, sources: Sequence[str], current: Meeting | None
    ) -> Meeting | None:
        """Return the record; None if a field is faulty. What the form does not show stays."""
        kind = self.read_kind()
        held_on = self._held_on()
        name = self.read_text("nama", SHORT_TEXT, MAX_SHORT)
        minutes, discussion = self._minutes(current)
        changed: dict[str, Any] = {
            "kind": kind,
            "place": self.read_place(),
            "problem_statement": self.read_problem(),
            "discussion": discussion,
            "minutes": minutes,
            "attendance": self._attendance(current),
            "decisions": self.read_lines(
                "keputusan", _LONG, most=MAX_DECISIONS, characters=MAX_LONG
            )
            or None,
            "action_items": self._action_items(held_on, current),
            "sources": list(sources),
        }
        if current is None or "agenda" in self.fields:
            changed["agenda"] = self.read_agenda(most=MAX_RECORDED_AGENDA) or None
        if "dokumen" in self.errors:  # in the order of the form, where it is the last field
            self.errors["dokumen"] = self.errors.pop("dokumen")
        if self.errors or held_on is None or kind is None:
            return None
        if current is None or (current.kind, current.held_on) != (kind, held_on):
            changed |= {"held_on": held_on, "precision": "day"}
        if current is None or name != current.name:
            changed["name"] = name or name_of(kind, held_on, "id")
            changed["name_en"] = name or name_of(kind, held_on, "en")
        stored: dict[str, Any] = {} if current is None else current.model_dump()
        record = stored | changed | {"key": key}
        record["absent_fields"] = [
            name for name in stored.get("absent_fields", []) if record[name] in (None, False, [])
        ]
        return Meeting.model_validate(record)

    def _held_on(self) -> date | None:
        day = self.read_day()
        if day is not None and day > self.today:
            self.refuse("tanggal", FUTURE)
            return None
        return day

    def _minutes(self, current: Meeting | None) -> Minutes:
        typed = self.fields.get("notula", "")
        if typed == AS_RECORDED and current is not None:
            return current.minutes, current.discussion
        if typed not in MINUTES:
            self.refuse("notula", NO_CHOICE)
            return None, None
        return MINUTES[typed][1]

    def _attendance(self, current: Meeting | None) -> list[Attendance] | None:
        """Return who came. Where somebody is marked as having spoken, the others did not."""
        known = {one.stakeholder: one for one in (current and current.attendance) or ()}
        invited = {key for key in self.stakeholders if self.fields.get(f"diundang-{key}")}
        uninvited = {key for key, one in known.items() if one.invited is False}
        spoke = {key for key in self.stakeholders if self.fields.get(f"bicara-{key}")}
        present = spoke | {key for key in self.stakeholders if self.fields.get(f"hadir-{key}")}
        found = [
            Attendance(
                stakeholder=key,
                # Who is not ticked was not invited for certain only if that is on record.
                invited=key in invited or (False if key in uninvited else None),
                present=key in present,
                spoke=(key in spoke) if spoke and key in present else None,
            )
            for key in self.stakeholders
            if key in present | invited
            # Who is recorded as absent, and not as invited, is not shown in the form.
            or (key in known and not known[key].present and not known[key].invited)
        ]
        return found or None

    def _action_items(
        self, held_on: date | None, current: Meeting | None
    ) -> list[ActionItem] | None:
        known = (current and current.action_items) or []
        items: list[ActionItem] = []
        for n in range(rows_of(self.fields)):
            task, owner, due = (self.fields.get(f"{name}-{n}", "") for name in _ROW)
            if not (task or owner or due):
                continue
            day = _day(due)
            text = self.read_text(f"apa-{n}", _LONG, MAX_LONG)
            if text is None and f"apa-{n}" not in self.errors:
                self.refuse(f"apa-{n}", NO_TASK)
            if owner and owner not in self.stakeholders:
                self.refuse(f"siapa-{n}", NO_OWNER)
            if day is None:
                self.refuse(f"kapan-{n}", NO_DUE_DAY, number=n + 1)
            elif held_on is not None and day < held_on:
                self.refuse(f"kapan-{n}", EARLY_DUE_DAY, number=n + 1)
            if text is None or day is None:
                continue
            before = known[n] if n < len(known) else None
            items.append(
                ActionItem(
                    task=text,
                    owner=owner or None,
                    due=day,
                    done=before and before.done,
                    outcome=before and before.outcome,
                )
            )
        return [*items, *known[rows_of(self.fields) :]] or None


_ROW = ("apa", "siapa", "kapan")


def name_of(kind: MeetingKind | None, held_on: date, language: Language) -> str:
    """Return the name of a meeting that is recorded without one: its kind and its day."""
    messages = translator(language)
    label = messages.translate(KINDS[kind]) if kind else messages.pgettext("meeting", "Rapat")
    return f"{label}, {messages.long_date(held_on)}"


def rows_of(fields: Mapping[str, str]) -> int:
    """Return for how many action items the form had rows."""
    typed = fields.get("baris", "")
    return min(int(typed), MAX_ROWS) if re.fullmatch("[0-9]{1,3}", typed) else ROWS


def blank_fields(today: date) -> dict[str, str]:
    """Return the fields of an empty form: a meeting of yesterday."""
    yesterday = today - timedelta(days=1)
    return {"jenis": "coordination", "tanggal": yesterday.isoformat(), "baris": str(ROWS)}


def fields_of(meeting: Meeting) -> dict[str, str]:
    """Return the fields of the form that show a record."""
    words = {value: word for word, (_, value) in MINUTES.items()}
    automatic = name_of(meeting.kind, meeting.held_on, "id")
    fields = {
        "nama": "" if meeting.name == automatic else meeting.name,
        "jenis": meeting.kind or "",
        "tanggal": meeting.held_on.isoformat(),
        "tempat": meeting.place or "",
        "masalah": meeting.problem_statement or "",
        "agenda": "\n".join(meeting.agenda or ()),
        "keputusan": "\n".join(meeting.decisions or ()),
        "notula": words.get((meeting.minutes, meeting.discussion), AS_RECORDED),
        "baris": str(len(meeting.action_items or ()) + ROWS),
    }
    for one in meeting.attendance or ():
        if one.present:
            fields[f"hadir-{one.stakeholder}"] = "1"
        if one.invited:
            fields[f"diundang-{one.stakeholder}"] = "1"
        if one.spoke:
            fields[f"bicara-{one.stakeholder}"] = "1"
    for n, item in enumerate(meeting.action_items or ()):
        row = (item.task, item.owner or "", item.due.isoformat())
        fields |= {f"{name}-{n}": value for name, value in zip(_ROW, row, strict=True)}
    return fields


def _day(typed: str) -> date | None:
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        return None
    return day if EARLIEST <= day <= LATEST else None
