"""Keys derived from the service's private key: for contacts, ticket tokens and form tokens."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.feedback.form_checks import FormTokens
from services.platform.derived_keys import derived_key
from services.platform.row_cipher import RowCipher, row_context

TOKEN_BYTES = 24


class CommentKeys:
    """A key for each purpose, derived from one private key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._contacts = RowCipher(key, b"emall comments: contacts")
        self._tokens = derived_key(key, b"emall comments: tokens of tickets")
        self._repeats = derived_key(key, b"emall comments: repeated contacts")
        self.forms = FormTokens(key)

    def encrypt_contact(self, plain: bytes, *, region: str, comment: UUID) -> bytes:
        """Encrypt the contact of a comment, bound to this comment."""
        return self._contacts.encrypt(plain, region=region, row=comment)

    def decrypt_contact(self, ciphertext: bytes, *, region: str, comment: UUID) -> bytes | None:
        """Decrypt a contact; None if it was encrypted with another key or for another comment."""
        return self._contacts.decrypt(ciphertext, region=region, row=comment)

    def ticket_token(self, region: str, comment: UUID) -> str:
        """Return the secret that gives the citizen access to a comment.

        It is derived, not random, so that a repeated request returns the same; the database stores
        its hash.
        """
        digest = hmac.digest(self._tokens, row_context(region, comment), "sha256")
        return urlsafe_b64encode(digest[:TOKEN_BYTES]).decode()

    def contact_digest(self, plain: bytes) -> str:
        """Return a keyed digest of a contact, by which a repeated one is recognised."""
        return hmac.digest(self._repeats, plain, "sha256").hex()


def token_hash(token: str) -> bytes:
    """Return the SHA-256 of a token; 192 random bits need no slow hash."""
    return hashlib.sha256(token.encode(errors="replace")).digest()
