"""What a client names so that something is made once is its own, and means one content."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.gateway.connectors.mocks.oss import create_oss_mock
from tests.conftest import Server
from tests.contract.document import unified_document_at_rest
from tests.contract.sending import FORM, JSON, KINDS_OF_EVIDENCE, Sender
from tests.gateway.test_oss import connected
from tests.servers import serving

pytestmark = pytest.mark.contract

document = unified_document_at_rest()
POSTS: dict[str, dict[str, Any]] = {
    operations["post"]["operationId"]: operations["post"]
    for operations in document["paths"].values()
    if "post" in operations
}

BY_KEY: dict[str, dict[str, Any]] = {
    "send_oss_license_status": {"keterangan": "Lain."},
    "send_oss_license": {"nomor_izin": "503/18/DPMPTSP/2026"},
    "create_key": {"days": 30},
    "create_key_link": {"days": 7},
    "rotate_key": {"overlap_days": 3},
    "create_invitation": {"email": "lain@contoh.go.id"},
    "create_handover": {"disable": False},
    "create_webhook": {"url": "https://status.tobakab.example/other"},
    "open_incident": {"title": "Gangguan lain"},
    "plan_maintenance": {"text": "Pemeliharaan lain."},
    "post_rating_tokens": {"count": 3},
    "post_survey_follow_up": {"action": "Menambah satu loket."},
    "post_comment": {"text": "Something else."},
    "post_comment_reply": {"text": "Something else."},
    "post_open311_request": {"description": "Something else."},
    "post_assessment": {"seed": 99},
    "post_assessment_draft": {"seed": 99},
    "post_scenario": {"target": 61},
    "retract_usage": {"reason": "Another reason."},
    **{f"post_{kind}": {"sources": ["study-2025", "website-toba"]} for kind in KINDS_OF_EVIDENCE},
}
"""Operations that take an Idempotency-Key, and what makes their example another content."""

SHOWN_ONCE: dict[str, Callable[[Any], list[str]]] = {
    "create_key": lambda made: [made["key"]],
    "create_key_link": lambda made: [made["link"], made["code"]],
    "rotate_key": lambda made: [made["key"]],
    "create_invitation": lambda made: [made["link"]],
    "post_rating_tokens": lambda made: [one["token"] for one in made["items"]],
}
"""Operations whose answer holds secrets that are stored as hashes, and where they stand."""

BY_ID: dict[str, dict[str, Any]] = {
    "post_source": {"title": "Another source"},
    **{f"post_{kind}": {"sources": ["study-2025", "website-toba"]} for kind in KINDS_OF_EVIDENCE},
}
"""Operations whose body has the id of what they make, and what makes it another content."""

ONE_OF_ITS_YEAR: dict[str, dict[str, Any]] = {
    "post_declaration": {"key": "meetings-2024", "year": 2024},
    "post_index_level": {"key": "spbe-2020-2025-12", "indicator": 12},
    "post_index_value": {"year": 2028},
}
"""Operations that make one record of a year, and another year than their example's."""


@pytest.fixture(scope="module")
def sender(server: Server, toba: str) -> Iterator[Sender]:
    """Provide a sender to a hub of its own."""
    with (
        server.database_from(toba) as name,
        serving(create_oss_mock(), grace=0) as oss,
        connected(server.settings(name), oss) as hub,
    ):
        yield Sender(hub, document)


@pytest.fixture(scope="module")
def somebody_else(sender: Sender) -> dict[str, str]:
    """Return the header of another administrator's key."""
    return sender.hub.auth("dukcapil", "admin")


def test_every_operation_that_takes_an_idempotency_key_is_tested() -> None:
    taking = {
        operation_id
        for operation_id, operation in POSTS.items()
        if any(given["name"] == "Idempotency-Key" for given in operation.get("parameters", ()))
    }
    assert taking == BY_KEY.keys()


def media_type_of(operation_id: str) -> str:
    return FORM if FORM in POSTS[operation_id]["requestBody"]["content"] else JSON


