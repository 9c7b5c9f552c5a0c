"""What a shared cache may keep and when it may use it (RFC 9111; RFC 5861 for what is stale).

Pure: headers and times come in, decisions go out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email.utils import mktime_tz, parsedate_tz
from enum import Enum

from services.gateway.http_cache.cache_control import Directives, parse_directives

RawHeaders = Sequence[tuple[bytes, bytes]]

STORABLE_STATUSES = frozenset({200, 203, 301, 308, 404, 410})
"""Statuses whose meaning for a cache is known here; partial content is not among them."""

FAILURES = frozenset({500, 502, 503, 504})
"""What `stale-if-error` takes for an error (RFC 5861, 4)."""


class Use(Enum):
    """What may be done with a stored answer."""

    fresh = "fresh"
    stale = "stale"
    """Sent as it is, while it is asked for anew (`stale-while-revalidate`, or `max-stale`)."""
    no = "no"


def values_of(headers: RawHeaders, name: bytes) -> list[str]:
    """Every value of a field, in order."""
    return [value.decode("latin-1") for key, value in headers if key.lower() == name]


def directives_of(headers: RawHeaders) -> Directives:
    """`Cache-Control`; in a request without one, `Pragma: no-cache` says the same (5.4)."""
    given = values_of(headers, b"cache-control")
    if not given and any("no-cache" in value for value in values_of(headers, b"pragma")):
        given = ["no-cache"]
    return parse_directives(given)


@dataclass(frozen=True)
class Life:
    """How long an answer lives, and when its life began."""

    directives: Directives
    lifetime: int
    born: float
    """The moment at which its age was 0."""

    def age(self, now: float) -> float:
        return max(0.0, now - self.born)

    def left(self, now: float) -> float:
        """Seconds of freshness that are left; negative once it is stale."""
        return self.lifetime - self.age(now)

    @property
    def must_revalidate(self) -> bool:
        """Whether it may never be sent stale (5.2.2.2, 5.2.2.8, 5.2.2.10)."""
        strict = ("must-revalidate", "proxy-revalidate", "s-maxage", "no-cache")
        return any(name in self.directives for name in strict)


def lifetime_of(headers: RawHeaders, directives: Directives) -> int | None:
    """Seconds for which an answer says to be fresh: None where it says nothing (4.2.1)."""
    for name in ("s-maxage", "max-age"):
        if name in directives:
            return directives.seconds(name) or 0
    expires = values_of(headers, b"expires")
    if not expires:
        return None
    end, date = (_moment(values) for values in (expires[:1], values_of(headers, b"date")))
    if end is None:
        return 0
    return max(0, int(end - date)) if date is not None else None


def life_of(headers: RawHeaders, *, asked_at: float, came_at: float) -> Life | None:
    """The life of an answer that was asked for and came at these times (4.2.3)."""
    directives = directives_of(headers)
    lifetime = lifetime_of(headers, directives)
    if lifetime is None:
        return None
    date = _moment(values_of(headers, b"date"))
    apparent = max(0.0, came_at - date) if date is not None else 0.0
    given = values_of(headers, b"age")
    told = int(given[0]) if given and given[0].isascii() and given[0].isdigit() else 0
    initial = max(apparent, told + came_at - asked_at)
    return Life(directives, lifetime, came_at - initial)


def _moment(values: Sequence[str]) -> float | None:
    parsed = parsedate_tz(values[0]) if values else None
    try:
        return None if parsed is None else float(mktime_tz(parsed))
    except (ValueError, OverflowError):
        return None


def may_store(
    method: str, asked: RawHeaders, *, status: int, headers: RawHeaders, life: Life | None
) -> bool:
    """Whether a shared cache may keep this answer for others (3, 3.5).

    Stricter than it must be: an answer without a time of its own, with a cookie, or one that
    has to be asked for again at every use is not kept.
    """
    if method != "GET" or status not in STORABLE_STATUSES or life is None:
        return False
    said = life.directives
    if any(name in said for name in ("no-store", "private", "no-cache")):
        return False
    if "no-store" in directives_of(asked):
        return False
    named = {name.lower() for name, _ in headers}
    if b"set-cookie" in named or b"content-range" in named or "*" in vary_of(headers):
        return False
    authorised = any(name.lower() == b"authorization" for name, _ in asked)
    if authorised:
        return any(name in said for name in ("public", "s-maxage", "must-revalidate"))
    return True


def vary_of(headers: RawHeaders) -> tuple[str, ...]:
    """The request's fields by which the answer was chosen, in small letters."""
    names = (
        name.strip().lower() for value in values_of(headers, b"vary") for name in value.split(",")
    )
    return tuple(sorted({name for name in names if name}))


def chosen_by(names: Iterable[str], asked: RawHeaders) -> tuple[str, ...]:
    """What a request says in these fields; requests that say the same get the same (4.1)."""
    return tuple(
        ",".join(
            part.strip() for value in values_of(asked, name.encode()) for part in value.split(",")
        )
        for name in names
    )


def use_of(life: Life, asked: Directives, *, now: float, valid: bool = True) -> Use:
    """What may be done with a stored answer for a request with these directives (4.2, 5.2.1).

    `valid` is False once something that the answer tells of has changed.
    """
    if not valid or "no-cache" in asked:
        return Use.no
    age, left = life.age(now), life.left(now)
    limit = asked.seconds("max-age")
    if limit is not None and age > limit:
        return Use.no
    if left > 0:
        return Use.fresh if left >= (asked.seconds("min-fresh") or 0) else Use.no
    if life.must_revalidate or "min-fresh" in asked:
        return Use.no
    if "max-stale" in asked:
        bearable = asked.seconds("max-stale")
        if bearable is None or -left <= bearable:
            return Use.stale
    grace = life.directives.seconds("stale-while-revalidate") or 0
    return Use.stale if limit is None and -left < grace else Use.no


def bears_error(life: Life, asked: Directives, *, now: float) -> bool:
    """Whether a stored answer may stand in for an error of its owner (RFC 5861, 4)."""
    if life.must_revalidate:
        return False
    graces = (
        life.directives.seconds("stale-if-error"),
        asked.seconds("stale-if-error"),
    )
    return -life.left(now) < max((grace or 0 for grace in graces), default=0)
