"""Secret keys derived from a private key (HKDF), so that none is stored."""

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def derived_key(key: Ed25519PrivateKey, purpose: bytes) -> bytes:
    """Derive 32 bytes for one purpose; they reveal neither the private key nor other keys."""
    raw = key.private_bytes(
        serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
    )
    return HKDF(hashes.SHA256(), 32, salt=None, info=purpose).derive(raw)
