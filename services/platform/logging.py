"""Logging: structlog over the standard library, configured once for each process.

The hub's own modules log events with values (`log.warning("webhook delivery failed", ...)`);
libraries log through the standard library and pass the same processors. A line carries the time,
the level, the service, the event, and the id of the request that it belongs to.
"""

import asyncio
import logging
import sys
import time
from collections.abc import MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal

from services.platform.lazy_module import without_module

# structlog would import rich for tracebacks that are not written here: with httpx, which would too
# (`cli/server.py`), 4 MiB of every process.
with without_module("rich"):
    import structlog
    from structlog.stdlib import BoundLogger, ProcessorFormatter
    from structlog.types import Processor

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
LogFormat = Literal["console", "json"]

_QUIET = (
    "httpx",
    "httpcore",
    "asyncio",
    "alembic",
    "fontTools",
    "fpdf",
    "services.platform.database.CountingPool",  # SQLAlchemy names a pool's logger by its class
)
"""Loggers whose INFO lines concern the developers of a library."""


@dataclass(frozen=True, slots=True)
class RequestContext:
    """What a request's log lines say of it."""

    request_id: str
    service: str


request_context: ContextVar[RequestContext | None] = ContextVar("request_context", default=None)
"""The request that the current code runs for. One variable of our own: reading structlog's goes
through all variables of the context, for every request."""


def get_logger(name: str) -> BoundLogger:
    """Return the logger of a module; call it with `__name__`."""
    return structlog.stdlib.get_logger(name)


def configure_logging(*, level: LogLevel, log_format: LogFormat, service: str) -> None:
    """Send all log lines of this process to standard error in one form.

    `service` names the lines that no module of a service wrote (the server's, a library's).
    Calling it again replaces the configuration.
    """
    shared: list[Processor] = [
        _add_request,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.StackInfoRenderer(),
        _AddService(service),
    ]
    is_json = log_format == "json"
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
        if is_json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            timestamp_key="time",
            exception_formatter=structlog.dev.plain_traceback,
        )
    )
    last: list[Processor] = [ProcessorFormatter.remove_processors_meta]
    if is_json:
        last.append(structlog.processors.format_exc_info)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(ProcessorFormatter(foreign_pre_chain=shared, processors=[*last, renderer]))
    handler.addFilter(_is_worth_a_line)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error"):
        server = logging.getLogger(name)
        server.handlers.clear()
        server.propagate = True
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=BoundLogger,
        cache_logger_on_first_use=True,
    )


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    """Return False for a connection that was cancelled while it was being closed.

    asyncpg aborts it then. SQLAlchemy's pool logs a traceback for each, beside the one line with
    which the hub tells of a database that does not answer.
    """
    error = None if record.exc_info is None else record.exc_info[1]
    return not (
        record.name.startswith("sqlalchemy.pool") and isinstance(error, asyncio.CancelledError)
    )


def _add_request(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Add the id of the request and the service that handles it."""
    if (context := request_context.get()) is not None:
        event.setdefault("request_id", context.request_id)
        event.setdefault("service", context.service)
    return event


class _AddService:
    """Add the service to which the logging module belongs, else the one that handles the
    request, else the process's own."""

    def __init__(self, service: str) -> None:
        self._service = service

    def __call__(
        self, _logger: Any, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        parts = str(event.pop("logger", "")).split(".")
        owner = parts[1] if len(parts) > 2 and parts[0] == "services" else ""
        if owner in {"gateway", "catalog", "feedback", "assessment"}:
            event["service"] = owner
        else:
            event.setdefault("service", self._service)
        return event


def summarise(error: BaseException) -> str:
    """Return an error's type and message in one printable line."""
    line = f"{type(error).__name__}: {error}"[:500]
    return "".join(character if character.isprintable() else " " for character in line)


class Outage:
    """Log the beginning and the end of an outage of one dependency, once each.

    What fails in between is counted, not logged. Not shared between event loops.
    """

    def __init__(
        self,
        log: BoundLogger,
        dependency: str,
        *,
        level: Literal["warning", "error"] = "warning",
        quiet_seconds: float = 0.0,
    ) -> None:
        """`level` is that of the first line.

        With `quiet_seconds` an outage ends with the first success that follows as long a time
        without a failure, where successes and failures alternate (one replica of two).
        """
        self._log = log
        self._dependency = dependency
        self._level = level
        self._quiet_seconds = quiet_seconds
        self._since: float | None = None
        self._failed_at = 0.0
        self._failures = 0

    @property
    def is_ongoing(self) -> bool:
        """Whether the dependency failed last."""
        return self._since is not None

    def failed(self, error: BaseException) -> None:
        """Note a failed call; the first one is logged."""
        self._failures += 1
        self._failed_at = time.monotonic()
        if self._since is None:
            self._since = self._failed_at
            write = self._log.error if self._level == "error" else self._log.warning
            write(
                f"{self._dependency} unavailable",
                error=summarise(error),
            )

    def succeeded(self) -> None:
        """Note a call that worked; the first one after a failure is logged."""
        if self._since is not None:
            now = time.monotonic()
            if now - self._failed_at < self._quiet_seconds:
                return
            seconds = round(now - self._since, 1)
            self._log.info(
                f"{self._dependency} available again",
                outage_seconds=seconds,
                failed_calls=self._failures,
            )
            self._since, self._failures = None, 0


class RepeatedError:
    """Log an error that comes back with every run once, with its traceback, and its end once.

    An error is the same if it is of one type and raised at one line; its text may differ. Not
    shared between event loops.
    """

    def __init__(self, log: BoundLogger, event: str) -> None:
        """`event` says what failed, such as "job failed"."""
        self._log = log
        self._event = event
        self._last: tuple[type[BaseException], str, int] | None = None
        self._failures = 0

    def failed(self, error: BaseException) -> None:
        """Note an error; it is logged unless it is that of the run before."""
        self._failures += 1
        place = _raised_at(error)
        if place != self._last:
            self._last = place
            self._log.error(self._event, exc_info=error)

    def succeeded(self) -> None:
        """Note a run that worked; the first one after an error is logged."""
        if self._last is not None:
            self._log.info(f"{self._event} before, works again", failures=self._failures)
            self._last, self._failures = None, 0


def _raised_at(error: BaseException) -> tuple[type[BaseException], str, int]:
    """Return the type of an error and the line that raised it."""
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    if step is None:
        return type(error), "", 0
    return type(error), step.tb_frame.f_code.co_filename, step.tb_lineno
