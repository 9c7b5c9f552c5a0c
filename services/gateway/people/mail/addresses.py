"""Which e-mail addresses the hub accepts of people: those that it sends mail to (pure)."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from services.platform.translation import N_
from services.platform.validation_messages import InvalidValueError

MAX_LENGTH = 254
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
PATTERN = rf"^{_ATOM}(\.{_ATOM})*@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"
"""Without quotes, comments and letters beyond ASCII."""
NOT_ACCEPTED = N_(
    "harus alamat surel seperti nama@contoh.go.id: huruf tanpa aksen, tanpa spasi, tanda kutip, "
    "atau titik ganda"
)

_ADDRESS = re.compile(PATTERN)


def is_accepted(address: str) -> bool:
    """Return whether mail is sent to such an address."""
    return len(address) <= MAX_LENGTH and _ADDRESS.fullmatch(address) is not None


def _require_accepted(address: str) -> str:
    if not is_accepted(address):
        raise InvalidValueError(NOT_ACCEPTED)
    return address


EmailAddress = Annotated[
    str,
    StringConstraints(max_length=MAX_LENGTH),
    AfterValidator(_require_accepted),
    Field(json_schema_extra={"pattern": PATTERN}),
]
"""An e-mail address to which mail is sent."""
