"""Rules of a shared cache: what it may store and reuse (RFC 9111), also stale (RFC 5861). Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import formatdate
from enum import Enum

from services.gateway.http_cache.cache_control import (
    MAX_SECONDS,
    Directives,
    parse_cache_control,
    parse_targeted,
)
from services.gateway.http_cache.http_date import parse_http_date

RawHeaders = Sequence[tuple[bytes, bytes]]

UNSTORED_STATUSES = frozenset(
    {206, 304, 401, 407, 408, 411, 412, 413, 414, 415, 416, 417, 421, 425, 426, 428, 429, 431}
)
"""Final statuses about one request, by what is not in the key: its client, its fields, its body.

Parts of a content (206) are not stored; a 304 freshens what is stored. All others are stored with
an explicit lifetime (3), which the owner must have meant.
"""
UNDERSTOOD_STATUSES = frozenset({200, 203, 204, 300, 301, 302, 303, 307, 308, 404, 405, 410, 501})
"""Statuses whose rules for caches this cache knows, for `must-understand` (5.2.2.3)."""

TARGETED_FIELDS = (b"cdn-cache-control",)
"""Fields that hold in place of `Cache-Control` and `Expires` in this cache, the first one wins."""

UNSTORED_HEADERS = frozenset(
    {b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authentication-info",
     b"proxy-authorization", b"proxy-connection", b"te", b"trailer", b"transfer-encoding",
     b"upgrade"}
)  # fmt: skip
"""Fields about a connection or a proxy (3.1)."""
NOT_UPDATED_HEADERS = UNSTORED_HEADERS | {
    b"content-encoding",
    b"content-length",
    b"content-range",
}
"""Fields of a 304 that say nothing of the stored body (3.2)."""

ERROR_STATUSES = frozenset({500, 502, 503, 504})
"""Statuses that count as errors for `stale-if-error` (RFC 5861, 4)."""


class Freshness(Enum):
    """How a stored response may be used for a request."""

    fresh = "fresh"
    stale = "stale"
    """Sent as it is, and refreshed in the background (`stale-while-revalidate`, `max-stale`)."""
    unusable = "unusable"


def header_values(headers: RawHeaders, name: bytes) -> list[str]:
    """Return every value of a field, in order."""
    return [value.decode("latin-1") for key, value in headers if key.lower() == name]


def cache_directives(headers: RawHeaders) -> Directives:
    """Return the directives of `Cache-Control`, or of `Pragma: no-cache` in its absence (5.4)."""
    fields = header_values(headers, b"cache-control")
    if not fields and any("no-cache" in value for value in header_values(headers, b"pragma")):
        fields = ["no-cache"]
    return parse_cache_control(fields)


def response_directives(headers: RawHeaders) -> tuple[Directives, bool]:
    """Return the directives of a response, and whether a targeted field gives them (RFC 9213)."""
    for name in TARGETED_FIELDS:
        fields = header_values(headers, name)
        targeted = parse_targeted(fields) if fields else None
        if targeted is not None:
            return targeted, True
    return parse_cache_control(header_values(headers, b"cache-control")), False


@dataclass(frozen=True)
class Lifetime:
    """Freshness lifetime of a response, and when it was generated."""

    directives: Directives
    seconds: int
    generated_at: float
    """Unix time at which the age was 0."""

    def age(self, now: float) -> float:
        """Return the age in seconds."""
        return max(0.0, now - self.generated_at)

    def remaining(self, now: float) -> float:
        """Return the remaining seconds of freshness; negative if stale."""
        return self.seconds - self.age(now)

    @property
    def must_revalidate(self) -> bool:
        """Whether the response must never be sent stale (5.2.2.2, 5.2.2.8, 5.2.2.10)."""
        strict = ("must-revalidate", "proxy-revalidate", "s-maxage", "no-cache")
        return any(name in self.directives for name in strict)


def freshness_seconds(
    headers: RawHeaders, directives: Directives, *, is_targeted: bool, received_at: float
) -> int | None:
    """Return the explicit freshness lifetime in seconds, or None if there is none (4.2.1)."""
    for name in ("s-maxage", "max-age"):
        if name in directives:
            return directives.seconds(name) or 0
    expires = header_values(headers, b"expires")
    if not expires or is_targeted:
        return None
    end = parse_http_date(expires[0], now=received_at)
    if end is None or len(set(expires)) > 1:
        return 0
    return max(0, int(end - response_date(headers, received_at=received_at)))


def response_date(headers: RawHeaders, *, received_at: float) -> float:
    """Return when a response says it was made, else when it was received (RFC 9110, 6.6.1)."""
    dates = header_values(headers, b"date")
    date = parse_http_date(dates[0], now=received_at) if dates else None
    return received_at if date is None else date


def with_date(headers: RawHeaders, *, received_at: float) -> RawHeaders:
    """Return the headers with a `Date`, which a recipient adds to a response without one."""
    if any(name.lower() == b"date" for name, _ in headers):
        return headers
    return [*headers, (b"date", formatdate(received_at, usegmt=True).encode())]


AGE = re.compile(r"\s*(\d+)\s*(?:,|$)", re.ASCII)
"""The first value of a field that should have but one (5.1)."""


def received_age(headers: RawHeaders) -> int | None:
    """Return the age that a response came with; None if it has none that is valid."""
    match = AGE.match(next(iter(header_values(headers, b"age")), ""))
    return None if match is None else min(int(match[1][:20]), MAX_SECONDS)


def response_lifetime(
    headers: RawHeaders, *, requested_at: float, received_at: float
) -> Lifetime | None:
    """Return the lifetime of a response, None if not explicit; the age is computed by 4.2.3.

    A response with a validator that is to be revalidated each time is fresh for no time.
    """
    directives, is_targeted = response_directives(headers)
    seconds = freshness_seconds(
        headers, directives, is_targeted=is_targeted, received_at=received_at
    )
    if seconds is None and "no-cache" in directives and has_validator(headers):
        seconds = 0
    if seconds is None:
        return None
    apparent = max(0.0, received_at - response_date(headers, received_at=received_at))
    age = received_age(headers) or 0
    initial = max(apparent, age + received_at - requested_at)
    return Lifetime(directives, seconds, received_at - initial)


def has_validator(headers: RawHeaders) -> bool:
    """Return whether a stored response can be asked for by condition (RFC 9110, 8.8)."""
    return any(name.lower() in {b"etag", b"last-modified"} for name, _ in headers)


def updated_headers(stored: RawHeaders, received: RawHeaders) -> RawHeaders:
    """Return the headers of a stored response after a 304 confirmed it (3.2, 4.3.4).

    What the 304 says replaces what was stored; the time of the confirmation is the new `Date`.
    """
    update = [item for item in received if item[0].lower() not in NOT_UPDATED_HEADERS]
    replaced = {name.lower() for name, _ in update} | {b"age", b"date"}
    return [*update, *(item for item in stored if item[0].lower() not in replaced)]


def may_store(
    method: str,
    request_headers: RawHeaders,
    *,
    status: int,
    headers: RawHeaders,
    lifetime: Lifetime | None,
) -> bool:
    """Return whether a shared cache may store this response (3, 3.5).

    Stricter than required: a response without an explicit lifetime, or with a cookie, is not
    stored. One with `no-cache` is, to be revalidated each time, if it has a validator.
    """
    if method != "GET" or not 200 <= status < 600 or lifetime is None:
        return False
    directives = lifetime.directives
    if "must-understand" in directives:
        is_allowed = status in UNDERSTOOD_STATUSES
    else:
        is_allowed = status not in UNSTORED_STATUSES and "no-store" not in directives
    is_personal = "private" in directives or any(n.lower() == b"set-cookie" for n, _ in headers)
    is_forbidden = "no-store" in cache_directives(request_headers)
    if not is_allowed or is_personal or is_forbidden or "*" in vary_names(headers):
        return False
    if "no-cache" in directives and not has_validator(headers):
        return False
    authorised = any(name.lower() == b"authorization" for name, _ in request_headers)
    if authorised:
        return any(name in directives for name in ("public", "s-maxage", "must-revalidate"))
    return True


def vary_names(headers: RawHeaders) -> tuple[str, ...]:
    """Return the request headers named by `Vary`, in lower case and sorted."""
    names = (
        name.strip().lower()
        for value in header_values(headers, b"vary")
        for name in value.split(",")
    )
    return tuple(sorted({name for name in names if name}))


def vary_values(names: Sequence[str], request_headers: RawHeaders) -> tuple[str, ...]:
    """Return a request's values of these headers; requests with equal values match (4.1).

    Languages are the same in upper and lower case (RFC 4647, 2).
    """
    values = (
        ",".join(
            part.strip()
            for value in header_values(request_headers, name.encode())
            for part in value.split(",")
        )
        for name in names
    )
    return tuple(
        value.lower() if name == "accept-language" else value
        for name, value in zip(names, values, strict=True)
    )


def freshness_of(
    lifetime: Lifetime, requested: Directives, *, now: float, valid: bool = True
) -> Freshness:
    """Return how a stored response may be used for a request with these directives (4.2, 5.2.1).

    `valid` is False once the response was invalidated.
    """
    if not valid or "no-cache" in requested or "no-cache" in lifetime.directives:
        return Freshness.unusable
    age, remaining = lifetime.age(now), lifetime.remaining(now)
    max_age = requested.seconds("max-age")
    if max_age is not None and age > max_age:
        return Freshness.unusable
    if remaining > 0:
        is_enough = remaining >= (requested.seconds("min-fresh") or 0)
        return Freshness.fresh if is_enough else Freshness.unusable
    if lifetime.must_revalidate or "min-fresh" in requested:
        return Freshness.unusable
    if "max-stale" in requested:
        max_stale = requested.seconds("max-stale")
        if max_stale is None or -remaining <= max_stale:
            return Freshness.stale
    grace = lifetime.directives.seconds("stale-while-revalidate") or 0
    return Freshness.stale if max_age is None and -remaining < grace else Freshness.unusable


def may_serve_stale_on_error(lifetime: Lifetime, requested: Directives, *, now: float) -> bool:
    """Return whether a stored response may be sent in place of an error (RFC 5861, 4)."""
    if lifetime.must_revalidate:
        return False
    graces = (
        lifetime.directives.seconds("stale-if-error"),
        requested.seconds("stale-if-error"),
    )
    return -lifetime.remaining(now) < max((grace or 0 for grace in graces), default=0)
