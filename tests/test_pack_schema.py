"""The published schemas: what the code reads, what the pack of Toba is, what both refuse."""

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from services.assessment.pack import read_evidence
from services.catalog.pack import read_catalog
from services.cli.app import app
from services.feedback.pack import read_feedback
from services.gateway.connectors.pack import read_connectors
from services.gateway.link_monitoring.pack import read_links
from services.pack_schema import FILE_KINDS, FileKind, schema_text
from services.platform.packs import Pack, PackError, parse, read_yaml
from services.platform.settings import ROOT
from tests.conftest import TOBA

SCHEMAS = ROOT / "packs" / "schema"
TOBA_FILES = [(kind, file) for kind in FILE_KINDS for file in sorted(TOBA.glob(kind.files))]


def read_pack(root: Path) -> None:
    """Read every part of a pack, as `emall load` does before it stores anything."""
    parse(read_yaml(root / "pack.yaml", root), Pack)
    catalog = read_catalog(root)
    read_connectors(root, services={each.slug: each.agency for each in catalog.services})
    read_links(root)
    read_feedback(root)
    read_evidence(root)


def content_of(file: Path) -> Any:
    """Return a YAML file as JSON, with dates as texts."""

    def as_text(value: object) -> str:
        assert isinstance(value, date)
        return value.isoformat()

    return json.loads(json.dumps(yaml.safe_load(file.read_text(encoding="utf-8")), default=as_text))


def faults_by_schema(kind: FileKind, file: Path) -> list[str]:
    schema = json.loads((SCHEMAS / f"{kind.name}.json").read_text(encoding="utf-8"))
    return [error.message for error in Draft202012Validator(schema).iter_errors(content_of(file))]


def shown(value: object) -> str:
    return value.name if isinstance(value, FileKind | Path) else str(value)


@pytest.mark.parametrize("kind", FILE_KINDS, ids=shown)
def test_a_published_schema_is_what_the_models_give_now(kind: FileKind) -> None:
    published = (SCHEMAS / f"{kind.name}.json").read_text(encoding="utf-8")
    assert published == schema_text(kind), "run `emall pack-schema packs/schema`"
    Draft202012Validator.check_schema(json.loads(published))
    assert json.loads(published)["$id"] == f"urn:emall:pack:{kind.name}"


def test_no_schema_is_published_that_nothing_reads() -> None:
    assert {file.name for file in SCHEMAS.iterdir()} == {f"{kind.name}.json" for kind in FILE_KINDS}


def test_the_command_writes_the_published_schemas(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["pack-schema", str(tmp_path / "made")])
    assert answer.exit_code == 0
    written = {file.name: file.read_text(encoding="utf-8") for file in tmp_path.glob("made/*")}
    assert written == {file.name: file.read_text(encoding="utf-8") for file in SCHEMAS.iterdir()}


def test_a_folder_that_cannot_be_written_is_reported_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    answer = CliRunner().invoke(app, ["pack-schema", str(tmp_path / "file" / "schema")])
    assert answer.exit_code == 1
    assert "Error: " in answer.output


def test_every_yaml_file_of_toba_has_a_schema() -> None:
    assert sorted(file for _, file in TOBA_FILES) == sorted(TOBA.rglob("*.yaml"))


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "file"), TOBA_FILES, ids=shown)
def test_a_file_of_toba_fits_its_schema_and_names_it_for_editors(
    kind: FileKind, file: Path
) -> None:
    assert faults_by_schema(kind, file) == []
    hint = file.read_text(encoding="utf-8").splitlines()[0]
    name = hint.removeprefix("# yaml-language-server: $schema=")
    assert (file.parent / name).resolve() == SCHEMAS / f"{kind.name}.json"


MISTAKES = [
    ("pack", "pack.yaml", "province_code: ", "provinc_code: "),
    ("sources", "sources.yaml", "publisher: Institut", "publsher: Institut"),
    ("agencies", "agencies.yaml", "kind: dinas", "kind: dians"),
    ("life-events", "life-events.yaml", "name: Menikah", "nama: Menikah"),
    ("places", "places.yaml", "confirmed: false", "confirmed: belum"),
    ("document-types", "document-types.yaml", "name_en: Family card", "nam_en: Family card"),
    ("general-components", "general-components.yaml", "fee_idr: 0", "fee_idr: nol"),
    ("links", "links.yaml", "url: https://oss.go.id", "url: oss.go.id"),
    ("connectors", "connectors.yaml", "measure: returned", "measure: retruned"),
    ("services", "services/pupr.yaml", "jangka_waktu:", "jangka_watku:"),
    ("services", "services/pupr.yaml", "working_days: 28", "working_days: 28 hari"),
    ("surveys", "surveys/skm.yaml", "kind: scale4", "kind: scale5"),
    ("evidence-stakeholders", "evidence/stakeholders.yaml", "sector: private", "sector: privat"),
    ("evidence-meetings", "evidence/meetings.yaml", "minutes: true", "minuts: true"),
    ("evidence-agreements", "evidence/agreements.yaml", "partner_sector:", "partner_sectro:"),
    ("evidence-decisions", "evidence/decisions.yaml", "precision: year", "precision: yaer"),
    ("evidence-programmes", "evidence/programmes.yaml", "partners:", "partner:"),
    ("evidence-risks", "evidence/risks.yaml", "risks: []", "risks: [{key: a}]"),
    ("evidence-recognitions", "evidence/recognitions.yaml", "given_by:", "given_bye:"),
    ("evidence-observations", "evidence/observations.yaml", "unit: share", "unit: percent"),
    (
        "evidence-declarations",
        "evidence/declarations.yaml",
        "declarations: []",
        "declarations: [{key: risks-2024, register_name: risk}]",
    ),
    ("evidence-index-values", "evidence/index-values.yaml", "value: 2.98", "value: baik"),
    (
        "evidence-index-levels",
        "evidence/index-levels.yaml",
        "index_levels: []",
        "index_levels: [{key: spbe-2020-2024-1, level: tiga}]",
    ),
    ("evidence-verdicts", "evidence/verdicts.yaml", "word: ada", "word: 3"),
]


def test_every_kind_of_file_is_tried_with_a_mistake() -> None:
    assert {name for name, *_ in MISTAKES} == {kind.name for kind in FILE_KINDS}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "path", "right", "wrong"), MISTAKES)
def test_a_typing_mistake_is_refused_by_the_schema_and_by_the_loader(
    tmp_path: Path, name: str, path: str, right: str, wrong: str
) -> None:
    root = Path(shutil.copytree(TOBA, tmp_path / "toba"))
    file = root / path
    content = file.read_text(encoding="utf-8")
    assert right in content
    file.write_text(content.replace(right, wrong, 1), encoding="utf-8")

    kind = next(kind for kind in FILE_KINDS if kind.name == name)
    assert faults_by_schema(kind, file) != []
    with pytest.raises(PackError) as caught:
        read_pack(root)
    assert {fault.file for fault in caught.value.issues} == {path}
