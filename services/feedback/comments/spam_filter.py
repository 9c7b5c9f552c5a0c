"""Spam, kept off without puzzles and without telling anybody else: what is doubtful is held.

Nothing is thrown away: a held comment has its ticket, and the agency lets it through or closes it.
"""

import hashlib
import hmac
import os
import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Literal

from sqlalchemy import text

from services.feedback.comments.keys import Keys
from services.feedback.comments.schemas import NewComment
from services.platform.database import WriteSession

Doubt = Literal["trap", "no_form", "too_fast", "old_form", "too_many", "repeated", "addresses"]

SHORTEST_SECONDS = 3.0
"""Nobody reads a form and writes a sentence in less."""
LONGEST_SECONDS = 24 * 3600.0
MOST_A_DAY = 20
"""From one address and browser; many phones share the address of a network."""
MOST_ADDRESSES = 2
REPEATED_WITHIN = timedelta(days=7)
ADDRESS = re.compile(r"https?://|www\.", re.IGNORECASE)

SALT = """
-- The salt of a day, made by whoever comes first.
INSERT INTO feedback.comment_salt (region, day, salt) VALUES (:region, :day, :drawn)
ON CONFLICT (region, day) DO UPDATE SET salt = comment_salt.salt
RETURNING salt
"""

FORGET_SALTS = """
-- Salts of days that are over: from now on nobody can tell the senders of those days.
DELETE FROM feedback.comment_salt WHERE region = :region AND day < :day
"""

FORGET_SENDERS = """
-- Hashes of days that are over.
DELETE FROM feedback.comment_sender WHERE region = :region AND day < :day
"""

COUNT = """
-- One more from this sender today.
INSERT INTO feedback.comment_sender AS s (region, day, sender, sent)
VALUES (:region, :day, :sender, 1)
ON CONFLICT (region, day, sender) DO UPDATE SET sent = s.sent + 1
RETURNING sent
"""

SAID_BEFORE = """
-- Whether the same was said about the same lately.
SELECT EXISTS (SELECT FROM feedback.comment
               WHERE region = :region AND content_hash = :content_hash AND created_at > :since)
"""


def doubts_about(comment: NewComment, keys: Keys, *, now: datetime) -> list[Doubt]:
    """What speaks against a comment by itself."""
    doubts: list[Doubt] = []
    if comment.website:
        doubts.append("trap")
    age = None if comment.form is None else keys.form_age(comment.form, now)
    if age is None:
        doubts.append("no_form")
    elif age < SHORTEST_SECONDS:
        doubts.append("too_fast")
    elif age > LONGEST_SECONDS:
        doubts.append("old_form")
    if len(ADDRESS.findall(comment.text)) > MOST_ADDRESSES:
        doubts.append("addresses")
    return doubts


def content_hash(comment: NewComment) -> bytes:
    """The same for the same words about the same, however they are spaced and capitalised."""
    words = " ".join(comment.text.casefold().split())
    about = (comment.service or "", comment.agency or "", comment.link or "", words)
    return hashlib.sha256("\n".join(about).encode(errors="replace")).digest()


async def said_before(session: WriteSession, region: str, content: bytes, *, now: datetime) -> bool:
    since = now - REPEATED_WITHIN
    parameters = {"region": region, "content_hash": content, "since": since}
    return bool(await session.scalar(text(SAID_BEFORE), parameters))


async def sent_today(
    session: WriteSession, region: str, sender: Sequence[str], *, today: date
) -> int:
    """How many comments came from this sender today, with this one."""
    key = {"region": region, "day": today}
    await forget_senders(session, region, today=today)
    stored = await session.execute(text(SALT), key | {"drawn": os.urandom(32)})
    salt: bytes = stored.scalar_one()
    told = hmac.digest(salt, "\n".join(sender).encode(errors="replace"), "sha256")
    sent: int | None = await session.scalar(text(COUNT), key | {"sender": told})
    return sent or 0


async def forget_senders(session: WriteSession, region: str, *, today: date) -> None:
    """Throws away what is left of the days before."""
    key = {"region": region, "day": today}
    await session.execute(text(FORGET_SALTS), key)
    await session.execute(text(FORGET_SENDERS), key)
