"""Content negotiation: by a query parameter, else by `Accept` (RFC 9110, 12.5.1)."""

from collections.abc import Mapping
from typing import TypeVar

from fastapi import Request

Format = TypeVar("Format", bound=str)


def negotiate_format(
    request: Request, requested: Format | None, offered: Mapping[Format, str]
) -> Format:
    """Return the requested format, else the one that `Accept` prefers.

    `offered` maps formats to media types. The first one is the default, also for a client that
    accepts none of them.
    """
    if requested is not None:
        return requested
    formats = list(offered)
    accepted = _media_ranges(request.headers.get("accept", ""))
    weights = {each: _weight_of(offered[each], accepted) for each in formats}
    return max(formats, key=lambda each: weights[each])  # of equal weights the first


def _media_ranges(accept: str) -> dict[str, float]:
    """Parse an `Accept` field into media ranges with their weights."""
    ranges: dict[str, float] = {}
    for part in accept.split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip().lower() == "q":
                weight = _parse_weight(value.strip())
        if name:
            ranges[name.lower()] = weight
    return ranges


def _parse_weight(value: str) -> float:
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0


def _weight_of(media_type: str, accepted: Mapping[str, float]) -> float:
    """Return the weight of the most specific range that matches a media type."""
    bare_type = media_type.partition(";")[0].strip()
    for name in (bare_type, f"{bare_type.partition('/')[0]}/*", "*/*"):
        if name in accepted:
            return accepted[name]
    return 0.0
