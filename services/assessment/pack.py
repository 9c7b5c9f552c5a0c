"""Loads the evidence of a pack: checks it whole, then stores what differs as new versions."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, ValidationError
from sqlalchemy import text

from services.assessment.evidence.records import (
    EVIDENCE,
    Agreement,
    Evidence,
    IndexValue,
    Meeting,
    Programme,
    Stakeholder,
)
from services.assessment.evidence.store import STORED, add_version
from services.assessment.methods.library import read_methods
from services.platform.database import WriteSession
from services.platform.fields import Slug
from services.platform.ids import new_id
from services.platform.packs import (
    Change,
    Fault,
    Located,
    PackError,
    PackModel,
    Path_,
    Source,
    SourceFile,
    changes_between,
    parse,
    read_yaml,
    repeated,
    unknown_references,
)

STORED_SOURCES = """
-- Every source that evidence may cite.
SELECT id, content FROM assessment.source WHERE region = :region
"""

STORE_SOURCE = """
-- A source as the pack gives it.
INSERT INTO assessment.source (region, id, content)
VALUES (:region, :id, CAST(:content AS jsonb))
ON CONFLICT (region, id) DO UPDATE SET content = excluded.content
"""

REMOVE_SOURCE = """
-- A source that the pack no longer has.
DELETE FROM assessment.source WHERE region = :region AND id = :id
"""


class AgencySlug(PackModel):
    """Of an agency the evidence needs its name alone."""

    model_config = ConfigDict(extra="ignore")

    slug: Slug


class AgencySlugFile(PackModel):
    """`agencies.yaml`"""

    agencies: list[AgencySlug]


@dataclass(frozen=True)
class EvidencePack:
    """The evidence of a pack, checked."""

    sources: tuple[Source, ...]
    records: Mapping[str, tuple[Evidence, ...]]


def read_evidence(root: Path) -> EvidencePack:
    """The evidence under this folder; `PackError` with every fault that was found."""
    sources = parse(read_yaml(root / "sources.yaml", root), SourceFile).sources
    agencies = parse(read_yaml(root / "agencies.yaml", root), AgencySlugFile).agencies
    known: dict[str, set[str]] = {
        "source": {source.id for source in sources},
        "agency": {agency.slug for agency in agencies},
        "index": set(read_methods()),
    }
    faults: list[Fault] = []
    files: dict[str, tuple[Located, tuple[Evidence, ...]]] = {}
    for kind, model in EVIDENCE.items():
        file = root / "evidence" / f"{kind}.yaml"
        if not file.exists():
            continue
        located = read_yaml(file, root)
        try:
            files[kind] = (located, _records(located, kind, model))
        except PackError as error:
            faults += error.faults
    for kind in ("stakeholders", "decisions"):
        if kind in files:
            known[kind] = {record.key for record in files[kind][1]}
        elif not (root / "evidence" / f"{kind}.yaml").exists():
            known[kind] = set()
    for kind, (located, records) in files.items():
        keys = [record.key for record in records]
        faults += repeated(located, field_of(kind), keys, key="key")
        for what, references in _references(field_of(kind), records).items():
            if what in known:  # what a faulty file defines is not known, so nothing can lack there
                faults += unknown_references(
                    located, references, known[what], what=what.removesuffix("s")
                )
    if faults:
        raise PackError(faults)
    return EvidencePack(tuple(sources), {kind: records for kind, (_, records) in files.items()})


def field_of(kind: str) -> str:
    """The name of the list in `evidence/<kind>.yaml`."""
    return kind.replace("-", "_")


def _records(located: Located, kind: str, model: type[Evidence]) -> tuple[Evidence, ...]:
    name = field_of(kind)
    data: Any = located.data
    if not isinstance(data, dict) or list(data) != [name] or not isinstance(data[name], list):
        raise PackError([located.fault((), f"must hold one list named {name}")])
    records: list[Evidence] = []
    faults: list[Fault] = []
    for index, entry in enumerate(data[name]):
        try:
            records.append(model.model_validate(entry))
        except ValidationError as error:
            faults += [
                located.fault(
                    (name, index, *item["loc"]), item["msg"].removeprefix("Value error, ")
                )
                for item in error.errors()
            ]
    if faults:
        raise PackError(faults)
    return tuple(records)


def _references(name: str, records: tuple[Evidence, ...]) -> dict[str, list[tuple[Path_, str]]]:
    """What the records point at, by the kind of thing, with the path of each pointer."""
    found: dict[str, list[tuple[Path_, str]]] = {
        "source": [],
        "agency": [],
        "stakeholders": [],
        "decisions": [],
        "index": [],
    }
    for index, record in enumerate(records):
        at: Path_ = (name, index)
        found["source"] += [((*at, "sources", n), s) for n, s in enumerate(record.sources)]
        match record:
            case Stakeholder():
                if record.role_decision is not None:
                    found["decisions"].append(((*at, "role_decision"), record.role_decision))
                if record.agency is not None:
                    found["agency"].append(((*at, "agency"), record.agency))
            case Agreement(parties=parties):
                found["stakeholders"] += [((*at, "parties", n), p) for n, p in enumerate(parties)]
            case Programme(partners=partners):
                found["stakeholders"] += [((*at, "partners", n), p) for n, p in enumerate(partners)]
            case Meeting():
                found["stakeholders"] += [
                    ((*at, "attendance", n, "stakeholder"), one.stakeholder)
                    for n, one in enumerate(record.attendance or ())
                ]
                if record.led_by is not None:
                    found["stakeholders"].append(((*at, "led_by"), record.led_by))
            case IndexValue():
                found["index"].append(((*at, "index"), record.index))
            case _:
                pass
    return found


async def load_evidence(
    session: WriteSession, region: str, pack: EvidencePack, *, now: datetime
) -> list[Change]:
    """Makes the evidence that came from packs this pack's; every difference is a new version."""
    changes = await _load_sources(session, region, pack.sources)
    for kind in EVIDENCE:
        rows = await session.execute(text(STORED), {"region": region, "kind": kind})
        stored = {row.key: row for row in rows}
        wanted = {
            record.key: record.model_dump(mode="json") for record in pack.records.get(kind, ())
        }
        found = changes_between(kind, {key: row.content for key, row in stored.items()}, wanted)
        for change in found:
            before = stored.get(change.key)
            await add_version(
                session,
                region,
                kind,
                before.id if before is not None else new_id(),
                key=change.key,
                content=wanted.get(change.key),
                now=now,
            )
        changes += found
    return changes


async def _load_sources(
    session: WriteSession, region: str, sources: tuple[Source, ...]
) -> list[Change]:
    rows = await session.execute(text(STORED_SOURCES), {"region": region})
    wanted = {source.id: source.model_dump(mode="json") for source in sources}
    changes = changes_between("evidence source", dict(rows.tuples().all()), wanted)
    for change in changes:
        key = {"region": region, "id": change.key}
        if change.action == "removed":
            await session.execute(text(REMOVE_SOURCE), key)
        else:
            content = json.dumps(wanted[change.key])
            await session.execute(text(STORE_SOURCE), key | {"content": content})
    return changes
