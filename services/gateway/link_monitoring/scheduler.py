"""Checks links when they are due."""

import asyncio
import random
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from services.gateway.link_monitoring.checks import COVERAGE_INTERVALS, Check, record_check
from services.gateway.link_monitoring.classify import (
    HUB_CLOCK,
    HUB_OFFLINE,
    HUB_REASONS,
    Classification,
    ProbeResult,
)
from services.gateway.link_monitoring.hub_faults import (
    MIN_SITES,
    TOO_FEW_SITES,
    find_witnesses,
    is_clock_doubtful,
    is_hub_offline,
    read_checks_since,
)
from services.gateway.link_monitoring.leases import Claim, claim_due, register_links
from services.gateway.link_monitoring.probe import Prober
from services.gateway.link_monitoring.withdrawal import withdraw_verdicts
from services.platform.database import DATABASE_ERRORS, Database, is_connection_lost
from services.platform.local_time import LocalTime
from services.platform.logging import get_logger

log = get_logger(__name__)

MAX_CONCURRENT_CHECKS = 4
POLL_INTERVAL = timedelta(seconds=3)
JITTER = 0.1
"""Relative deviation of the time to the next check."""
POLL_JITTER = 0.3
FIRST_CHECK_SPREAD = timedelta(seconds=30)
DEFAULT_INTERVAL = timedelta(minutes=5)
"""Used for coverage and the next check if periodic checks are disabled."""


class LinkCheckScheduler:
    """Runs due link checks; each is claimed by one replica through the database."""

    def __init__(
        self,
        database: Database,
        region: str,
        prober: Prober,
        local_time: LocalTime,
        *,
        interval: timedelta,
        rng: random.Random | None = None,
    ) -> None:
        self._database = database
        self._region = region
        self._prober = prober
        self._local_time = local_time
        self._interval = interval
        # Jitter only; not security-relevant.
        self._rng = rng or random.Random()  # noqa: S311
        self._running: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Cancel running checks; they are due again when their lease expires."""
        running = [*self._running]
        for task in running:
            task.cancel()
        for task in running:
            with suppress(asyncio.CancelledError):
                await task

    async def check_due(self) -> None:
        """Register the pack's links and start those checks that are due."""
        async with self._database.write_session() as session:
            await register_links(session, self._region, spread=FIRST_CHECK_SPREAD)
        await self._start_due()

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
            if is_connection_lost(error):
                self._database.failed(error)
            log.warning("check not stored, will be repeated", link=claim.slug)

    async def check(self, claim: Claim) -> Check | None:
        """Check a claimed link and store the result; None if the lease had expired."""
        begun = datetime.now(UTC)
        result = await self._prober.probe(claim.url)
        hub_fault: Classification | None = None
        if result.failure in HUB_REASONS:
            result, hub_fault = await self._judge_hub(claim, result, begun=begun)
        now = datetime.now(UTC)
        interval = self._interval or DEFAULT_INTERVAL
        wait = interval * self._rng.uniform(1 - JITTER, 1 + JITTER)
        async with self._database.write_session() as session:
            check = await record_check(
                session,
                self._region,
                claim,
                result,
                now=now,
                zone=self._local_time.zone,
                next_check_at=now + wait,
                interval=interval,
                hub_fault=hub_fault,
            )
        if check is not None and hub_fault is HUB_OFFLINE:
            coverage = COVERAGE_INTERVALS * interval
            async with self._database.write_session() as session:
                await withdraw_verdicts(
                    session,
                    self._region,
                    now=now,
                    zone=self._local_time.zone,
                    max_coverage=coverage,
                )
        return check

    async def _judge_hub(
        self, claim: Claim, result: ProbeResult, *, begun: datetime
    ) -> tuple[ProbeResult, Classification | None]:
        """Return the result, and what is recorded instead if the hub is to blame.

        Other sites are asked for a connection. If they accept one, but none did during the probe,
        the network has returned meanwhile, and the link is visited again.
        """
        async with self._database.read_session() as session:
            witnesses = await find_witnesses(session, self._region, claim.host)
            others = await read_checks_since(session, self._region, claim.host, since=begun)
        urls = [witness.url for witness in witnesses]
        if result.certificate_validity is not None:
            offsets = await asyncio.gather(*(self._prober.clock_offset(url) for url in urls))
            is_wrong = is_clock_doubtful(
                result.certificate_validity,
                now=begun,
                own=result.clock_offset,
                others=[offset for offset in offsets if offset is not None],
            )
            return result, HUB_CLOCK if is_wrong else None
        accepted = await asyncio.gather(*(self._prober.connects(url) for url in urls))
        if is_hub_offline(accepted):
            return result, HUB_OFFLINE
        if is_hub_offline(others):
            return await self._prober.probe(claim.url), None
        if 1 + len(witnesses) < MIN_SITES and not any(accepted):
            return replace(result, detail=f"{result.detail} {TOO_FEW_SITES}".strip()), None
        return result, None
