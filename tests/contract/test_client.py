"""A client that a generator makes of the document does the evaluator's part of the walk."""

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from services.assessment.evidence.attached_files import DOCX
from services.platform.spreadsheets.model import ODS, XLSX
from tests.contract.conftest import RunningHub
from tests.servers import LOOPBACK

pytestmark = [pytest.mark.contract, pytest.mark.slow]

NAME = "emall_generated_client"
GRAPHML = "application/graphml+xml"


class Generated:
    """The generated package: its modules by name."""

    def module(self, path: str) -> ModuleType:
        return importlib.import_module(f"{NAME}.{path}")

    def call(self, operation: str, client: Any, *path: Any, **parameters: Any) -> Any:
        """Call an operation, such as `metrics.get_score`, and return its parsed response."""
        answer = self.module(f"api.{operation}").sync_detailed(*path, client=client, **parameters)
        assert answer.status_code < 300, answer.content
        assert answer.parsed is not None
        assert type(answer.parsed).__name__ != "Problem"
        return answer.parsed


@pytest.fixture(scope="module")
def generated(running: RunningHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Generated]:
    folder = tmp_path_factory.mktemp("client")
    document = folder / "openapi.json"
    document.write_bytes(LOOPBACK.get(f"{running.address}/openapi.json", timeout=30).content)
    # The generator knows files by one name alone.
    files = (
        XLSX,
        ODS,
        "text/csv",
        "application/atom+xml",
        "application/pdf",
        "application/zip",
        GRAPHML,
        "image/jpeg",
        "image/png",
        DOCX,
        "image/svg+xml",
        "image/webp",
    )
    overrides = dict.fromkeys(files, "application/octet-stream")
    config = {"post_hooks": [], "content_type_overrides": overrides}
    (folder / "config.yaml").write_text(json.dumps(config), encoding="utf-8")
    made = subprocess.run(
        [
            str(Path(sys.executable).with_name("openapi-python-client")),
            *("generate", "--path", str(document), "--output-path", str(folder / NAME)),
            *("--meta", "none", "--config", str(folder / "config.yaml"), "--fail-on-warning"),
        ],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    sys.path.insert(0, str(folder))
    yield Generated()
    sys.path.remove(str(folder))


def test_an_evaluator_walks_from_the_index_to_the_evidence_with_a_generated_client(
    generated: Generated, running: RunningHub
) -> None:
    anybody = generated.module("client").Client(base_url=running.address)
    evaluator = generated.module("client").AuthenticatedClient(
        base_url=running.address, token=running.key
    )

    methods = generated.call("metrics.list_methods", anybody).items
    assert "cgr-2015" in {method.id for method in methods}
    definition = generated.call("metrics.get_method", anybody, "cgr-2015").definition
    assert type(definition).__name__ == "CollaborationMethod"
    assert len(definition.drivers) == 4
    assert type(definition.drivers[0].indicators[0].measure).__name__ == "FirstOf"

    live = generated.call("metrics.get_collaboration_dynamics", anybody, period=2024)
    assert (live.period, len(live.scores.dimensions)) == (2024, 3)

    wanted = generated.module("models").AssessmentRequest(period=2024)
    stored = generated.call("metrics.post_assessment", evaluator, body=wanted)
    assert isinstance(stored.id, UUID)
    assert stored.evidence_hash == live.evidence_hash
    listed = generated.call("metrics.list_assessments", anybody, period=2024).items
    assert stored.id in {head.id for head in listed}
    assert generated.call("metrics.get_assessment", anybody, stored.id).scores == stored.scores

    nodes = generated.call("metrics.list_scores", anybody, stored.id).items
    valued = next(node for node in nodes if "." in node.code and node.value is not None)
    score = generated.call("metrics.get_score", anybody, stored.id, valued.code)
    assert score.node.value == valued.value
    assert score.evidence
    evidence = generated.call("metrics.list_assessment_evidence", anybody, stored.id).items
    keys = {(item.kind, item.key) for item in evidence}
    assert {(item.kind, item.key) for item in score.evidence} <= keys

    record = next(item for item in evidence if item.kind == "observations")
    found = generated.call(
        "evidence.get_observation",
        anybody,
        UUID(Path(urlsplit(record.href).path).name),
        version=record.version,
    )
    assert found.content.key == record.key
    source = generated.call("catalog.get_source", anybody, found.sources[0].id)
    assert source.title == found.sources[0].title

    spbe = generated.call("metrics.get_index", anybody, "spbe-2020")
    assert 1.69 in {value.value for value in spbe.values}
    assert len(generated.call("metrics.list_indices", anybody).items) >= 2
    dimension = generated.module("models").GetUsageSummaryGroupByItem
    summary = generated.call(
        "usage.get_usage_summary", anybody, group_by=[dimension.SERVICE, dimension.MONTH]
    )
    assert isinstance(summary.items, list)


def test_a_problem_is_a_typed_answer_of_a_generated_client(
    generated: Generated, running: RunningHub
) -> None:
    anybody = generated.module("client").Client(base_url=running.address)
    answer = generated.module("api.metrics.get_method").sync_detailed("nothing", client=anybody)
    assert answer.status_code == 404
    assert type(answer.parsed).__name__ == "Problem"
    assert "nothing" in answer.parsed.detail
    refused = generated.module("api.metrics.post_assessment").sync_detailed(
        client=anybody, body=generated.module("models").AssessmentRequest(period=2024)
    )
    assert (refused.status_code, refused.parsed.status) == (401, 401)
