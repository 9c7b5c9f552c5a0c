"""Sends the examples of the document to a hub, after what each needs to be there."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from tests.conftest import Hub
from tests.gateway.test_oss import token

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


class Sender:
    """Calls operations of a hub by their ids, as an administrator, with the document's examples."""

    def __init__(self, hub: Hub, document: Mapping[str, Any]) -> None:
        self.hub, self.client = hub, hub.client
        self.admin = hub.auth("diskominfo", "admin")
        self.operations: dict[str, tuple[str, str, dict[str, Any]]] = {
            operation["operationId"]: (method, path, operation)
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
        }

    def send(
        self,
        operation_id: str,
        media_type: str = JSON,
        *,
        body: Any = None,
        key: str = "example",
        where: Mapping[str, str] | None = None,
        more: Mapping[str, str] | None = None,
        anonymous: bool = False,
    ) -> httpx.Response:
        """Send an operation's example, or another body, and return the response.

        What makes something takes a key: with the same one, it makes it once. `where` replaces
        what stands in the address, and headers in `more` those that the operation needs.
        """
        method, path, operation = self.operations[operation_id]
        where = where or self.place(operation_id)
        address = path.format(**where)
        if body is None:
            body = self.example(operation_id, media_type)
        sent = ({} if anonymous else self.admin) | {"Content-Type": media_type}
        parameters = {given["name"] for given in operation.get("parameters", ())}
        if "Idempotency-Key" in parameters:
            sent["Idempotency-Key"] = f"{operation_id}-{key}"
        if "If-Match" in parameters:
            sent["If-Match"] = self.client.get(address, headers=self.admin).headers["ETag"]
        if operation_id.startswith("oss_receive_"):
            sent |= token()
        if "secret" in where:
            sent["Ticket-Token"] = where["secret"]
        sent |= more or {}
        content: dict[str, Any] = {"data": body} if media_type == FORM else {"json": body}
        return self.client.request(method, address, headers=sent, **content)

    def place(self, operation_id: str) -> dict[str, str]:
        """Return what stands in the address of an operation."""
        return PLACES.get(operation_id, nowhere)(self)

    def example(self, operation_id: str, media_type: str = JSON) -> Any:
        """Return the example of a body, as it can be sent."""
        content = self.operations[operation_id][2]["requestBody"]["content"][media_type]
        return CHANGED.get(operation_id, unchanged)(self, content["example"])

    def made(self, operation_id: str, *, key: str = "example") -> dict[str, Any]:
        """Send the example of an operation and return what it created."""
        answer = self.send(operation_id, key=key)
        assert answer.is_success, answer.text
        return answer.json()

    def flag(self) -> str:
        """Return the id of a plausibility flag, raised by ten times the usual figure."""
        [usual] = self.operations["post_usage_statistics"][2]["requestBody"]["content"][JSON][
            "example"
        ]["statistics"]
        months = [
            usual | {"period": f"2023-{month:02}", "counters": {"submitted": figure}}
            for month, figure in enumerate((401, 398, 404, 399, 402, 397, 4010), start=1)
        ]
        answer = self.send("post_usage_statistics", body={"statistics": months})
        if flags := answer.json()["flags"]:
            return flags[-1]["id"]
        known = self.client.get(
            "/api/v1/usage/statistics/flags?agency=dukcapil", headers=self.admin
        )
        return known.json()["items"][0]["id"]


def nowhere(_: Sender) -> dict[str, str]:
    """Of an address without parameters."""
    return {}


def unchanged(_: Sender, body: Any) -> Any:
    """Of an example that can be sent as it stands."""
    return body


def of_record(operation_id: str) -> Callable[[Sender], dict[str, str]]:
    """Create a record of evidence from the example of its kind, and return its id."""
    kind = operation_id.partition("_")[2]
    return lambda sender: {"id": sender.made(f"post_{kind}")["id"]}


def of_another_agencys_version(sender: Sender) -> dict[str, str]:
    """Record evidence as another agency."""
    body = sender.example("post_meeting") | {"key": str(uuid4())}
    key = sender.hub.auth("dukcapil", "evidence:write")
    made = sender.client.post("/api/v1/meetings", json=body, headers=key)
    assert made.is_success, made.text
    return {"kind": "meetings", "id": made.json()["id"], "version": "1"}


def of_ticket(operation_id: str) -> Callable[[Sender], dict[str, str]]:
    return lambda sender: {"ticket": sender.made("post_comment", key=operation_id)["ticket"]}


def of_a_publisher(sender: Sender) -> dict[str, str]:
    """List a publisher, so that there is one to change."""
    address = "/api/v1/publishers/12.02"
    body = {"fingerprints": ["0" * 64]}
    if sender.client.get(address).status_code == 404:
        assert sender.client.put(address, json=body, headers=sender.admin).is_success
    return {"region": "12.02"}


def of_a_round(sender: Sender) -> dict[str, str]:
    """Open the round of the example, so that there is one to change."""
    place = {"slug": "awareness", "round": "2026"}
    address = "/api/v1/surveys/{slug}/rounds/{round}".format(**place)
    if sender.client.get(address).status_code == 404:
        body = sender.example("put_survey_round")
        assert sender.client.put(address, json=body, headers=sender.admin).is_success
    return place


