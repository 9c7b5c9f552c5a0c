"""Upload links for staff of an agency who upload statistics: signed, expiring, revocable.

A link is stored as an API key without a usable secret, with the scope `usage:write` for one agency,
and is revoked like a key. Its signature covers the stored row and uses a key derived from the key
of secrets, so no table holds a working link.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.gateway.api_keys.keys import issue_key, load_caller
from services.platform.database import Database, WriteSession
from services.platform.derived_keys import derived_key
from services.platform.identity import Caller
from services.platform.problems import NotAuthenticated

PREFIX = "eml"
PURPOSE = b"emall upload links"


@dataclass(frozen=True)
class UploadLink:
    """A new upload link, which is shown only once."""

    id: str
    token: str
    expires_at: datetime

    @property
    def path(self) -> str:
        """Path of the upload page that this link opens."""
        return f"/unggah/tautan/{self.token}"


async def issue_upload_link(
    session: WriteSession,
    region: str,
    *,
    key: Ed25519PrivateKey,
    agency: str,
    now: datetime,
    lifetime: timedelta,
) -> UploadLink:
    """Issue an upload link for an agency."""
    issued = await issue_key(
        session,
        region,
        agency=agency,
        scopes=["usage:write"],
        now=now,
        lifetime=lifetime,
        is_link=True,
    )
    # The key's secret is discarded: only the signature opens the link.
    signature = _signature(key, region, issued.id, agency, issued.expires_at)
    return UploadLink(issued.id, f"{PREFIX}_{issued.id}_{signature}", issued.expires_at)


async def authenticate_upload_link(
    database: Database, region: str, token: str, *, key: Ed25519PrivateKey, now: datetime
) -> tuple[Caller, datetime]:
    """Return the caller and expiry of an upload link.

    Raises:
        NotAuthenticated: The link is malformed, unknown, expired or revoked.
    """
    prefix, _, rest = token.partition("_")
    link_id, _, signature = rest.partition("_")
    if prefix != PREFIX or not link_id.isalnum() or not token.isascii():
        raise NotAuthenticated("This is not a valid upload link of this hub.")
    caller, expires_at = await load_caller(database, region, link_id, now=now)
    expected = _signature(key, region, link_id, caller.agency or "", expires_at)
    if not hmac.compare_digest(signature, expected):
        raise NotAuthenticated("This is not a valid upload link of this hub.")
    return caller, expires_at


def _signature(
    key: Ed25519PrivateKey, region: str, link_id: str, agency: str, expires_at: datetime
) -> str:
    message = f"{region} {link_id} {agency} {expires_at.timestamp():.6f}".encode()
    digest = hmac.new(derived_key(key, PURPOSE), message, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
