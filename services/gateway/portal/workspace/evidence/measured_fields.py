"""Fields of a form of evidence for dates, amounts and figures (pure)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from services.assessment.client import Evidence, Precision, TemporalEvidence
from services.gateway.portal.workspace.evidence.fields import (
    NEEDED,
    Field,
    Reading,
    Showing,
    Values,
)
from services.gateway.portal.workspace.written_dates import WrittenDate, read_date, write_date
from services.gateway.portal.workspace.written_numbers import (
    read_number,
    read_rupiah,
    write_number,
)
from services.platform.translation import N_, Message, Translator

NO_DATE = N_("%(label)s: tulis tanggalnya seperti 17 Desember 2026 atau 17-12-2026.")
NO_WHOLE_NUMBER = N_("%(label)s: tulis bilangan bulat, 0 sampai %(most)s.")
NO_RUPIAH = N_("%(label)s: tulis jumlahnya seperti 250.000.000 atau 250 juta.")
NO_NUMBER = N_("%(label)s: tulis angkanya seperti 1.234,5 atau 51%%.")
NO_YEAR = N_("%(label)s: tulis tahunnya, seperti 2026.")
END_BEFORE_START = N_("%(label)s: tidak boleh sebelum tanggal mulainya.")
NO_START = N_("%(label)s: tulis tanggalnya, atau tahunnya di bawah.")
PRECISIONS: Sequence[Precision] = ("day", "month", "year")
MAX_RUPIAH = 10**15


@dataclass(frozen=True)
class DayField(Field):
    """A day; with `is_vague` also a month or a year, which the record's `precision` says."""

    is_vague: bool = False

    widget: ClassVar[str] = "date"

    def read(self, form: Reading) -> Values:
        typed = form.typed(self.name)
        found = read_date(typed)
        if not typed:
            if self.is_required:
                self.refuse(form, NEEDED)
        elif found is None or (found.precision != "day" and not self.is_vague):
            self.refuse(form, NO_DATE)
        if found is None:
            return {self.attribute: None}
        return {self.attribute: found.first} | self._precision(found)

    def _precision(self, found: WrittenDate) -> Values:
        return {"precision": found.precision} if self.is_vague else {}

    @property
    def attributes(self) -> Sequence[str]:
        return (self.attribute, "precision") if self.is_vague else (self.attribute,)

    def fill(self, record: Evidence, messages: Translator) -> Mapping[str, str]:
        precision: Precision = getattr(record, "precision", "day") if self.is_vague else "day"
        return {self.name: write_date(getattr(record, self.attribute), messages, precision)}

    def show(self, record: Evidence, showing: Showing) -> Sequence[str]:
        text = self.fill(record, showing.messages)[self.name]
        return [text] if text else []


PERIOD_LABELS: Mapping[str, Message] = {
    "sejak": N_("Berlaku sejak"),
    "sampai": N_("Berlaku sampai"),
    "tahun": N_("Tahun menurut sumber"),
}


@dataclass(frozen=True)
class PeriodField(Field):
    """From when to when something holds, or a year in which a source says that it does."""

    labels: Mapping[str, Message] = field(default_factory=lambda: PERIOD_LABELS)

    widget: ClassVar[str] = "period"

    @property
    def attributes(self) -> Sequence[str]:
        return ("valid_from", "valid_to", "attested_in", "precision")

    @property
    def names(self) -> Sequence[str]:
        return tuple(PERIOD_LABELS)

    def read(self, form: Reading) -> Values:
        start, end = self._date(form, "sejak"), self._date(form, "sampai")
        year = form.typed("tahun")
        attested = read_date(year) if re.fullmatch(r"\d{4}", year, re.ASCII) else None
        if year and attested is None:
            self._refuse(form, "tahun", NO_YEAR)
        if not form.typed("sejak") and not year:
            self._refuse(form, "sejak", NO_START)
        if start and end and end.last < start.first:
            self._refuse(form, "sampai", END_BEFORE_START)
        written = [one.precision for one in (start, end) if one is not None]
        return {
            "valid_from": start and start.first,
            "valid_to": end and end.last,
            "attested_in": attested and attested.first.year,
            "precision": max(written, key=PRECISIONS.index, default="day"),
        }

    def _date(self, form: Reading, name: str) -> WrittenDate | None:
        typed = form.typed(name)
        found = read_date(typed)
        if typed and found is None:
            self._refuse(form, name, NO_DATE)
        return found

    def _refuse(self, form: Reading, name: str, message: Message) -> None:
        form.refuse(name, message, label=form.messages.translate(self.labels[name]))

    def fill(self, record: Evidence, messages: Translator) -> Mapping[str, str]:
        if not isinstance(record, TemporalEvidence):
            return {}
        return {
            "sejak": write_date(record.valid_from, messages, record.precision),
            "sampai": write_date(record.valid_to, messages, record.precision),
            "tahun": "" if record.attested_in is None else str(record.attested_in),
        }

    def show(self, record: Evidence, showing: Showing) -> Sequence[str]:
        messages, typed = showing.messages, self.fill(record, showing.messages)
        lines: list[str] = []
        if typed.get("sejak"):
            lines.append(messages.gettext("sejak %(day)s", day=typed["sejak"]))
        if typed.get("sampai"):
            lines.append(messages.gettext("sampai %(day)s", day=typed["sampai"]))
        if typed.get("tahun"):
            lines.append(messages.gettext("menurut sumber pada %(year)s", year=typed["tahun"]))
        return lines


