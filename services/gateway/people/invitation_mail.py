"""Invitations by e-mail, where the hub has a mail server."""

from datetime import datetime

from services.gateway.people.invitations import IssuedInvitation
from services.gateway.people.mail.outbox import MailOutbox, NewMail
from services.gateway.people.mail.texts import invitation
from services.gateway.people.records import find_person
from services.platform.database import WriteSession
from services.platform.settings import Settings
from services.platform.translation import translator


async def mail_invitation(
    session: WriteSession,
    settings: Settings,
    outbox: MailOutbox,
    issued: IssuedInvitation,
    *,
    now: datetime,
) -> bool:
    """Store the mail with a new link, in the transaction of the invitation.

    Return False without a mail server, or for a first administrator, whose address is not known.
    """
    hub = settings.public_address
    if settings.smtp_host is None or hub is None:
        return False
    person = await find_person(session, settings.region, issued.person)
    if person is None or person.email is None:
        return False
    mail = invitation(translator(person.language), hub, hub + issued.path, issued.expires_at.date())
    await outbox.add(session, [NewMail(person.id, mail)], now=now)
    return True
