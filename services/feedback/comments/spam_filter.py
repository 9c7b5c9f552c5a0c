"""Spam filter without CAPTCHA and third parties: doubtful comments are reviewed by a person.

No comment is discarded: one under review has its ticket, and the agency accepts or closes it.
"""

import hashlib
import re
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import text

from services.feedback.comments.schemas import NewComment
from services.feedback.form_checks import FormFault, FormTokens
from services.platform.database import WriteSession

ReviewReason = (
    FormFault | Literal["too_many_from_sender", "duplicate", "too_many_links", "other_agency"]
)

OTHER_AGENCY: ReviewReason = "other_agency"
"""Filed with the key of an agency that is not in charge."""
FORM = "comment"
"""The name that its form tokens are issued for."""
MAX_PER_SENDER_AND_DAY = 20
"""From one IP address and user agent; many phones share an address (CGNAT)."""
MAX_PER_ADDRESS_AND_DAY = 60
"""From one IP address, whatever it says of its user agent."""
MAX_LINKS = 2
DUPLICATE_WINDOW = timedelta(days=7)
LINK = re.compile(r"https?://|www\.", re.IGNORECASE)

DUPLICATE = """
-- Whether a recent comment has the same content.
SELECT EXISTS (SELECT FROM feedback.comment
               WHERE region = :region AND content_hash = :content_hash AND created_at > :since)
"""


def content_review_reasons(
    comment: NewComment, tokens: FormTokens, *, now: datetime
) -> list[ReviewReason]:
    """Return why the content of a comment or its form needs a review."""
    faults = tokens.find_faults(FORM, token=comment.form_token, honeypot=comment.website, now=now)
    reasons: list[ReviewReason] = [*faults]
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
