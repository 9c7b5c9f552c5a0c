"""Which limit holds for a request: by its kind, and by whether a key stands behind it."""

import re
from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Literal

from services.gateway.rate_limits.gcra import Policy
from services.platform.settings import Settings

Kind = Literal["reads", "writes", "exports"]
KINDS: tuple[Kind, ...] = ("reads", "writes", "exports")

MINUTE = timedelta(minutes=1)
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
FREE = ("/static/", "/health/")
"""What is never limited: files that a page needs, and probes of load balancers."""
HEAVY = re.compile(r"\.(csv|xlsx|pdf|sav|zip|jsonld)$|/(exports?|bundle|report|sensitivity)(/|$)")
"""Reads that are computed or written out whole."""


@lru_cache(4096)
def kind_of(method: str, path: str) -> Kind | None:
    """The kind of a request; None where nothing is limited."""
    if path.startswith(FREE):
        return None
    if method not in SAFE:
        return "writes"
    return "exports" if HEAVY.search(path) else "reads"


class Rates:
    """The limits that the settings give, a minute each; 0 is none."""

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
