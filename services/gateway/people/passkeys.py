"""Passkeys (WebAuthn level 3): a telephone or a security key that answers in place of a code.

The challenge is stored with the session that asks, and taken once. No attestation is asked for: any
authenticator is accepted that proves the possession of its key, as any telephone is that shows
codes.
"""

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from services.gateway.people.records import Person
from services.platform.database import ReadSession, WriteSession
from services.platform.ids import new_id
from services.platform.lazy_module import LazyModule

if TYPE_CHECKING:
    from fido2 import server as fido2
    from fido2 import webauthn
else:
    fido2 = LazyModule("fido2.server")
    webauthn = LazyModule("fido2.webauthn")

MAX_PASSKEYS = 10
MAX_NAME = 60
MAX_ANSWER_LENGTH = 16_384
"""Characters of an answer; those of authenticators have some hundred."""
CHALLENGE_WITHIN = timedelta(minutes=5)

LIST_PASSKEYS = """
-- Select the passkeys of a person, oldest first.
SELECT id, name, created_at, last_used_at, credential, sign_count FROM gateway.passkey
WHERE region = :region AND person = :person
ORDER BY id
"""

INSERT_PASSKEY = """
-- Insert a passkey.
INSERT INTO gateway.passkey (region, id, person, name, credential_id, credential, sign_count,
    created_at)
VALUES (:region, :id, :person, :name, :credential_id, :credential, :sign_count, :now)
"""

USE_PASSKEY = """
-- Record that a passkey answered, unless its counter shows a copy of it.
UPDATE gateway.passkey SET last_used_at = :now, sign_count = :sign_count
WHERE region = :region AND person = :person AND id = :id
    AND (sign_count < :sign_count OR (sign_count = 0 AND :sign_count = 0))
RETURNING id
"""

DELETE_PASSKEY = """
-- Delete a passkey of a person.
DELETE FROM gateway.passkey WHERE region = :region AND person = :person AND id = :id
"""

STORE_CHALLENGE = """
-- Store what a passkey has to sign for a session.
UPDATE gateway.person_session SET challenge = :challenge, challenged_at = :now
WHERE region = :region AND id = :session
"""

TAKE_CHALLENGE = """
-- Take the challenge of a session, once.
WITH asked AS (
    SELECT id, challenge FROM gateway.person_session
    WHERE region = :region AND id = :session AND challenged_at > :since
    FOR UPDATE
)
UPDATE gateway.person_session s SET challenge = NULL, challenged_at = NULL
FROM asked WHERE s.region = :region AND s.id = asked.id
RETURNING asked.challenge
"""


class PasskeyRefusedError(Exception):
    """The answer is not that of a passkey that fits; the message says why, for the log."""


class PasskeyKnownError(Exception):
    """The passkey was added before."""


@dataclass(frozen=True)
class Passkey:
    """A passkey of a person."""

    id: UUID
    name: str
    created_at: datetime
    last_used_at: datetime | None
    credential: bytes
    sign_count: int


@dataclass(frozen=True)
class RelyingParty:
    """The site that a passkey is for; browsers show it for no other one."""

    host: str
    name: str

    @property
    def server(self) -> "fido2.Fido2Server":
        """The checks of answers, for this site alone."""
        entity = webauthn.PublicKeyCredentialRpEntity(id=self.host, name=self.name)
        return fido2.Fido2Server(entity, webauthn.AttestationConveyancePreference.NONE)


async def list_passkeys(
    session: ReadSession | WriteSession, region: str, person: UUID
) -> list[Passkey]:
    """Return the passkeys of a person, oldest first."""
    parameters = {"region": region, "person": person}
    rows = (await session.execute(text(LIST_PASSKEYS), parameters)).mappings()
    return [Passkey(**row) for row in rows]


async def ask_for_new(
    session: WriteSession,
    region: str,
    party: RelyingParty,
    person: Person,
    session_id: UUID,
    *,
    now: datetime,
) -> str:
    """Return the options (JSON) with which a browser makes a passkey for a person."""
    known = await list_passkeys(session, region, person.id)
    user = webauthn.PublicKeyCredentialUserEntity(
        id=person.id.bytes, name=person.email or person.name, display_name=person.name
    )
    options, state = party.server.register_begin(
        user,
        [webauthn.AttestedCredentialData(each.credential) for each in known],
        user_verification=webauthn.UserVerificationRequirement.PREFERRED,
    )
    await _store_challenge(session, region, session_id, state, now=now)
    return json.dumps(dict(options.public_key))


