"""Evidence as a workbook: a sheet per kind, a row per record.

Lists are written in one cell, separated by `;`; attendance and action items have sheets of their
own, joined by the meeting's key. Headings are the names of the API or Indonesian. An exported
workbook can be imported again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from services.assessment.evidence.api_models import KINDS
from services.assessment.evidence.records import Evidence, Meeting
from services.assessment.evidence.states import EvidenceState
from services.assessment.evidence.workbook_headings import (
    COLUMNS,
    SHEETS,
    WORDS,
    Headings,
    code_of_word,
    kind_of_sheet,
    table_of,
)
from services.platform.languages import Language
from services.platform.spreadsheets.model import Cell, Sheet, SheetIssue, SpreadsheetError, Table
from services.platform.spreadsheets.writing import Column, write_xlsx
from services.platform.translation import N_, translator
from services.platform.validation_messages import validation_message

SEPARATOR = ";"
SEVERAL = f"Several with {SEPARATOR} between."
INNER_SHEETS = {"attendance": "attendance", "action_items": "action_items"}
"""Sheets of lists inside a meeting, by field."""

NO_SHEET = N_("lembar ini tidak ada di templat: %(names)s")
NO_HEADINGS = N_("tidak ada baris dengan judul kolom templat")
TWICE = N_("lembar ini sama jenisnya dengan lembar %(name)s; satukan keduanya")
NO_MEETING = N_("tidak ada rapat '%(key)s' di lembar meetings")
NO_COLUMN = N_("'%(column)s' bukan kolom lembar ini: %(names)s")

YES = frozenset({"ya", "yes", "true", "benar", "1"})
NO = frozenset({"tidak", "no", "false", "salah", "0"})

Records = Mapping[str, Sequence[Evidence]]


States = Mapping[tuple[str, str], EvidenceState]
"""State of a record's version by kind and key."""

Attachments = Mapping[tuple[str, str], Sequence[str]]
"""SHA-256 of each file attached to a record, by its kind and key."""

STATE = Column("state", "Shown in exports; an import does not change it.")
ATTACHMENTS = Column("attachments", "Shown in exports; an import does not change it.")
SHOWN_ONLY = (STATE, ATTACHMENTS)


def to_workbook(
    records: Records,
    states: States | None = None,
    attachments: Attachments | None = None,
    *,
    headings: Headings = "names",
) -> bytes:
    """Return the records by kind as XLSX, with their states and the hashes of their files.

    Without records it is the template.
    """
    tables = _tables(records, states or {}, attachments or {})
    if headings == "indonesian":
        tables = {
            SHEETS[name]: _in_indonesian(name, columns, rows)
            for name, (columns, rows) in tables.items()
        }
    return write_xlsx(tables)


_Table = tuple[list[Column], list[dict[str, Cell]]]


def _in_indonesian(
    sheet: str, columns: Sequence[Column], rows: Sequence[Mapping[str, Cell]]
) -> _Table:
    """Return a table with Indonesian headings, notes and words."""
    coded = {STATE.name, *_coded_columns(sheet)}
    translated = [
        Column(
            COLUMNS[column.name],
            _indonesian_note(column),
            tuple(WORDS.get(word, word) for word in column.choices),
            required=column.required,
        )
        for column in columns
    ]
    return translated, [
        {COLUMNS[name]: _in_words(cell) if name in coded else cell for name, cell in row.items()}
        for row in rows
    ]


def _in_words(cell: Cell) -> Cell:
    if not isinstance(cell, str):
        return cell
    parts = (part.strip() for part in cell.split(SEPARATOR))
    return f"{SEPARATOR} ".join(WORDS.get(part, part) for part in parts)


def _indonesian_note(column: Column) -> str:
    notes = [
        "Wajib diisi." if column.required else "",
        f"Beberapa dipisah dengan {SEPARATOR}" if column.note.endswith(SEVERAL) else "",
        "Hanya tampil; tidak diubah oleh impor." if column in SHOWN_ONLY else "",
    ]
    return " ".join(note for note in notes if note)


def _coded_columns(sheet: str) -> set[str]:
    """Return the columns of a sheet whose cells are codes of a few."""
    inner = {name: field for field, name in INNER_SHEETS.items()}
    if sheet in inner:
        return set()
    model = next(kind.model for kind in KINDS if kind.name == sheet)
    return {name for name, field in model.model_fields.items() if _is_coded(field.annotation)}


def _is_coded(annotation: Any) -> bool:
    kinds = _kinds(annotation)
    items = [item for kind in kinds if get_origin(kind) is list for item in get_args(kind)]
    return any(get_origin(kind) is Literal for one in (*kinds, *items) for kind in _kinds(one))


