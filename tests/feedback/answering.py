"""Responses of different people, on any day: for tests of what becomes of them."""

from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import httpx
from sqlalchemy import text

from services.platform.identity import ANONYMOUS, Caller
from services.platform.service import API
from services.platform.settings import Settings
from tests.conftest import Room
from tests.feedback.complaints import keys_of
from tests.rows import rows

PEOPLE = count(1)
MOVE = """
UPDATE feedback.response SET answered_on = CAST(:day AS date) WHERE id = CAST(:id AS uuid)
"""


def new_address() -> str:
    """Return the address of somebody who has not answered before."""
    number = next(PEOPLE)
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def form_token(settings: Settings, form: str, *, seconds_ago: float = 60) -> str:
    """Return the token of a form that was opened a while ago."""
    moment = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    return keys_of(settings).forms.issue(form, moment)


def answer(
    room: Room,
    slug: str,
    body: dict[str, Any],
    *,
    caller: Caller = ANONYMOUS,
    address: str | None = None,
    day: str | None = None,
) -> httpx.Response:
    """Answer a survey from an address, by default a new one; on an earlier day, if one is given."""
    headers = room.token(caller) | {"X-Forwarded-For": address or new_address()}
    sent = room.client.post(f"{API}/surveys/{slug}/responses", json=body, headers=headers)
    if day is None or not sent.is_success:
        return sent
    receipt = sent.json()
    if not receipt["repeated"]:
        given = {"day": date.fromisoformat(day), "id": receipt["id"]}
        room.store(lambda session: session.execute(text(MOVE), given))
    return sent


def move_responses(settings: Settings, day: str) -> None:
    """Make every response one of this day."""
    rows(settings, "UPDATE feedback.response SET answered_on = $1::date", date.fromisoformat(day))
