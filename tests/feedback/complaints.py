"""Builders of comments for tests: filed as a person does who reads the form first."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx

from services.feedback.comments.contacts import CONSENT
from services.feedback.comments.keys import CommentKeys
from services.feedback.comments.spam_filter import FORM
from services.platform.identity import ANONYMOUS, Caller, ensure_private_key, load_private_key
from services.platform.service import API
from services.platform.settings import Settings
from tests.conftest import Room, agency_caller

COMMENTS = f"{API}/comments"
ADMIN = agency_caller("diskominfo", "admin")
NUMBERS = count(1)
EMAIL, PHONE = "siti.warga@example.org", "+62 812-0000-1234"


def handler_of(agency: str) -> Caller:
    return agency_caller(agency, "comments:write")


def keys_of(settings: Settings) -> CommentKeys:
    """Return the keys of a hub with these settings."""
    file = settings.comments_key_file
    ensure_private_key(file)
    return CommentKeys(load_private_key(file))


def form_token(settings: Settings, *, seconds_ago: float = 60) -> str:
    return keys_of(settings).forms.issue(FORM, datetime.now(UTC) - timedelta(seconds=seconds_ago))


def comment(settings: Settings, **change: Any) -> dict[str, Any]:
    """Return a new complaint with a text of its own."""
    made: dict[str, Any] = {
        "kind": "complaint",
        "category": "time",
        "text": f"Antrean terlalu lama, nomor {next(NUMBERS)}",
        "form_token": form_token(settings),
    }
    return {name: value for name, value in (made | change).items() if value is not None}


def contact(**change: Any) -> dict[str, Any]:
    return {"email": EMAIL, "phone": PHONE, "consent": CONSENT.version} | change


def send(
    office: Room, body: dict[str, Any], *, caller: Caller = ANONYMOUS, **headers: str
) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return office.client.post(COMMENTS, json=body, headers=office.token(caller) | named)


SENDERS = count(1)


def file(office: Room, **change: Any) -> dict[str, Any]:
    """File a comment, each from an address of its own, and return the receipt."""
    answer = send(
        office, comment(office.settings, **change), x_forwarded_for=f"198.51.100.{next(SENDERS)}"
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


def call(
    office: Room,
    method: str,
    path: str,
    body: Any = None,
    *,
    caller: Caller = ANONYMOUS,
    token: str | None = None,
    **headers: str,
) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if token is not None:
        named["Ticket-Token"] = token
    return office.client.request(method, path, json=body, headers=office.token(caller) | named)


def move(
    office: Room, ticket: str, state: str, caller: Caller = ADMIN, **more: Any
) -> httpx.Response:
    return call(
        office, "POST", f"{COMMENTS}/{ticket}/states", {"state": state} | more, caller=caller
    )


def answer(office: Room, ticket: str, caller: Caller = ADMIN, **more: Any) -> httpx.Response:
    body = {"text": "Sudah kami tindak lanjuti."} | more
    return call(office, "POST", f"{COMMENTS}/{ticket}/replies", body, caller=caller)
