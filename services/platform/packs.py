"""Parser of a regency's pack: YAML and CSV files, with errors that name file, line and field."""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from services.platform.appearance import Appearance
from services.platform.error_location import field_location
from services.platform.translation import N_, Message
from services.platform.types import (
    HttpsUrl,
    IsoDate,
    RegionCode,
    Sha256,
    ShortText,
    Slug,
    StrictNumber,
    Text,
    YearMonth,
)
from services.platform.validation_messages import InvalidValueError

FieldPath = tuple[str | int, ...]


class PackModel(BaseModel):
    """Part of a pack; an unknown field is an error, so that typing mistakes are found."""

    # YAML has .inf and .nan; JSON, and so the database, has neither.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)


def rule_error(
    model: BaseModel, path: FieldPath, message: Message, **values: object
) -> ValidationError:
    """Return the error of a rule between fields, for a validator to raise: it names the field.

    A `ValueError` would name the model that has the field. `values` are those that the message
    names; readers are told in their language, and as a text it is English.
    """
    invalid = InvalidValueError(message, **values)
    error = PydanticCustomError("rule", "{message}", {"message": str(invalid), "error": invalid})
    details = InitErrorDetails(type=error, loc=path, input=None)
    return ValidationError.from_exception_data(type(model).__name__, [details])


SourceKind = Literal[
    "law",
    "government_regulation",
    "presidential_regulation",
    "ministerial_regulation",
    "regional_regulation",
    "decree",
    "court_ruling",
    "study",
    "publication",
    "website",
    "dataset",
]


class Source(PackModel):
    """Source of a fact: a regulation, a study, a website."""

    id: Slug = Field(description="Id by which the rest of the pack cites it.")
    title: ShortText = Field(description="Title as published.")
    kind: SourceKind = Field(description="Kind of publication.")
    publisher: ShortText | None = Field(None, description="Who published it; null if not known.")
    year: Annotated[int, Field(ge=1945, le=2099), StrictNumber] | None = Field(
        None, description="Calendar year of publication; null if not known."
    )
    url: HttpsUrl | None = Field(None, description="Address on the web; null if it is not there.")
    sha256: Sha256 | None = Field(
        None, description="Hash of the file that was read, if it was stored."
    )
    note: Text | None = None
    in_force_from: IsoDate | None = Field(None, description="The day a regulation took effect.")
    in_force_until: IsoDate | None = Field(
        None, description="The last day on which it was in force; null while it is."
    )
    amended_by: list[Slug] = Field(
        default_factory=list[Slug],
        max_length=100,
        description="Ids of the sources that amend it, the oldest first.",
    )

    @model_validator(mode="after")
    def _is_in_force_for_some_time(self) -> "Source":
        if self.in_force_from and self.in_force_until and self.in_force_until < self.in_force_from:
            message = N_("tidak boleh sebelum in_force_from, %(day)s")
            raise rule_error(self, ("in_force_until",), message, day=self.in_force_from)
        if self.id in self.amended_by:
            place = ("amended_by", self.amended_by.index(self.id))
            raise rule_error(self, place, N_("menyebut sumber ini sendiri"))
        return self


class SourceFile(PackModel):
    """`sources.yaml`"""

    sources: list[Source]


class Pack(PackModel):
    """Head of a pack: the regency that it describes."""

    region: RegionCode = Field(
        description="Code of the Ministry of Home Affairs, such as 12.12, in quotation marks."
    )
    name: ShortText
    name_en: ShortText
    statistics_code: ShortText | None = Field(
        None, description="Code of Statistics Indonesia, another system, in quotation marks."
    )
    province: ShortText
    province_code: ShortText
    timezone: Literal["Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"] = "Asia/Jakarta"
    lead_agency: Slug | None = Field(
        None, description="Slug of the agency that leads the collaboration."
    )
    reporting_from: YearMonth | None = Field(
        None,
        description="First month of which agencies report statistics, as agreed with them; "
        "without it a service is reported from the month after it was first loaded.",
    )
    appearance: Appearance | None = Field(
        None, description="Colours of the regency and a motif of its weaving, for its pages."
    )

    @property
    def first_reporting_month(self) -> date | None:
        """The first day of `reporting_from`; None without it."""
        return (
            None if self.reporting_from is None else date.fromisoformat(f"{self.reporting_from}-01")
        )


@dataclass(frozen=True)
class PackIssue:
    """An error in a pack, with its location."""

    file: str
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.field}: {self.message}"


