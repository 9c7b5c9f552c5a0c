"""Sends the examples of the document to a hub, after what each needs to be there."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from tests.conftest import Hub
from tests.gateway.people import execute
from tests.gateway.test_oss import token

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


DRAFTED = "/api/v1/services/ktp-el"


class Sender:
    """Calls operations of a hub by their ids, as an administrator, with the document's examples."""

    def __init__(self, hub: Hub, document: Mapping[str, Any]) -> None:
        self.hub, self.client = hub, hub.client
        self.admin = hub.auth("diskominfo", "admin")
        self.revision = 0
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
            read = address.removesuffix("/refusal").replace("/withdrawal", "/versions")
            sent["If-Match"] = self.client.get(read, headers=self.admin).headers["ETag"]
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
    """Record evidence that favours nobody as another agency."""
    body = sender.example("post_recognition") | {"key": str(uuid4())}
    key = sender.hub.auth("dukcapil", "evidence:write")
    made = sender.client.post("/api/v1/recognitions", json=body, headers=key)
    assert made.is_success, made.text
    return {"kind": "recognitions", "id": made.json()["id"], "version": "1"}


def of_own_evidence(sender: Sender) -> dict[str, str]:
    """Record evidence to which a file can be attached."""
    return {"kind": "meetings", "id": sender.made("post_meeting")["id"]}


def of_an_attachment(sender: Sender) -> dict[str, str]:
    """Attach a file to evidence."""
    where = of_own_evidence(sender)
    _, path, _ = sender.operations["post_evidence_attachment"]
    headers = sender.admin | {"Content-Type": "application/pdf"}
    content = b"%PDF-1.7\nstartxref\n0\n%%EOF\n"
    made = sender.client.post(path.format(**where), content=content, headers=headers)
    assert made.is_success, made.text
    return where | {"sha256": made.json()["sha256"]}


def of_ticket(operation_id: str) -> Callable[[Sender], dict[str, str]]:
    return lambda sender: {"ticket": sender.made("post_comment", key=operation_id)["ticket"]}


def of_a_publisher(sender: Sender) -> dict[str, str]:
    """List a publisher, so that there is one to change."""
    address = "/api/v1/publishers/12.02"
    body = {"fingerprints": ["0" * 64]}
    if sender.client.get(address).status_code == 404:
        assert sender.client.put(address, json=body, headers=sender.admin).is_success
    return {"region": "12.02"}


def of_a_draft(sender: Sender) -> dict[str, str]:
    """Save the draft of the example with another key, unless there is one."""
    address = f"{DRAFTED}/draft"
    if sender.client.get(address, headers=sender.admin).status_code == 404:
        key = sender.hub.auth("dukcapil", "catalog:write")
        body = sender.example("put_draft")
        assert sender.client.put(address, json=body, headers=key).is_success
    return {"slug": "ktp-el"}


def of_a_draft_in_review(sender: Sender) -> dict[str, str]:
    """Save the draft of the example anew, with another key alone, and submit it."""
    key = sender.hub.auth("dukcapil", "catalog:write")
    sender.client.delete(f"{DRAFTED}/draft", headers=key | {"If-Match": "*"})
    place = of_a_draft(sender)
    sender.client.post(f"{DRAFTED}/draft/review", headers=key | {"If-Match": "*"})
    return place


def of_an_announcement(*steps: str) -> Callable[[Sender], dict[str, str]]:
    """Save the example of an announcement with another key, and take steps with its draft."""

    def place(sender: Sender) -> dict[str, str]:
        announcement = str(uuid4())
        address = f"/api/v1/announcements/{announcement}/draft"
        key = sender.hub.auth("dukcapil", "announcements:write")
        body = sender.example("put_announcement_draft") | {"publish_until": None}
        assert sender.client.put(address, json=body, headers=key).is_success
        for step in steps:
            caller = key if step == "review" else sender.admin
            taken = sender.client.post(f"{address}/{step}", headers=caller | {"If-Match": "*"})
            assert taken.is_success, taken.text
        return {"announcement": announcement}

    return place


def of_a_planned_meeting(sender: Sender) -> dict[str, str]:
    """Plan the meeting of the example as an administrator."""
    plan = str(uuid4())
    body = sender.example("put_meeting_plan")
    address = f"/api/v1/meeting-plans/{plan}"
    made = sender.client.put(address, json=body, headers=sender.admin)
    assert made.status_code == 201, made.text
    return {"id": plan}


def of_an_open_attendance_list(sender: Sender, body: dict[str, Any]) -> dict[str, Any]:
    """Open the list of a meeting that takes place now: the token of the example opens none."""
    start = datetime.now(UTC)
    times = {"starts_at": start.isoformat(), "ends_at": (start + timedelta(hours=2)).isoformat()}
    address = f"/api/v1/meeting-plans/{uuid4()}"
    meeting = sender.example("put_meeting_plan") | times
    assert sender.client.put(address, json=meeting, headers=sender.admin).is_success
    opened = sender.client.put(f"{address}/attendance", headers=sender.admin)
    return body | {"token": opened.json()["token"]}


def of_anothers_assessment(sender: Sender) -> dict[str, str]:
    """Make a draft of an assessment with another key, which does not publish it."""
    key = sender.hub.auth("bappeda", "metrics:draft")
    body = sender.example("post_assessment_draft")
    made = sender.client.post("/api/v1/assessments/drafts", json=body, headers=key)
    return {"id": made.json()["id"]}


