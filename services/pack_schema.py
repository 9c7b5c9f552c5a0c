"""JSON Schemas of a pack's files, generated from the models that parse them.

Editors use them for completion and validation. Rules between fields and files (a referenced agency
must exist) are checked only by `emall load`.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, create_model

from services.assessment.evidence.records import EVIDENCE
from services.assessment.pack import list_name
from services.catalog.records import (
    AgencyFile,
    DocumentTypeFile,
    GeneralComponentFile,
    LifeEventFile,
    PlaceFile,
    ServiceFile,
)
from services.feedback.surveys.definition import Survey
from services.gateway.connectors.pack import ConnectorFile
from services.gateway.link_monitoring.records import LinkFile
from services.platform.packs import Pack, PackModel, SourceFile

DIALECT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True)
class FileKind:
    """One type of file in a pack."""

    name: str
    """Name of the schema: `packs/schema/<name>.json`."""
    files: str
    """Glob of these files in a pack."""
    title: str
    description: str
    model: type[BaseModel]

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema (draft 2020-12) of these files."""
        return {
            **self.model.model_json_schema(),
            "$schema": DIALECT,
            "$id": f"urn:emall:pack:{self.name}",
            "title": self.title,
            "description": f"{self.description} (`{self.files}`)",
        }


def _evidence_kind(kind: str, model: type[BaseModel]) -> FileKind:
    fields: dict[str, Any] = {list_name(kind): (list[model], ...)}
    meaning = (model.__doc__ or "").strip().splitlines()[0]
    return FileKind(
        name=f"evidence-{kind}",
        files=f"evidence/{kind}.yaml",
        title=f"Evidence: {kind}",
        description=f"Each entry: {meaning[:1].lower()}{meaning[1:]}",
        model=create_model(f"{model.__name__}File", __base__=PackModel, **fields),
    )


FILE_KINDS: tuple[FileKind, ...] = (
    FileKind("pack", "pack.yaml", "Head of a pack", "The regency that the pack describes.", Pack),
    FileKind(
        "sources",
        "sources.yaml",
        "Sources",
        "Regulations, studies and sites; everything else in the pack cites them by id.",
        SourceFile,
    ),
    FileKind(
        "agencies",
        "agencies.yaml",
        "Agencies",
        "The agencies (OPD) of the regency, and national offices in it.",
        AgencyFile,
    ),
    FileKind(
        "life-events",
        "life-events.yaml",
        "Life events",
        "Life events that lead to services, in the order of the pages.",
        LifeEventFile,
    ),
    FileKind(
        "document-types",
        "document-types.yaml",
        "Document types",
        "Types of document that services require or issue.",
        DocumentTypeFile,
    ),
    FileKind(
        "general-components",
        "general-components.yaml",
        "General components",
        "Components that a regulation states for all services of a kind; services name them.",
        GeneralComponentFile,
    ),
    FileKind(
        "places",
        "places.yaml",
        "Places",
        "Offices and counters at which services are given.",
        PlaceFile,
    ),
    FileKind(
        "links",
        "links.yaml",
        "Links",
        "Portals and applications of other operators; some belong to the e-Mall.",
        LinkFile,
    ),
    FileKind(
        "connectors",
        "connectors.yaml",
        "Connectors",
        "Websites with announcements, sources of statistics, counting rules of OSS.",
        ConnectorFile,
    ),
    FileKind(
        "services",
        "services/*.yaml",
        "Services",
        "Public services, with the published components of their standard.",
        ServiceFile,
    ),
    FileKind("surveys", "surveys/*.yaml", "Survey", "One survey: its questions.", Survey),
    *(_evidence_kind(kind, model) for kind, model in EVIDENCE.items()),
)
"""Every type of YAML file in a pack."""


def write_schemas(folder: Path) -> Iterator[Path]:
    """Write `<name>.json` for each type of file; yield each path."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind in FILE_KINDS:
        file = folder / f"{kind.name}.json"
        file.write_text(schema_text(kind), encoding="utf-8")
        yield file


def schema_text(kind: FileKind) -> str:
    """Return the text of a schema file; reproducible for the same models."""
    return json.dumps(kind.schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
