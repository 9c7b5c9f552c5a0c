"""Rate limits and metering of fast-path responses."""

from typing import TYPE_CHECKING

from services.gateway.http_cache.fast_path import Admit, Count, FastPathCache
from services.gateway.http_cache.middleware import HttpCache
from services.gateway.proxy.routing import area_of
from services.gateway.rate_limits.admission import Admission
from services.gateway.rate_limits.policies import kind_of
from services.platform.head_limit import header_lines

if TYPE_CHECKING:
    from services.platform.metrics.requests import RequestMetrics


class FastPathHooks:
    """What limits and counts the responses of the fast path.

    Both are looked up once for a response, which is then sent many times.
    """

    def __init__(self, admission: Admission, requests: "RequestMetrics | None") -> None:
        self._admission = admission
        self._requests = requests

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

    def counter_of(self, method: str, path: str, status: int) -> Count:
        """Return the counter of this method, path and status, in this hour."""
        is_metered = kind_of("GET", path) is not None
        meter = self._admission.counter(area_of(path), status) if is_metered else _count_nothing
        if self._requests is None:
            return meter
        measure = self._requests.series(method, path, status).count_immediate

        def count() -> None:
            meter()
            measure()

        return count


def _count_nothing() -> None:
    """Assets and health probes are not metered."""


def create_fast_path_cache(
    cache: HttpCache, admission: Admission, requests: "RequestMetrics | None"
) -> FastPathCache:
    """Create the fast path of this cache, under these limits; `requests` measures its responses."""
    hooks = FastPathHooks(admission, requests)
    return FastPathCache(cache, hooks.limit_of, hooks.counter_of)
