"""Fields of a form of evidence for a year, an indicator, a level and a document (pure)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from pydantic import TypeAdapter, ValidationError

from services.assessment.client import Evidence, EvidenceDocument
from services.gateway.portal.workspace.evidence.fields import (
    NEEDED,
    NO_CHOICE,
    Choices,
    Field,
    Reading,
    Showing,
    Values,
)
from services.gateway.portal.workspace.evidence.measured_fields import NO_YEAR
from services.platform.translation import N_, Message, Translator
from services.platform.types import HttpsUrl, Sha256, ShortText

FIRST_YEAR, LAST_YEAR = 1945, 2099
NO_ADDRESS = N_("%(label)s: salin seluruhnya, seperti https://contoh.go.id/keputusan.pdf.")
NO_HASH = N_("%(label)s: 64 angka dan huruf a sampai f, atau pilih berkasnya.")
NO_TITLE = N_("%(label)s: paling banyak 300 karakter.")

_ADDRESS: TypeAdapter[str] = TypeAdapter(HttpsUrl)
_HASH: TypeAdapter[str] = TypeAdapter(Sha256)
_TITLE: TypeAdapter[str] = TypeAdapter(ShortText)


@dataclass(frozen=True)
class YearField(Field):
    """A calendar year."""

    widget: ClassVar[str] = "line"

    def read(self, form: Reading) -> Values:
        typed = form.typed(self.name)
        year = int(typed) if re.fullmatch(r"\d{4}", typed, re.ASCII) else None
        if not typed:
            if self.is_required:
                self.refuse(form, NEEDED)
        elif year is None or not FIRST_YEAR <= year <= LAST_YEAR:
            self.refuse(form, NO_YEAR)
        return {self.attribute: year}

    def fill(self, record: Evidence, messages: Translator) -> Mapping[str, str]:
        year: int | None = getattr(record, self.attribute)
        return {self.name: "" if year is None else str(year)}

    def show(self, record: Evidence, showing: Showing) -> Sequence[str]:
        year: int | None = getattr(record, self.attribute)
        return [] if year is None else [str(year)]


@dataclass(frozen=True)
class IndicatorField(Field):
    """An indicator of an index, such as `spbe-2020:11`."""

    widget: ClassVar[str] = "select"

    @property
    def attributes(self) -> Sequence[str]:
        return ("index", "indicator")

    def read(self, form: Reading) -> Values:
        typed = form.typed(self.name)
        if typed not in form.lists["indicators"]:
            self.refuse(form, NO_CHOICE if typed else NEEDED)
            return {"index": None, "indicator": None}
        index, _, number = typed.partition(":")
        return {"index": index, "indicator": int(number)}

    def fill(self, record: Evidence, messages: Translator) -> Mapping[str, str]:
        return {self.name: f"{getattr(record, 'index', '')}:{getattr(record, 'indicator', '')}"}

    def show(self, record: Evidence, showing: Showing) -> Sequence[str]:
        code = self.fill(record, showing.messages)[self.name]
        return [showing.lists["indicators"].get(code, code)]

    def options(self, showing: Showing) -> Choices:
        return showing.lists["indicators"]


@dataclass(frozen=True)
class IndexLevelField(Field):
    """A level that the indices have; the service knows those of each index."""

    widget: ClassVar[str] = "select"

    def read(self, form: Reading) -> Values:
        typed = form.typed(self.name)
        if typed not in form.lists["levels"]:
            self.refuse(form, NO_CHOICE if typed else NEEDED)
            return {self.attribute: None}
        return {self.attribute: int(typed)}

    def fill(self, record: Evidence, messages: Translator) -> Mapping[str, str]:
        return {self.name: str(getattr(record, self.attribute))}

    def show(self, record: Evidence, showing: Showing) -> Sequence[str]:
        return [str(getattr(record, self.attribute))]

    def options(self, showing: Showing) -> Choices:
        return showing.lists["levels"]


DOCUMENT_LABELS: Mapping[str, Message] = {
    "bukti-alamat": N_("Alamat dokumen di web"),
    "bukti-sidik": N_("Sidik berkas (SHA-256)"),
    "bukti-judul": N_("Judul dokumen"),
}
DOCUMENT_FILE = "bukti-berkas"
"""The input for the file, of which only the hash is kept."""


@dataclass(frozen=True)
class DocumentField(Field):
    """The file that proves a record: its address, its hash and its title."""

    labels: Mapping[str, Message] = field(default_factory=lambda: DOCUMENT_LABELS)

    widget: ClassVar[str] = "document"

    @property
    def attributes(self) -> Sequence[str]:
        return (self.attribute,) * len(self.labels)

    @property
    def names(self) -> Sequence[str]:
        return tuple(self.labels)

    def read(self, form: Reading) -> Values:
        url, digest, title = (form.typed(name) for name in self.names)
        if not (url or digest or title):
            if self.is_required:
                self._refuse(form, "bukti-alamat", NEEDED)
            return {self.attribute: None}
        checks = (
            ("bukti-alamat", _ADDRESS, url, NO_ADDRESS),
            ("bukti-sidik", _HASH, digest.lower(), NO_HASH),
            ("bukti-judul", _TITLE, title or url[:300] or "-", NO_TITLE),
        )
        read: list[str] = []
        for name, adapter, typed, message in checks:
            try:
                read.append(adapter.validate_python(typed))
            except ValidationError:
                self._refuse(form, name, message)
        if len(read) < len(checks):
            return {self.attribute: None}
        return {self.attribute: EvidenceDocument(url=read[0], sha256=read[1], name=read[2])}

    def _refuse(self, form: Reading, name: str, message: Message) -> None:
        form.refuse(name, message, label=form.messages.translate(self.labels[name]))

    def fill(self, record: Evidence, messages: Translator) -> Mapping[str, str]:
        document = record.document
        if document is None:
            return {}
        return {
            "bukti-alamat": document.url,
            "bukti-sidik": document.sha256,
            "bukti-judul": document.name,
        }

    def show(self, record: Evidence, showing: Showing) -> Sequence[str]:
        document = record.document
        if document is None:
            return []
        return [*dict.fromkeys((document.name, document.url)), f"SHA-256 {document.sha256}"]
