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
    # Large, and seldom needed.
    from werkzeug.datastructures import MIMEAccept  # noqa: PLC0415
    from werkzeug.http import parse_accept_header  # noqa: PLC0415

    accepted = parse_accept_header(request.headers.get("accept"), MIMEAccept)
    weights = {
        each: accepted.quality(media_type.partition(";")[0].strip())
        for each, media_type in offered.items()
    }
    return max(offered, key=lambda each: weights[each])  # of equal weights the first
