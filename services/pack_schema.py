"""The published shape of a pack: a JSON Schema for each kind of file, from the models that read it.

Editors complete and check a pack by these schemas, and other programs can too. Rules between
fields and between files (an agency that is named must exist) are checked by `emall load` alone.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, create_model

from services.assessment.evidence.records import EVIDENCE
from services.assessment.pack import list_name
from services.catalog.records import AgencyFile, LifeEventFile, ServiceFile
from services.feedback.surveys.definition import Survey
from services.gateway.connectors.pack import ConnectorFile
from services.gateway.link_monitoring.records import LinkFile
from services.platform.packs import Pack, PackModel, SourceFile

DIALECT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True)
class FileKind:
    """A kind of file in a pack."""

    name: str
    """The schema's name: `packs/schema/<name>.json`."""
    files: str
    """Where such files lie in a pack, as a glob."""
    title: str
    description: str
    model: type[BaseModel]

    def schema(self) -> dict[str, Any]:
        """The JSON Schema, draft 2020-12, of these files."""
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
    FileKind("pack", "pack.yaml", "Head of a pack", "Which regency the pack describes.", Pack),
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
        "Moments that make somebody need services, in the order of the pages.",
        LifeEventFile,
    ),
    FileKind(
        "links",
        "links.yaml",
        "Links",
        "Portals and applications that others run; some are the e-Mall's own portals.",
        LinkFile,
    ),
    FileKind(
        "connectors",
        "connectors.yaml",
        "Connectors",
        "Websites whose announcements are shown, sources of statistics, how OSS counts.",
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
"""Every kind of YAML file that a pack may have."""


def write_schemas(folder: Path) -> Iterator[Path]:
    """Writes `<name>.json` for each kind of file into the folder; gives each path."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind in FILE_KINDS:
        file = folder / f"{kind.name}.json"
        file.write_text(schema_text(kind), encoding="utf-8")
        yield file


def schema_text(kind: FileKind) -> str:
    """A schema as it stands in its file: the same bytes for the same models."""
    return json.dumps(kind.schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
