"""Contact details: encrypted in a separate table with the consent, erased with their purpose.

Law 27/2022 requires erasure within 3x24 hours after the purpose ends or consent is withdrawn; here
it happens in the same transaction.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from services.feedback.comments.keys import CommentKeys
from services.feedback.comments.schemas import ConsentText, Contact, ContactDetails
from services.platform.database import WriteSession
from services.platform.problems import Conflict, FieldError

CONSENT = ConsentText(
    version="2026-1",
    text="Saya setuju kontak ini dipakai hanya untuk menanggapi pesan ini. Kontak disimpan "
    "terenkripsi, hanya dibaca instansi yang menangani, dan dihapus saat pesan selesai atau saat "
    "saya mencabut persetujuan, paling lambat 3x24 jam sesudahnya.",
    text_en="I agree that this contact is used only to respond to this message. It is kept "
    "encrypted, read by the agency in charge alone, and erased when the case is closed or when I "
    "withdraw my consent, at the latest 72 hours after.",
)

STORE = """
-- An encrypted contact with its consent.
INSERT INTO feedback.comment_contact (region, comment, ciphertext, consent_version, consented_at)
VALUES (:region, :comment, :ciphertext, :version, :now)
"""

READ = """
-- The contact of a comment.
SELECT ciphertext, consent_version, consented_at FROM feedback.comment_contact
WHERE region = :region AND comment = :comment
"""

ERASE = """
-- Deletes contacts.
DELETE FROM feedback.comment_contact
WHERE region = :region AND comment = ANY(CAST(:comments AS uuid[]))
RETURNING comment
"""


def check_consent(contact: Contact) -> None:
    """Raise `Conflict` unless the consent is to the text in force."""
    if contact.consent != CONSENT.version:
        detail = f"must be {CONSENT.version}, the version of the text in force"
        error = FieldError(pointer="#/contact/consent", parameter=None, detail=detail)
        raise Conflict("The consent text has changed; show the new one.", errors=[error])


async def store_contact(
    session: WriteSession,
    keys: CommentKeys,
    region: str,
    comment: UUID,
    *,
    contact: Contact,
    now: datetime,
) -> None:
    """Encrypt and store a contact."""
    plain = json.dumps({"email": contact.email, "phone": contact.phone}).encode()
    await session.execute(
        text(STORE),
        {
            "region": region,
            "comment": comment,
            "ciphertext": keys.encrypt_contact(plain, region=region, comment=comment),
            "version": contact.consent,
            "now": now,
        },
    )


async def read_contact(
    session: WriteSession, keys: CommentKeys, region: str, comment: UUID
) -> ContactDetails | None:
    """Return the contact of a comment; None if there is none or it cannot be decrypted."""
    rows = await session.execute(text(READ), {"region": region, "comment": comment})
    row = rows.one_or_none()
    plain = (
        None
        if row is None
        else keys.decrypt_contact(row.ciphertext, region=region, comment=comment)
    )
    if row is None or plain is None:
        return None
    return ContactDetails(
        **json.loads(plain), consent_version=row.consent_version, consented_at=row.consented_at
    )


async def erase_contacts(
    session: WriteSession, region: str, comments: Sequence[UUID]
) -> list[UUID]:
    """Erase the contacts of these comments; return the comments that had one."""
    if not comments:
        return []
    rows = await session.scalars(text(ERASE), {"region": region, "comments": list(comments)})
    return list(rows)