def _tables(records: Records, states: States, attachments: Attachments) -> dict[str, _Table]:
    tables: dict[str, _Table] = {}
    for kind in KINDS:
        rows = [
            _row(record)
            | {
                STATE.name: states.get((kind.name, record.key)),
                ATTACHMENTS.name: f"{SEPARATOR} ".join(
                    attachments.get((kind.name, record.key), ())
                ),
            }
            for record in records.get(kind.name, ())
        ]
        tables[kind.name] = ([*_columns(kind.model), *SHOWN_ONLY], rows)
    meetings = [record for record in records.get("meetings", ()) if isinstance(record, Meeting)]
    for field, name in INNER_SHEETS.items():
        inner = _item_model(Meeting.model_fields[field])
        columns = [Column("meeting", "Key of the meeting.", required=True), *_columns(inner)]
        rows = [
            {"meeting": meeting.key} | _row(item)
            for meeting in meetings
            for item in getattr(meeting, field) or ()
        ]
        tables[name] = (columns, rows)
    return tables


def from_workbook(
    sheets: Sequence[Sheet], language: Language = "en"
) -> list[tuple[str, Evidence, Table, int]]:
    """Return each record with its kind, sheet and row; errors are in a language.

    `SpreadsheetError` lists every invalid cell.
    """
    named = [(kind_of_sheet(sheet.name), sheet) for sheet in sheets]
    tables = {name: table for name, sheet in named if (table := table_of(sheet)) is not None}
    models: dict[str, type[Evidence]] = {kind.name: kind.model for kind in KINDS}
    told = translator(language).translate
    is_indonesian = any(name != sheet.name for name, sheet in named)
    known = _named(models, SHEETS, is_indonesian=is_indonesian)
    issues: list[SheetIssue] = [
        SheetIssue(sheet.name, "A1", told(NO_SHEET, names=known))
        for name, sheet in named
        if sheet.lines and name not in models and name not in INNER_SHEETS.values()
    ]
    issues += [
        SheetIssue(sheet.name, "A1", told(NO_HEADINGS))
        for name, sheet in named
        if sheet.lines and name not in tables
    ]
    issues += [
        SheetIssue(sheet.name, "A1", told(TWICE, name=tables[name].name))
        for name, sheet in named
        if name in tables and tables[name].name != sheet.name
    ]
    issues += [issue for table in tables.values() for issue in table.issues]
    inner = {
        field: _inner(tables.get(name), field, issues, language)
        for field, name in INNER_SHEETS.items()
    }
    found: list[tuple[str, Evidence, Table, int]] = []
    for name, model in models.items():
        sheet = tables.get(name)
        if sheet is None:
            continue
        issues += _unknown_columns(sheet, [*_columns(model), *SHOWN_ONLY], language)
        for row in sheet.rows:
            data = _data(row.cells, model)
            if model is Meeting:
                for field, items in inner.items():
                    if listed := items.pop(str(data.get("key")), []):
                        data[field] = [item for item, _ in listed]
            try:
                found.append((name, model.model_validate(data), sheet, row.number))
            except ValidationError as error:
                issues += _issues(sheet, row.number, error, language)
    for field, items in inner.items():
        sheet = tables.get(INNER_SHEETS[field])
        issues += [
            sheet.issue(number, "meeting", told(NO_MEETING, key=key))
            for key, listed in items.items()
            for _, number in listed
            if sheet is not None
        ]
    if issues:
        raise SpreadsheetError(issues)
    return found


def _inner(
    sheet: Table | None, field: str, issues: list[SheetIssue], language: Language
) -> dict[str, list[tuple[dict[str, Any], int]]]:
    model = _item_model(Meeting.model_fields[field])
    found: dict[str, list[tuple[dict[str, Any], int]]] = {}
    if sheet is None:
        return found
    issues += _unknown_columns(sheet, [Column("meeting"), *_columns(model)], language)
    for row in sheet.rows:
        data = _data({name: cell for name, cell in row.cells.items() if name != "meeting"}, model)
        try:
            model.model_validate(data)
        except ValidationError as error:
            issues += _issues(sheet, row.number, error, language)
            continue
        found.setdefault(str(row.cells.get("meeting", "")), []).append((data, row.number))
    return found


def _unknown_columns(
    sheet: Table, columns: Sequence[Column], language: Language
) -> list[SheetIssue]:
    told = translator(language).translate
    is_indonesian = kind_of_sheet(sheet.name) != sheet.name
    known = (column.name for column in columns)
    names = _named(known, COLUMNS, is_indonesian=is_indonesian)
    return [
        sheet.issue(sheet.header, column, told(NO_COLUMN, column=column, names=names))
        for column in sheet.columns
        if column and column not in {known.name for known in columns}
    ]


