"""Every metric that the hub exposes: name, kind, labels and meaning.

`emall_hub_*` describe the whole hub: every process that serves the part they come from exposes the
same figure, so they are aggregated with `max`, never with `sum`. All others describe one process.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Metric:
    """A metric; labels have few values, never a person, an address or a path."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    help: str


@dataclass(frozen=True)
class Sample:
    """The value of a counter or gauge now, with the values of its labels in their order."""

    metric: Metric
    labels: tuple[str, ...]
    value: float


BUILD = Metric("emall_build_info", "gauge", ("version", "commit"), "1; what is running.")

HTTP_REQUESTS = Metric(
    "emall_http_requests_total",
    "counter",
    ("service", "method", "route", "status"),
    "Requests answered, by route template (`other`: no route) and class of status.",
)
HTTP_DURATION = Metric(
    "emall_http_request_duration_seconds",
    "histogram",
    ("service", "method", "route"),
    "Time from the request's headers to the end of its response; 0 on the fast path.",
)

CACHE_RESPONSES = Metric(
    "emall_cache_responses_total",
    "counter",
    ("result",),
    "Reads by what the cache did: hit, hit_fast_path, stale, coalesced, miss, revalidated, "
    "stale_if_error, bypassed.",
)
CACHE_BYTES = Metric("emall_cache_bytes", "gauge", (), "Size of the cached responses.")
RATE_LIMIT_REFUSALS = Metric(
    "emall_rate_limit_refusals_total",
    "counter",
    ("policy",),
    "Requests refused by a rate limit (429): reads, writes, exports, or a key's month.",
)

POOL_SIZE = Metric(
    "emall_database_pool_connections_max",
    "gauge",
    ("service",),
    "Connections that the pool may open, those under load included.",
)
POOL_CHECKED_OUT = Metric(
    "emall_database_pool_checked_out", "gauge", ("service",), "Connections in use."
)
POOL_WAITING = Metric(
    "emall_database_pool_waiting", "gauge", ("service",), "Sessions that wait for a connection."
)
DATABASE_UP = Metric(
    "emall_database_up", "gauge", ("service",), "Whether the database answered last: 1 or 0."
)

REPLICA_LAG = Metric(
    "emall_read_replica_lag_seconds",
    "gauge",
    ("service",),
    "How far the read replica is behind; absent without one, and while it does not answer.",
)

EVENT_QUEUE = Metric(
    "emall_event_queue_events", "gauge", (), "Usage events queued or being stored."
)
EVENT_QUEUE_MAX = Metric(
    "emall_event_queue_events_max", "gauge", (), "Events from which requests are refused (503)."
)
EVENT_QUEUE_LAG = Metric(
    "emall_event_queue_lag_seconds", "gauge", (), "Time for which the oldest queued request waits."
)
AUDIT_QUEUE = Metric("emall_audit_queue_lines", "gauge", (), "Audit lines that wait to be stored.")
VISITS_ON_DISK = Metric(
    "emall_visits_on_disk", "gauge", (), "Visits that wait on disk for the database."
)
VISITS_LOST = Metric(
    "emall_visits_lost_total", "counter", (), "Visits that neither database nor disk took."
)
CIRCUIT_BREAKER = Metric(
    "emall_circuit_breaker_state",
    "gauge",
    ("system",),
    "Circuit breaker of an external system or a service in another process: 0 closed, 1 half "
    "open, 2 open.",
)

CHECK = Metric(
    "emall_check",
    "gauge",
    ("service", "check"),
    "Worst finding of a health check: 0 none, 1 a warning, 2 an error, -1 not measured.",
)

JOB_DURATION = Metric(
    "emall_job_duration_seconds", "gauge", ("service", "job"), "Duration of the last run here."
)
EVENT_LOOP_LAG = Metric(
    "emall_event_loop_lag_seconds",
    "gauge",
    (),
    "Time for which the event loop did not get to this scrape.",
)
SCRAPE_ERRORS = Metric(
    "emall_scrape_errors_total",
    "counter",
    ("service",),
    "Reads of figures from the database that failed or were late; the last known ones are exposed.",
)
FIGURES_AGE = Metric(
    "emall_stored_figures_age_seconds",
    "gauge",
    ("service",),
    "Age of the figures that were read from the database (`emall_hub_*`).",
)

JOB_INTERVAL = Metric(
    "emall_hub_job_interval_seconds", "gauge", ("service", "job"), "Pause between two runs."
)
JOB_LAST_RUN = Metric(
    "emall_hub_job_last_run_timestamp_seconds",
    "gauge",
    ("service", "job"),
    "Time of the last run in any process; recorded once a minute at most.",
)
JOB_LAST_SUCCESS = Metric(
    "emall_hub_job_last_success_timestamp_seconds",
    "gauge",
    ("service", "job"),
    "Time of the last run without an error.",
)
JOB_LAST_FAILURE = Metric(
    "emall_hub_job_last_failure_timestamp_seconds",
    "gauge",
    ("service", "job"),
    "Time of the last run with an error.",
)
JOB_FAILURES = Metric(
    "emall_hub_job_consecutive_failures",
    "gauge",
    ("service", "job"),
    "Failed runs since the last one without an error.",
)
OUTBOX_WAITING = Metric(
    "emall_hub_outbox_waiting_items", "gauge", ("service", "job"), "Items that wait for delivery."
)
OUTBOX_AGE = Metric(
    "emall_hub_outbox_oldest_age_seconds",
    "gauge",
    ("service", "job"),
    "Age of the item that waits longest; 0 if none waits.",
)
OUTBOX_REFUSED = Metric(
    "emall_hub_outbox_refused_items",
    "gauge",
    ("service", "job"),
    "Items that their receiver refused, set aside until an operator decides.",
)
LINKS = Metric(
    "emall_hub_links", "gauge", ("state",), "Links to portals: ok, caution, broken, pending."
)
BACKUP_TIME = Metric(
    "emall_hub_backup_last_timestamp_seconds",
    "gauge",
    (),
    "Moment whose data the newest archive of `emall backup` contains; absent without any.",
)
BACKUP_SIZE = Metric(
    "emall_hub_backup_size_bytes", "gauge", (), "Size of the newest archive of `emall backup`."
)

METRICS = tuple(value for value in tuple(globals().values()) if isinstance(value, Metric))
"""All metrics, in the order in which they are exposed."""
