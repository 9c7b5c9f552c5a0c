"""The service's private key, from which the keys of tickets, contacts and forms are derived."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import Request

from services.platform.installation_keys import ServiceKeys
from services.platform.settings import KeyName


async def private_key_of(request: Request) -> Ed25519PrivateKey:
    """Return the key, checked and if it was never used created before its first use."""
    keys: ServiceKeys = request.app.state.keys
    return await keys.get(KeyName.comments)
