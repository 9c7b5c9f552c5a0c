"""The form that starts a round of a survey: what a person typed, and the round it makes (pure)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from services.feedback.client import Round
from services.platform.translation import N_, Message, Translator

SAMPLES: Mapping[str, Message] = {
    "invited": N_("Pemangku kepentingan yang diundang, masing-masing dengan tautannya"),
    "self_selected": N_("Siapa saja yang mau menjawab"),
    "drawn": N_("Sampel acak, ditanya petugas"),
    "quota": N_("Ditanya petugas sampai kuota terpenuhi"),
}
"""How the respondents of a round are found, as the form asks it."""

COUNT = re.compile(r"[1-9][0-9]{0,2}(?:\.?[0-9]{3}){0,2}", re.ASCII)

NO_DAY = N_("Pilih tanggalnya.")
BEFORE_FIRST = N_("Hari terakhir tidak boleh sebelum hari pertama.")
OTHER_YEAR = N_("Hari pertama dan hari terakhir harus dalam tahun yang sama.")
NO_SAMPLE = N_("Pilih siapa yang menjawab.")
NO_COUNT = N_("Tulis bilangan bulat seperti 1.200, atau kosongkan.")
ASKED_ABOVE = N_("Yang akan ditanya tidak boleh lebih banyak daripada jumlah pengguna.")


@dataclass
class RoundForm:
    """The fields of the form, read once: `errors` has a sentence for each faulty field."""

    fields: Mapping[str, str]
    messages: Translator
    errors: dict[str, str] = field(default_factory=dict[str, str])

    def read(self) -> Round | None:
        """Return the round; None if a field is faulty."""
        first, last = self._day("mulai"), self._day("akhir")
        if first is not None and last is not None:
            if last < first:
                self._refuse("akhir", BEFORE_FIRST)
            elif last.year != first.year:
                self._refuse("akhir", OTHER_YEAR)
        sample = self.fields.get("responden", "")
        if sample not in SAMPLES:
            self._refuse("responden", NO_SAMPLE)
        is_enumerated = sample in {"drawn", "quota"}
        population = self._count("populasi") if sample != "invited" else None
        asked = self._count("ditanya") if is_enumerated else None
        if population and asked and asked > population:
            self._refuse("ditanya", ASKED_ABOVE)
        if self.errors:
            return None
        return Round.model_validate(
            {
                "opens_on": first,
                "closes_on": last,
                "sample": sample,
                "population": population,
                "asked": asked,
            }
        )

    def _day(self, name: str) -> date | None:
        day = day_of_field(self.fields, name)
        if day is None:
            self._refuse(name, NO_DAY)
        return day

    def _count(self, name: str) -> int | None:
        typed = self.fields.get(name, "")
        if not typed:
            return None
        if not COUNT.fullmatch(typed):
            self._refuse(name, NO_COUNT)
            return None
        return int(typed.replace(".", ""))

    def _refuse(self, name: str, message: Message) -> None:
        self.errors[name] = self.messages.translate(message)


def day_of_field(fields: Mapping[str, str], name: str) -> date | None:
    """Return the day in a field of a form; None if it has none, or one of another century."""
    typed = fields.get(name, "")
    if not re.fullmatch(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}", typed, re.ASCII):
        return None
    try:
        return date.fromisoformat(typed)
    except ValueError:
        return None
