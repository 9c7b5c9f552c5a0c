"""What a key of the service's own locks: contacts, tokens of tickets and of forms."""

import hashlib
import hmac
import os
from base64 import urlsafe_b64encode
from datetime import datetime
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.platform.derived_keys import derived_key

NONCE_BYTES = 12
TOKEN_BYTES = 24


class Keys:
    """The keys that a private key gives for each purpose."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._contacts = AESGCM(derived_key(key, b"emall comments: contacts"))
        self._tokens = derived_key(key, b"emall comments: tokens of tickets")
        self._forms = derived_key(key, b"emall comments: forms")

    def seal(self, plain: bytes, *, region: str, comment: UUID) -> bytes:
        """The contact of this comment, and of no other, encrypted."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._contacts.encrypt(nonce, plain, _bound_to(region, comment))

    def open(self, sealed: bytes, *, region: str, comment: UUID) -> bytes | None:
        """What was sealed; None where it was sealed with another key or for another comment."""
        nonce, ciphertext = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            return self._contacts.decrypt(nonce, ciphertext, _bound_to(region, comment))
        except InvalidTag:
            return None

    def ticket_token(self, region: str, comment: UUID) -> str:
        """The secret with which whoever filed a comment comes back to it.

        Derived, not drawn, so that a repeated request gets the same; the database has its hash.
        """
        digest = hmac.digest(self._tokens, _bound_to(region, comment), "sha256")
        return urlsafe_b64encode(digest[:TOKEN_BYTES]).decode()

    def form_token(self, now: datetime) -> str:
        """Tells later when a form was given out."""
        moment = str(int(now.timestamp()))
        return f"{moment}.{self._signature(moment)}"

    def form_age(self, token: str, now: datetime) -> float | None:
        """Seconds since this form was given out; None for a token that is not the hub's."""
        moment, _, signature = token.partition(".")
        given = signature.encode(errors="replace")
        if not hmac.compare_digest(self._signature(moment).encode(), given):
            return None
        return now.timestamp() - int(moment)

    def _signature(self, moment: str) -> str:
        signed = hmac.digest(self._forms, moment.encode(errors="replace"), "sha256")
        return urlsafe_b64encode(signed[:16]).decode().rstrip("=")


def token_hash(token: str) -> bytes:
    """SHA-256; a secret of 192 bits needs no slow hash."""
    return hashlib.sha256(token.encode(errors="replace")).digest()


def _bound_to(region: str, comment: UUID) -> bytes:
    return f"{region} {comment}".encode()
