"""Sends the mails of the outbox by SMTP."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import text

from services.gateway.people.mail.addresses import is_accepted
from services.gateway.people.mail.outbox import MailOutbox
from services.gateway.people.mail.unsubscribing import UnsubscribeLinks
from services.platform.calendar_feed import method_of
from services.platform.database import Database
from services.platform.jobs import LeaseTable, RefusedItems
from services.platform.lazy_module import LazyModule
from services.platform.logging import Outage, get_logger, summarise
from services.platform.settings import Settings, SmtpTls
from services.platform.tls import default_ssl_context

if TYPE_CHECKING:
    from email import headerregistry, policy
    from email import message as messages

    import aiosmtplib
else:  # a hub without a mail server needs none of them
    aiosmtplib = LazyModule("aiosmtplib")
    headerregistry = LazyModule("email.headerregistry")
    messages, policy = LazyModule("email.message"), LazyModule("email.policy")

log = get_logger(__name__)

BATCH = 20
CALENDAR_FILE = "undangan.ics"
TIMEOUT_SECONDS = 20.0
BATCH_SECONDS = 240.0
LEASE = timedelta(minutes=5)
"""How long sending a batch may take before another replica may repeat it."""
POLL_INTERVAL = timedelta(seconds=5)
OVERDUE_AFTER = timedelta(hours=4)
BACKOFF = (
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=4),
    timedelta(hours=8),
    timedelta(hours=12),
    timedelta(hours=20),
)

DUE_MAILS = LeaseTable(
    "gateway.mail_outbox", ("id",), lease=LEASE, set_also="attempts = t.attempts + 1"
)

PENDING_MAILS = """
-- Mails that wait for their next attempt.
SELECT count(*) AS items, min(created_at) AS oldest
FROM gateway.mail_outbox WHERE region = :region AND due_at IS NOT NULL
"""

GIVEN_UP_MAILS = RefusedItems(
    listing="""
    SELECT id::text AS item, given_up_at AS refused_at, last_error AS reason
    FROM gateway.mail_outbox WHERE region = :region AND given_up_at IS NOT NULL
    """,
    retry="""
    UPDATE gateway.mail_outbox SET due_at = now(), attempts = 0, given_up_at = NULL
    WHERE region = :region AND given_up_at IS NOT NULL AND id::text = ANY(CAST(:items AS text[]))
    RETURNING id::text AS item
    """,
    discard="""
    DELETE FROM gateway.mail_outbox
    WHERE region = :region AND given_up_at IS NOT NULL AND id::text = ANY(CAST(:items AS text[]))
    RETURNING id::text AS item
    """,
)
"""Mails that the server refused for good, or whose last attempt failed."""

DELETE_UNWANTED = """
-- Delete what waits for people whose account is disabled, and digests that nobody wants any more.
DELETE FROM gateway.mail_outbox m USING gateway.person p
WHERE m.region = :region AND m.due_at IS NOT NULL
    AND p.region = m.region AND p.id = m.person
    AND (p.disabled_at IS NOT NULL OR (m.is_digest AND NOT p.wants_digest))
"""

LOAD_MAILS = """
-- What is sent, and to whom, of the mails that this process has leased.
SELECT m.id, m.subject, m.body, m.calendar, m.created_at, m.attempts, m.person, m.is_digest, p.email
FROM gateway.mail_outbox m
JOIN gateway.person p ON p.region = m.region AND p.id = m.person
WHERE m.region = :region AND m.id = ANY(CAST(:ids AS uuid[]))
ORDER BY m.id
"""

MARK_SENT = """
-- Mark a mail as sent, and erase what it said.
UPDATE gateway.mail_outbox
SET sent_at = now(), due_at = NULL, body = NULL, calendar = NULL, last_error = NULL
WHERE region = :region AND id = :id
"""

MARK_FAILED = """
-- Schedule the next attempt of a mail, or give it up if there is no wait.
UPDATE gateway.mail_outbox SET due_at = now() + CAST(:wait AS interval), last_error = :error,
    given_up_at = CASE WHEN CAST(:wait AS interval) IS NULL THEN now() END
