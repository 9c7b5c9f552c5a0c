"""In which form an answer is wanted: by a parameter, else by `Accept` (RFC 9110, 12.5.1)."""

from collections.abc import Mapping
from typing import TypeVar

from fastapi import Request

Format = TypeVar("Format", bound=str)


def negotiate_format(
    request: Request, given: Format | None, offered: Mapping[Format, str]
) -> Format:
    """The form that is given, or that `Accept` prefers; the first offered one where it has no say.

    `offered` are the media types of the forms. What accepts none of them gets the first as well.
    """
    if given is not None:
        return given
    forms = list(offered)
    accepted = _ranges(request.headers.get("accept", ""))
    wishes = {form: _wish(offered[form], accepted) for form in forms}
    return max(forms, key=lambda form: wishes[form])  # of equal wishes the first


def _ranges(accept: str) -> dict[str, float]:
    """The media ranges of the field with their weights."""
    found: dict[str, float] = {}
    for part in accept.split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip().lower() == "q":
                weight = _weight(value.strip())
        if name:
            found[name.lower()] = weight
    return found


def _weight(value: str) -> float:
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0


def _wish(media_type: str, accepted: Mapping[str, float]) -> float:
    """The weight of the most specific range that covers a type."""
    kind = media_type.partition(";")[0].strip()
    for name in (kind, f"{kind.partition('/')[0]}/*", "*/*"):
        if name in accepted:
            return accepted[name]
    return 0.0
