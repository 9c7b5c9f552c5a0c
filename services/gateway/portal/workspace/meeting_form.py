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
ROWS = 3
"""Empty rows for action items that a form begins with, and that one press adds."""
MAX_ROWS = 60
MAX_SHORT = 300
"""Characters of a short text."""
MAX_RECORDED_AGENDA = 1000

KINDS: Mapping[MeetingKind, Message] = {
    "forum": NC_("meeting", "Rapat forum"),
    "team": NC_("meeting", "Rapat tim"),
    "desk": NC_("meeting", "Rapat desk evaluasi"),
    "training": NC_("meeting", "Pelatihan"),
    "outreach": NC_("meeting", "Sosialisasi"),
}
ANSWERS: Mapping[str, bool | None] = {"ya": True, "tidak": False, "": None}

NO_KIND = N_("Pilih jenis rapat.")
NO_DAY = N_("Tulis tanggal rapat sebagai tahun-bulan-tanggal, seperti 2026-11-29.")
FUTURE = N_("Rapat ini belum berlangsung. Catat sesudah rapatnya.")
NO_DOCUMENT = N_("Tulis judul notulensi atau foto rapat, atau alamatnya di web.")
NO_CHOICE = N_("Pilih salah satu jawaban.")
NO_TASK = N_("Tulis apa yang akan dilakukan.")
NO_DUE_DAY = N_("Tulis batas waktunya sebagai tahun-bulan-tanggal, tidak sebelum hari rapat.")
NO_OWNER = N_("Pilih penanggung jawab dari daftar.")
TOO_LONG = N_("Paling banyak %(count)s karakter.")
LONG_AGENDA = N_(
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
        return self.read_text("masalah", _LONG, 5000)

    def read_agenda(self, *, most: int) -> list[str]:
        """Return the items of the agenda, one of each line, at most so many."""
        lines = (line.strip() for line in self.fields.get("agenda", "").splitlines())
        items = [line for line in lines if line]
        if len(items) > most or any(len(item) > MAX_SHORT for item in items):
            self.errors["agenda"] = self.messages.translate(
                LONG_AGENDA, count=most, characters=MAX_SHORT
            )
            return []
        try:
            return [SHORT_TEXT.validate_python(item) for item in items]
        except ValidationError:
            self.refuse("agenda", UNREADABLE)
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

    def refuse(self, name: str, message: Message) -> None:
        """Note what is wrong with a field."""
        self.errors[name] = self.messages.translate(message)


@dataclass
class MeetingForm(MeetingFields):
    """The form that records a meeting."""

    def read_source(self, *, is_required: bool, has_files: bool = False) -> Source | None:
        """Return the minutes or the photograph as a source; None if the field has none.

        With `has_files` the field may be empty: the source is then what is attached.
        """
        typed = self.fields.get("dokumen", "")
        if not typed and has_files:
            kind, day = self.read_kind(), self._held_on()
            if kind is None or day is None:
                return None
            typed = f"Lampiran catatan: {name_of(kind, day, 'id')}"
        if not typed:
            if is_required:
                self.refuse("dokumen", NO_DOCUMENT)
            return None
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
        name, name_en = (
            self.read_text(each, SHORT_TEXT, MAX_SHORT) for each in ("nama", "nama_en")
        )
        changed: dict[str, Any] = {
            "kind": kind,
            "place": self.read_place(),
            "problem_statement": self.read_problem(),
            "discussion": self._answer("pembahasan"),
            "minutes": self._answer("notula"),
            "attendance": self._attendance(current),
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
        if current is None or current.name == name_of(current.kind, current.held_on, "id"):
            changed["name"] = name or name_of(kind, held_on, "id")
            changed["name_en"] = name_en or name_of(kind, held_on, "en")
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

    def _answer(self, name: str) -> bool | None:
        typed = self.fields.get(name, "")
        if typed not in ANSWERS:
            self.refuse(name, NO_CHOICE)
        return ANSWERS.get(typed)

    def _attendance(self, current: Meeting | None) -> list[Attendance] | None:
        """Return who came. Where somebody is marked as having spoken, the others did not."""
        known = {one.stakeholder: one for one in (current and current.attendance) or ()}
        invited = {key for key in self.stakeholders if self.fields.get(f"diundang-{key}")}
        spoke = {key for key in self.stakeholders if self.fields.get(f"bicara-{key}")}
        present = spoke | {key for key in self.stakeholders if self.fields.get(f"hadir-{key}")}
        found = [
            Attendance(
                stakeholder=key,
                invited=key in invited or (known[key].invited if key in known else None),
                present=key in present,
                spoke=(key in spoke) if spoke and key in present else None,
            )
            for key in self.stakeholders
            if key in present | invited
            or (key in known and (known[key].invited or not known[key].present))
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
            text = self.read_text(f"apa-{n}", _LONG, 5000)
            if text is None and f"apa-{n}" not in self.errors:
                self.refuse(f"apa-{n}", NO_TASK)
            if owner and owner not in self.stakeholders:
                self.refuse(f"siapa-{n}", NO_OWNER)
            if day is None or (held_on is not None and day < held_on):
                self.refuse(f"kapan-{n}", NO_DUE_DAY)
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
    """Return the fields of an empty form: a meeting of the forum, yesterday."""
    yesterday = today - timedelta(days=1)
    return {"jenis": "forum", "tanggal": yesterday.isoformat(), "baris": str(ROWS)}


def fields_of(meeting: Meeting) -> dict[str, str]:
    """Return the fields of the form that show a record."""
    words = {value: word for word, value in ANSWERS.items()}
    fields = {
        "jenis": meeting.kind or "",
        "tanggal": meeting.held_on.isoformat(),
        "tempat": meeting.place or "",
        "masalah": meeting.problem_statement or "",
        "agenda": "\n".join(meeting.agenda or ()),
        "pembahasan": words[meeting.discussion],
        "notula": words[meeting.minutes],
        "baris": str(len(meeting.action_items or ()) + ROWS),
    }
    for one in meeting.attendance or ():
        if one.present:
            fields[f"hadir-{one.stakeholder}"] = "1"
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
