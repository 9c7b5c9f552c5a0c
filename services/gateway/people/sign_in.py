"""Signing in: password, then a code or a passkey.

Wrong attempts of an account and of an address are limited, also for accounts that do not exist.
Whether an account exists shows neither in answers nor in their time.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from services.gateway.people.invitations import Invitation, accept
from services.gateway.people.passkeys import PasskeyRefusedError, RelyingParty, check_answer
from services.gateway.people.passwords import PasswordHashes
from services.gateway.people.records import Person, find_by_email, find_person, normalised_email
from services.gateway.people.second_factors import (
    SecondFactors,
    matching_step,
    new_recovery_codes,
    normalised_code,
    normalised_recovery_code,
)
from services.gateway.people.sessions import end_all_sessions
from services.platform.database import Database, WriteSession
from services.platform.derived_keys import derived_key
from services.platform.ids import new_id
from services.platform.logging import get_logger

log = get_logger(__name__)

WINDOW = timedelta(minutes=15)
MAX_ACCOUNT_ATTEMPTS = 10
MAX_ADDRESS_ATTEMPTS = 50
AUTHENTICATOR_CODE = re.compile(r"[0-9]{3} ?[0-9]{3}")
MAX_CODE_LENGTH = 60

COUNT_ATTEMPTS = """
-- Count the attempts of an account and of an address in the window.
SELECT count(*) FILTER (WHERE account_hash = :account_hash) AS of_account,
    count(*) FILTER (WHERE address_hash = :address_hash) AS of_address
FROM gateway.sign_in_attempt
WHERE region = :region AND at > :since
    AND (account_hash = :account_hash OR address_hash = :address_hash)
