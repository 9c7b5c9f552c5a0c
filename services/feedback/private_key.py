"""The service's private key, from which the keys of tickets, contacts and forms are derived."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import Request

from services.platform.identity import ensure_identity_keys, load_private_key
from services.platform.settings import Settings


def private_key_of(request: Request) -> Ed25519PrivateKey:
    """Return the key, created at its first use."""
    known: Ed25519PrivateKey | None = getattr(request.app.state, "private_key", None)
    if known is None:
        settings: Settings = request.app.state.settings
        file = settings.comments_key_file
        ensure_identity_keys(file, file.with_name(f"{file.stem}.public.pem"))
        known = request.app.state.private_key = load_private_key(file)
    return known
