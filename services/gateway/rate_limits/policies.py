"""Rate limit policies: by kind of request, for addresses and for keys."""

from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Literal

from services.gateway.rate_limits.gcra import Policy
from services.platform.settings import Settings

Kind = Literal["reads", "writes", "exports"]
KINDS: tuple[Kind, ...] = ("reads", "writes", "exports")

MINUTE = timedelta(minutes=1)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
UNLIMITED_PREFIXES = ("/static/", "/health/")
"""Paths that are never limited: assets of pages, and health probes."""
EXPENSIVE_FORMATS = (".csv", ".xlsx", ".pdf", ".sav", ".zip", ".jsonld")
EXPENSIVE_SEGMENTS = frozenset({"export", "exports", "bundle", "report", "sensitivity"})
"""In paths of expensive reads: exports and computed results."""


MAX_REMEMBERED_PATH = 256
"""Length up to which the kind of a path is remembered: anybody chooses paths."""


def kind_of(method: str, path: str) -> Kind | None:
    """Return the kind of a request, or None if it is not limited."""
    find = _remembered_kind if len(path) <= MAX_REMEMBERED_PATH else _find_kind
    return find(method, path)


def _find_kind(method: str, path: str) -> Kind | None:
    if path.startswith(UNLIMITED_PREFIXES):
        return None
    if method not in SAFE_METHODS:
        return "writes"
    if path.endswith(EXPENSIVE_FORMATS) or not EXPENSIVE_SEGMENTS.isdisjoint(path.split("/")):
        return "exports"
    return "reads"


_remembered_kind = lru_cache(4096)(_find_kind)


class RateLimitPolicies:
    """Policies from the settings, per minute; a quota of 0 means no limit."""

    def __init__(self, settings: Settings) -> None:
        self.anonymous = _policies(
            reads=settings.address_reads_per_minute,
            writes=settings.address_writes_per_minute,
            exports=settings.address_exports_per_minute,
        )
        self.keyed = _policies(
            reads=settings.key_reads_per_minute,
            writes=settings.key_writes_per_minute,
            exports=settings.key_exports_per_minute,
        )


def _policies(**quotas: int) -> Mapping[str, Policy]:
    return {name: Policy(name, max(quota, 2), MINUTE) for name, quota in quotas.items() if quota}
