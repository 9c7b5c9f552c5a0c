"""Requests of a service: how many, how they ended, how long they took."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping

from starlette.types import Scope

from services.platform.metrics.definitions import HTTP_REQUESTS, Sample
from services.platform.route_templates import RouteTemplates
from services.platform.settings import Service

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the histogram in seconds; longer ones are in a last bucket."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Others are labelled `other`: clients choose them."""


class RequestSeries:
    """Requests of one method, route and class of status.

    Plain numbers, which the event loop changes and a scrape reads: a metric of the library takes a
    lock for each, several times the time of the fast path's own counters.
    """

    __slots__ = ("buckets", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0

    def observe(self, seconds: float) -> None:
        """Count a request that took this long."""
        self.buckets[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds

    def count_immediate(self) -> None:
        """Count a request that took no time worth measuring."""
        self.buckets[0] += 1


class RequestMetrics:
    """The requests of one service in this process."""

    def __init__(self, service: Service, templates: RouteTemplates) -> None:
        self.service = service
        self.templates = templates
        self._series: dict[tuple[str, str, int], RequestSeries] = {}

    def observe(self, scope: Scope, status: int, seconds: float) -> None:
        """Count a request of the ASGI path."""
        self.series(scope["method"], scope["path"], status).observe(seconds)

    def series(self, method: str, path: str, status: int) -> RequestSeries:
        """Return the series of such requests."""
        key = (
            method if method in METHODS else "other",
            self.templates.find(path),
            status // 100,
        )
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = RequestSeries()
        return series

    def samples(self) -> Iterator[Sample]:
        """Return the number of requests by method, route and class of status."""
        for (method, route, status), series in tuple(self._series.items()):
            labels = (self.service.value, method, route, f"{status}xx")
            yield Sample(HTTP_REQUESTS, labels, sum(series.buckets))

    def histograms(self) -> Mapping[tuple[str, ...], RequestSeries]:
        """Return the durations by service, method and route."""
        merged: dict[tuple[str, ...], RequestSeries] = {}
        for (method, route, _), series in tuple(self._series.items()):
            total = merged.setdefault((self.service.value, method, route), RequestSeries())
            total.buckets = [a + b for a, b in zip(total.buckets, series.buckets, strict=True)]
            total.seconds += series.seconds
        return merged
