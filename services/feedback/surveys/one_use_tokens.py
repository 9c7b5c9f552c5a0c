"""Tokens that open a survey for one response, as rating tokens and invitations do."""

import base64
import hashlib

TOKEN_BYTES = 10


def encode_token(secret: bytes) -> str:
    """Return a token of 16 characters: short enough for a message, its 80 bits past guessing."""
    return base64.b32encode(secret).decode().lower()


def token_hash(token: str) -> bytes:
    """Return the hash that a token is stored as."""
    return hashlib.sha256(token.encode()).digest()
