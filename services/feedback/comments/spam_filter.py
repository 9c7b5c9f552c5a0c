"""Spam filter without CAPTCHA and third parties: doubtful comments are reviewed by a person.

No comment is discarded: one under review has its ticket, and the agency accepts or closes it.
"""

import hashlib
import hmac
import os
import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Literal

from sqlalchemy import text

from services.feedback.comments.keys import CommentKeys
from services.feedback.comments.schemas import NewComment
from services.platform.database import WriteSession

ReviewReason = Literal[
    "honeypot",
    "missing_form_token",
    "too_fast",
    "expired_form_token",
    "too_many_from_sender",
    "duplicate",
    "too_many_links",
]

MIN_FORM_SECONDS = 3.0
"""A person needs longer to read the form and to write a sentence."""
MAX_FORM_SECONDS = 24 * 3600.0
MAX_PER_SENDER_AND_DAY = 20
"""From one IP address and user agent; many phones share an address (CGNAT)."""
MAX_LINKS = 2
DUPLICATE_WINDOW = timedelta(days=7)
LINK = re.compile(r"https?://|www\.", re.IGNORECASE)

SALT = """
-- The salt of a day, created by the first comment of the day.
INSERT INTO feedback.comment_salt (region, day, salt) VALUES (:region, :day, :drawn)
ON CONFLICT (region, day) DO UPDATE SET salt = comment_salt.salt
RETURNING salt
"""

DELETE_SALTS = """
-- Deletes the salts of past days: their senders can no longer be recognised.
DELETE FROM feedback.comment_salt WHERE region = :region AND day < :day
"""

DELETE_SENDERS = """
-- Deletes the hashes of past days.
DELETE FROM feedback.comment_sender WHERE region = :region AND day < :day
"""

COUNT_FROM_SENDER = """
-- Counts a comment from this sender today.
INSERT INTO feedback.comment_sender AS s (region, day, sender, sent)
VALUES (:region, :day, :sender, 1)
ON CONFLICT (region, day, sender) DO UPDATE SET sent = s.sent + 1
RETURNING sent
"""

DUPLICATE = """
-- Whether a recent comment has the same content.
SELECT EXISTS (SELECT FROM feedback.comment
               WHERE region = :region AND content_hash = :content_hash AND created_at > :since)
"""


def content_review_reasons(
    comment: NewComment, keys: CommentKeys, *, now: datetime
) -> list[ReviewReason]:
    """Return why the content of a comment or its form needs a review."""
    reasons: list[ReviewReason] = []
    if comment.website:
        reasons.append("honeypot")
    age = None if comment.form_token is None else keys.form_age(comment.form_token, now)
    if age is None:
        reasons.append("missing_form_token")
    elif age < MIN_FORM_SECONDS:
        reasons.append("too_fast")
    elif age > MAX_FORM_SECONDS:
        reasons.append("expired_form_token")
    if len(LINK.findall(comment.text)) > MAX_LINKS:
        reasons.append("too_many_links")
    return reasons


def content_hash(comment: NewComment) -> bytes:
    """Return a hash of the text and its subject, which ignores case and white space."""
    words = " ".join(comment.text.casefold().split())
    subject = (comment.service or "", comment.agency or "", comment.link or "", words)
    return hashlib.sha256("\n".join(subject).encode(errors="replace")).digest()


async def is_duplicate(
    session: WriteSession, region: str, content: bytes, *, now: datetime
) -> bool:
    """Return whether a comment with this content hash was submitted in the last days."""
    since = now - DUPLICATE_WINDOW
    parameters = {"region": region, "content_hash": content, "since": since}
    return bool(await session.scalar(text(DUPLICATE), parameters))


async def count_from_sender(
    session: WriteSession, region: str, sender: Sequence[str], *, today: date
) -> int:
    """Return how many comments came from this sender today, including this one."""
    key = {"region": region, "day": today}
    await delete_sender_data(session, region, today=today)
    stored = await session.execute(text(SALT), key | {"drawn": os.urandom(32)})
    salt: bytes = stored.scalar_one()
    sender_hash = hmac.digest(salt, "\n".join(sender).encode(errors="replace"), "sha256")
    sent: int | None = await session.scalar(text(COUNT_FROM_SENDER), key | {"sender": sender_hash})
    return sent or 0


async def delete_sender_data(session: WriteSession, region: str, *, today: date) -> None:
    """Delete the salts and hashes of past days."""
    key = {"region": region, "day": today}
    await session.execute(text(DELETE_SALTS), key)
    await session.execute(text(DELETE_SENDERS), key)
