"""Erasure of what comments contain; their classification and their times stay, for the figures."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text

from services.platform.database import WriteSession

ERASE_TEXTS = """
-- Erases the text and place of these comments; their classification and their times stay.
UPDATE feedback.comment
SET content = '', content_hash = '', place = '', latitude = NULL, longitude = NULL,
    is_public = false, published_text = NULL, published_at = NULL
WHERE region = :region AND id = ANY(CAST(:comments AS uuid[]))
"""

ERASE_REPLIES = """
-- Erases the replies in these cases. The version of a consent stays, so that it can be proved.
UPDATE feedback.comment_entry SET content = ''
WHERE region = :region AND comment = ANY(CAST(:comments AS uuid[])) AND content <> ''
  AND action <> 'contact_given'
"""

DELETE_ATTACHMENTS = """
-- Deletes the attachments of these cases.
DELETE FROM feedback.comment_attachment
WHERE region = :region AND comment = ANY(CAST(:comments AS uuid[]))
"""

DELETE_FINGERPRINTS = """
-- Deletes the fingerprints of these comments, by which repeated requests were recognised.
DELETE FROM feedback.idempotency_key
WHERE region = :region AND created_id = ANY(CAST(:comments AS text[]))
"""


async def erase_comments(session: WriteSession, region: str, comments: Sequence[UUID]) -> None:
    """Erase the texts, replies, places and attachments of comments."""
    if not comments:
        return
    names = {"region": region, "comments": list(comments)}
    for statement in (ERASE_TEXTS, ERASE_REPLIES, DELETE_ATTACHMENTS):
        await session.execute(text(statement), names)
    ids = [str(comment) for comment in comments]
    await session.execute(text(DELETE_FINGERPRINTS), {"region": region, "comments": ids})
