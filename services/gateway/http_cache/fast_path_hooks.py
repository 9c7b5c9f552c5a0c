"""Rate limits and metering of fast-path responses."""

from functools import lru_cache

from services.gateway.http_cache.fast_path import FastPathCache
from services.gateway.http_cache.middleware import HttpCache
from services.gateway.rate_limits.admission import Admission
from services.gateway.rate_limits.policies import kind_of
from services.gateway.routing import area_of
from services.platform.head_limit import header_lines


class FastPathHooks:
    """Callbacks of the fast path before and after a response."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission

    def admit(self, method: str, path: str, client: str) -> bytes | None:
        """Return header lines to add; None if the application must decide or refuse."""
        decision = self._admission.admit(method, path, client=client)
        if decision is None or not decision.allowed:
            return None
        return header_lines(decision.headers)

    def count(self, path: str, status: int) -> None:
        """Count a response."""
        if area := _metered_area(path):
            self._admission.count(area, status)


@lru_cache(4096)
def _metered_area(path: str) -> str | None:
    return area_of(path) if kind_of("GET", path) is not None else None


def create_fast_path_cache(cache: HttpCache, admission: Admission) -> FastPathCache:
    """Create the fast path of this cache, under these limits."""
    hooks = FastPathHooks(admission)
    return FastPathCache(cache, admit=hooks.admit, count=hooks.count)
