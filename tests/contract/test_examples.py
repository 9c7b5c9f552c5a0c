"""The examples of the document: every body and answer has one that fits, and the hub takes it."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from jsonschema import Draft202012Validator

from services.gateway.connectors.mocks.oss import create_oss_mock
from services.platform.scopes import SCOPES, Scope
from tests.conftest import Server
from tests.contract.document import unified_document_at_rest
from tests.contract.files_of_others import FILES, FOR_AN_AGENCY, PLACES_OF_FILES
from tests.contract.sending import (
    CHANGED,
    FORM,
    JSON,
    KINDS_OF_EVIDENCE,
    PLACES,
    Sender,
    nowhere,
    of_an_attachment,
    of_anothers_assessment,
)
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


FOR_ANY_AGENCY = {
    "post_source", "post_method", "post_assessment", "post_scenario", "post_evidence_dispute",
    "post_evidence_confirmation", "post_assessment_draft",
    "put_statistic_draft", "check_statistic_draft", "submit_statistic_draft",
    "approve_statistic_draft", "reopen_statistic_draft",
    *(f"post_{kind}" for kind in KINDS_OF_EVIDENCE if kind not in ("index_value", "declaration")),
}  # fmt: skip
"""Operations that make something of the caller's own, or are every agency's right."""
assert set(OPERATIONS) >= FOR_ANY_AGENCY
CONFLICTING = {
    "decide_held_survey_responses", "post_comment_forwardings",  # an error of each item
    "post_declaration", "post_index_value",  # the key of the example is in use
}  # fmt: skip
"""Operations that may answer 409 instead."""
RECORDS_OF_THE_CATALOGUE = ("service", "agency", "life_event", "place", "link")
ONLY_FOR_ADMINISTRATORS = (
    "cancel_maintenance", "delete_webhook", "send_webhook_again", "delete_invitation",
    "delete_session", "delete_bundle",
)  # fmt: skip
IDS = ("maintenance", "webhook", "event", "id")
OF_OTHERS = [
    (operation_id, media_type)
    for operation_id, media_type in BODIES
    if {} not in OPERATIONS[operation_id]["security"]
    and operation_id not in FOR_ANY_AGENCY
    and not operation_id.startswith("oss_receive_")  # with a token of OSS
]


@pytest.mark.parametrize(("operation_id", "media_type"), OF_OTHERS)
def test_a_key_of_another_agency_is_refused(
    sender: Sender, operation_id: str, media_type: str
) -> None:
    answer = sender.send(operation_id, media_type, more=key_of_another_agency(sender))
    refused = {403, 404, 409} if operation_id in CONFLICTING else {403, 404}
    assert answer.status_code in refused, answer.text


def send_file(
    sender: Sender, operation_id: str, headers: dict[str, str], *, in_form: bool
) -> httpx.Response:
    """Send a file with what another agency has, as the body or as a part of a form."""
    media_type, content_of, _ = FILES[operation_id]
    method, path, _ = sender.operations[operation_id]
    address = path.format(**PLACES_OF_FILES.get(operation_id, nowhere)(sender))
    query, content = FOR_AN_AGENCY.get(operation_id, {}), content_of(sender)
    if in_form:
        file = {"file": ("berkas", content, media_type)}
        return sender.client.request(method, address, params=query, headers=headers, files=file)
    headers = headers | {"Content-Type": media_type}
    return sender.client.request(method, address, params=query, headers=headers, content=content)


def test_every_operation_that_reads_a_file_is_tried_with_a_key_of_another_agency() -> None:
    with_files = {
        operation_id
        for operation_id, operation in OPERATIONS.items()
        if "multipart/form-data" in operation.get("requestBody", {}).get("content", {})
    }
    assert with_files == FILES.keys()
    # So that every write is in one of the tables: with an example, with a file, without a body.
    assert with_files.isdisjoint(operation_id for operation_id, _ in BODIES)
    assert all(
        operation_id in with_files or any(operation_id == known for known, _ in BODIES)
        for operation_id, operation in OPERATIONS.items()
        if "requestBody" in operation
    )


@pytest.mark.slow
@pytest.mark.parametrize("in_form", [False, True], ids=["body", "form"])
@pytest.mark.parametrize("operation_id", FILES)
def test_a_file_that_changes_what_another_agency_has_is_refused(
    sender: Sender, operation_id: str, in_form: bool
) -> None:
    refused = send_file(sender, operation_id, key_of_another_agency(sender), in_form=in_form)
    assert refused.status_code == FILES[operation_id][2], refused.text
    assert send_file(sender, operation_id, {}, in_form=in_form).status_code == 401
    of_surveys = sender.hub.auth("dukcapil", "surveys:collect")
    # A ticket's secret would do instead of the scope.
    lacking = 401 if operation_id == "post_comment_attachment" else 403
    assert send_file(sender, operation_id, of_surveys, in_form=in_form).status_code == lacking


WITHOUT_BODY: dict[str, Callable[[Sender], dict[str, str]]] = {
    **{f"delete_{kind}": PLACES[f"put_{kind}"] for kind in RECORDS_OF_THE_CATALOGUE},
    "delete_draft": PLACES["put_draft"],
    "submit_draft": PLACES["put_draft"],
    "publish_draft": PLACES["refuse_draft"],
    "delete_announcement_draft": PLACES["put_announcement_draft"],
    "submit_announcement_draft": PLACES["put_announcement_draft"],
    "publish_announcement_draft": PLACES["refuse_announcement_draft"],
    "delete_meeting_plan": PLACES["put_meeting_plan"],
    "mail_meeting_invitation": PLACES["put_meeting_plan"],
    "open_attendance_list": PLACES["put_meeting_plan"],
    "close_attendance_list": PLACES["put_meeting_plan"],
    "check_link": PLACES["put_link"],
    "poll_connector": PLACES["override_breaker"],
    "delete_assessment_draft": of_anothers_assessment,
    "delete_evidence_attachment": of_an_attachment,
    "delete_key": PLACES["rotate_key"],
    "delete_publisher": PLACES["put_publisher"],
    "delete_survey_round": PLACES["put_survey_round"],
    "delete_survey_invitation": lambda sender: (
        PLACES["post_survey_invitations"](sender) | {"code": "not-there"}
    ),
    "read_comment_contact": PLACES["change_comment_state"],
    "unpublish_comment": PLACES["publish_comment"],
    **dict.fromkeys(ONLY_FOR_ADMINISTRATORS, lambda _: dict.fromkeys(IDS, str(uuid4()))),
}
"""What stands in the address of a write without a body."""


def test_every_write_without_a_body_is_tried_with_a_key_of_another_agency() -> None:
    """Evidence is tried below."""
    writes = {
        operation["operationId"]
        for operations in document["paths"].values()
        for method, operation in operations.items()
        if method in {"post", "put", "delete"}
        and "requestBody" not in operation
        and {} not in operation["security"]
    }
    of_evidence = {f"delete_{kind}" for kind in KINDS_OF_EVIDENCE}
    assert writes == {*WITHOUT_BODY, *of_evidence, "publish_assessment_draft"}


@pytest.mark.parametrize("operation_id", WITHOUT_BODY)
def test_a_key_of_another_agency_is_refused_without_a_body(
    sender: Sender, operation_id: str
) -> None:
    method, path, _ = sender.operations[operation_id]
    address = path.format(**WITHOUT_BODY[operation_id](sender))
    headers = key_of_another_agency(sender) | {"If-Match": "*"}
    answer = sender.client.request(method, address, headers=headers)
    # Of another agency's keys it is not told that they exist.
    assert answer.status_code == (404 if operation_id == "delete_key" else 403), answer.text


@pytest.mark.parametrize("kind", KINDS_OF_EVIDENCE)
def test_evidence_is_withdrawn_by_its_own_agency_alone(sender: Sender, kind: str) -> None:
    where = PLACES[f"put_{kind}"](sender)
    _, path, _ = sender.operations[f"delete_{kind}"]
    headers = key_of_another_agency(sender) | {"If-Match": "*"}
    answer = sender.client.delete(path.format(**where), headers=headers)
    assert answer.status_code == 403, answer.text


def key_of_another_agency(sender: Sender) -> dict[str, str]:
    """Return a key with every scope but `admin`, of an agency that made nothing of the examples."""
    scopes: list[Scope] = [scope for scope in SCOPES if scope != "admin"]
    return sender.hub.auth("disnaker", *scopes)
