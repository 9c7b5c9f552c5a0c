"""The metrics of a process over HTTP, on a port of their own, by prometheus-client."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import accumulate
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from fastapi import FastAPI
from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from services.platform.jobs import BackgroundJob
from services.platform.logging import Outage, get_logger
from services.platform.metrics.definitions import (
    BUILD,
    EVENT_LOOP_LAG,
    HTTP_DURATION,
    METRICS,
    Metric,
    Sample,
)
from services.platform.metrics.requests import BOUNDS
from services.platform.metrics.service_metrics import DEADLINE_SECONDS, ServiceMetrics
from services.platform.settings import Settings
from services.platform.version import VERSION, git_commit

log = get_logger(__name__)

Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily

BIND_EVERY_SECONDS = 2.0
"""How often a process tries again to get a port that another one holds."""


class HubCollector(Collector):
    """The metrics of the services in this process, collected in the thread of a scrape."""

    def __init__(self, services: Sequence[ServiceMetrics], loop: asyncio.AbstractEventLoop) -> None:
        self._services = services
        self._loop = loop
        self._loop_lag = 0.0

    def collect(self) -> Iterator[Family]:
        self._refresh()
        by_metric: dict[Metric, list[Sample]] = {metric: [] for metric in METRICS}
        for sample in self._samples():
            by_metric[sample.metric].append(sample)
        for metric, samples in by_metric.items():
            if metric is HTTP_DURATION:
                yield self._durations()
            elif samples:
                yield _family(metric, samples)

    def _samples(self) -> Iterator[Sample]:
        yield Sample(BUILD, (VERSION, git_commit()), 1)
        yield Sample(EVENT_LOOP_LAG, (), self._loop_lag)
        for service in self._services:
            yield from service.samples()

    def _refresh(self) -> None:
        """Let the event loop read what is in the database; go on without it when it is late."""
        asked = time.monotonic()

        async def refresh() -> None:
            self._loop_lag = time.monotonic() - asked
            await asyncio.gather(*(service.refresh() for service in self._services))

        self._loop_lag = DEADLINE_SECONDS  # unless the loop says otherwise
        reading = asyncio.run_coroutine_threadsafe(refresh(), self._loop)
        try:
            reading.result(DEADLINE_SECONDS + 0.5)
        except TimeoutError:
            reading.cancel()

    def _durations(self) -> HistogramMetricFamily:
        family = HistogramMetricFamily(
            HTTP_DURATION.name, HTTP_DURATION.help, labels=HTTP_DURATION.labels
        )
        bounds = [*(str(bound) for bound in BOUNDS), "+Inf"]
        for service in self._services:
            for labels, series in service.requests.histograms().items():
                buckets = list(zip(bounds, accumulate(series.buckets), strict=True))
                family.add_metric(labels, buckets, series.seconds)
        return family


def _family(metric: Metric, samples: Iterable[Sample]) -> Family:
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = kind(metric.name, metric.help, labels=metric.labels)
    for sample in samples:
        family.add_metric(sample.labels, sample.value)
    return family


class _Handler(WSGIRequestHandler):
    """Handler of the library's server that gives up a client which sends or reads nothing."""

    timeout = 10

    def log_message(self, format: str, *args: Any) -> None:
        """Write no line for a scrape."""
        del format, args


def serve_metrics(app: FastAPI, settings: Settings, *, port: int, workers: int) -> None:
    """Let an application serve its metrics from its startup to its shutdown.

    `app.state.metrics` holds those of its services. Of several worker processes each takes the
    first port that is free, from `port` to `port + workers - 1`.
    """
    inner: Callable[[Any], AbstractAsyncContextManager[Any]] = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(application: FastAPI) -> AsyncGenerator[Any]:
        services: tuple[ServiceMetrics, ...] = app.state.metrics
        registry = CollectorRegistry()
        registry.register(HubCollector(services, asyncio.get_running_loop()))
        ProcessCollector(registry=registry)
        server = _MetricsServer(registry, settings.metrics_host, range(port, port + workers))
        async with inner(application) as state:
            server.start()
            try:
                yield state
            finally:
                await server.stop()
                for service in services:
                    await service.close()

    app.router.lifespan_context = lifespan


class _MetricsServer(BackgroundJob):
    """Serves a registry on the first of some ports that is free."""

    name = "serve-metrics"

    def __init__(self, registry: CollectorRegistry, host: str, ports: range) -> None:
        self._registry = registry
        self._host = host
        self._ports = ports
        self._outage = Outage(log, f"port {ports.start} of the metrics")
        self._server: WSGIServer | None = None

    async def run(self) -> None:
        """Bind a port; a process that ends may hold it for a while."""
        while not self._bind():  # noqa: ASYNC110 - nothing announces that a port is free
            await asyncio.sleep(BIND_EVERY_SECONDS)

    def _bind(self) -> bool:
        taken: OSError | None = None
        for port in self._ports:
            try:
                self._server, _ = start_http_server(port, self._host, self._registry)
            except OSError as error:
                taken = error
            else:
                self._server.RequestHandlerClass = _Handler
                self._outage.succeeded()
                log.info("metrics served", host=self._host, port=port)
                return True
        if taken is not None:
            self._outage.failed(taken)
        return False

    async def stop(self) -> None:
        """Close the port."""
        await super().stop()
        if self._server is not None:
            await asyncio.to_thread(self._server.shutdown)
            self._server.server_close()
