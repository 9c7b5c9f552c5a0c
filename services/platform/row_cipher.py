"""Encryption of values that a row stores: AES-256-GCM, bound to the row and its region."""

import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.platform.derived_keys import derived_key

NONCE_BYTES = 12


class RowCipher:
    """Encrypts values for one purpose, with a key derived from a private key."""

    def __init__(self, key: Ed25519PrivateKey, purpose: bytes) -> None:
        self._cipher = AESGCM(derived_key(key, purpose))

    def encrypt(self, plain: bytes, *, region: str, row: UUID) -> bytes:
        """Return a nonce and the encrypted value, which no other row can be given."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, row_context(region, row))

    def decrypt(self, stored: bytes, *, region: str, row: UUID) -> bytes | None:
        """Return the value; None if another key encrypted it, or it is of another row."""
        nonce, encrypted = stored[:NONCE_BYTES], stored[NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, encrypted, row_context(region, row))
        except InvalidTag:
            return None


def row_context(region: str, row: UUID) -> bytes:
    """Return the bytes that name a row of a region."""
    return f"{region} {row}".encode()
