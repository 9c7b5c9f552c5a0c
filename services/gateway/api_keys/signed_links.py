"""Links for people without an account: to upload an agency's statistics, or to register a device.

A link is stored as an API key without a usable secret, with one scope for one agency, and is
revoked like a key. Its signature covers the stored row and uses a key derived from the key of
secrets, so no table holds a working link. Who opens it also types its code, which reaches that
person by another way; wrong codes in a row revoke the link.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from services.gateway.api_keys.key_rotation import issue_below
from services.gateway.api_keys.keys import issue_key, load_caller, revoke_key
from services.gateway.people.passwords import PasswordHashes
from services.platform.database import Database, WriteSession
from services.platform.derived_keys import derived_key
from services.platform.identity import Caller
from services.platform.problems import NotAuthenticated
from services.platform.scopes import Scope

PREFIX = "eml"
PURPOSE = b"emall upload links"
CODE_PURPOSE = b"emall codes of links"
MAX_WRONG_CODES = 5
"""Wrong codes in a row after which a link is revoked."""

LinkUse = Literal["upload", "device"]
SCOPE_OF: Mapping[LinkUse, Scope] = {"upload": "usage:write", "device": "surveys:collect"}
PATH_OF: Mapping[LinkUse, str] = {
    "upload": "/unggah/tautan",
    "device": "/survei/perangkat/tautan",
}
"""The pages that links open."""
TOKEN = re.compile(r"eml_[A-Za-z0-9_-]{1,196}")
CODE = re.compile(r"[0-9]{6}")

TAKE_ATTEMPT = """
-- Count an attempt as wrong before it is looked at, so that simultaneous ones count too.
UPDATE gateway.api_key SET wrong_codes = wrong_codes + 1
WHERE region = :region AND id = :id AND revoked_at IS NULL AND code_hash IS NOT NULL
    AND wrong_codes < :most