@dataclass(frozen=True)
class RupiahField(Field):
    """An amount of money."""

    widget: ClassVar[str] = "line"

    def read(self, form: Reading) -> Values:
        typed = form.typed(self.name)
        amount = read_rupiah(typed)
        if typed and (amount is None or amount > MAX_RUPIAH):
            self.refuse(form, NO_RUPIAH)
        return {self.attribute: amount}

    def fill(self, record: Evidence, messages: Translator) -> Mapping[str, str]:
        amount: int | None = getattr(record, self.attribute)
        return {self.name: "" if amount is None else f"{amount:,}".replace(",", ".")}

    def show(self, record: Evidence, showing: Showing) -> Sequence[str]:
        amount: int | None = getattr(record, self.attribute)
        return [] if amount is None else [f"Rp {showing.messages.number(amount)}"]


@dataclass(frozen=True)
class CountField(Field):
    """A whole number of people or things."""

    most: int = 0

    widget: ClassVar[str] = "line"

    def read(self, form: Reading) -> Values:
        typed = form.typed(self.name)
        number = read_number(typed)
        is_count = number is not None and number == int(number) and 0 <= number <= self.most
        if not typed and self.is_required:
            self.refuse(form, NEEDED)
        if typed and not is_count:
            self.refuse(form, NO_WHOLE_NUMBER, most=form.messages.number(self.most))
        return {self.attribute: int(number) if number is not None and is_count else None}

    def fill(self, record: Evidence, messages: Translator) -> Mapping[str, str]:
        number: int | None = getattr(record, self.attribute)
        return {self.name: "" if number is None else str(number)}

    def show(self, record: Evidence, showing: Showing) -> Sequence[str]:
        number: int | None = getattr(record, self.attribute)
        return [] if number is None else [showing.messages.number(number)]


@dataclass(frozen=True)
class FigureField(Field):
    """A figure; a share is shown in percent, and may be written so."""

    unless: str | None = None
    """Another field of the record from which the figure follows, where it is given."""

    widget: ClassVar[str] = "line"

    def read(self, form: Reading) -> Values:
        typed = form.typed(self.name)
        number = read_number(typed)
        if not typed and self.is_required:
            self.refuse(form, NEEDED)
        if typed and number is None:
            self.refuse(form, NO_NUMBER)
        return {self.attribute: None if number is None else float(number)}

    def fill(self, record: Evidence, messages: Translator) -> Mapping[str, str]:
        if self.unless is not None and getattr(record, self.unless) is not None:
            return {}
        return {self.name: self._text(record)}

    def show(self, record: Evidence, showing: Showing) -> Sequence[str]:
        text = self._text(record)
        return [text] if text else []

    def _text(self, record: Evidence) -> str:
        number: float | None = getattr(record, self.attribute)
        if number is None:
            return ""
        is_share = self.attribute in SHARES and getattr(record, "unit", None) == "share"
        return f"{write_number(number, scale=100)}%" if is_share else write_number(number)


SHARES = frozenset({"value", "low", "high"})
"""Fields that have the unit of an observation."""
