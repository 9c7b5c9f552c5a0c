"""Outbox of e-mail: stored with the change that it reports, sent later by SMTP.

A mail names a person; the address is looked up when it is sent. Its text is stored encrypted with a
key derived from the hub's key for secrets, because an invitation has a link that is not stored
anywhere else, and erased when the mail was sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from services.gateway.people.mail.texts import MailText
from services.platform.database import WriteSession
from services.platform.ids import new_id
from services.platform.row_cipher import RowCipher

RETENTION = timedelta(days=30)
"""How long it stays known that a mail was sent or given up."""

INSERT_MAIL = """
-- Store a mail to a person, due at once.
INSERT INTO gateway.mail_outbox
    (region, id, person, subject, body, calendar, created_at, due_at, attempts, is_digest)
VALUES (:region, :id, :person, :subject, :body, :calendar, :now, :now, 0, :is_digest)
"""

DELETE_OLD_MAIL = """
-- Delete mails that were sent or given up long ago, and return their number.
WITH deleted AS (
    DELETE FROM gateway.mail_outbox
    WHERE region = :region AND due_at IS NULL AND COALESCE(sent_at, given_up_at) < :before
    RETURNING id
)
SELECT count(*) FROM deleted
"""


@dataclass(frozen=True)
class NewMail:
    """A mail to store."""

    person: UUID
    text: MailText
    is_digest: bool = False
    """Whether it is a daily digest, which the person may unsubscribe from."""
    calendar: bytes | None = None
    """A calendar file that goes with it."""


class MailOutbox:
    """Stores mails, and reads the texts and calendar files of stored ones."""

    def __init__(self, key: Ed25519PrivateKey, region: str) -> None:
        self._region = region
        self._cipher = RowCipher(key, b"emall mail: texts")
        self._calendar_cipher = RowCipher(key, b"emall mail: calendars")

    async def add(self, session: WriteSession, mails: Sequence[NewMail], *, now: datetime) -> None:
        """Store mails in the transaction of what they report."""
        for mail in mails:
            mail_id = new_id()
            parameters = {
                "region": self._region,
                "id": mail_id,
                "person": mail.person,
                "subject": mail.text.subject,
                "body": self._cipher.encrypt(
                    mail.text.body.encode(), region=self._region, row=mail_id
                ),
                "calendar": None
                if mail.calendar is None
                else self._calendar_cipher.encrypt(mail.calendar, region=self._region, row=mail_id),
                "now": now,
                "is_digest": mail.is_digest,
            }
            await session.execute(text(INSERT_MAIL), parameters)

    def decrypt(self, mail: UUID, stored: bytes) -> str | None:
        """Return the text of a mail; None if another key encrypted it."""
        plain = self._cipher.decrypt(stored, region=self._region, row=mail)
        return None if plain is None else plain.decode()

    def decrypt_calendar(self, mail: UUID, stored: bytes) -> bytes | None:
        """Return the calendar file of a mail; None if another key encrypted it."""
        return self._calendar_cipher.decrypt(stored, region=self._region, row=mail)


async def delete_old_mail(
    session: WriteSession, *, region: str, now: datetime, zone: ZoneInfo
) -> int:
    """Delete mails that were sent or given up 30 days ago; return how many."""
    parameters = {"region": region, "before": now - RETENTION}
    return int(await session.scalar(text(DELETE_OLD_MAIL), parameters) or 0)
