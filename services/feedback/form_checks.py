"""Checks of forms without CAPTCHA and third parties; comments and surveys share them.

A form carries a signed token that records when it was issued, and a field that people do not see.
What is doubtful is not discarded: a person looks at it.
"""

import hmac
import os
from base64 import urlsafe_b64encode
from datetime import datetime
from typing import Annotated, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import StringConstraints

from services.platform.derived_keys import derived_key
from services.platform.types import LINES_PATTERN, LineBreaks

FormFault = Literal["honeypot", "missing_form_token", "too_fast", "expired_form_token"]

MIN_FORM_SECONDS = 3.0
"""A person needs longer to read a form and to fill it in."""
MAX_FORM_SECONDS = 24 * 3600.0

FormToken = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]+$", max_length=80)]
Honeypot = Annotated[str, StringConstraints(pattern=LINES_PATTERN, max_length=300), LineBreaks]
"""Must be empty: a field that people do not see and spam programs fill in."""


class FormTokens:
    """Issues and verifies the tokens of forms; the token of one form is none of another's."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = derived_key(key, b"emall comments: forms")

    def issue(self, form: str, now: datetime) -> str:
        """Return a signed token that records when a form was issued; each form has its own."""
        issued = f"{int(now.timestamp())}-{os.urandom(9).hex()}"
        return f"{issued}.{self._signature(form, issued)}"

    def age(self, form: str, token: str, now: datetime) -> float | None:
        """Return the seconds since a form was issued; None if the token is not valid."""
        issued, _, signature = token.partition(".")
        received = signature.encode(errors="replace")
        if not hmac.compare_digest(self._signature(form, issued).encode(), received):
            return None
        return now.timestamp() - int(issued.partition("-")[0])

    def find_faults(
        self, form: str, *, token: str | None, honeypot: str, now: datetime
    ) -> list[FormFault]:
        """Return why a form that was filled in needs a look."""
        faults: list[FormFault] = ["honeypot"] if honeypot else []
        age = None if token is None else self.age(form, token, now)
        if age is None:
            faults.append("missing_form_token")
        elif age < MIN_FORM_SECONDS:
            faults.append("too_fast")
        elif age > MAX_FORM_SECONDS:
            faults.append("expired_form_token")
        return faults

    def _signature(self, form: str, issued: str) -> str:
        message = f"{form} {issued}".encode(errors="replace")
        signed = hmac.digest(self._key, message, "sha256")
        return urlsafe_b64encode(signed[:16]).decode().rstrip("=")
