"""Loading of a pack's evidence and methods: validation, then new versions of what differs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, ValidationError
from sqlalchemy import text

from services.assessment.evidence.confirmation_rules import confirmation_rules
from services.assessment.evidence.records import EVIDENCE, Evidence, IndexValue
from services.assessment.evidence.references import (
    KIND_OF_TARGET,
    Target,
    references_of,
)
from services.assessment.evidence.states import EvidenceState
from services.assessment.evidence.store import CURRENT_OF_KIND, add_version
from services.assessment.evidence.vocabularies import vocabularies_of
from services.assessment.method_store import PublicationError, publish_method
from services.assessment.methods.definition import AnyMethod
from services.assessment.methods.library import parse_method, read_methods
from services.assessment.methods.size import size_faults
from services.platform.database import WriteSession
from services.platform.ids import new_id
from services.platform.packs import (
    Change,
    PackError,
    PackIssue,
    PackModel,
    ParsedFile,
    Source,
    SourceFile,
    changes_between,
    duplicates,
    parse,
    read_yaml,
    undefined_references,
)
from services.platform.stored import parse_stored
from services.platform.types import Slug

STORED_SOURCES = """
-- Every source of a region.
SELECT id AS key, origin, content FROM assessment.source WHERE region = :region
"""

STORE_SOURCE = """
-- Stores a source of the pack.
INSERT INTO assessment.source (region, id, content)
VALUES (:region, :id, CAST(:content AS jsonb))
ON CONFLICT (region, id) DO UPDATE SET content = excluded.content
"""

REMOVE_SOURCE = """
-- Deletes a source that the pack no longer has.
DELETE FROM assessment.source WHERE region = :region AND id = :id
"""


class AgencySlug(PackModel):
    """An agency's slug, all that evidence needs of it."""

    model_config = ConfigDict(extra="ignore")

    slug: Slug


class AgencySlugFile(PackModel):
    """`agencies.yaml`"""

    agencies: list[AgencySlug]


@dataclass(frozen=True)
class PackMethod:
    """A method of a pack, with its file."""

    file: ParsedFile
    method: AnyMethod


@dataclass(frozen=True)
class EvidencePack:
    """The evidence of a pack and its methods, validated."""

    sources: tuple[Source, ...]
    records: Mapping[str, tuple[Evidence, ...]]
    methods: tuple[PackMethod, ...]


def read_evidence(root: Path) -> EvidencePack:
    """Read the evidence of a pack folder; `PackError` lists every issue."""
    sources = parse(read_yaml(root / "sources.yaml", root), SourceFile).sources
    agencies = parse(read_yaml(root / "agencies.yaml", root), AgencySlugFile).agencies
    methods, issues = _read_methods(root)
    files: dict[str, tuple[ParsedFile, tuple[Evidence, ...]]] = {}
    for kind, model in EVIDENCE.items():
        file = root / "evidence" / f"{kind}.yaml"
        if not file.exists():
            continue
        located = read_yaml(file, root)
        try:
            files[kind] = (located, _records(located, kind, model))
        except PackError as error:
            issues += error.issues
    known: dict[Target, set[str]] = {
        "source": {source.id for source in sources},
        "agency": {agency.slug for agency in agencies},
        "index": {*read_methods(), *(one.method.id for one in methods)},
    }
    for target, kind in KIND_OF_TARGET.items():
        # The keys of an invalid file are unknown, so references to them are not checked.
        if kind in files or not (root / "evidence" / f"{kind}.yaml").exists():
            known[target] = {record.key for record in files[kind][1]} if kind in files else set()
    vocabularies = vocabularies_of([*read_methods().values(), *(one.method for one in methods)])
    for kind, (located, records) in files.items():
        name = list_name(kind)
        issues += [
            located.issue((name, index, *path), str(message))
            for index, record in enumerate(records)
            for path, message in vocabularies.faults_of(record)
        ]
        issues += _repeated_values(located, name, records)
        issues += duplicates(located, name, [record.key for record in records], key="key")
        for target, keys in known.items():
            pointers = [
                ((name, index, *reference.path), reference.key)
                for index, record in enumerate(records)
                for reference in references_of(record)
                if reference.target == target
            ]
            issues += undefined_references(located, pointers, keys, kind=target)
    if issues:
        raise PackError(issues)
    records = {kind: records for kind, (_, records) in files.items()}
    return EvidencePack(tuple(sources), records, methods)


def _repeated_values(
    located: ParsedFile, name: str, records: Sequence[Evidence]
) -> Iterator[PackIssue]:
    """Yield an issue for each value of an index whose year and role another one has."""
    first: dict[tuple[str, int | None, str], str] = {}
    for at, record in enumerate(records):
        if isinstance(record, IndexValue):
            slot = (record.index, record.year, record.role)
            if (key := first.setdefault(slot, record.key)) != record.key:
                message = f"the {record.role} value of {record.index} stands in {key} already"
                yield located.issue((name, at, "year"), message)


