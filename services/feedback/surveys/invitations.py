"""Invitations to a round: a link for each stakeholder, valid for one response.

The hub sends no messages: whoever opened the round hands the links out, and again to those who have
not answered. A token is derived from the hub's key and a salt; only its hash is stored, and only
until its use, in a table that does not say whose it is. So who has answered follows from the tokens
that are left, and nothing stored tells when, or by which response.
"""

import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from services.feedback.surveys.invitation_schemas import (
    MAX_INVITED,
    Invitation,
    InvitationSubject,
    Invited,
)
from services.feedback.surveys.one_use_tokens import TOKEN_BYTES, encode_token, token_hash
from services.feedback.surveys.rounds import RoundKey, find_round, state_of
from services.platform.database import ReadSession, WriteSession
from services.platform.derived_keys import derived_key
from services.platform.problems import Conflict, NotFound
from services.platform.translation import N_, localized

PAGE = "/survei/undangan"
SALT_BYTES = 16

INVITATIONS = """
-- The invitations of a round.
SELECT code, name, name_en, salt FROM feedback.survey_invitation
WHERE region = :region AND survey = :survey AND round = :round
ORDER BY code
"""

CODES = """
-- Who is invited to a round.
SELECT code FROM feedback.survey_invitation
WHERE region = :region AND survey = :survey AND round = :round
ORDER BY code
"""

OPEN_TOKENS = """
-- The hashes of the tokens of a round that have not been used.
SELECT hash FROM feedback.invitation_token
WHERE region = :region AND survey = :survey AND round = :round
"""

INVITE = """
-- An invitation; of one that is there, the names. Returns whether it is new.
INSERT INTO feedback.survey_invitation (region, survey, round, code, name, name_en, salt)
VALUES (:region, :survey, :round, :code, :name, :name_en, :salt)
ON CONFLICT (region, survey, round, code) DO UPDATE SET
    name = excluded.name, name_en = excluded.name_en
RETURNING salt = :salt
"""

STORE_HASH = """
-- The hash of a new token.
INSERT INTO feedback.invitation_token (region, hash, survey, round)
VALUES (:region, :hash, :survey, :round)
"""

WITHDRAW = """
-- Withdraws an invitation.
DELETE FROM feedback.survey_invitation
WHERE region = :region AND survey = :survey AND round = :round AND code = :code
RETURNING salt
"""

FIND_HASH = """
-- What a token that has not been used is for.
SELECT survey, round FROM feedback.invitation_token WHERE region = :region AND hash = :hash
"""

REDEEM = """
-- Redeems a token of a round: it is deleted in the transaction that stores the response.
DELETE FROM feedback.invitation_token
WHERE region = :region AND hash = :hash AND survey = :survey AND round = :round
RETURNING hash
"""