def _named(names: Iterable[str], words: Mapping[str, str], *, is_indonesian: bool) -> str:
    """Return names of sheets or columns as a file has them."""
    return ", ".join(words[name] if is_indonesian else name for name in names)


def _issues(
    sheet: Table, row: int, error: ValidationError, language: Language
) -> Iterator[SheetIssue]:
    for item in error.errors():
        parts = [str(part) for part in item["loc"] if isinstance(part, str)]
        column = next((name for name in (".".join(parts[:2]), *parts) if name in sheet.columns), "")
        named = f"{'.'.join(parts)}: " if parts and not column else ""
        yield sheet.issue(row, column, named + validation_message(item, language))


def _columns(model: type[BaseModel]) -> Iterator[Column]:
    for name, field in model.model_fields.items():
        if name in INNER_SHEETS:
            continue
        inner = _model_in(field.annotation)
        if inner is not None:
            for part in _columns(inner):
                yield Column(f"{name}.{part.name}", part.note)
            continue
        kinds = _kinds(field.annotation)
        choices = tuple(
            str(value) for kind in kinds if get_origin(kind) is Literal for value in get_args(kind)
        )
        if bool in kinds:
            choices = ("ya", "tidak")
        note = field.description or ""
        if _is_list(field.annotation):
            choices, note = (), f"{note} {SEVERAL}".strip()
        yield Column(name, note, choices, required=field.is_required())


def cells_of(record: Evidence) -> dict[str, str]:
    """Return what a record has in its cells, as texts; lists of a meeting are one text each."""
    cells = {name: str(cell) for name, cell in _row(record).items() if cell is not None}
    for field in INNER_SHEETS:
        rows: list[BaseModel] | None = getattr(record, field, None)
        if rows:
            texts = [", ".join(map(str, _row(row).values())) for row in rows]
            cells[field] = f"{SEPARATOR} ".join(texts)
    return cells


def _row(record: BaseModel) -> dict[str, Cell]:
    row: dict[str, Cell] = {}
    for name, field in type(record).model_fields.items():
        value: Any = getattr(record, name)
        if name in INNER_SHEETS or value is None:
            continue
        if isinstance(value, BaseModel):
            row |= {f"{name}.{part}": cell for part, cell in _row(value).items()}
        elif _is_list(field.annotation):
            row[name] = f"{SEPARATOR} ".join(str(item) for item in value) or None
        elif isinstance(value, bool):
            row[name] = "ya" if value else "tidak"
        else:
            row[name] = value
    return row


def _data(cells: Mapping[str, Cell], model: type[BaseModel]) -> dict[str, Any]:
    """Return the cells of a row as the model expects them; empty cells are omitted."""
    data: dict[str, Any] = {}
    for name, cell in cells.items():
        outer, _, part = name.partition(".")
        field = model.model_fields.get(outer)
        if field is None:
            continue
        if part:
            data.setdefault(outer, {})[part] = cell
        else:
            data[outer] = _raw(cell, field.annotation)
    return data


def _raw(cell: Cell, annotation: Any) -> Any:
    kinds = _kinds(annotation)
    is_coded = _is_coded(annotation)
    if _is_list(annotation):
        parts = [part.strip() for part in str(cell).split(SEPARATOR) if part.strip()]
        return [code_of_word(part) for part in parts] if is_coded else parts
    if is_coded and isinstance(cell, str):
        return code_of_word(cell)
    if bool in kinds and not isinstance(cell, bool):
        word = str(cell).lower()
        return True if word in YES else False if word in NO else cell
    if isinstance(cell, str) and (int in kinds or float in kinds):
        with suppress(ValueError):
            return float(cell.replace(",", "."))
    if str in kinds and isinstance(cell, int | float) and not isinstance(cell, bool):
        return str(cell)
    return cell


def _kinds(annotation: Any) -> list[Any]:
    """Return the plain types that a field accepts, without None."""
    origin = get_origin(annotation)
    if origin in {Union, UnionType}:
        return [kind for part in get_args(annotation) for kind in _kinds(part)]
    if hasattr(annotation, "__metadata__"):
        return _kinds(annotation.__origin__)
    return [] if annotation is type(None) else [annotation]


def _is_list(annotation: Any) -> bool:
    return any(get_origin(kind) is list for kind in _kinds(annotation))


def _model_in(annotation: Any) -> type[BaseModel] | None:
    for kind in _kinds(annotation):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def _item_model(field: FieldInfo) -> type[BaseModel]:
    """Return the model of a list's items."""
    [kind] = _kinds(field.annotation)
    model: type[BaseModel] = get_args(kind)[0]
    return model
