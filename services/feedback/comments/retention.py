"""Retention of comments: closes inactive cases, and erases what is past its retention.

Contacts, texts, attachments and daily salts are erased. Answered cases close when the citizen does
not reply, all other cases after a year without activity, so that none stays open by oversight.
"""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, text

from services.feedback.comments.cases import add_entry
from services.feedback.comments.contacts import erase_contacts
from services.feedback.comments.erasure import erase_comments
from services.feedback.comments.handling import erase_case_contacts
from services.feedback.senders import delete_sender_data
from services.platform.database import Database, WriteSession
from services.platform.local_time import LocalTime, day_of, month_of, start_of_day
from services.platform.logging import get_logger
from services.platform.months import add_months
from services.platform.working_days import working_days_between

log = get_logger(__name__)

CLOSE_ANSWERED_AFTER_WORKING_DAYS = 10
"""Without a reply to the answer."""
CLOSE_INACTIVE_AFTER_DAYS = 365
"""Of any other case; after a year no answer is expected any more."""
IDEMPOTENCY_KEY_TTL = timedelta(days=30)
BATCH_SIZE = 1000

INACTIVE = """
-- Answered cases without activity since a day, and other cases since an earlier one.
SELECT region, id, state, updated_at FROM feedback.comment
WHERE region = :region
  AND (state = 'answered' AND updated_at < :answered_before
       OR state NOT IN ('answered', 'closed', 'merged') AND updated_at < :inactive_before)
ORDER BY updated_at LIMIT :batch_size FOR UPDATE SKIP LOCKED
"""

CLOSE = """
-- Closes a case.
UPDATE feedback.comment SET state = 'closed', closed_at = :now, updated_at = :now
WHERE region = :region AND id = :id
"""

CONTACTS_OF_CLOSED = """
-- Contacts of closed cases, and of those merged into a closed case.
SELECT k.comment FROM feedback.comment_contact k
JOIN feedback.comment c ON c.region = k.region AND c.id = k.comment
LEFT JOIN feedback.comment m ON m.region = c.region AND m.id = c.merged_into
WHERE k.region = :region AND (c.state = 'closed' OR m.state = 'closed')
"""

PAST_RETENTION = """
-- Cases past their retention that have texts or attachments, also from after they were closed.
SELECT c.id FROM feedback.comment c
LEFT JOIN feedback.comment m ON m.region = c.region AND m.id = c.merged_into
WHERE c.region = :region AND coalesce(c.closed_at, m.closed_at) < :before
  AND (c.content <> '' OR c.place <> '' OR c.latitude IS NOT NULL
       OR EXISTS (SELECT FROM feedback.comment_entry e
                  WHERE e.region = c.region AND e.comment = c.id AND e.content <> ''
                    AND e.action <> 'contact_given')
       OR EXISTS (SELECT FROM feedback.comment_attachment a
                  WHERE a.region = c.region AND a.comment = c.id))
"""

DELETE_IDEMPOTENCY_KEYS = """
-- Deletes idempotency keys that have expired.
DELETE FROM feedback.idempotency_key WHERE region = :region AND recorded_at < :before
"""


@dataclass(frozen=True)
class CommentRetentionResult:
    """Counts of one run."""

    closed: int
    """Cases."""
    contacts: int
    """Erased contacts."""
    texts: int
    """Cases whose texts were erased."""


async def prune_comments(
    session: WriteSession, region: str, *, now: datetime, zone: ZoneInfo, retention_months: int
) -> CommentRetentionResult:
    """Close inactive cases and erase data past its retention."""
    key = {"region": region}
    contacts = closed = 0
    limits = {
        "answered_before": now - timedelta(days=CLOSE_ANSWERED_AFTER_WORKING_DAYS),
        "inactive_before": now - timedelta(days=CLOSE_INACTIVE_AFTER_DAYS),
    }
    inactive = await session.execute(text(INACTIVE), key | limits | {"batch_size": BATCH_SIZE})
    for row in inactive.all():
        idle_days = working_days_between(day_of(row.updated_at, zone), day_of(now, zone))
        if row.state != "answered" or idle_days > CLOSE_ANSWERED_AFTER_WORKING_DAYS:
            contacts += await _close(session, row, now=now)
            closed += 1
    of_closed = await session.scalars(text(CONTACTS_OF_CLOSED), key)
    contacts += len(await erase_contacts(session, region, list(of_closed)))
    before = start_of_day(add_months(month_of(now, zone), -retention_months), zone)
    expired: list[UUID] = list(
        await session.scalars(text(PAST_RETENTION), key | {"before": before})
    )
    await erase_comments(session, region, expired)
    await session.execute(
        text(DELETE_IDEMPOTENCY_KEYS), key | {"before": now - IDEMPOTENCY_KEY_TTL}
    )
    await delete_sender_data(session, region, today=day_of(now, zone))
    return CommentRetentionResult(closed, contacts, len(expired))


async def _close(session: WriteSession, row: Row[tuple[str, UUID]], *, now: datetime) -> int:
    await session.execute(text(CLOSE), {"region": row.region, "id": row.id, "now": now})
    await add_entry(session, row, action="closed", state="closed", now=now, actor="hub")
    return await erase_case_contacts(session, row, now=now)


async def prune_comments_now(
    database: Database, region: str, local_time: LocalTime, *, retention_months: int
) -> None:
    """Prune comments for the present time, in a transaction."""
    async with database.write_session() as session:
        result = await prune_comments(
            session,
            region,
            now=datetime.now(UTC),
            zone=local_time.zone,
            retention_months=retention_months,
        )
    if result != CommentRetentionResult(0, 0, 0):
        log.info("comments pruned", **asdict(result))