class PackError(Exception):
    """The pack is invalid; nothing was stored."""

    def __init__(self, faults: Sequence[PackIssue]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.issues = list(faults)


@dataclass(frozen=True)
class Change:
    """Change of one stored item by loading a pack."""

    kind: str
    key: str
    action: Literal["added", "changed", "removed", "overridden"]
    """`overridden`: the pack differs, but the item was changed over the API and remains."""
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        sign = {"added": "+", "changed": "~", "removed": "-", "overridden": "="}[self.action]
        named = f" ({', '.join(self.fields)})" if self.fields else ""
        return f"{sign} {self.kind} {self.key}{named}"


Model = TypeVar("Model", bound=BaseModel)
Value = TypeVar("Value")


@dataclass
class ParsedFile:
    """Parsed file with the line number of each field."""

    file: str
    data: Any
    lines: dict[FieldPath, int] = field(default_factory=dict[FieldPath, int])

    def line_of(self, path: FieldPath) -> int:
        """Return the line of a field, or of its nearest parent in the file."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return 1

    def issue(self, path: FieldPath, message: str) -> PackIssue:
        return PackIssue(self.file, self.line_of(path), field_name(path), message)


def field_name(path: FieldPath) -> str:
    """Return the path of a field as text: `services[3].components.biaya_tarif`."""
    name = ""
    for part in path:
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else part
    return name or "(file)"


def _read_text(file: Path, name: str) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise PackError([PackIssue(name, 1, "(file)", "is missing; see docs/packs.md")]) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise PackError(
            [PackIssue(name, line, "(file)", f"must be UTF-8: {error.reason}")]
        ) from None


def read_yaml(file: Path, root: Path) -> ParsedFile:
    """Parse a YAML file; raise `PackError` if it is missing, invalid or has duplicate keys."""
    name = str(file.relative_to(root))
    text = _read_text(file, name)
    # libyaml is ten times as fast as the Python parser and limits nesting.
    loader = yaml.CSafeLoader(text)
    try:
        node = loader.get_single_node()
        parsed = ParsedFile(name, None if node is None else loader.construct_document(node))
        issues: list[PackIssue] = []
        if node is not None:
            _record_lines(node, (), parsed, issues)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PackError([PackIssue(name, line, "(file)", str(error.problem))]) from None
    except (yaml.YAMLError, ValueError) as error:
        raise PackError([PackIssue(name, 1, "(file)", " ".join(str(error).split()))]) from None
    except RecursionError:
        message = "is nested too deeply, or an alias contains itself"
        raise PackError([PackIssue(name, 1, "(file)", message)]) from None
    if issues:
        raise PackError(issues)
    return parsed


def _record_lines(
    node: yaml.Node, path: FieldPath, parsed: ParsedFile, issues: list[PackIssue]
) -> None:
    parsed.lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            inner = (*path, str(key.value))
            parsed.lines[inner] = key.start_mark.line + 1
            if key.value in seen:
                issues.append(parsed.issue(inner, "is duplicated; remove one"))
            seen.add(key.value)
            _record_lines(value, inner, parsed, issues)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _record_lines(value, (*path, index), parsed, issues)


def read_csv(file: Path, root: Path, *, name: str) -> ParsedFile:
    """Parse a CSV file with a header to `{name: [row, ...]}`; an empty cell is None."""
    file_name = str(file.relative_to(root))
    reader = csv.DictReader(io.StringIO(_read_text(file, file_name), newline=""), strict=True)
    parsed = ParsedFile(file_name, {name: []}, {(): 1, (name,): 1})
    try:
        for index, row in enumerate(reader):
            parsed.lines[(name, index)] = reader.line_num
            if None in row or None in row.values():
                raise PackError([parsed.issue((name, index), "has a wrong number of cells")])
            parsed.data[name].append({key: value or None for key, value in row.items()})
    except csv.Error as error:
        fault = PackIssue(file_name, reader.line_num + 1, "(file)", f"cannot be read: {error}")
        raise PackError([fault]) from None
    return parsed


def parse(parsed: ParsedFile, model: type[Model]) -> Model:
    """Validate a file against a model; raise `PackError` with every invalid field."""
    return validate(parsed, model.model_validate)


def validate(parsed: ParsedFile, read: Callable[[Any], Value]) -> Value:
    """Return what pydantic reads in a file; raise `PackError` with every invalid field."""
    try:
        return read(parsed.data)
    except ValidationError as error:
        issues = [
            parsed.issue(
                field_location(parsed.data, item["loc"], missing=item["type"] == "missing"),
                _message(item["msg"], item.get("input")),
            )
            for item in error.errors()
        ]
        raise PackError(issues) from None


def _message(message: str, value: object) -> str:
    message = message.removeprefix("Value error, ")
    if isinstance(value, str | int | float | bool):
        return f"{message} (found {value!r})"
    return message


def undefined_references(
    parsed: ParsedFile,
    references: Iterable[tuple[FieldPath, str]],
    known: Iterable[str],
    *,
    kind: str,
) -> list[PackIssue]:
    """Return an issue for each reference to an item that the pack does not define."""
    defined = set(known)
    return [
        parsed.issue(path, f"there is no {kind} {name!r} in this pack")
        for path, name in references
        if name not in defined
    ]


def duplicates(
    parsed: ParsedFile, name: str, keys: Iterable[str], *, key: str = "slug"
) -> list[PackIssue]:
    """Return an issue for each item of the list `name` that repeats an earlier key."""
    issues: list[PackIssue] = []
    first: dict[str, int] = {}
    for index, value in enumerate(keys):
        if first.setdefault(value, index) != index:
            line = parsed.line_of((name, first[value], key))
            issues.append(
                parsed.issue((name, index, key), f"{value!r} is already defined in line {line}")
            )
    return issues


def content_hash(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a document as canonical JSON (sorted keys, no spaces, UTF-8)."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def changes_between(
    kind: str, stored: Mapping[str, Mapping[str, Any]], wanted: Mapping[str, Mapping[str, Any]]
) -> list[Change]:
    """Return the changes that turn the stored documents of a kind into the wanted ones."""
    changes = [Change(kind, key, "added") for key in wanted if key not in stored]
    for key, document in wanted.items():
        before = stored.get(key)
        if before is not None and before != document:
            names = sorted(before.keys() | document.keys())
            fields = tuple(name for name in names if before.get(name) != document.get(name))
            changes.append(Change(kind, key, "changed", fields))
    changes += [Change(kind, key, "removed") for key in stored if key not in wanted]
    return changes