WHERE region = :region AND id = :id AND attempts = :attempts AND sent_at IS NULL
"""


@dataclass(frozen=True)
class StoredMail:
    """A mail that this process may send."""

    id: UUID
    subject: str
    body: bytes
    created_at: datetime
    attempts: int
    email: str
    person: UUID
    is_digest: bool
    calendar: bytes | None = None


class MailDispatcher:
    """Sends due mails; each is claimed by one replica through the database.

    A mail whose sending was interrupted after the server took it, by a crash, is sent again with
    the same Message-ID.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        outbox: MailOutbox,
        links: UnsubscribeLinks,
    ) -> None:
        self._database = database
        self._settings = settings
        self._region = settings.region
        self._outbox = outbox
        self._links = links
        self._outage = Outage(log, "mail server")

    async def send_all_due(self) -> None:
        """Send all due mails, a batch at a time."""
        while await self.send_due() == BATCH:
            pass

    async def send_due(self) -> int:
        """Send one batch of due mails over one connection and return its size."""
        async with self._database.write_session() as session:
            await session.execute(text(DELETE_UNWANTED), {"region": self._region})
            leased = await DUE_MAILS.claim(session, self._region, limit=BATCH)
            if not leased:
                return 0
            rows = await session.execute(
                text(LOAD_MAILS), {"region": self._region, "ids": [row.id for row in leased]}
            )
            mails = [StoredMail(**row) for row in rows.mappings()]
        waiting = list(mails)
        try:
            async with asyncio.timeout(BATCH_SECONDS), _connection(self._settings) as server:
                while waiting:
                    await self._send(server, waiting[0])
                    waiting.pop(0)
            self._outage.succeeded()
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            self._outage.failed(error)
            for mail in waiting:
                await self._mark_failed(mail, error, is_final=False)
        return len(mails)

    async def _send(self, server: "aiosmtplib.SMTP", mail: StoredMail) -> None:
        """Send a mail; raise what concerns the server, not this mail alone."""
        body = self._outbox.decrypt(mail.id, mail.body)
        calendar = None
        if mail.calendar is not None:
            calendar = self._outbox.decrypt_calendar(mail.id, mail.calendar)
        if body is None or (calendar is None and mail.calendar is not None):
            error = ValueError("the text was encrypted with another key")
            await self._mark_failed(mail, error, is_final=True)
            return
        try:
            message = compose(
                mail,
                body,
                calendar=calendar,
                sender=self._settings.smtp_from or "",
                unsubscribe=self._links.address_of(mail.person) if mail.is_digest else None,
            )
            await server.send_message(message)
        except aiosmtplib.SMTPRecipientsRefused as error:
            refused = error.recipients[0]
            await self._mark_failed(mail, refused, is_final=refused.code >= 500)
        except aiosmtplib.SMTPDataError as error:
            await self._mark_failed(mail, error, is_final=error.code >= 500)
        except ValueError as error:
            await self._mark_failed(mail, error, is_final=True)
        else:
            async with self._database.write_session() as session:
                await session.execute(text(MARK_SENT), {"region": self._region, "id": mail.id})

    async def _mark_failed(self, mail: StoredMail, error: Exception, *, is_final: bool) -> None:
        is_last = is_final or mail.attempts > len(BACKOFF)
        values: dict[str, Any] = {
            "region": self._region,
            "id": mail.id,
            "attempts": mail.attempts,
            "wait": None if is_last else BACKOFF[mail.attempts - 1],
            "error": summarise(error),
        }
        async with self._database.write_session() as session:
            await session.execute(text(MARK_FAILED), values)
        if is_last:
            log.error("mail given up; see `emall jobs`", mail=str(mail.id))


def compose(
    mail: StoredMail,
    body: str,
    *,
    sender: str,
    unsubscribe: str | None = None,
    calendar: bytes | None = None,
) -> "messages.EmailMessage":
    """Return a mail as it is sent; the same at each attempt.

    `calendar` is a file that announces or cancels an event (RFC 6047), `unsubscribe` the address
    that one POST unsubscribes at (RFC 8058).

    Raises:
        ValueError: The person's address is none that mail is sent to.
    """
    if not is_accepted(mail.email):
        raise ValueError("no mail is sent to such an address")
    message = messages.EmailMessage(policy=policy.SMTP)
    message["From"] = sender
    message["To"] = headerregistry.Address(addr_spec=mail.email)
    message["Subject"] = mail.subject
    message["Date"] = mail.created_at
    message["Message-ID"] = f"<{mail.id}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    if unsubscribe is not None:
        message["List-Unsubscribe"] = f"<{unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(body, cte="quoted-printable")
    if calendar is not None:
        message.add_attachment(
            calendar.decode(),
            subtype="calendar",
            cte="base64",
            filename=CALENDAR_FILE,
            params={"method": method_of(calendar)},
        )
    return message


def _connection(settings: Settings) -> "aiosmtplib.SMTP":
    tls, password = settings.smtp_tls, settings.smtp_password
    return aiosmtplib.SMTP(
        hostname=settings.smtp_host,
        port=settings.smtp_port,
        username=settings.smtp_user,
        password=password.get_secret_value() if password else None,
        # Otherwise the name of this machine, which a resolver may take long to find.
        local_hostname=settings.public_url.host if settings.public_url else None,
        timeout=TIMEOUT_SECONDS,
        use_tls=tls is SmtpTls.tls,
        start_tls=tls is SmtpTls.starttls,
        tls_context=None if tls is SmtpTls.none else default_ssl_context(),
    )
