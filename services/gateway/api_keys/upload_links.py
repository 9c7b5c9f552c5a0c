"""Links with which people of an agency upload statistics: signed, for a while, revocable.

A link is a key without a secret: it stands among the keys, with the scope to report for one agency,
and is revoked as they are. Its signature is made of what stands there and a key derived from the
gateway's, so that no table holds what opens it.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.gateway.api_keys.keys import caller_of_id, issue_key
from services.platform.database import Database, WriteSession
from services.platform.derived_keys import derived_key
from services.platform.identity import Caller
from services.platform.problems import NotAuthenticated

PREFIX = "eml"
PURPOSE = b"emall upload links"


@dataclass(frozen=True)
class UploadLink:
    """A link as it is shown once."""

    id: str
    token: str
    expires_at: datetime

    @property
    def path(self) -> str:
        return f"/unggah/tautan/{self.token}"


async def issue_link(
    session: WriteSession,
    region: str,
    *,
    key: Ed25519PrivateKey,
    agency: str,
    now: datetime,
    life: timedelta,
) -> UploadLink:
    """Makes a link for an agency."""
    made = await issue_key(
        session, region, agency=agency, scopes=["usage:write"], now=now, life=life, is_link=True
    )
    # The secret of this key is thrown away here: it opens nothing but through its signature.
    signature = _signature(key, region, made.id, agency, made.expires_at)
    return UploadLink(made.id, f"{PREFIX}_{made.id}_{signature}", made.expires_at)


async def caller_of_link(
    database: Database, region: str, token: str, *, key: Ed25519PrivateKey, now: datetime
) -> tuple[Caller, datetime]:
    """The agency behind a link, and until when; `NotAuthenticated` for one that is not in force."""
    prefix, _, rest = token.partition("_")
    link_id, _, signature = rest.partition("_")
    if prefix != PREFIX or not link_id.isalnum() or not token.isascii():
        raise NotAuthenticated("This is no link of this hub.")
    caller, expires_at = await caller_of_id(database, region, link_id, now=now)
    expected = _signature(key, region, link_id, caller.agency or "", expires_at)
    if not hmac.compare_digest(signature, expected):
        raise NotAuthenticated("This is no link of this hub.")
    return caller, expires_at


def _signature(
    key: Ed25519PrivateKey, region: str, link_id: str, agency: str, expires_at: datetime
) -> str:
    said = f"{region} {link_id} {agency} {expires_at.timestamp():.6f}".encode()
    digest = hmac.new(derived_key(key, PURPOSE), said, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
