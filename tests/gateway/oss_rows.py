"""Messages of OSS, answers and figures as the gateway and feedback store them."""

from datetime import datetime
from typing import Any

from services.platform.settings import Settings
from tests.rows import rows


def stored_messages(settings: Settings) -> list[tuple[str, str]]:
    """Return name and stored facts (JSON) of each message, oldest first."""
    found = rows(settings, "SELECT message, facts FROM gateway.oss_message ORDER BY id")
    return [tuple(row) for row in found]


def count_messages_named(settings: Settings, name: str) -> int:
    """Return how many messages of this name are stored."""
    return sum(message == name for message, _ in stored_messages(settings))


def count_uncounted_messages(settings: Settings) -> int:
    """Return how many messages are in no statistics yet."""
    query = "SELECT count(*) FROM gateway.oss_message WHERE counted_by IS NULL"
    return rows(settings, query)[0][0]


def all_message_columns(settings: Settings) -> list[str]:
    """Return all that is stored of each message, as text."""
    found = rows(settings, "SELECT oss_message::text FROM gateway.oss_message ORDER BY id")
    return [row[0] for row in found]


def set_received_at(settings: Settings, statuses: list[str], at: datetime) -> None:
    """Set when the messages with these licence states were received."""
    rows(
        settings,
        "UPDATE gateway.oss_message SET received_at = $1 WHERE facts ->> 'kd_status' = ANY ($2)",
        at,
        statuses,
    )


def all_answer_columns(settings: Settings) -> list[str]:
    """Return all that is stored of each last known answer, as text."""
    found = rows(settings, "SELECT connector_answer::text FROM gateway.connector_answer")
    return [row[0] for row in found]


def make_answers_older(settings: Settings, *, hours: int) -> None:
    """Move the time of every last known answer into the past."""
    rows(
        settings,
        "UPDATE gateway.connector_answer SET fetched_at = fetched_at - $1::int * interval '1 hour'",
        hours,
    )


def all_idempotency_columns(settings: Settings) -> str:
    """Return all that is stored of idempotency keys, as text."""
    query = "SELECT array_agg(k::text)::text FROM gateway.idempotency_key k"
    return rows(settings, query)[0][0]


def current_figures(settings: Settings, agency: str) -> list[tuple[Any, ...]]:
    """Return service, measure, value and revision of an agency's current statistics."""
    found = rows(
        settings,
        "SELECT service, measure, value, revision FROM feedback.statistic "
        "WHERE agency = $1 AND is_current ORDER BY service, measure",
        agency,
    )
    return [tuple(row) for row in found]
