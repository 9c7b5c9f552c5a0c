"""Lets limits and counts see the answers that go the short way."""

from functools import lru_cache

from services.gateway.http_cache.fast_path import Hits
from services.gateway.http_cache.middleware import Cache
from services.gateway.rate_limits.admission import Admission
from services.gateway.rate_limits.policies import kind_of
from services.gateway.routing import area_of


class Guests:
    """What the short way asks before an answer and tells after it."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission

    def admit(self, method: str, path: str, client: str) -> bytes | None:
        """Header lines to add; None where the long way has to decide, or to refuse."""
        decision = self._admission.admit(method, path, client=client)
        if decision is None or not decision.allowed:
            return None
        return b"".join([b"%b: %b\r\n" % field for field in decision.headers])

    def counted(self, path: str, status: int) -> None:
        if area := _counted_area(path):
            self._admission.counted(area, status)


@lru_cache(4096)
def _counted_area(path: str) -> str | None:
    return area_of(path) if kind_of("GET", path) is not None else None


def hits_of(cache: Cache, admission: Admission) -> Hits:
    """The short way of this cache, under these limits."""
    guests = Guests(admission)
    return Hits(cache, admit=guests.admit, counted=guests.counted)
