"""Reads and stores `connectors.yaml`: its sections are those of the registered connectors."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import create_model
from sqlalchemy import text

from services.gateway.connectors.base import ConnectorConfig, SourceConfig
from services.gateway.connectors.registry import source_connectors, system_connectors
from services.platform.database import WriteSession
from services.platform.packs import (
    Change,
    FieldPath,
    PackError,
    PackModel,
    SourceFile,
    changes_between,
    duplicates,
    parse,
    read_yaml,
    undefined_references,
)

STORED_SOURCES = """
-- The sources of a region.
SELECT slug, kind, content FROM gateway.connected_source WHERE region = :region
"""

STORE_SOURCE = """
-- A source as the pack describes it; a changed one is due at once, without validators.
INSERT INTO gateway.connected_source (region, slug, kind, content, due_at)
VALUES (:region, :slug, :kind, CAST(:content AS jsonb), now())
ON CONFLICT (region, slug) DO UPDATE SET kind = excluded.kind, content = excluded.content,
    due_at = excluded.due_at, validators = '{}', lease_id = NULL
"""

DELETE_SOURCE = """
-- A source that left the pack.
DELETE FROM gateway.connected_source WHERE region = :region AND slug = :slug
"""

STORED_CONFIGS = """
-- The configuration of each connector to a single system.
SELECT connector, content FROM gateway.connector_config WHERE region = :region
"""

STORE_CONFIG = """
-- The configuration of a connector as the pack describes it.
INSERT INTO gateway.connector_config (region, connector, content)
VALUES (:region, :connector, CAST(:content AS jsonb))
ON CONFLICT (region, connector) DO UPDATE SET content = excluded.content
"""

DELETE_CONFIG = """
-- The configuration of a connector that left the pack.
DELETE FROM gateway.connector_config WHERE region = :region AND connector = :connector
"""


def _file_model() -> type[PackModel]:
    fields: dict[str, Any] = {}
    for source in source_connectors():
        fields[source.section] = (list[source.config], [])
    for system in system_connectors():
        if system.config is not None:
            fields[system.name] = (system.config | None, None)
    return create_model("ConnectorFile", __base__=PackModel, __doc__="`connectors.yaml`", **fields)


ConnectorFile: type[PackModel] = _file_model()
"""Model of `connectors.yaml`: a list for each kind of source, an object for each system."""


def read_connectors(root: Path, *, services: Mapping[str, str]) -> PackModel:
    """Return a pack's `connectors.yaml` as a `ConnectorFile`, an empty one if there is none.

    Args:
        root: The pack's folder.
        services: Slugs of the pack's services, each with its agency.

    Raises:
        PackError: The file is invalid; lists every fault.
    """
    path = root / "connectors.yaml"
    if not path.exists():
        return ConnectorFile()
    parsed_file = read_yaml(path, root)
    connectors = parse(parsed_file, ConnectorFile)
    known_sources = [
        source.id for source in parse(read_yaml(root / "sources.yaml", root), SourceFile).sources
    ]
    names = {system.name for system in system_connectors()}
    faults = []
    for section, entries in _source_sections(connectors).items():
        slugs = [entry.slug for entry in entries]
        faults += duplicates(parsed_file, section, slugs)
        faults += [
            parsed_file.issue((section, index, "slug"), f"another connector is named {slug!r}")
            for index, slug in enumerate(slugs)
            if slug in names
        ]
        names |= set(slugs)
    cited = [
        ((*path, "sources", index), source)
        for path, config in _configs(connectors)
        for index, source in enumerate(config.sources)
    ]
    faults += undefined_references(parsed_file, cited, known_sources, kind="source")
    faults += [
        parsed_file.issue(
            (*path, *reference.path),
            f"{reference.agency} has no service {reference.service!r} in this pack",
        )
        for path, config in _configs(connectors)
        for reference in config.service_references()
        if services.get(reference.service) != reference.agency
    ]
    if faults:
        raise PackError(faults)
    return connectors


def _source_sections(connectors: PackModel) -> dict[str, list[SourceConfig]]:
    """Return the lists of sources by section."""
    return {each.section: getattr(connectors, each.section) for each in source_connectors()}


def _system_configs(connectors: PackModel) -> dict[str, ConnectorConfig]:
    """Return the configurations of single systems by name; without those that are left out."""
    named = {
        each.name: getattr(connectors, each.name)
        for each in system_connectors()
        if each.config is not None
    }
    return {name: config for name, config in named.items() if config is not None}


def _configs(connectors: PackModel) -> Iterator[tuple[FieldPath, ConnectorConfig]]:
    """Return every entry of the file with its place."""
    for section, entries in _source_sections(connectors).items():
        for index, entry in enumerate(entries):
            yield (section, index), entry
    for name, config in _system_configs(connectors).items():
        yield (name,), config


async def load_connectors(
    session: WriteSession, region: str, connectors: PackModel
) -> list[Change]:
    """Store a `ConnectorFile`, delete what is not in it, and return the changes."""
    return await _load_sources(session, region, connectors) + await _load_configs(
        session, region, connectors
    )


async def _load_sources(session: WriteSession, region: str, connectors: PackModel) -> list[Change]:
    of_region = {"region": region}
    rows = await session.execute(text(STORED_SOURCES), of_region)
    stored: dict[str, dict[str, Any]] = {
        row.slug: {"kind": row.kind, **row.content} for row in rows
    }
    kinds = {each.section: each.kind for each in source_connectors()}
    by_kind = {each.kind: each for each in source_connectors()}
    wanted = {
        entry.slug: {"kind": kinds[section], **entry.model_dump(mode="json")}
        for section, entries in _source_sections(connectors).items()
        for entry in entries
    }
    changes = changes_between("connector", stored, wanted)
    for change in changes:
        parameters = of_region | {"slug": change.key}
        if change.action == "removed":
            if (connector := by_kind.get(stored[change.key]["kind"])) is not None:
                await connector.delete_content(session, region, change.key)
            await session.execute(text(DELETE_SOURCE), parameters)
            continue
        content = dict(wanted[change.key])
        kind = content.pop("kind")
        await session.execute(
            text(STORE_SOURCE), parameters | {"kind": kind, "content": json.dumps(content)}
        )
    return changes


async def _load_configs(session: WriteSession, region: str, connectors: PackModel) -> list[Change]:
    of_region = {"region": region}
    rows = await session.execute(text(STORED_CONFIGS), of_region)
    stored: dict[str, dict[str, Any]] = {row.connector: row.content for row in rows}
    wanted = {
        name: config.model_dump(mode="json") for name, config in _system_configs(connectors).items()
    }
    changes = changes_between("connector", stored, wanted)
    for change in changes:
        parameters = of_region | {"connector": change.key}
        if change.action == "removed":
            await session.execute(text(DELETE_CONFIG), parameters)
        else:
            content = json.dumps(wanted[change.key])
            await session.execute(text(STORE_CONFIG), parameters | {"content": content})
    return changes
