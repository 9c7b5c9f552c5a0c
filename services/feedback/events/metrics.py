"""What the intake of events measures; not imported without `EMALL_METRICS_PORT`."""

from collections.abc import Iterator

from services.feedback.events.event_queue import MAX_QUEUED_EVENTS, EventQueue
from services.feedback.events.fast_path import ObserveEvents
from services.feedback.events.routes import PATH
from services.platform.metrics import definitions as m
from services.platform.metrics.definitions import Sample
from services.platform.metrics.service_metrics import ServiceMetrics


def add_event_metrics(metrics: ServiceMetrics, queue: EventQueue) -> ObserveEvents:
    """Add what a queue of events measures; return what measures requests on the fast path."""
    requests = metrics.requests

    def read() -> Iterator[Sample]:
        yield Sample(m.EVENT_QUEUE, (), queue.pending_events)
        yield Sample(m.EVENT_QUEUE_MAX, (), MAX_QUEUED_EVENTS)
        yield Sample(m.EVENT_QUEUE_LAG, (), queue.lag_seconds())

    def observe(status: int, seconds: float) -> None:
        requests.series("POST", PATH, status).observe(seconds)

    metrics.add(memory=read)
    return observe
