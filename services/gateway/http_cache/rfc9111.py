"""Rules of a shared cache: what it may store and reuse (RFC 9111), also stale (RFC 5861). Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email.utils import mktime_tz, parsedate_tz
from enum import Enum

from services.gateway.http_cache.cache_control import Directives, parse_cache_control

RawHeaders = Sequence[tuple[bytes, bytes]]

STORABLE_STATUSES = frozenset({200, 203, 301, 308, 404, 410})
"""Statuses that this cache understands; partial content is not among them."""

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


def freshness_seconds(headers: RawHeaders, directives: Directives) -> int | None:
    """Return the explicit freshness lifetime in seconds, or None if there is none (4.2.1)."""
    for name in ("s-maxage", "max-age"):
        if name in directives:
            return directives.seconds(name) or 0
    expires = header_values(headers, b"expires")
    if not expires:
        return None
    end, date = (_parse_date(values) for values in (expires[:1], header_values(headers, b"date")))
    if end is None:
        return 0
    return max(0, int(end - date)) if date is not None else None


def response_lifetime(
    headers: RawHeaders, *, requested_at: float, received_at: float
) -> Lifetime | None:
    """Return the lifetime of a response, None if not explicit; the age is computed by 4.2.3."""
    directives = cache_directives(headers)
    seconds = freshness_seconds(headers, directives)
    if seconds is None:
        return None
    date = _parse_date(header_values(headers, b"date"))
    apparent = max(0.0, received_at - date) if date is not None else 0.0
    ages = header_values(headers, b"age")
    age = int(ages[0]) if ages and ages[0].isascii() and ages[0].isdigit() else 0
    initial = max(apparent, age + received_at - requested_at)
    return Lifetime(directives, seconds, received_at - initial)


def _parse_date(values: Sequence[str]) -> float | None:
    parsed = parsedate_tz(values[0]) if values else None
    try:
        return None if parsed is None else float(mktime_tz(parsed))
    except (ValueError, OverflowError):
        return None


def may_store(
    method: str,
    request_headers: RawHeaders,
    *,
    status: int,
    headers: RawHeaders,
    lifetime: Lifetime | None,
) -> bool:
    """Return whether a shared cache may store this response (3, 3.5).

    Stricter than required: a response without an explicit lifetime, with a cookie, or with
    `no-cache` is not stored.
    """
    if method != "GET" or status not in STORABLE_STATUSES or lifetime is None:
        return False
    directives = lifetime.directives
    if any(name in directives for name in ("no-store", "private", "no-cache")):
        return False
    if "no-store" in cache_directives(request_headers):
        return False
    names = {name.lower() for name, _ in headers}
    if b"set-cookie" in names or b"content-range" in names or "*" in vary_names(headers):
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


def vary_values(names: Iterable[str], request_headers: RawHeaders) -> tuple[str, ...]:
    """Return a request's values of these headers; requests with equal values match (4.1)."""
    return tuple(
        ",".join(
            part.strip()
            for value in header_values(request_headers, name.encode())
            for part in value.split(",")
        )
        for name in names
    )


def freshness_of(
    lifetime: Lifetime, requested: Directives, *, now: float, valid: bool = True
) -> Freshness:
    """Return how a stored response may be used for a request with these directives (4.2, 5.2.1).

    `valid` is False once the response was invalidated.
    """
    if not valid or "no-cache" in requested:
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
