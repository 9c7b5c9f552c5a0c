"""The form of a record: what a person typed, and the record that it makes (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from services.assessment.client import Evidence
from services.gateway.portal.workspace.cited_source import SourceTextError, source_of
from services.gateway.portal.workspace.evidence.fields import Choices, Field, List, Reading, Values
from services.gateway.portal.workspace.evidence.record_kind import RecordKind
from services.platform.packs import Source
from services.platform.problems import FieldError
from services.platform.translation import N_, Translator
from services.platform.validation_messages import validation_message

DOCUMENT = "dokumen"
DOCUMENT_ADDRESS = "bukti-alamat"
"""The address of the proving document, which is the source if no other is named."""
SAVE = "simpan"
"""Where what is wrong with the form as a whole is said."""
NO_DOCUMENT = N_("Sumber: tulis judul dokumennya, atau alamatnya di web.")
TAKEN = N_("Sudah ada catatan untuk ini. Perbaiki catatan itu; yang sama tidak dicatat dua kali.")
REFUSED_FIELD = N_("%(label)s: ditolak layanan penilaian (%(reason)s).")


@dataclass
class RecordForm:
    """A form of a kind of evidence, read once: `errors` has a sentence for each faulty field."""

    kind: RecordKind
    fields: Mapping[str, str]
    lists: Mapping[List, Choices]
    messages: Translator
    current: Evidence | None = None
    """The record that is corrected."""
    register: Mapping[str, Source] = field(default_factory=dict[str, Source])
    """The register of sources by their titles."""
    errors: dict[str, str] = field(default_factory=dict[str, str])

    def read_source(self) -> Source | None:
        """Return the document that was typed; None if there is none. A new record needs one."""
        typed = self.fields.get(DOCUMENT, "")
        if typed in self.register:
            return self.register[typed]
        if not typed and self.current is None:
            typed = self.fields.get(DOCUMENT_ADDRESS, "")
        if not typed:
            if self.current is None:
                self.errors[DOCUMENT] = self.messages.translate(NO_DOCUMENT)
            return None
        try:
            return source_of(
                typed,
                prefix=f"dokumen-{self.kind.slug}",
                kind=self.kind.source_kind,
                note="Disebut oleh pencatat buktinya di ruang kerja.",
            )
        except SourceTextError as error:
            self.errors[DOCUMENT] = self.messages.translate(error.message)
            return None

    def read_record(self, *, key: str, sources: Sequence[str]) -> Evidence | None:
        """Return the record; None if a field is faulty. What the form does not show stays.

        A kind whose records have a key by their content does not need the one that is given.
        """
        stored: Values = {} if self.current is None else self.current.model_dump()
        typed = self._read_fields()
        about_document = self.errors.pop(DOCUMENT, None)  # the last field of the form
        if about_document is not None:
            self.errors[DOCUMENT] = about_document
        if self.errors:
            return None
        if self.kind.key_of is not None and self.current is None:
            key = self.kind.key_of(typed)
        record = stored | typed | self.kind.fixed | {"key": key, "sources": list(sources)}
        if "name_en" in record:
            record["name_en"] = record["name_en"] or record["name"]
        record["absent_fields"] = [
            name for name in stored.get("absent_fields", []) if record[name] in (None, False, [])
        ]
        try:
            return self.kind.model.model_validate(record)
        except ValidationError as error:
            for item in error.errors():
                self._refuse(str(item["loc"][0]) if item["loc"] else "", item)
            return None

    def add_errors(self, errors: Sequence[FieldError]) -> None:
        """Say at its field what the service refuses."""
        for each in errors:
            parts = (each.pointer or "").removeprefix("#/").split("/")
            if parts[0] in self.kind.unique:
                self.errors.setdefault(SAVE, self.messages.translate(TAKEN))
                continue
            found = self._field_of(parts[0])
            if found is None:
                self.errors.setdefault(SAVE, each.detail)
                continue
            label = self.messages.translate(found.label)
            text = self.messages.translate(REFUSED_FIELD, label=label, reason=each.detail)
            self.errors.setdefault(found.names[0], text)

    def _read_fields(self) -> Values:
        form = Reading(self.fields, self.lists, self.messages, self.current)
        values: Values = {}
        for each in self.kind.fields:
            is_kept = each.name in self.kind.set_once
            if self.current is not None and (is_kept or self._is_unchanged(each, self.current)):
                # What is shown in fewer words than it is stored in, such as a number, stays exact.
                values |= {name: getattr(self.current, name) for name in each.attributes}
            else:
                values |= each.read(form)
        if not form.errors:
            self.kind.check(form, values)
        self.errors |= form.errors
        return values

    def _is_unchanged(self, each: Field, current: Evidence) -> bool:
        shown = {name: text for name, text in each.fill(current, self.messages).items() if text}
        beginnings = tuple(f"{name}-" for name in each.names) if each.widget == "ticks" else ()
        typed = {
            name: text
            for name, text in self.fields.items()
            if text and (name in each.names or (beginnings and name.startswith(beginnings)))
        }
        return shown == typed

    def _field_of(self, attribute: str) -> Field | None:
        return next((each for each in self.kind.fields if attribute in each.attributes), None)

    def _refuse(self, attribute: str, item: Mapping[str, Any]) -> None:
        found = self._field_of(attribute)
        text = validation_message(item, self.messages.language)
        if found is not None:
            text = f"{self.messages.translate(found.label)}: {text}"
        self.errors.setdefault(found.names[0] if found else SAVE, text)


def blank_fields(kind: RecordKind) -> dict[str, str]:
    """Return the fields of an empty form."""
    firsts = {each.name: getattr(each, "first", "") for each in kind.fields}
    return {name: first for name, first in firsts.items() if first}


def fields_of(kind: RecordKind, record: Evidence, messages: Translator) -> dict[str, str]:
    """Return the fields of the form that show a record."""
    found: dict[str, str] = {}
    for each in kind.fields:
        found |= each.fill(record, messages)
    if found.get("nama-en") == found.get("nama"):
        found["nama-en"] = ""
    return found
