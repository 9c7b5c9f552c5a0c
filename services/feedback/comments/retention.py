"""What is kept of comments no longer than needed: contacts, texts and pictures, salts of days.

Cases that were answered close by themselves when nobody writes back, and every other one in which
nothing happened for a year, so that nothing stays because somebody forgot to close.
"""

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Row, text

from services.feedback.comments.cases import add_entry, day_of
from services.feedback.comments.contacts import erase_contacts
from services.feedback.comments.handling import end_contacts
from services.feedback.comments.spam_filter import forget_senders
from services.feedback.comments.working_days import working_days_between
from services.feedback.months import add_months
from services.platform.database import DATABASE_ERRORS, Database, WriteSession
from services.platform.local_time import JAKARTA

log = logging.getLogger(__name__)

QUIET_WORKING_DAYS = 10
"""After an answer to which nobody wrote back, a case is closed."""
IDLE_DAYS = 365
"""After so many in which nothing happened, any other case is closed: nobody waits any more."""
REPEATS_KEPT = timedelta(days=30)
PAUSE_SECONDS = 3600.0
AT_ONCE = 1000

QUIET = """
-- Answered cases in which nothing happened since a day, and others since an earlier one.
SELECT region, id, state, updated_at FROM feedback.comment
WHERE region = :region
  AND (state = 'answered' AND updated_at < :before
       OR state NOT IN ('answered', 'closed', 'merged') AND updated_at < :idle_before)
ORDER BY updated_at LIMIT :most FOR UPDATE SKIP LOCKED
"""

CLOSE = """
-- The end of a case.
UPDATE feedback.comment SET state = 'closed', closed_at = :now, updated_at = :now
WHERE region = :region AND id = :id
"""

LEFT_OVER = """
-- Contacts of cases that are over, or whose comment was merged into one that is.
SELECT k.comment FROM feedback.comment_contact k
JOIN feedback.comment c ON c.region = k.region AND c.id = k.comment
LEFT JOIN feedback.comment m ON m.region = c.region AND m.id = c.merged_into
WHERE k.region = :region AND (c.state = 'closed' OR m.state = 'closed')
"""

DUE = """
-- Cases that are long over and of which words or pictures are left: also those that came when it
-- was opened again, or after its end.
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

FORGET_TEXTS = """
-- What people wrote in these cases; what it was about and how long it took stays.
UPDATE feedback.comment
SET content = '', content_hash = '', place = '', latitude = NULL, longitude = NULL,
    is_public = false
WHERE region = :region AND id = ANY(CAST(:comments AS uuid[]))
"""

FORGET_REPLIES = """
-- The talk in these cases. To which consent a contact was given stays, to be proved.
UPDATE feedback.comment_entry SET content = ''
WHERE region = :region AND comment = ANY(CAST(:comments AS uuid[])) AND content <> ''
  AND action <> 'contact_given'
"""

FORGET_PICTURES = """
-- The pictures in these cases.
DELETE FROM feedback.comment_attachment
WHERE region = :region AND comment = ANY(CAST(:comments AS uuid[]))
"""

FORGET_REPEATS = """
-- Keys of requests that nobody repeats any more.
DELETE FROM feedback.creation WHERE region = :region AND recorded_at < :before
"""


@dataclass(frozen=True)
class Cleared:
    """What went."""

    closed: int
    contacts: int
    texts: int


async def keep_comments(
    session: WriteSession, region: str, *, now: datetime, retention_months: int
) -> Cleared:
    """Closes what is quiet, and erases what nobody needs any more."""
    key = {"region": region}
    contacts = closed = 0
    since = {
        "before": now - timedelta(days=QUIET_WORKING_DAYS),
        "idle_before": now - timedelta(days=IDLE_DAYS),
    }
    quiet = await session.execute(text(QUIET), key | since | {"most": AT_ONCE})
    for row in quiet.all():
        silence = working_days_between(day_of(row.updated_at), day_of(now))
        if row.state != "answered" or silence > QUIET_WORKING_DAYS:
            contacts += await _close(session, row, now=now)
            closed += 1
    left_over = await session.scalars(text(LEFT_OVER), key)
    contacts += len(await erase_contacts(session, region, list(left_over)))
    before = _months_ago(now, retention_months)
    due: list[UUID] = list(await session.scalars(text(DUE), key | {"before": before}))
    for statement in (FORGET_TEXTS, FORGET_REPLIES, FORGET_PICTURES):
        await session.execute(text(statement), key | {"comments": due})
    await session.execute(text(FORGET_REPEATS), key | {"before": now - REPEATS_KEPT})
    await forget_senders(session, region, today=day_of(now))
    return Cleared(closed, contacts, len(due))


async def _close(session: WriteSession, row: Row[tuple[str, UUID]], *, now: datetime) -> int:
    await session.execute(text(CLOSE), {"region": row.region, "id": row.id, "now": now})
    await add_entry(session, row, action="closed", state="closed", now=now, who="hub")
    return await end_contacts(session, row, now=now)


def _months_ago(now: datetime, months: int) -> datetime:
    """The first day of the month so many months ago."""
    month = add_months(day_of(now).replace(day=1), -months)
    return datetime(month.year, month.month, 1, tzinfo=JAKARTA)


async def keep_comments_always(database: Database, region: str, *, retention_months: int) -> None:
    """Does it every hour for as long as the service runs."""
    while True:
        try:
            async with database.write_session() as session:
                cleared = await keep_comments(
                    session,
                    region,
                    now=datetime.now(JAKARTA),
                    retention_months=retention_months,
                )
            if cleared != Cleared(0, 0, 0):
                log.info("comments: %s", cleared)
        except DATABASE_ERRORS as error:
            log.warning("comments were not cleared, it is tried again: %s", error)
        await asyncio.sleep(PAUSE_SECONDS)
