"""Checks links when they are due, as long as the gateway runs."""

import asyncio
import logging
import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from services.gateway.link_monitoring.checks import Check, record
from services.gateway.link_monitoring.leases import Claim, claim_due, enrol
from services.gateway.link_monitoring.probe import Prober
from services.platform.database import DATABASE_ERRORS, Database
from services.platform.jobs import BackgroundJob

log = logging.getLogger(__name__)

AT_ONCE = 4
PAUSE_SECONDS = 3.0
JITTER = 0.1
FIRST_CHECKS_WITHIN = timedelta(seconds=30)


class Watch(BackgroundJob):
    """One of the replicas that check links; the database gives each due check to one of them."""

    name = "watch links"

    def __init__(
        self,
        database: Database,
        region: str,
        prober: Prober,
        *,
        interval: timedelta,
        pause: float = PAUSE_SECONDS,
        rng: random.Random | None = None,
    ) -> None:
        self._database = database
        self._region = region
        self._prober = prober
        self._interval = interval
        self._pause = pause
        # Jitter keeps replicas apart; nothing secret hangs on it.
        self._rng = rng or random.Random()  # noqa: S311
        self._checking: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begins, unless the interval says that nothing is checked by itself."""
        if self._interval > timedelta():
            super().start()

    async def stop(self) -> None:
        """Ends; what was claimed and not finished is due again when its lease ends."""
        checking = [*self._checking]
        for task in checking:
            task.cancel()
        await super().stop()
        for task in checking:
            with suppress(asyncio.CancelledError):
                await task

    async def run(self) -> None:
        while True:
            try:
                async with self._database.write_session() as session:
                    await enrol(session, self._region, spread=FIRST_CHECKS_WITHIN)
                await self._begin_due()
            except DATABASE_ERRORS as error:
                log.warning("links are not checked: the database does not answer: %s", error)
            await asyncio.sleep(self._pause * self._rng.uniform(0.7, 1.3))

    async def _begin_due(self) -> None:
        while len(self._checking) < AT_ONCE:
            async with self._database.write_session() as session:
                claim = await claim_due(session, self._region)
            if claim is None:
                return
            task = asyncio.create_task(self._check_quietly(claim), name=f"check {claim.slug}")
            self._checking.add(task)
            task.add_done_callback(self._checking.discard)

    async def _check_quietly(self, claim: Claim) -> None:
        try:
            await self.check(claim)
        except DATABASE_ERRORS as error:
            log.warning("the check of %s is not stored and will be repeated: %s", claim.slug, error)

    async def check(self, claim: Claim) -> Check | None:
        """Checks a claimed link and keeps what was found; None where the claim had ended."""
        outcome = await self._prober.reach(claim.url)
        now = datetime.now(UTC)
        interval = self._interval or timedelta(minutes=5)
        wait = interval * self._rng.uniform(1 - JITTER, 1 + JITTER)
        async with self._database.write_session() as session:
            return await record(
                session,
                self._region,
                claim,
                outcome,
                now=now,
                next_at=now + wait,
                interval=interval,
            )
