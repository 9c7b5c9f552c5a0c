"""Links by which a person stops the daily digest without signing in (RFC 8058)."""

import hashlib
import hmac
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.platform.derived_keys import derived_key

PATH = "/surel/berhenti"
ID_DIGITS = 32
TOKEN_DIGITS = 2 * ID_DIGITS


class UnsubscribeLinks:
    """Makes and reads the links; a token names a person, and nobody else can make it.

    They do not expire: an old mail stops later digests too, and nothing else can be done with one.
    """

    def __init__(self, key: Ed25519PrivateKey, region: str, public_address: str) -> None:
        self._key = derived_key(key, b"emall mail: unsubscribing")
        self._region = region
        self._public_address = public_address

    def address_of(self, person: UUID) -> str:
        """Return the address that takes the one POST."""
        return f"{self._public_address}{PATH}/{person.hex}{self._signature(person)}"

    def person_of(self, token: str) -> UUID | None:
        """Return the person whom a token names; None if it is not the hub's."""
        if len(token) != TOKEN_DIGITS or not token.isascii():
            return None
        try:
            person = UUID(token[:ID_DIGITS])
        except ValueError:
            return None
        given = token[ID_DIGITS:]
        return person if hmac.compare_digest(given, self._signature(person)) else None

    def _signature(self, person: UUID) -> str:
        message = f"{self._region} {person.hex}".encode()
        return hmac.new(self._key, message, hashlib.sha256).hexdigest()[:ID_DIGITS]