def _read_methods(root: Path) -> tuple[tuple[PackMethod, ...], list[PackIssue]]:
    """Return the methods in `methods/*.yaml`, and the issues of those that are invalid."""
    methods: list[PackMethod] = []
    issues: list[PackIssue] = []
    for file in sorted((root / "methods").glob("*.yaml")):
        try:
            located = read_yaml(file, root)
            method = parse_method(located)
        except PackError as error:
            issues += error.issues
            continue
        issues += [located.issue((field,), detail) for field, detail in size_faults(method)]
        if method.id in read_methods():
            detail = "is a method of emall itself; choose another id"
            issues.append(located.issue(("id",), detail))
        methods.append(PackMethod(located, method))
    return tuple(methods), issues


def list_name(kind: str) -> str:
    """Return the name of the list in `evidence/<kind>.yaml`."""
    return kind.replace("-", "_")


def _records(located: ParsedFile, kind: str, model: type[Evidence]) -> tuple[Evidence, ...]:
    name = list_name(kind)
    data: Any = located.data
    if not isinstance(data, dict) or list(data) != [name] or not isinstance(data[name], list):
        raise PackError([located.issue((), f"must hold one list named {name}")])
    records: list[Evidence] = []
    issues: list[PackIssue] = []
    for index, entry in enumerate(data[name]):
        try:
            records.append(model.model_validate(entry))
        except ValidationError as error:
            issues += [
                located.issue(
                    (name, index, *item["loc"]), item["msg"].removeprefix("Value error, ")
                )
                for item in error.errors()
            ]
    if issues:
        raise PackError(issues)
    return tuple(records)


async def load_evidence(
    session: WriteSession, region: str, pack: EvidencePack, *, now: datetime
) -> list[Change]:
    """Replace the evidence from packs with this pack's; every difference is a new version.

    Records that agencies added or corrected over the API are not changed.
    """
    changes = await _load_methods(session, region, pack.methods, now=now)
    changes += await _load_sources(session, region, pack.sources)
    rules = confirmation_rules()
    sources = {source.id: source for source in pack.sources}
    for kind in EVIDENCE:
        rows = await session.execute(text(CURRENT_OF_KIND), {"region": region, "kind": kind})
        stored = {row.key: row for row in rows}
        records = {record.key: record for record in pack.records.get(kind, ())}
        declared = {key: record.model_dump(mode="json") for key, record in records.items()}
        found = _changes(kind, EVIDENCE[kind], stored, declared)
        for change in found:
            if change.action == "overridden":
                continue
            before, record = stored.get(change.key), records.get(change.key)
            state: EvidenceState = "withdrawn"
            if record is not None:
                confirmed = rules.is_confirmed_by_source(record, sources)
                state = "confirmed" if confirmed else "proposed"
            await add_version(
                session,
                region,
                kind,
                before.id if before is not None else new_id(),
                key=change.key,
                content=declared.get(change.key),
                state=state,
                origin="pack",
                recorded_by="pack",
                person=None,
                now=now,
            )
        changes += found
    return changes


async def _load_methods(
    session: WriteSession, region: str, methods: tuple[PackMethod, ...], *, now: datetime
) -> list[Change]:
    """Publish the versions that are new; one that was published stays, whatever the pack has."""
    changes: list[Change] = []
    for one in methods:
        try:
            _, is_new = await publish_method(
                session,
                region,
                one.method,
                origin="pack",
                published_by="pack",
                may_take_over=True,
                now=now,
            )
        except PublicationError as error:
            raise PackError([one.file.issue((error.field,), error.detail)]) from None
        if is_new:
            name = f"{one.method.id} version {one.method.version}"
            changes.append(Change("method", name, "added"))
    return changes


def _slot(kind: str, content: Mapping[str, Any] | None) -> tuple[Any, ...] | None:
    """Return what a value of an index is the only one of; None for other records."""
    if kind != "index-values" or content is None:
        return None
    return content["index"], content["year"], content["role"]


async def _load_sources(
    session: WriteSession, region: str, sources: tuple[Source, ...]
) -> list[Change]:
    rows = await session.execute(text(STORED_SOURCES), {"region": region})
    stored = {row.key: row for row in rows}
    declared = {source.id: source.model_dump(mode="json") for source in sources}
    changes = _changes("evidence source", Source, stored, declared)
    for change in changes:
        key = {"region": region, "id": change.key}
        if change.action == "removed":
            await session.execute(text(REMOVE_SOURCE), key)
        elif change.action != "overridden":
            content = json.dumps(declared[change.key])
            await session.execute(text(STORE_SOURCE), key | {"content": content})
    return changes


def _changes(
    kind: str,
    model: type[PackModel] | type[Evidence],
    stored: Mapping[str, Any],
    declared: Mapping[str, Mapping[str, Any]],
) -> list[Change]:
    """Return the changes to the pack's records, and those overridden by API edits.

    What is stored counts as this version would store it: fields that are new in it are no change
    of the pack, and would be a version that nobody has confirmed.
    """
    from_packs = {
        key: parse_stored(model, row.content).model_dump(mode="json")
        for key, row in stored.items()
        if row.origin == "pack"
    }
    from_agencies = {key: row.content for key, row in stored.items() if row.origin == "api"}
    held = {slot for content in from_agencies.values() if (slot := _slot(kind, content))}
    own = {
        key: content
        for key, content in declared.items()
        if key not in from_agencies and _slot(kind, content) not in held
    }
    kept = [
        Change(kind, key, "overridden")
        for key, content in declared.items()
        if key not in own and from_agencies.get(key) != content
    ]
    return [*changes_between(kind, from_packs, own), *kept]
