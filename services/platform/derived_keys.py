"""Keys for other purposes, derived from a private key, so that no table holds them."""

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def derived_key(key: Ed25519PrivateKey, purpose: bytes) -> bytes:
    """32 bytes for one purpose; from them nobody comes to the private key or another purpose's."""
    raw = key.private_bytes(
        serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
    )
    return HKDF(hashes.SHA256(), 32, salt=None, info=purpose).derive(raw)
