"""Second factors: codes of an authenticator (TOTP, RFC 6238) and recovery codes.

A secret is stored encrypted with a key derived from the hub's key for secrets, bound to its region
and person.
"""

import base64
import hashlib
import hmac
import secrets
import string
from datetime import datetime
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pyotp.totp import TOTP

from services.platform.derived_keys import derived_key
from services.platform.row_cipher import RowCipher

STEP_SECONDS = 30
TOLERATED_STEPS = 1
"""By how many steps the clock of a telephone may be wrong."""
RECOVERY_CODES = 10
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
"""Without letters and digits that look alike."""


class SecondFactors:
    """The hub's keys for second factors."""

    def __init__(self, key: Ed25519PrivateKey, region: str) -> None:
        self._region = region
        self._cipher = RowCipher(key, b"emall people: second factors")
        self._enrolment = derived_key(key, b"emall people: enrolment")

    def secret_for(self, invitation_token: str) -> str:
        """Return the secret (base32) that an invitation offers, the same each time it is shown."""
        digest = hmac.new(self._enrolment, invitation_token.encode(), hashlib.sha256).digest()
        return base64.b32encode(digest[:20]).decode()

    def encrypt(self, person: UUID, secret: str) -> bytes:
        """Return the secret of a person as it is stored."""
        return self._cipher.encrypt(secret.encode(), region=self._region, row=person)

    def decrypt(self, person: UUID, stored: bytes) -> str | None:
        """Return the secret of a person; None if another key encrypted it."""
        plain = self._cipher.decrypt(stored, region=self._region, row=person)
        return None if plain is None else plain.decode()


def enrolment_uri(secret: str, *, account: str, issuer: str) -> str:
    """Return the address that an authenticator reads from a QR code."""
    return TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)


def matching_step(secret: str, code: str, *, now: datetime, after: int) -> int | None:
    """Return the time step whose code this is; None if it is of none later than `after`."""
    totp = TOTP(secret)
    current = int(now.timestamp()) // STEP_SECONDS
    for step in range(current - TOLERATED_STEPS, current + TOLERATED_STEPS + 1):
        expected = totp.generate_otp(step)
        if hmac.compare_digest(expected.encode(), code.encode()) and step > after:
            return step
    return None


def new_recovery_codes() -> list[str]:
    """Return codes of 50 random bits, each valid once, for a person without the telephone."""
    draw = ["".join(secrets.choice(_ALPHABET) for _ in range(10)) for _ in range(RECOVERY_CODES)]
    return [f"{code[:5]}-{code[5:]}" for code in draw]


def normalised_recovery_code(code: str) -> str:
    """Return a recovery code as it is hashed: case and separators do not matter."""
    return "".join(character for character in code.lower() if character in _ALPHABET)


def normalised_code(code: str) -> str:
    """Return the digits of a code as an authenticator shows them, in groups or not."""
    return "".join(character for character in code if character in string.digits)