def of_a_month(step: str | None, *before: str) -> Callable[[Sender], dict[str, str]]:
    """Save a draft of a month with another key of the agency, and take the steps before one.

    Each step has a month of its own.
    """

    def place(sender: Sender) -> dict[str, str]:
        months = (None, "check", "submission", "approval", "reopening")
        period = f"2022-{months.index(step) + 1:02}"
        address = f"/api/v1/usage/statistics/drafts/{period}"
        key = sender.hub.auth("diskominfo", "usage:write")
        draft = sender.client.get(address, headers=key).json()
        if step is not None and draft["state"] == "none":
            body = sender.example("put_statistic_draft") | {"revision": 0}
            draft = sender.client.put(address, json=body, headers=key).json()
            for taken in before:
                body = {"revision": draft["revision"]}
                draft = sender.client.post(f"{address}/{taken}", json=body, headers=key).json()
        sender.revision = draft["revision"]
        return {"period": period}

    return place


def as_it_was_read(sender: Sender, body: dict[str, Any]) -> dict[str, Any]:
    """Name the revision that was read last."""
    return body | {"revision": sender.revision}


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


def of_two_people(sender: Sender, body: dict[str, Any]) -> dict[str, Any]:
    """Name two people of an agency with accounts: those of the example are nobody."""
    people = [str(uuid4()), str(uuid4())]
    for person in people:
        execute(
            sender.hub,
            "INSERT INTO gateway.person (region, id, email, name, invited_by, created_at, "
            "activated_at) VALUES ($1, $2, $3, 'Nama Pegawai', 'test', now(), now())",
            sender.hub.settings.region,
            person,
            f"{person}@dukcapil.test",
        )
        execute(
            sender.hub,
            "INSERT INTO gateway.person_role (region, person, role, agency, granted_by, "
            "granted_at) VALUES ($1, $2, 'reporter', 'dukcapil', 'test', now())",
            sender.hub.settings.region,
            person,
        )
    return body | {"from": people[0], "to": people[1]}


def of_a_refused_click(sender: Sender, body: dict[str, Any]) -> dict[str, Any]:
    """Set a click aside: that of the example was never in the outbox."""
    item = str(uuid4())
    execute(
        sender.hub,
        "INSERT INTO gateway.click_outbox (region, id, event, refused_at, reason) "
        "VALUES ($1, $2, '{}', now(), 'refused')",
        sender.hub.settings.region,
        item,
    )
    return body | {"items": [item]}


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
    "index_level",
    "verdict",
    "declaration",
)
PLACES: dict[str, Callable[[Sender], dict[str, str]]] = {
    "update_incident": lambda sender: {"incident": sender.made("open_incident")["id"]},
    "override_breaker": lambda _: {"name": "oss"},
    "put_service": lambda _: {"slug": "ktp-el"},
    "put_source": lambda sender: {"id": sender.made("post_source")["id"]},
    "put_draft": of_a_draft,
    "refuse_draft": of_a_draft_in_review,
    "put_announcement_draft": of_an_announcement(),
    "refuse_announcement_draft": of_an_announcement("review"),
    "withdraw_announcement": of_an_announcement("review", "publication"),
    "put_meeting_plan": of_a_planned_meeting,
    "put_agency": lambda _: {"slug": "bapenda"},
    "put_life_event": lambda _: {"slug": "kelahiran-anak"},
    "put_link": lambda _: {"slug": "simbg"},
    "put_place": lambda _: {"slug": "kantor-dukcapil"},
    "put_document_type": lambda _: {"slug": "surat-keterangan-hilang"},
    "put_publisher": of_a_publisher,
    "change_person": lambda sender: {
        "id": sender.made("create_invitation", key=str(uuid4()))["person"]
    },
    "change_person_mail": lambda sender: {
        "id": sender.made("create_invitation", key=str(uuid4()))["person"]
    },
    "reverse_retraction": of_a_retraction,
    "post_evidence_confirmation": of_another_agencys_version,
    "post_evidence_dispute": of_another_agencys_version,
    "retry_refused_items": lambda _: {"job": "deliver-clicks"},
    "discard_refused_items": lambda _: {"job": "deliver-clicks"},
    "rotate_key": lambda sender: {"id": sender.admin["Authorization"].split("_")[1]},
    "put_statistic_draft": of_a_month(None),
    "check_statistic_draft": of_a_month("check"),
    "submit_statistic_draft": of_a_month("submission"),
    "approve_statistic_draft": of_a_month("approval", "submission"),
    "reopen_statistic_draft": of_a_month("reopening", "submission"),
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
    "create_handover": of_two_people,
    "post_attendance_entry": of_an_open_attendance_list,
    "post_comment_forwardings": of_a_ticket_that_is_there,
    "decide_held_survey_responses": of_a_held_response,
    **dict.fromkeys(
        (
            "put_statistic_draft",
            "check_statistic_draft",
            "submit_statistic_draft",
            "approve_statistic_draft",
            "reopen_statistic_draft",
        ),
        as_it_was_read,
    ),
    "retract_usage": of_a_key_that_sent_something,
    "retry_refused_items": of_a_refused_click,
    "discard_refused_items": of_a_refused_click,
}
"""Examples that cannot be sent as they stand, and why."""