def of_an_invited_round(sender: Sender) -> dict[str, str]:
    """Open a round by invitation that is not over."""
    place = {"slug": "stakeholders", "round": "2099"}
    address = "/api/v1/surveys/{slug}/rounds/{round}".format(**place)
    if sender.client.get(address).status_code == 404:
        body = {"opens_on": "2099-03-01", "closes_on": "2099-03-31", "sample": "invited"}
        assert sender.client.put(address, json=body, headers=sender.admin).is_success
    return place


def of_an_own_ticket(sender: Sender) -> dict[str, str]:
    """Take a comment with its secret, as its writer."""
    filed = sender.made("post_comment", key="own")
    return {"ticket": filed["ticket"], "secret": filed["token"]}


def of_a_public_ticket(sender: Sender) -> dict[str, str]:
    """Take a comment of a writer who allows its publication."""
    body = sender.example("post_comment") | {"public": True}
    return {"ticket": sender.send("post_comment", body=body, key="public").json()["ticket"]}


def still_to_come(_: Sender, body: dict[str, Any]) -> dict[str, Any]:
    """Maintenance is announced before it ends, and the day of the example will be over."""
    starts = datetime.now(UTC) + timedelta(days=1)
    ends = starts + timedelta(hours=6)
    return body | {"starts_at": starts.isoformat(), "ends_at": ends.isoformat()}


def of_a_key_that_sent_something(sender: Sender, body: dict[str, Any]) -> dict[str, Any]:
    """Name a key that sent an event: that of the example is nobody's."""
    key = sender.hub.key("dukcapil", "usage:write")
    event = {
        "id": str(uuid4()),
        "kind": "form_end",
        "source": "agency",
        "occurred_at": datetime.now(UTC).isoformat(),
    }
    headers = {"Authorization": f"Bearer {key}"}
    sent = sender.client.post("/api/v1/usage/events", json={"events": [event]}, headers=headers)
    assert sent.is_success, sent.text
    return body | {"key": key.split("_")[1]}


def of_a_retraction(sender: Sender) -> dict[str, str]:
    return {"retraction": sender.made("retract_usage", key=str(uuid4()))["id"]}


def of_a_ticket_that_is_there(sender: Sender, body: dict[str, Any]) -> dict[str, Any]:
    """Tickets are drawn by lot: that of the example is nobody's."""
    ticket = sender.made("post_comment", key="post_comment_forwardings")["ticket"]
    return {"items": [item | {"ticket": ticket} for item in body["items"]]}


def of_a_held_response(sender: Sender, body: dict[str, Any]) -> dict[str, Any]:
    """Name a response that is held: one of a page without its form's token."""
    held = sender.example("post_survey_response") | {"id": str(uuid4()), "mode": "page"}
    sent = sender.send("post_survey_response", body=held, anonymous=True)
    assert sent.json()["state"] == "held", sent.text
    return body | {"responses": [held["id"]]}


KINDS_OF_EVIDENCE = (
    "stakeholder",
    "meeting",
    "agreement",
    "decision",
    "programme",
    "risk",
    "recognition",
    "observation",
    "index_value",
    "verdict",
    "declaration",
)
PLACES: dict[str, Callable[[Sender], dict[str, str]]] = {
    "update_incident": lambda sender: {"incident": sender.made("open_incident")["id"]},
    "override_breaker": lambda _: {"name": "oss"},
    "put_service": lambda _: {"slug": "ktp-el"},
    "put_publisher": of_a_publisher,
    "reverse_retraction": of_a_retraction,
    "post_evidence_dispute": of_another_agencys_version,
    "rotate_key": lambda sender: {"id": sender.admin["Authorization"].split("_")[1]},
    "explain_statistic_flag": lambda sender: {"flag": sender.flag()},
    "post_survey_response": lambda _: {"slug": "skm"},
    "decide_held_survey_responses": lambda _: {"slug": "skm"},
    "put_survey_round": of_a_round,
    "post_survey_invitations": of_an_invited_round,
    "post_survey_follow_up": lambda _: {"slug": "skm"},
    "put_survey_follow_up_action": lambda sender: {
        "slug": "skm",
        "id": sender.made("post_survey_follow_up")["id"],
    },
    "change_comment_state": of_ticket("change_comment_state"),
    "correct_comment": of_an_own_ticket,
    "publish_comment": of_a_public_ticket,
    "post_comment_reply": of_ticket("post_comment_reply"),
    "post_open311_request": lambda _: {"extension": "json"},
    "calculate_index": lambda _: {"id": "spbe-2020"},
    "calculate_method": lambda sender: {"id": sender.made("post_method")["id"]},
    **{f"put_{kind}": of_record(f"put_{kind}") for kind in KINDS_OF_EVIDENCE},
}
"""What stands in the address of an operation: what the pack brings, or what is made first."""

CHANGED: dict[str, Callable[[Sender, Any], Any]] = {
    "plan_maintenance": still_to_come,
    "post_comment_forwardings": of_a_ticket_that_is_there,
    "decide_held_survey_responses": of_a_held_response,
    "retract_usage": of_a_key_that_sent_something,
}
"""Examples that cannot be sent as they stand, and why."""
