"""Passwords of people: what may be chosen, and their hashes (argon2id).

The bounds follow OWASP ASVS 5.0, V6.2: at least 12 characters, no rules of composition, no
truncation, none of the common ones and none made of words that everybody expects here.
"""

import re
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from services.platform.lazy_module import LazyModule
from services.platform.translation import N_, Message

if TYPE_CHECKING:
    import argon2
    from argon2 import low_level
else:
    argon2, low_level = LazyModule("argon2"), LazyModule("argon2.low_level")

MIN_LENGTH = 12
MAX_LENGTH = 128
COMMON_PASSWORDS = Path(__file__).with_name("common_passwords.txt")
CONTEXT_WORDS = (
    "emall",
    "e-mall",
    "mall",
    "pelayanan",
    "publik",
    "kabupaten",
    "pemkab",
    "pemda",
    "diskominfo",
    "kominfo",
    "dinas",
    "katasandi",
    "password",
    "rahasia",
    "admin",
    "administrator",
    "indonesia",
)
"""Words that are tried first against this hub (ASVS 6.1.2)."""
MIN_OWN_CHARACTERS = 6
"""Different characters that remain without expected words."""

TOO_SHORT = N_("Kata sandi paling sedikit 12 karakter. Beberapa kata yang tidak berkaitan cukup.")
TOO_LONG = N_("Kata sandi paling banyak 128 karakter.")
COMMON = N_("Kata sandi ini sering dipakai orang dan mudah ditebak. Pilih yang lain.")
EXPECTED = N_(
    "Kata sandi ini hampir seluruhnya terdiri atas nama Anda, surel Anda, atau kata yang mudah "
    "ditebak. Pilih yang lain."
)

# OWASP's minimum for argon2id: 19 MiB, two passes, one lane; about 20 ms of computing.
TIME_COST, MEMORY_KIB, LANES = 2, 19_456, 1
NO_ACCOUNT = (
    "$argon2id$v=19$m=19456,t=2,p=1$XnSxA+BkuH1EnmsgbcS3xw$"
    "RLAArhrEBbgloTgeaRQBwdfhZylFxtsuYl5ZzOYJX08"
)
"""Hash of random bytes, with which a password is compared if there is no account: it takes as long.

Not made at the start, which would take 20 MiB.
"""


def find_fault(password: str, *, email: str, name: str) -> Message | None:
    """Return why a password is not accepted; None if it is."""
    if len(password) < MIN_LENGTH:
        return TOO_SHORT
    if len(password) > MAX_LENGTH:
        return TOO_LONG
    lowered = password.lower()
    if lowered in _common_passwords():
        return COMMON
    own = [word for word in re.split(r"\W+", f"{email} {name}".lower()) if len(word) > 2]
    for word in sorted((*own, *CONTEXT_WORDS), key=len, reverse=True):
        lowered = lowered.replace(word, "")
    return EXPECTED if len(set(lowered)) < MIN_OWN_CHARACTERS else None


class PasswordHashes:
    """Makes and verifies hashes in threads, a few at a time: each one takes 19 MiB."""

    def __init__(self) -> None:
        self._limiter = anyio.CapacityLimiter(2)

    async def hash(self, password: str) -> str:
        """Return the hash of a password, with salt and parameters."""
        return await anyio.to_thread.run_sync(_hash_password, password, limiter=self._limiter)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Return whether a password fits a hash; without one it takes as long and does not."""
        fits = await anyio.to_thread.run_sync(
            _verify, stored or NO_ACCOUNT, password[: MAX_LENGTH + 1], limiter=self._limiter
        )
        return fits and stored is not None

    async def hash_codes(self, codes: Sequence[str], *, salt: bytes) -> list[bytes]:
        """Return the hashes of recovery codes with one salt, so that one is found by its hash."""
        hashes = partial(_hash_codes, codes, salt)
        return await anyio.to_thread.run_sync(hashes, limiter=self._limiter)


@cache
def _hasher() -> "argon2.PasswordHasher":
    return argon2.PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=LANES)


def _hash_password(password: str) -> str:
    return _hasher().hash(password)


def _hash_codes(codes: Sequence[str], salt: bytes) -> list[bytes]:
    return [
        low_level.hash_secret_raw(
            code.encode(),
            salt,
            TIME_COST,
            MEMORY_KIB,
            LANES,
            hash_len=32,
            type=low_level.Type.ID,
        )
        for code in codes
    ]


def _verify(stored: str, password: str) -> bool:
    try:
        return _hasher().verify(stored, password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


@cache
def _common_passwords() -> frozenset[str]:
    lines = COMMON_PASSWORDS.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))
