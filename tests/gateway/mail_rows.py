"""Mails as they are stored, and what time or another process would change."""

from collections.abc import Sequence

from services.platform.settings import Settings
from tests.rows import rows


def waiting_mails(settings: Settings) -> list[tuple[str, str | None]]:
    """Return recipient and last error of the mails that are not sent yet."""
    query = """
        SELECT p.email, m.last_error FROM gateway.mail_outbox m
        JOIN gateway.person p ON p.region = m.region AND p.id = m.person
        WHERE m.due_at IS NOT NULL ORDER BY p.email
    """
    return [(row[0], row[1]) for row in rows(settings, query)]


def stored_bodies(settings: Settings) -> list[bytes | None]:
    return [row[0] for row in rows(settings, "SELECT body FROM gateway.mail_outbox ORDER BY id")]


def count_given_up(settings: Settings) -> int:
    query = "SELECT count(*) FROM gateway.mail_outbox WHERE given_up_at IS NOT NULL"
    return rows(settings, query)[0][0]


def make_mails_due(settings: Settings) -> None:
    rows(settings, "UPDATE gateway.mail_outbox SET due_at = now() WHERE due_at > now()")


def set_attempts(settings: Settings, email: str, attempts: int) -> None:
    """Let the mails to a person have been tried so many times."""
    statement = """
        UPDATE gateway.mail_outbox SET attempts = $1
        WHERE person = (SELECT id FROM gateway.person WHERE email = $2)
    """
    rows(settings, statement, attempts, email)


def retry_given_up(settings: Settings) -> None:
    rows(settings, "UPDATE gateway.mail_outbox SET due_at = now(), given_up_at = NULL")


def disable(settings: Settings, email: str) -> None:
    rows(settings, "UPDATE gateway.person SET disabled_at = now() WHERE email = $1", email)


def delete_mails(settings: Settings) -> None:
    rows(settings, "DELETE FROM gateway.mail_outbox")


def move_deadline_to_tomorrow(settings: Settings, tickets: Sequence[str]) -> None:
    statement = "UPDATE feedback.comment SET answer_by = current_date + 1 WHERE ticket = ANY($1)"
    rows(settings, statement, list(tickets))