class InvitationTokens:
    """Derives the tokens of invitations."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = derived_key(key, b"emall surveys: invitations")

    def token(self, salt: bytes) -> str:
        """Return a token that only this hub can derive."""
        return encode_token(hmac.digest(self._key, salt, "sha256")[:TOKEN_BYTES])


async def list_invitations(
    session: ReadSession | WriteSession, key: RoundKey, tokens: InvitationTokens
) -> list[Invitation]:
    """Return the invitations of a round, with the links of those that are not answered."""
    left = {bytes(one) for one in await session.scalars(text(OPEN_TOKENS), key.parameters())}
    items: list[Invitation] = []
    for row in await session.execute(text(INVITATIONS), key.parameters()):
        token = tokens.token(row.salt)
        is_open = token_hash(token) in left
        items.append(
            Invitation(
                code=row.code,
                name=row.name,
                name_en=row.name_en,
                answered=not is_open,
                path=f"{PAGE}/{token}" if is_open else None,
            )
        )
    return items


async def invited_codes(session: ReadSession | WriteSession, key: RoundKey) -> list[str]:
    """Return the codes of those who are invited to a round."""
    return list(await session.scalars(text(CODES), key.parameters()))


async def invite(
    session: WriteSession,
    key: RoundKey,
    invited: Sequence[Invited],
    tokens: InvitationTokens,
    *,
    today: date,
) -> None:
    """Invite stakeholders to a round; who is invited already keeps the link.

    Raises:
        Conflict: The round is not answered by invitation, or is closed, or would be too large.
    """
    found = await find_round(session, key)
    if found.content.sample != "invited":
        open_to_all = N_("Putaran %(round)s tidak dijawab lewat undangan.")
        raise Conflict(localized(open_to_all, round=key.round))
    if state_of(found.content, today) == "closed":
        closed = N_("Putaran %(round)s sudah ditutup pada %(day)s.")
        raise Conflict(localized(closed, round=key.round, day=found.content.closes_on))
    known = await invited_codes(session, key)
    if len({*known} | {one.code for one in invited}) > MAX_INVITED:
        most = N_("Satu putaran paling banyak %(most)s undangan.")
        raise Conflict(localized(most, most=MAX_INVITED))
    for one in invited:
        salt = os.urandom(SALT_BYTES)
        values = one.model_dump() | {"salt": salt}
        if await session.scalar(text(INVITE), key.parameters(**values)):
            await _store_token(session, key, tokens.token(salt))


async def _store_token(session: WriteSession, key: RoundKey, token: str) -> None:
    await session.execute(text(STORE_HASH), key.parameters(hash=token_hash(token)))


async def withdraw_invitation(
    session: WriteSession, key: RoundKey, code: str, tokens: InvitationTokens, *, today: date
) -> None:
    """Withdraw an invitation.

    Raises:
        Conflict: The round is open or closed: who does not answer it belongs to its response rate.
        NotFound: Nobody of this code is invited.
    """
    found = await find_round(session, key)
    if state_of(found.content, today) != "planned":
        begun = N_(
            "Putaran %(round)s sudah dibuka pada %(day)s: yang tidak menjawab ikut dihitung dalam "
            "tingkat jawabannya."
        )
        raise Conflict(localized(begun, round=key.round, day=found.content.opens_on))
    salt = await session.scalar(text(WITHDRAW), key.parameters(code=code))
    if salt is None:
        raise NotFound(
            localized(
                N_("%(code)s tidak diundang ke putaran %(round)s."), code=code, round=key.round
            )
        )
    await redeem_invitation(session, key, tokens.token(salt))


async def find_invitation(
    session: ReadSession | WriteSession,
    region: str,
    token: str,
    tokens: InvitationTokens,
    *,
    today: date,
) -> InvitationSubject | None:
    """Return what a token invites to; None if it is unknown, used, or the round is not open."""
    names = {"region": region, "hash": token_hash(token)}
    row = (await session.execute(text(FIND_HASH), names)).one_or_none()
    if row is None:
        return None
    key = RoundKey(region, row.survey, row.round)
    content = (await find_round(session, key)).content
    if state_of(content, today) != "open":
        return None
    roster = await find_invited(session, key, token, tokens)
    if roster is None:  # derived by a key that the hub no longer has
        return None
    return InvitationSubject(
        survey=row.survey,
        round=row.round,
        closes_on=content.closes_on,
        invited=roster.invited,
        partners=roster.partners,
    )


@dataclass(frozen=True)
class Roster:
    """Who is invited by a token, and who else is to the round, by name."""

    invited: Invited
    partners: list[Invited]


async def find_invited(
    session: ReadSession | WriteSession, key: RoundKey, token: str, tokens: InvitationTokens
) -> Roster | None:
    """Return whose token of a round this is; None if it is of nobody."""
    invited: Invited | None = None
    partners: list[Invited] = []
    for row in await session.execute(text(INVITATIONS), key.parameters()):
        one = Invited(code=row.code, name=row.name, name_en=row.name_en)
        if hmac.compare_digest(tokens.token(row.salt), token):
            invited = one
        else:
            partners.append(one)
    if invited is None:
        return None
    return Roster(invited, sorted(partners, key=lambda other: other.name))


async def redeem_invitation(session: WriteSession, key: RoundKey, token: str) -> bool:
    """Redeem a token within the transaction; return whether it was valid."""
    names = key.parameters(hash=token_hash(token))
    return await session.scalar(text(REDEEM), names) is not None
