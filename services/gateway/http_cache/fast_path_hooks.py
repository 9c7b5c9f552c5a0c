"""Rate limits and metering of fast-path responses."""

from services.gateway.http_cache.fast_path import Admit, Count, FastPathCache
from services.gateway.http_cache.middleware import HttpCache
from services.gateway.rate_limits.admission import Admission
from services.gateway.rate_limits.policies import kind_of
from services.gateway.routing import area_of
from services.platform.head_limit import header_lines


class FastPathHooks:
    """What limits and counts the responses of the fast path.

    Both are looked up once for a response, which is then sent many times.
    """

    def __init__(self, admission: Admission) -> None:
        self._admission = admission

    def limit_of(self, method: str, path: str) -> Admit | None:
        """Return the limit of this method and path; None without a limit."""
        limit = self._admission.address_limit(method, path)
        if limit is None:
            return None

        def admit(client: str) -> bytes | None:
            decision = limit(client)
            if decision is None or not decision.allowed:
                return None  # the application must decide or refuse
            return header_lines(decision.headers)

        return admit

    def counter_of(self, path: str, status: int) -> Count:
        """Return the counter of this path and status, in this hour."""
        if kind_of("GET", path) is None:
            return _count_nothing
        return self._admission.counter(area_of(path), status)


def _count_nothing() -> None:
    """Assets and health probes are not metered."""


def create_fast_path_cache(cache: HttpCache, admission: Admission) -> FastPathCache:
    """Create the fast path of this cache, under these limits."""
    hooks = FastPathHooks(admission)
    return FastPathCache(cache, hooks.limit_of, hooks.counter_of)
