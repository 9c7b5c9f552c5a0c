"""Senders, told apart within one day by a salted hash whose salt is deleted with the next day.

Each purpose has hashes of its own, so that a person's comment cannot be matched with their answers.
"""

import hmac
import os
from collections.abc import Sequence
from datetime import date
from ipaddress import IPv6Address, IPv6Network, ip_address

from fastapi import Request
from sqlalchemy import text

from services.platform.database import WriteSession

SALT = """
-- The salt of a day.
SELECT salt FROM feedback.sender_salt WHERE region = :region AND day = :day
"""

CREATE_SALT = """
-- The salt of a day, created by its first sender.
INSERT INTO feedback.sender_salt (region, day, salt) VALUES (:region, :day, :drawn)
ON CONFLICT (region, day) DO UPDATE SET salt = sender_salt.salt
RETURNING salt
"""

DELETE_SALTS = """
-- Deletes the salts of past days: their senders can no longer be recognised.
DELETE FROM feedback.sender_salt WHERE region = :region AND day < :day
"""

DELETE_COUNTS = """
-- Deletes the counts of past days.
DELETE FROM feedback.sender_count WHERE region = :region AND day < :day
"""

COUNT = """
-- Counts one more from this sender today.
INSERT INTO feedback.sender_count AS s (region, day, sender, sent)
VALUES (:region, :day, :sender, 1)
ON CONFLICT (region, day, sender) DO UPDATE SET sent = s.sent + 1
RETURNING sent
"""


def address_of(request: Request) -> str:
    """Return the address of a request's sender, used only for the day's salted hash.

    The gateway sets `X-Forwarded-For`; the value of a client is not forwarded. IPv6 addresses are
    truncated to 64 bits: a single subscriber has the whole /64.
    """
    host = request.client.host if request.client is not None else ""
    address = request.headers.get("x-forwarded-for", host).strip()
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:100]
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(IPv6Network((parsed, 64), strict=False).network_address)
    return str(parsed)


async def hash_sender(
    session: WriteSession, region: str, sender: Sequence[str], *, purpose: str, today: date
) -> bytes:
    """Return the hash by which a sender is recognised today, for one purpose."""
    key = {"region": region, "day": today}
    await delete_sender_data(session, region, today=today)
    salt = (await session.execute(text(SALT), key)).scalar_one_or_none()
    if salt is None:
        created = await session.execute(text(CREATE_SALT), key | {"drawn": os.urandom(32)})
        salt = created.scalar_one()
    message = "\n".join((purpose, *sender)).encode(errors="replace")
    return hmac.digest(salt, message, "sha256")


async def count_from_sender(
    session: WriteSession, region: str, sender_hash: bytes, *, today: date
) -> int:
    """Return how many times this hash was counted today, including this time."""
    key = {"region": region, "day": today, "sender": sender_hash}
    sent: int | None = await session.scalar(text(COUNT), key)
    return sent or 0


async def delete_sender_data(session: WriteSession, region: str, *, today: date) -> None:
    """Delete the salts and hashes of past days."""
    key = {"region": region, "day": today}
    await session.execute(text(DELETE_SALTS), key)
    await session.execute(text(DELETE_COUNTS), key)