RETURNING code_hash, wrong_codes
"""

FORGET_ATTEMPTS = """
-- Begin the count of wrong codes anew, and record the use of the link.
UPDATE gateway.api_key SET wrong_codes = 0, last_used_at = :now
WHERE region = :region AND id = :id
"""

SELECT_CODE = """
-- Select the hash of a link's code.
SELECT code_hash FROM gateway.api_key WHERE region = :region AND id = :id
"""


class MalformedCodeError(Exception):
    """What was typed is no code of six digits; it does not count as an attempt."""


class WrongCodeError(Exception):
    """The code is not that of the link."""

    def __init__(self, remaining: int) -> None:
        """With how many attempts remain; with none the link has been revoked."""
        super().__init__(f"wrong code, {remaining} attempts remain")
        self.remaining = remaining


@dataclass(frozen=True)
class SignedLink:
    """A new link and its code, which are shown only once."""

    id: str
    token: str
    code: str
    use: LinkUse
    expires_at: datetime

    @property
    def path(self) -> str:
        """Path of the page that this link opens."""
        return f"{PATH_OF[self.use]}/{self.token}"

    @property
    def readable_code(self) -> str:
        """The code in two groups, as it is read out."""
        return f"{self.code[:3]} {self.code[3:]}"


async def issue_link(
    session: WriteSession,
    region: str,
    *,
    key: Ed25519PrivateKey,
    hashes: PasswordHashes,
    use: LinkUse,
    agency: str,
    now: datetime,
    lifetime: timedelta,
    link_id: str | None = None,
    parent: str | None = None,
) -> SignedLink:
    """Issue a link for an agency, with a random code; it ends with its parent, a valid key.

    Raises:
        NotAuthenticated: The parent is no valid key.
    """
    link_id, code = link_id or secrets.token_hex(6), f"{secrets.randbelow(10**6):06}"
    code_hash = await hashes.hash(_keyed(key, region, link_id, code))
    issue = issue_key if parent is None else partial(issue_below, parent=parent)
    issued = await issue(
        session,
        region,
        agency=agency,
        scopes=[SCOPE_OF[use]],
        now=now,
        lifetime=lifetime,
        key_id=link_id,
        code_hash=code_hash,
    )
    if issued is None:
        raise NotAuthenticated("This key was revoked or expired; ask for another.")
    # The key's secret is discarded: only the signature opens the link.
    signature = _signature(key, region, issued.id, agency, issued.expires_at)
    return SignedLink(issued.id, f"{PREFIX}_{issued.id}_{signature}", code, use, issued.expires_at)


async def find_link(
    database: Database,
    region: str,
    token: str,
    *,
    key: Ed25519PrivateKey,
    use: LinkUse,
    now: datetime,
) -> tuple[Caller, datetime]:
    """Return the caller and expiry of a link, which alone lets nobody in.

    Raises:
        NotAuthenticated: The link is malformed, unknown, expired, revoked or for another use.
    """
    unknown = NotAuthenticated("This is not a valid link of this hub.")
    prefix, _, rest = token.partition("_")
    link_id, _, signature = rest.partition("_")
    if prefix != PREFIX or not link_id.isalnum() or not token.isascii():
        raise unknown
    caller, expires_at = await load_caller(database, region, link_id, now=now)
    expected = _signature(key, region, link_id, caller.agency or "", expires_at)
    if not hmac.compare_digest(signature, expected) or not caller.has_scope(SCOPE_OF[use]):
        raise unknown
    return caller, expires_at


async def accept_code(
    database: Database,
    region: str,
    link_id: str,
    code: str,
    *,
    key: Ed25519PrivateKey,
    hashes: PasswordHashes,
    now: datetime,
) -> None:
    """Check the code that somebody typed who opened a link.

    Raises:
        MalformedCodeError: It is no code.
        WrongCodeError: It is not that of the link, which is revoked once no attempt remains.
    """
    digits = _digits(code)
    parameters = {"region": region, "id": link_id, "most": MAX_WRONG_CODES, "now": now}
    async with database.write_session() as session:
        row = (await session.execute(text(TAKE_ATTEMPT), parameters)).one_or_none()
    if row is None:
        raise WrongCodeError(remaining=0)
    if not await hashes.verify(row.code_hash, _keyed(key, region, link_id, digits)):
        remaining = MAX_WRONG_CODES - row.wrong_codes
        if remaining == 0:
            async with database.write_session() as session:
                await revoke_key(session, region, link_id, now=now)
        raise WrongCodeError(remaining)
    async with database.write_session() as session:
        await session.execute(text(FORGET_ATTEMPTS), parameters)


async def is_code_of(
    database: Database,
    region: str,
    link_id: str,
    code: str,
    *,
    key: Ed25519PrivateKey,
    hashes: PasswordHashes,
) -> bool:
    """Return whether this is the code of a link, for an act in a session that the link began.

    Wrong codes do not revoke the link, since anybody at a kiosk can type them: the caller limits
    the attempts in another way.

    Raises:
        MalformedCodeError: It is no code.
    """
    digits = _digits(code)
    async with database.read_session() as session:
        stored = await session.scalar(text(SELECT_CODE), {"region": region, "id": link_id})
    return await hashes.verify(stored, _keyed(key, region, link_id, digits))


def token_in(typed: str) -> str:
    """Return the token in a link as somebody pasted it; empty if there is none."""
    last = typed.strip().rpartition("/")[2]
    return last if TOKEN.fullmatch(last) else ""


def _digits(code: str) -> str:
    digits = "".join(code.split())
    if not CODE.fullmatch(digits):
        raise MalformedCodeError
    return digits


def _keyed(key: Ed25519PrivateKey, region: str, link_id: str, code: str) -> str:
    """Return what is hashed of a code: six digits alone could be tried out on a stolen table."""
    message = f"{region} {link_id} {code}".encode()
    return hmac.new(derived_key(key, CODE_PURPOSE), message, hashlib.sha256).hexdigest()


def _signature(
    key: Ed25519PrivateKey, region: str, link_id: str, agency: str, expires_at: datetime
) -> str:
    message = f"{region} {link_id} {agency} {expires_at.timestamp():.6f}".encode()
    digest = hmac.new(derived_key(key, PURPOSE), message, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