def made_by(answer: httpx.Response) -> set[str]:
    """Return the ids and secrets in an answer by which it is somebody's."""
    found = answer.json()
    [first] = found if isinstance(found, list) else [found]
    names = ("id", "key", "ticket", "token", "service_request_id")
    values = {first[name] for name in names if name in first}
    return values | (
        {answer.headers["Ticket-Token"]} if "Ticket-Token" in answer.headers else set()
    )


@pytest.mark.parametrize("operation_id", BY_KEY)
def test_an_idempotency_key_is_its_callers_own_and_means_one_content(
    sender: Sender, somebody_else: dict[str, str], operation_id: str
) -> None:
    media_type = media_type_of(operation_id)
    named = {"Idempotency-Key": "my-word-1"}  # the same in every operation
    body = sender.example(operation_id, media_type)
    where = sender.place(operation_id)

    def send(change: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
        return sender.send(
            operation_id, media_type, body=body | change, where=where, more=named | headers
        )

    first = send({}, {})
    assert first.is_success, first.text
    again = send({}, {})
    if operation_id in SHOWN_ONCE:
        assert again.status_code == 409
        assert not [one for one in SHOWN_ONCE[operation_id](first.json()) if one in again.text]
    else:
        assert again.is_success
        assert made_by(again) == made_by(first)
    other = send(BY_KEY[operation_id], {})
    assert other.status_code == 409
    told = other.json()
    if isinstance(told, list):  # in the form of GeoReport
        assert [error["description"].partition(":")[0] for error in told] == ["Idempotency-Key"]
    else:
        assert [error["parameter"] for error in told["errors"]] == ["Idempotency-Key"]
    # Somebody else makes something else, or is told that it exists, and gets no secret.
    theirs = send({}, somebody_else)
    assert theirs.is_success or theirs.status_code == 409
    mine = made_by(first) - {body.get("key"), *where.values()}
    if theirs.is_success:
        assert not made_by(theirs) & mine
    else:
        assert not [one for one in mine if len(one) > 20 and one in theirs.text]


@pytest.mark.parametrize("operation_id", ["post_comment", "post_open311_request"])
def test_an_anonymous_caller_never_gets_anothers_receipt(sender: Sender, operation_id: str) -> None:
    media_type = media_type_of(operation_id)
    named = {"Idempotency-Key": "nobodys-word"}
    body = sender.example(operation_id, media_type)
    sent = [
        sender.send(operation_id, media_type, body=body, more=named, anonymous=True)
        for _ in range(2)
    ]
    assert [answer.status_code for answer in sent] == [201, 409]
    assert not [secret for secret in made_by(sent[0]) if secret in sent[1].text]


@pytest.mark.parametrize(
    "operation_id", ["post_usage_events", "post_survey_response", "post_attendance_entry"]
)
def test_an_id_in_a_list_or_of_a_form_means_one_content(sender: Sender, operation_id: str) -> None:
    body = sender.example(operation_id)
    if operation_id == "post_usage_events":
        fresh = {"events": [one | {"id": str(uuid4())} for one in body["events"]]}
        other = {"events": [one | {"kind": "search"} for one in fresh["events"]]}
        pointer = "#/events/0/id"
    elif operation_id == "post_attendance_entry":
        fresh = body | {"id": str(uuid4())}
        other = fresh | {"name": "Nama Lain"}
        pointer = "#/id"
    else:
        fresh = body | {"id": str(uuid4())}
        other = fresh | {"answers": body["answers"] | {"U1": 1}}
        pointer = "#/id"
    for _ in range(2):
        assert sender.send(operation_id, body=fresh).is_success
    refused = sender.send(operation_id, body=other)
    assert refused.status_code == 409
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]


@pytest.mark.parametrize("operation_id", BY_ID)
def test_an_id_in_the_body_means_one_content(sender: Sender, operation_id: str) -> None:
    body = sender.example(operation_id)
    named = {name: f"{body[name]}-by-id" for name in ("id", "key") if name in body}
    fresh = body | named | ONE_OF_ITS_YEAR.get(operation_id, {})
    first = sender.send(operation_id, body=fresh, key="by-id")
    assert first.is_success, first.text
    other = sender.send(operation_id, body=fresh | BY_ID[operation_id], key="by-id-2")
    assert other.status_code == 409
    assert [error["pointer"] for error in other.json()["errors"]] in (["#/id"], ["#/key"])