"""

LOCK_ACCOUNT = """
-- Let the attempts of an account be counted one after another, until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended(encode(:account_hash, 'hex'), 0))
"""

INSERT_ATTEMPT = """
-- Insert an attempt, which counts unless it succeeds.
INSERT INTO gateway.sign_in_attempt (region, id, account_hash, address_hash, at)
VALUES (:region, :id, :account_hash, :address_hash, :now)
"""

DELETE_ATTEMPTS = """
-- Delete the attempts of an account after it signed in.
DELETE FROM gateway.sign_in_attempt WHERE region = :region AND account_hash = :account_hash
"""

DELETE_OLD_ATTEMPTS = """
-- Delete the attempts that count no longer, and return their number.
WITH deleted AS (
    DELETE FROM gateway.sign_in_attempt WHERE region = :region AND at < :before RETURNING 1
)
SELECT count(*) FROM deleted
"""

SELECT_CREDENTIAL = """
-- Select what a person signs in with.
SELECT password_hash, totp_secret, totp_step FROM gateway.person_credential
WHERE region = :region AND person = :person
"""

USE_STEP = """
-- Accept the code of a time step, unless it or a later one was accepted.
UPDATE gateway.person_credential SET totp_step = :step
WHERE region = :region AND person = :person AND totp_step < :step
RETURNING person
"""

USE_RECOVERY_CODE = """
-- Use a recovery code, once.
UPDATE gateway.recovery_code SET used_at = :now
WHERE region = :region AND person = :person AND code_hash = :code_hash AND used_at IS NULL
RETURNING person
"""


class TooManyAttemptsError(Exception):
    """The account or the address tried too often; nothing was compared."""


@dataclass(frozen=True)
class SignIn:
    """Checks what people sign in with."""

    database: Database
    region: str
    hashes: PasswordHashes
    second_factors: SecondFactors
    attempts_key: bytes

    @classmethod
    def create(cls, database: Database, region: str, key: Ed25519PrivateKey) -> "SignIn":
        """Create it with keys derived from the hub's key for secrets."""
        return cls(
            database,
            region,
            PasswordHashes(),
            SecondFactors(key, region),
            derived_key(key, b"emall people: attempts"),
        )

    async def check_password(
        self, email: str, password: str, *, address: str, now: datetime
    ) -> Person | None:
        """Return the person whose address and password these are; None if they are nobody's.

        Raises:
            TooManyAttemptsError: The account or the address tried too often.
        """
        await self.count_attempt(normalised_email(email), address, now=now)
        async with self.database.read_session() as session:
            person = await find_by_email(session, self.region, email)
            credential = None
            if person is not None and person.state == "active":
                parameters = {"region": self.region, "person": person.id}
                found = await session.execute(text(SELECT_CREDENTIAL), parameters)
                credential = found.one_or_none()
        stored = None if credential is None else credential.password_hash
        fits = await self.hashes.verify(stored, password)
        return person if fits else None

    async def check_code(self, person: Person, code: str, *, address: str, now: datetime) -> bool:
        """Return whether this is a code of the person's authenticator, or a recovery code.

        Each is accepted once. A right one ends the count of the account's attempts.

        Raises:
            TooManyAttemptsError: The account or the address tried too often.
        """
        account = person.email or ""
        await self.count_attempt(account, address, now=now)
        if AUTHENTICATOR_CODE.fullmatch(code.strip()):
            is_right = await self._use_step(person.id, normalised_code(code), now=now)
        else:
            is_right = await self._use_recovery_code(person.id, code, now=now)
        if is_right:
            await self.forget_attempts(person)
        return is_right

    async def check_passkey(
        self,
        person: Person,
        session_id: UUID,
        answer: str,
        party: RelyingParty,
        *,
        address: str,
        now: datetime,
    ) -> bool:
        """Return whether one of the person's passkeys answered what the session asked.

        A challenge is good for one answer, also for a wrong one.

        Raises:
            TooManyAttemptsError: The account or the address tried too often.
        """
        await self.count_attempt(person.email or "", address, now=now)
        async with self.database.write_session() as session:
            try:
                await check_answer(
                    session, self.region, party, person.id, session_id, answer=answer, now=now
                )
            except PasskeyRefusedError as error:
                log.info("passkey refused", person=str(person.id), reason=str(error)[:200])
                return False
        await self.forget_attempts(person)
        return True

    async def forget_attempts(self, person: Person) -> None:
        """End the count of the account's attempts, after one that shows who it is."""
        account = self._hash("account", person.email or "")
        parameters = {"region": self.region, "account_hash": account}
        async with self.database.write_session() as session:
            await session.execute(text(DELETE_ATTEMPTS), parameters)

    async def accept_invitation(
        self, invitation: Invitation, token: str, code: str, *, now: datetime
    ) -> tuple[Person, list[str]] | None:
        """Return the person and new recovery codes; None if the code is not that of the secret.

        The secret is the one that the page of the invitation shows.
        """
        secret = self.second_factors.secret_for(token)
        step = matching_step(secret, normalised_code(code), now=now, after=0)
        if step is None:
            return None
        codes = new_recovery_codes()
        hashes = await self.hash_recovery_codes(invitation.person, codes)
        async with self.database.write_session() as session:
            is_accepted = await accept(
                session,
                self.region,
                invitation,
                totp_secret=self.second_factors.encrypt(invitation.person, secret),
                totp_step=step,
                recovery_hashes=hashes,
                now=now,
            )
            if is_accepted:
                await end_all_sessions(session, self.region, invitation.person, now=now)
            person = await find_person(session, self.region, invitation.person)
        return (person, codes) if is_accepted and person is not None else None

    async def hash_recovery_codes(self, person: UUID, codes: list[str]) -> list[bytes]:
        """Return the hashes of a person's recovery codes."""
        plain = [normalised_recovery_code(code) for code in codes]
        return await self.hashes.hash_codes(plain, salt=person.bytes)

    async def _use_step(self, person: UUID, digits: str, *, now: datetime) -> bool:
        parameters = {"region": self.region, "person": person}
        async with self.database.write_session() as session:
            found = (await session.execute(text(SELECT_CREDENTIAL), parameters)).one_or_none()
            if found is None:
                return False
            secret = self.second_factors.decrypt(person, found.totp_secret)
            step = (
                None
                if secret is None
                else matching_step(secret, digits, now=now, after=found.totp_step)
            )
            if step is None:
                return False
            used = await session.scalar(text(USE_STEP), {**parameters, "step": step})
            return used is not None

    async def _use_recovery_code(self, person: UUID, code: str, *, now: datetime) -> bool:
        [code_hash] = await self.hash_recovery_codes(person, [code[:MAX_CODE_LENGTH]])
        parameters = {
            "region": self.region,
            "person": person,
            "code_hash": code_hash,
            "now": now,
        }
        async with self.database.write_session() as session:
            return await session.scalar(text(USE_RECOVERY_CODE), parameters) is not None

    async def count_attempt(self, account: str, address: str, *, now: datetime) -> None:
        """Count an attempt before it is looked at.

        Raises:
            TooManyAttemptsError: The account or the address tried too often.
        """
        parameters = {
            "region": self.region,
            "id": new_id(),
            "account_hash": self._hash("account", account),
            "address_hash": self._hash("address", address),
            "now": now,
            "since": now - WINDOW,
        }
        async with self.database.write_session() as session:
            await session.execute(text(LOCK_ACCOUNT), parameters)
            count = (await session.execute(text(COUNT_ATTEMPTS), parameters)).one()
            if count.of_account >= MAX_ACCOUNT_ATTEMPTS or count.of_address >= MAX_ADDRESS_ATTEMPTS:
                raise TooManyAttemptsError
            await session.execute(text(INSERT_ATTEMPT), parameters)

    def _hash(self, kind: str, value: str) -> bytes:
        message = f"{self.region} {kind} {value}".encode("utf-8", "surrogatepass")
        return hmac.new(self.attempts_key, message, hashlib.sha256).digest()


async def delete_old_attempts(
    session: WriteSession, *, region: str, now: datetime, zone: ZoneInfo
) -> int:
    """Delete attempts that count no longer; return how many."""
    parameters = {"region": region, "before": now - WINDOW}
    return int(await session.scalar(text(DELETE_OLD_ATTEMPTS), parameters) or 0)
