"""Run the checks of a process: each bounded in time, cached, and once at a time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from services.platform.health.findings import Finding, HealthCheck, Report, Result, make_report
from services.platform.logging import RepeatedError, get_logger

log = get_logger(__name__)

WAIT_SECONDS = 2.0
"""How long a report waits for checks that are not finished."""
GRACE_SECONDS = 10.0
"""How long an older result counts while a check takes longer, as under load."""


@dataclass(eq=False)
class CachedCheck:
    """A check with its last result.

    A result counts for `ttl` seconds. A check that takes longer than a report waits goes on, up to
    `deadline` seconds, and is never started twice; until it ends, its last result counts, and after
    `GRACE_SECONDS` that it is late: the finding `late`, or unknown.
    """

    checks: frozenset[HealthCheck]
    run: Callable[[], Awaitable[Result]]
    ttl: float
    deadline: float = 10.0
    late: Finding | None = None
    _result: Result | None = None
    _finished_at: float = float("-inf")
    _task: "asyncio.Task[None] | None" = field(default=None, repr=False)
    _error: RepeatedError = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._error = RepeatedError(log.bind(check=min(self.checks).value), "check failed")

    def start(self) -> "asyncio.Task[None] | None":
        """Start the check unless its result still counts; return the one that runs."""
        if self._task is not None and self._task.done():
            self._task = None
        if self._task is None and time.monotonic() - self._finished_at >= self.ttl:
            self._task = asyncio.create_task(self._measure(), name=f"check {min(self.checks)}")
        return self._task

    async def _measure(self) -> None:
        try:
            async with asyncio.timeout(self.deadline):
                self._result = await self.run()
            self._error.succeeded()
        except TimeoutError:
            self._result = self._without_result()
        except Exception as error:
            self._error.failed(error)
            self._result = Result(unknown=self.checks)
        self._finished_at = time.monotonic()

    def _without_result(self) -> Result:
        if self.late is None:
            return Result(unknown=self.checks)
        return Result((self.late,), self.checks - {self.late.check})

    def current(self) -> Result:
        """Return the last result that counts."""
        is_old = time.monotonic() - self._finished_at > self.ttl + GRACE_SECONDS
        if self._result is None or (is_old and self._task is not None and not self._task.done()):
            return self._without_result()
        return self._result


class HealthMonitor:
    """The checks of one service in this process.

    `report` never takes longer than two seconds and never raises. What is found is logged once at
    its beginning and once at its end, with the details that health and status do not show.
    """

    def __init__(self, service: str) -> None:
        self._service = service
        self._checks: list[CachedCheck] = []
        self._known: dict[tuple[HealthCheck, str], Finding] = {}
        self.latest: Report | None = None
        """The last report, for whoever cannot wait."""

    def add(self, check: CachedCheck) -> None:
        """Add a check to the report."""
        self._checks.append(check)

    async def report(self) -> Report:
        """Return what the checks found, measured now or a few seconds ago."""
        running = {task for check in self._checks if (task := check.start()) is not None}
        if running:
            await asyncio.wait(running, timeout=WAIT_SECONDS)
        results = [check.current() for check in self._checks]
        self.latest = make_report(
            {check for each in self._checks for check in each.checks},
            [finding for result in results for finding in result.findings],
            unknown={check for result in results for check in result.unknown},
        )
        self._log_changes(self.latest)
        return self.latest

    def _log_changes(self, report: Report) -> None:
        """Log what is new and what is over. The database's outage is logged by who uses it."""
        now = {
            (found.check, found.detail or found.remedy): found
            for found in report.findings
            if found.check is not HealthCheck.database
        }
        for key in now.keys() - self._known.keys():
            found = now[key]
            write = log.error if found.severity == "error" else log.warning
            write(
                "check found a fault",
                service=self._service,
                check=found.check.value,
                message=found.message,
                detail=found.detail,
                remedy=found.remedy,
                runbook=found.runbook,
            )
        for key in self._known.keys() - now.keys():
            if self._known[key].check not in report.unknown:
                log.info("check finds no fault any more", service=self._service, check=key[0].value)
        self._known = now
