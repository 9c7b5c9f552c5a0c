"""The examples of the document: every body and answer has one that fits, and the hub takes it."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from services.gateway.connectors.mocks.oss import create_oss_mock
from tests.conftest import Server
from tests.contract.document import unified_document_at_rest
from tests.contract.sending import CHANGED, FORM, JSON, PLACES, Sender
from tests.gateway.test_oss import connected
from tests.servers import serving

pytestmark = pytest.mark.contract

document = unified_document_at_rest()
OPERATIONS: dict[str, dict[str, Any]] = {
    operation["operationId"]: operation
    for operations in document["paths"].values()
    for operation in operations.values()
}
BODIES = [
    (operation_id, media_type)
    for operation_id, operation in OPERATIONS.items()
    for media_type in operation.get("requestBody", {}).get("content", {})
    if media_type == FORM or media_type.endswith("json")
]


def contents() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the content of each request body and successful response, with its name."""
    for operation_id, media_type in BODIES:
        content = OPERATIONS[operation_id]["requestBody"]["content"][media_type]
        yield f"{operation_id} takes {media_type}", content
    for operation_id, operation in OPERATIONS.items():
        for status, response in operation["responses"].items():
            if status < "300" and (content := response.get("content", {}).get(JSON)):
                yield f"{operation_id} answers {status}", content


def faults_of(example: Any, schema: dict[str, Any]) -> list[str]:
    whole = schema | {"components": document["components"]}
    validator = Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(example)]


def test_every_json_body_and_answer_has_an_example_that_fits_its_schema() -> None:
    found = list(contents())
    assert [place for place, content in found if "example" not in content] == []
    faults = {place: faults_of(content["example"], content["schema"]) for place, content in found}
    assert {place: wrong for place, wrong in faults.items() if wrong} == {}
    assert len(found) > 200


def test_a_problem_has_an_example_that_fits_its_schema() -> None:
    schema = document["components"]["schemas"]["Problem"]
    [example] = schema["examples"]
    assert example["errors"]
    assert faults_of(example, schema) == []


def test_what_is_prepared_for_an_example_belongs_to_an_operation() -> None:
    assert {*PLACES, *CHANGED} <= {operation_id for operation_id, _ in BODIES}


@pytest.fixture(scope="module")
def sender(server: Server, toba: str) -> Iterator[Sender]:
    """Provide a sender to a hub with the Toba pack that is connected to the mock of OSS."""
    with (
        server.database_from(toba) as name,
        serving(create_oss_mock(), grace=0) as oss,
        connected(server.settings(name), oss) as hub,
    ):
        yield Sender(hub, document)


@pytest.mark.parametrize(("operation_id", "media_type"), BODIES)
def test_the_hub_takes_the_example_of_a_body(
    sender: Sender, operation_id: str, media_type: str
) -> None:
    answer = sender.send(operation_id, media_type)
    assert answer.is_success, answer.text
    if operation_id.startswith("oss_receive_"):
        [reported] = answer.json().values()
        assert reported["kode"] == "200", reported
