"""Signatures of published bundles, with a key separate from that of identity tokens."""

import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)


@dataclass(frozen=True)
class PublicKey:
    """A public key with its fingerprint."""

    pem: str
    fingerprint: str
    """SHA-256 of the raw key."""


class Signer:
    """Signs published content."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = describe_key(key.public_key())

    def sign(self, content: bytes) -> bytes:
        return self._key.sign(content)


def describe_key(key: Ed25519PublicKey) -> PublicKey:
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return PublicKey(pem, hashlib.sha256(raw).hexdigest())


def read_public_key(pem: bytes) -> Ed25519PublicKey:
    """Read a public key; `ValueError` if the PEM holds none."""
    try:
        key = load_pem_public_key(pem)
    except UnsupportedAlgorithm as error:  # a key of a type that nobody knows
        raise ValueError(str(error)) from None
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("an Ed25519 public key is needed")
    return key


def is_signed(content: bytes, signature: bytes, key: Ed25519PublicKey) -> bool:
    try:
        key.verify(signature, content)
    except InvalidSignature:
        return False
    return True