async def ask_for_known(
    session: WriteSession,
    region: str,
    party: RelyingParty,
    person: Person,
    session_id: UUID,
    *,
    now: datetime,
) -> str | None:
    """Return the options (JSON) with which a browser asks for a passkey; None without one."""
    known = await list_passkeys(session, region, person.id)
    if not known:
        return None
    options, state = party.server.authenticate_begin(
        [webauthn.AttestedCredentialData(each.credential) for each in known],
        user_verification=webauthn.UserVerificationRequirement.PREFERRED,
    )
    await _store_challenge(session, region, session_id, state, now=now)
    return json.dumps(dict(options.public_key))


async def add_passkey(
    session: WriteSession,
    region: str,
    party: RelyingParty,
    person: UUID,
    session_id: UUID,
    *,
    name: str,
    answer: str,
    now: datetime,
) -> None:
    """Store the passkey that a browser made.

    Raises:
        PasskeyRefusedError: The answer is none to the challenge of this session, or not of this
            site.
        PasskeyKnownError: This passkey, or as many as a person may have, were added before.
    """
    state = await _take_challenge(session, region, session_id, now=now)
    with _refusing_malformed():
        made = party.server.register_complete(state, _parse(answer))
        credential = made.credential_data
    if credential is None:
        raise PasskeyRefusedError("the answer has no key")
    if len(await list_passkeys(session, region, person)) >= MAX_PASSKEYS:
        raise PasskeyKnownError
    parameters = {
        "region": region,
        "id": new_id(),
        "person": person,
        "name": name,
        "credential_id": credential.credential_id,
        "credential": bytes(credential),
        "sign_count": made.counter,
        "now": now,
    }
    try:
        async with session.begin_nested():
            await session.execute(text(INSERT_PASSKEY), parameters)
    except IntegrityError:
        raise PasskeyKnownError from None


async def check_answer(
    session: WriteSession,
    region: str,
    party: RelyingParty,
    person: UUID,
    session_id: UUID,
    *,
    answer: str,
    now: datetime,
) -> None:
    """Accept the answer of one of a person's passkeys to the challenge of a session.

    Raises:
        PasskeyRefusedError: It is none, or the passkey was copied (its counter went back).
    """
    state = await _take_challenge(session, region, session_id, now=now)
    known = {each.credential: each for each in await list_passkeys(session, region, person)}
    with _refusing_malformed():
        response = webauthn.AuthenticationResponse.from_dict(_parse(answer))
        credentials = [webauthn.AttestedCredentialData(each) for each in known]
        used = party.server.authenticate_complete(state, credentials, response)
        counter = response.response.authenticator_data.counter
    parameters = {
        "region": region,
        "person": person,
        "id": known[bytes(used)].id,
        "sign_count": counter,
        "now": now,
    }
    if await session.scalar(text(USE_PASSKEY), parameters) is None:
        raise PasskeyRefusedError("the counter of the passkey went back")


async def delete_passkey(session: WriteSession, region: str, person: UUID, passkey: UUID) -> None:
    """Delete a passkey of a person."""
    parameters = {"region": region, "person": person, "id": passkey}
    await session.execute(text(DELETE_PASSKEY), parameters)


@contextmanager
def _refusing_malformed() -> Generator[None]:
    """Let whatever the library raises mean that the answer is none."""
    try:
        yield
    except PasskeyRefusedError:
        raise
    except Exception as error:  # it raises many types for malformed answers
        raise PasskeyRefusedError(str(error)) from error


def _parse(answer: str) -> Mapping[str, Any]:
    """Return the members of an answer, which the library checks."""
    if len(answer) > MAX_ANSWER_LENGTH:
        raise PasskeyRefusedError("the answer is too long")
    return json.loads(answer)


async def _store_challenge(
    session: WriteSession, region: str, session_id: UUID, state: Any, *, now: datetime
) -> None:
    parameters = {
        "region": region,
        "session": session_id,
        "challenge": str(state["challenge"]).encode(),
        "now": now,
    }
    await session.execute(text(STORE_CHALLENGE), parameters)


async def _take_challenge(
    session: WriteSession, region: str, session_id: UUID, *, now: datetime
) -> dict[str, object]:
    """Return the state that the library began with.

    Raises:
        PasskeyRefusedError: Nothing was asked, or too long ago.
    """
    parameters = {"region": region, "session": session_id, "since": now - CHALLENGE_WITHIN}
    challenge = await session.scalar(text(TAKE_CHALLENGE), parameters)
    if challenge is None:
        raise PasskeyRefusedError("no challenge of this session waits for an answer")
    preferred = webauthn.UserVerificationRequirement.PREFERRED
    return {"challenge": bytes(challenge).decode(), "user_verification": preferred}
