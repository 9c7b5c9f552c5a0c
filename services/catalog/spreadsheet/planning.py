"""What an import would change: the records of a file against those that are stored.

Pure, and called in a process with limits of its own: of a large file it takes seconds.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from services.catalog.queries import Target
from services.catalog.records import DocumentType, Place, Service
from services.catalog.references import (
    Reference,
    references_of,
    references_of_document_type,
    references_of_place,
    references_of_source,
)
from services.catalog.search.names import nearly_equal_names
from services.catalog.spreadsheet.building import Data, as_filled_in, differing_columns, main_fields
from services.catalog.spreadsheet.reading import FilledRecord, SpreadsheetReader
from services.catalog.spreadsheet.rows import Stored
from services.catalog.spreadsheet.sheets import KINDS, MAIN, VERSION, Kind
from services.catalog.spreadsheet.template import StoredCatalogue
from services.platform.error_location import field_location
from services.platform.languages import Language
from services.platform.packs import PackModel, Source
from services.platform.spreadsheets.grid import Bounds
from services.platform.spreadsheets.model import SheetIssue, SpreadsheetError
from services.platform.spreadsheets.reading import read_sheets
from services.platform.translation import N_, Message, translator
from services.platform.validation_messages import validation_message

BOUNDS = Bounds(unpacked_bytes=64 * 1024 * 1024, tags=1_600_000, cells=200_000)
CSV_NAME = "CSV"
"""Name of the one sheet of a CSV file, which is known by its headings."""
MAX_CELLS_NAMED = 20
"""Cells with one missing key that are named."""
MAX_CHANGED = 1_000
"""Changes of places, document types or sources in one import: each is locked by itself."""

MODELS: Mapping[Kind, type[PackModel]] = {
    "service": Service,
    "place": Place,
    "document_type": DocumentType,
    "source": Source,
}
REFERENCES: Mapping[Kind, Callable[[Any], Iterable[Reference]]] = {
    "service": references_of,
    "place": references_of_place,
    "document_type": references_of_document_type,
    "source": references_of_source,
}

NOTHING = N_("tidak ada baris di lembar %(names)s")
NO_VERSION = N_("data ini sudah ada (versi %(now)s); isi versinya, atau unduh templat lagi")
NOT_A_VERSION = N_("isi nomor versi seperti di templat; kosongkan untuk data baru")
CHANGED_SINCE = N_(
    "data ini berubah setelah berkas diunduh: versi %(then)s di berkas, sekarang versi %(now)s; "
    "unduh templat lagi dan ulangi perubahan Anda pada %(columns)s"
)
GONE = N_("data ini tidak ada lagi di katalog; kosongkan versi untuk membuatnya lagi")
NOT_YOURS = N_(
    "data ini milik %(agency)s; hanya instansi itu atau pengelola yang dapat mengubahnya"
)
OF_NOBODY = N_("data ini dari paket kabupaten; hanya pengelola yang dapat mengubahnya")
AGENCY_STAYS = N_("harus tetap %(agency)s: instansi sebuah layanan tidak dapat diganti")
OTHER_REGENCY = N_("harus kecamatan di kabupaten ini, %(region)s")
TOO_MANY = N_("lebih dari %(limit)s data berubah di lembar ini; kirim dalam beberapa berkas")
SIMILAR = N_("namanya hampir sama dengan layanan '%(other)s' dari instansi yang sama; periksa")


@dataclass(frozen=True)
class KindCounts:
    """Records of a kind by what an import does with them."""

    kind: Kind
    created: int = 0
    changed: int = 0
    unchanged: int = 0


@dataclass(frozen=True)
class CellPlace:
    """A cell of the file."""

    sheet: str
    cell: str

    def issue(self, message: str) -> SheetIssue:
        return SheetIssue(self.sheet, self.cell, message)


@dataclass(frozen=True)
class PlannedRecord:
    """A record to store."""

    kind: Kind
    key: str
    agency: str | None
    """Who may change it from now on."""
    version: int | None
    """The version that it replaces; None if it is new."""
    content: str
    """As JSON."""
    cell: str
    """Address of its version in the file."""

    def issue(self, message: str) -> SheetIssue:
        return SheetIssue(MAIN[self.kind].name, self.cell, message)


@dataclass(frozen=True)
class NamedKey:
    """Something that records of the file refer to, and where."""

    target: Target
    key: str
    cells: tuple[CellPlace, ...]


@dataclass(frozen=True)
class ImportPlan:
    """What an import stores."""

    counts: tuple[KindCounts, ...]
    records: tuple[PlannedRecord, ...]
    references: tuple[NamedKey, ...]
    notices: tuple[SheetIssue, ...]


class ImportRefusedError(Exception):
    """The file changes nothing; contains every issue found."""

    def __init__(
        self,
        invalid: Sequence[SheetIssue] = (),
        foreign: Sequence[SheetIssue] = (),
        outdated: Sequence[SheetIssue] = (),
    ) -> None:
        super().__init__(f"{len(invalid) + len(foreign) + len(outdated)} issues")
        self.invalid = list(invalid)
        self.foreign = list(foreign)
        """Records that the caller may not change."""
        self.outdated = list(outdated)
        """Records that changed after the file was made."""

    @property
    def issues(self) -> list[SheetIssue]:
        return [*self.invalid, *self.foreign, *self.outdated]

    def __reduce__(self) -> tuple[type["ImportRefusedError"], tuple[list[SheetIssue], ...]]:
        """Allow to raise this error in another process."""
        return ImportRefusedError, (self.invalid, self.foreign, self.outdated)


@dataclass(frozen=True)
class ImportRequest:
    """Who imports: its region, its agency, whether it may write for all, and its language."""

    region: str
    agency: str | None
    is_administrator: bool
    language: Language

    def may_write_for(self, agency: str | None) -> bool:
        return self.is_administrator or (agency is not None and agency == self.agency)


def plan_import(content: bytes, stored: StoredCatalogue, request: ImportRequest) -> ImportPlan:
    """Return what a file would change.

    Raises:
        SpreadsheetError: The file cannot be read.
        ImportRefusedError: Some rows are wrong, of others, or out of date.
    """
    reader = SpreadsheetReader(request.language)
    records = reader.read(read_sheets(content, name=CSV_NAME, bounds=BOUNDS))
    planner = _Planner(stored, request)
    for record in records:
        if (record.kind, record.key) not in reader.unreadable:
            planner.plan(record)
    invalid = [*reader.issues, *planner.too_many()]
    if not records and not invalid:
        names = ", ".join(sheet.name for sheet in MAIN.values())
        message = translator(request.language).translate(NOTHING, names=names)
        raise SpreadsheetError([SheetIssue(MAIN["service"].name, "A1", message)])
    refused = planner.refused
    refused.invalid[:0] = invalid
    if refused.issues:
        raise refused
    return planner.result()


@dataclass
class _Planner:
    """Compares the records of a file one by one."""

    stored: StoredCatalogue
    request: ImportRequest
    refused: ImportRefusedError = field(default_factory=ImportRefusedError)
    _planned: list[PlannedRecord] = field(default_factory=list[PlannedRecord])
    _names: dict[str, tuple[FilledRecord, Service]] = field(
        default_factory=dict[str, tuple[FilledRecord, Service]]
    )
    """Services that are created or renamed."""
    _unchanged: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    _references: dict[tuple[Target, str], list[CellPlace]] = field(
        default_factory=dict[tuple[Target, str], list[CellPlace]]
    )

    def __post_init__(self) -> None:
        self._by_key = {
            kind: {each.key: each for each in self.stored.get(kind, ())} for kind in KINDS
        }

    def plan(self, record: FilledRecord) -> None:
        """Note what becomes of a record."""
        stored = self._by_key[record.kind].get(record.key)
        data, before = record.builder.data, None
        differing: list[str] = []
        if stored is not None:
            before = as_filled_in(record.kind, json.loads(stored.content))
            if not record.has_lists:
                main = main_fields(record.kind)
                data |= {name: value for name, value in before.items() if name not in main}
            differing = differing_columns(record.kind, before, data)
            if not differing:
                self._unchanged[record.kind] += 1
                return
        if record.kind == "service":
            channels: list[Data] = data.get("channels", [])
            data["digital"] = any(channel.get("kind") == "online" for channel in channels)
            data.setdefault("components", {})
        try:
            parsed = MODELS[record.kind].model_validate(data)
        except ValidationError as error:
            self.refused.invalid += self._validation_issues(record, data, error)
            return
        if not self._is_permitted(record, parsed, stored):
            return
        if not self._is_current(record, stored, differing):
            return
        if isinstance(parsed, Service) and (before is None or before["name"] != parsed.name):
            self._names[record.key] = (record, parsed)
        self._note_references(record, parsed)
        self._planned.append(
            PlannedRecord(
                record.kind,
                record.key,
                self._owner(parsed, stored),
                None if stored is None else stored.version,
                parsed.model_dump_json(),
                record.issue(VERSION, "").cell,
            )
        )

    def too_many(self) -> Iterator[SheetIssue]:
        """Yield an issue for each sheet of records with more changes than one import may have."""
        for kind in KINDS:
            changed = sum(record.kind == kind for record in self._planned)
            if kind != "service" and changed > MAX_CHANGED:
                message = self._told(TOO_MANY, limit=MAX_CHANGED)
                yield SheetIssue(MAIN[kind].name, "A1", message)

    def result(self) -> ImportPlan:
        """Return the plan; nothing was refused."""
        counts = tuple(
            KindCounts(
                kind,
                created=sum(r.kind == kind and r.version is None for r in self._planned),
                changed=sum(r.kind == kind and r.version is not None for r in self._planned),
                unchanged=self._unchanged[kind],
            )
            for kind in KINDS
        )
        references = tuple(
            NamedKey(target, key, tuple(cells)) for (target, key), cells in self._references.items()
        )
        return ImportPlan(counts, tuple(self._planned), references, tuple(self._notices()))

    def _told(self, message: Message, **values: object) -> str:
        return translator(self.request.language).translate(message, **values)

    def _validation_issues(
        self, record: FilledRecord, data: Data, error: ValidationError
    ) -> Iterator[SheetIssue]:
        for item in error.errors():
            path = field_location(data, item["loc"], missing=item["type"] == "missing")
            message = validation_message(item, self.request.language)
            yield record.issue_at(path, message, self.request.language)

    def _is_permitted(self, record: FilledRecord, parsed: PackModel, stored: Stored | None) -> bool:
        """Check that the caller may write a record, for those who keep it now and from now on."""
        heading = record.row.sheet.spec.fields[0].heading
        owners = [self._owner(parsed, stored)] + ([] if stored is None else [stored.agency])
        for owner in owners:
            if not self.request.may_write_for(owner):
                message = self._told(NOT_YOURS, agency=owner) if owner else self._told(OF_NOBODY)
                self.refused.foreign.append(record.issue(heading, message))
                return False
        if isinstance(parsed, Service) and stored is not None and parsed.agency != stored.agency:
            message = self._told(AGENCY_STAYS, agency=stored.agency)
            self.refused.invalid.append(record.issue("instansi", message))
            return False
        if isinstance(parsed, Place) and not parsed.is_in(self.request.region):
            message = self._told(OTHER_REGENCY, region=self.request.region)
            self.refused.invalid.append(record.issue("kecamatan", message))
            return False
        return True

    def _owner(self, parsed: PackModel, stored: Stored | None) -> str | None:
        if isinstance(parsed, Service | Place):
            return parsed.agency
        return self.request.agency if stored is None else stored.agency

    def _is_current(
        self, record: FilledRecord, stored: Stored | None, differing: Sequence[str]
    ) -> bool:
        """Check that a record was made of the version that is stored."""
        given = str(record.version) if record.version is not None else None
        if given is not None and not (given.isascii() and given.isdigit()):
            self.refused.invalid.append(record.issue(VERSION, self._told(NOT_A_VERSION)))
            return False
        message = None
        if stored is None:
            message = None if given is None else self._told(GONE)
        elif given is None:
            message = self._told(NO_VERSION, now=stored.version)
        elif int(given) != stored.version:
            columns = ", ".join(differing)
            message = self._told(CHANGED_SINCE, then=given, now=stored.version, columns=columns)
        if message is not None:
            self.refused.outdated.append(record.issue(VERSION, message))
        return message is None

    def _note_references(self, record: FilledRecord, parsed: PackModel) -> None:
        for target, path, key in REFERENCES[record.kind](parsed):
            cells = self._references.setdefault((target, key), [])
            if len(cells) < MAX_CELLS_NAMED:
                cells.append(_place_of(record.issue_at(path, "", self.request.language)))

    def _notices(self) -> Iterator[SheetIssue]:
        agencies = {service.agency for _, service in self._names.values()}
        for agency in sorted(agencies):
            own = {key: s.name for key, (_, s) in self._names.items() if s.agency == agency}
            names = own | {
                each.key: json.loads(each.content)["name"]
                for each in self.stored.get("service", ())
                if each.agency == agency and each.key not in own
            }
            for key, other in nearly_equal_names(names, of=own):
                record, _ = self._names[key]
                yield record.issue("nama", self._told(SIMILAR, other=other))


def _place_of(issue: SheetIssue) -> CellPlace:
    return CellPlace(issue.sheet, issue.cell)
