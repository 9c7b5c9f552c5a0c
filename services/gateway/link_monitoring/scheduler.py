"""BackgroundJob job that checks links when they are due."""

import asyncio
import logging
import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from services.gateway.link_monitoring.checks import Check, record_check
from services.gateway.link_monitoring.leases import Claim, claim_due, register_links
from services.gateway.link_monitoring.probe import Prober
from services.platform.database import DATABASE_ERRORS, Database
from services.platform.jobs import BackgroundJob

log = logging.getLogger(__name__)

MAX_CONCURRENT_CHECKS = 4
POLL_SECONDS = 3.0
JITTER = 0.1
"""Relative deviation of the time to the next check."""
POLL_JITTER = 0.3
FIRST_CHECK_SPREAD = timedelta(seconds=30)
DEFAULT_INTERVAL = timedelta(minutes=5)
"""Used for coverage and the next check if periodic checks are disabled."""


class LinkCheckScheduler(BackgroundJob):
    """Runs due link checks; each is claimed by one replica through the database."""

    name = "link checks"

    def __init__(
        self,
        database: Database,
        region: str,
        prober: Prober,
        *,
        interval: timedelta,
        poll_seconds: float = POLL_SECONDS,
        rng: random.Random | None = None,
    ) -> None:
        self._database = database
        self._region = region
        self._prober = prober
        self._interval = interval
        self._poll_seconds = poll_seconds
        # Jitter only; not security-relevant.
        self._rng = rng or random.Random()  # noqa: S311
        self._running: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Start the job; an interval of 0 disables it."""
        if self._interval > timedelta():
            super().start()

    async def stop(self) -> None:
        """Cancel the job and its checks; unfinished ones are due again when their lease expires."""
        running = [*self._running]
        for task in running:
            task.cancel()
        await super().stop()
        for task in running:
            with suppress(asyncio.CancelledError):
                await task

    async def run(self) -> None:
        """Poll for due checks until cancelled."""
        while True:
            try:
                async with self._database.write_session() as session:
                    await register_links(session, self._region, spread=FIRST_CHECK_SPREAD)
                await self._start_due()
            except DATABASE_ERRORS as error:
                log.warning("link checks paused: database unavailable: %s", error)
            jitter = self._rng.uniform(1 - POLL_JITTER, 1 + POLL_JITTER)
            await asyncio.sleep(self._poll_seconds * jitter)

    async def _start_due(self) -> None:
        while len(self._running) < MAX_CONCURRENT_CHECKS:
            async with self._database.write_session() as session:
                claim = await claim_due(session, self._region)
            if claim is None:
                return
            task = asyncio.create_task(self._check_or_log(claim), name=f"check {claim.slug}")
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _check_or_log(self, claim: Claim) -> None:
        try:
            await self.check(claim)
        except DATABASE_ERRORS as error:
            log.warning("check of %s not stored, will be duplicates: %s", claim.slug, error)

    async def check(self, claim: Claim) -> Check | None:
        """Check a claimed link and store the result; None if the lease had expired."""
        result = await self._prober.probe(claim.url)
        now = datetime.now(UTC)
        interval = self._interval or DEFAULT_INTERVAL
        wait = interval * self._rng.uniform(1 - JITTER, 1 + JITTER)
        async with self._database.write_session() as session:
            return await record_check(
                session,
                self._region,
                claim,
                result,
                now=now,
                next_check_at=now + wait,
                interval=interval,
            )
