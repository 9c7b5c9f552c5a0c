"""Reads a regency's pack: YAML and CSV files whose errors name file, line and field."""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.platform.error_location import place_in
from services.platform.types import BodyNumber, HttpsUrl, Line, RegionCode, Sha256, Slug, Text


class PackModel(BaseModel):
    """A part of a pack: an unknown field is an error, so that a typing mistake is seen."""

    # YAML has .inf and .nan, JSON and thus the database have neither.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Source(PackModel):
    """Where a fact comes from: a regulation, a study, a site."""

    id: Slug = Field(description="What the rest of the pack cites it by.")
    title: Line
    kind: Literal[
        "law",
        "government_regulation",
        "presidential_regulation",
        "ministerial_regulation",
        "regional_regulation",
        "study",
        "website",
        "dataset",
    ]
    publisher: Line | None = None
    year: Annotated[int, Field(ge=1945, le=2099), BodyNumber] | None = None
    url: HttpsUrl | None = None
    sha256: Sha256 | None = Field(
        None, description="Of the file that was read, where one was kept."
    )
    note: Text | None = None


class SourceFile(PackModel):
    """`sources.yaml`"""

    sources: list[Source]


class Pack(PackModel):
    """The head of a pack: which regency it describes."""

    region: RegionCode = Field(
        description="Code of the Ministry of Home Affairs, such as 12.12, in quotation marks."
    )
    name: Line
    name_en: Line
    statistics_code: Line | None = Field(
        None, description="Code of Statistics Indonesia, another system, in quotation marks."
    )
    province: Line
    province_code: Line
    timezone: Line = "Asia/Jakarta"


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong in a pack, and where."""

    file: str
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.field}: {self.message}"


class PackError(Exception):
    """A pack that cannot be loaded; nothing of it was stored."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = list(faults)


@dataclass(frozen=True)
class Change:
    """What loading a pack does to one stored item."""

    kind: str
    key: str
    action: Literal["added", "changed", "removed", "kept"]
    """`kept`: the pack says otherwise, but somebody changed it over the API since."""
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        sign = {"added": "+", "changed": "~", "removed": "-", "kept": "="}[self.action]
        named = f" ({', '.join(self.fields)})" if self.fields else ""
        return f"{sign} {self.kind} {self.key}{named}"


Path_ = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)


@dataclass
class Located:
    """A parsed file with the line on which each of its fields stands."""

    file: str
    data: Any
    lines: dict[Path_, int] = field(default_factory=dict[Path_, int])

    def line_of(self, path: Path_) -> int:
        """The line of a field, or of the nearest one around it that is written."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return 1

    def fault(self, path: Path_, message: str) -> Fault:
        return Fault(self.file, self.line_of(path), field_name(path), message)


def field_name(path: Path_) -> str:
    """`services[3].components.biaya_tarif` for the path of a field."""
    name = ""
    for part in path:
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else part
    return name or "(file)"


def _read_text(file: Path, name: str) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise PackError([Fault(name, 1, "(file)", "is missing; see docs/packs.md")]) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise PackError([Fault(name, line, "(file)", f"must be UTF-8: {error.reason}")]) from None


def read_yaml(file: Path, root: Path) -> Located:
    """A YAML file; `PackError` where it is missing or not YAML, or names a key twice."""
    name = str(file.relative_to(root))
    text = _read_text(file, name)
    # libyaml: ten times as fast as the parser in Python, and it bounds how deep a file may nest.
    loader = yaml.CSafeLoader(text)
    try:
        node = loader.get_single_node()
        located = Located(name, None if node is None else loader.construct_document(node))
        faults: list[Fault] = []
        if node is not None:
            _mark_lines(node, (), located, faults)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PackError([Fault(name, line, "(file)", str(error.problem))]) from None
    except (yaml.YAMLError, ValueError) as error:
        raise PackError([Fault(name, 1, "(file)", " ".join(str(error).split()))]) from None
    except RecursionError:
        message = "is nested too deeply, or an alias stands inside of what it names"
        raise PackError([Fault(name, 1, "(file)", message)]) from None
    if faults:
        raise PackError(faults)
    return located


def _mark_lines(node: yaml.Node, path: Path_, located: Located, faults: list[Fault]) -> None:
    located.lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            inner = (*path, str(key.value))
            located.lines[inner] = key.start_mark.line + 1
            if key.value in seen:
                faults.append(located.fault(inner, "stands twice; keep one"))
            seen.add(key.value)
            _mark_lines(value, inner, located, faults)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _mark_lines(value, (*path, index), located, faults)


def read_csv(file: Path, root: Path, *, name: str) -> Located:
    """A CSV file with a header as `{name: [row, ...]}`; an empty cell is None."""
    shown = str(file.relative_to(root))
    reader = csv.DictReader(io.StringIO(_read_text(file, shown), newline=""), strict=True)
    located = Located(shown, {name: []}, {(): 1, (name,): 1})
    try:
        for index, row in enumerate(reader):
            located.lines[(name, index)] = reader.line_num
            if None in row or None in row.values():
                raise PackError([located.fault((name, index), "wrong cell count")])
            located.data[name].append({key: value or None for key, value in row.items()})
    except csv.Error as error:
        fault = Fault(shown, reader.line_num + 1, "(file)", f"cannot be read: {error}")
        raise PackError([fault]) from None
    return located


def parse(located: Located, model: type[Model]) -> Model:
    """The file as a typed model; `PackError` with every field that does not fit."""
    try:
        return model.model_validate(located.data)
    except ValidationError as error:
        faults = [
            located.fault(
                place_in(located.data, item["loc"], missing=item["type"] == "missing"),
                _message(item["msg"], item.get("input")),
            )
            for item in error.errors()
        ]
        raise PackError(faults) from None


def _message(message: str, given: object) -> str:
    message = message.removeprefix("Value error, ")
    if isinstance(given, str | int | float | bool):
        return f"{message} (found {given!r})"
    return message


def unknown_references(
    located: Located,
    references: Iterable[tuple[Path_, str]],
    known: Iterable[str],
    *,
    what: str,
) -> list[Fault]:
    """A fault for each reference to something that the pack does not define."""
    defined = set(known)
    return [
        located.fault(path, f"there is no {what} {name!r} in this pack")
        for path, name in references
        if name not in defined
    ]


def repeated(located: Located, name: str, keys: Iterable[str], *, key: str = "slug") -> list[Fault]:
    """A fault for each item of the list `name` whose key stands before it already."""
    faults: list[Fault] = []
    first: dict[str, int] = {}
    for index, value in enumerate(keys):
        if first.setdefault(value, index) != index:
            line = located.line_of((name, first[value], key))
            faults.append(
                located.fault((name, index, key), f"{value!r} stands in line {line} already")
            )
    return faults


def content_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 of a document in canonical JSON (sorted keys, no spaces, UTF-8)."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def changes_between(
    kind: str, stored: Mapping[str, Mapping[str, Any]], wanted: Mapping[str, Mapping[str, Any]]
) -> list[Change]:
    """What has to happen to the stored documents of a kind so that they are the wanted ones."""
    changes = [Change(kind, key, "added") for key in wanted if key not in stored]
    for key, document in wanted.items():
        before = stored.get(key)
        if before is not None and before != document:
            names = sorted(before.keys() | document.keys())
            fields = tuple(name for name in names if before.get(name) != document.get(name))
            changes.append(Change(kind, key, "changed", fields))
    changes += [Change(kind, key, "removed") for key in stored if key not in wanted]
    return changes
