"""Which people get the digest of a day: each once, whichever process looks first."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import text

from services.platform.database import ReadSession, WriteSession

SELECT_DUE = """
-- The people who want a digest, can sign in, and have not had that of a day.
SELECT id FROM gateway.person
WHERE region = :region AND wants_digest AND email IS NOT NULL
    AND activated_at IS NOT NULL AND disabled_at IS NULL
    AND (digest_day IS NULL OR digest_day < :day)
ORDER BY id
"""

CLAIM_DAY = """
-- Claim a person's digest of a day; no row if another process did, or nobody wants it any more.
UPDATE gateway.person SET digest_day = :day
WHERE region = :region AND id = :person AND wants_digest AND disabled_at IS NULL
    AND (digest_day IS NULL OR digest_day < :day)
RETURNING id
"""

DELETE_UNSENT = """
-- Delete the digests of a person that the mail server has not taken yet: a newer one says it all.
DELETE FROM gateway.mail_outbox
WHERE region = :region AND person = :person AND is_digest AND sent_at IS NULL
"""


async def find_due(session: ReadSession, region: str, day: date) -> Sequence[UUID]:
    """Return the people who have not had the digest of a day."""
    return (await session.scalars(text(SELECT_DUE), {"region": region, "day": day})).all()


async def claim_day(session: WriteSession, region: str, person: UUID, day: date) -> bool:
    """Mark a person's digest of a day as done; return whether this transaction did it."""
    parameters = {"region": region, "person": person, "day": day}
    if await session.scalar(text(CLAIM_DAY), parameters) is None:
        return False
    await session.execute(text(DELETE_UNSENT), parameters)
    return True
