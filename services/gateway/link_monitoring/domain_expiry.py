"""Until when the domains of links are registered: asked rarely, kept by host, never waited for."""

import asyncio
import logging
import random
from datetime import datetime, timedelta

from sqlalchemy import text

from services.gateway.link_monitoring.classify import Registration
from services.gateway.link_monitoring.rdap import Registries
from services.gateway.outbound.client import ConnectorError
from services.platform.database import DATABASE_ERRORS, Database, WriteSession
from services.platform.jobs import BackgroundJob

log = logging.getLogger(__name__)

PAUSE_SECONDS = 10.0
"""A registry is asked about one host at a time, with this rest between them."""

LEASE = timedelta(minutes=5)
"""How long asking may take before another replica does it again."""

AFTER_FAILURE = timedelta(hours=1)
JITTER = 0.1

KNOWN_FOR = timedelta(days=7)
"""An older answer judges no link: the domain may have been renewed meanwhile."""

TAKE_DOMAIN = """
-- The host whose domain has waited longest to be asked about; nobody else gets it for a while.
UPDATE gateway.link_host SET domain_due_at = now() + :lease
WHERE region = :region AND host = (
    SELECT host FROM gateway.link_host known
    WHERE region = :region AND domain_due_at <= now() AND EXISTS (
        SELECT 1 FROM gateway.link_health
        WHERE link_health.region = known.region AND link_health.host = known.host)
    ORDER BY domain_due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING host
"""

KEEP_DOMAIN = """
-- What the registry said, and when it is asked next.
UPDATE gateway.link_host SET domain = :domain, domain_expires_at = :expires_at,
    domain_known_at = now(), domain_due_at = now() + :wait
WHERE region = :region AND host = :host
"""

ASK_LATER = """
-- The registry said nothing that can be used: what was known stays.
UPDATE gateway.link_host SET domain_due_at = now() + :wait
WHERE region = :region AND host = :host
"""

REGISTRATION = """
-- What a registry said lately of a host's domain.
SELECT domain, domain_expires_at FROM gateway.link_host
WHERE region = :region AND host = :host AND domain_known_at > :lately
"""


async def registration_of(
    session: WriteSession, region: str, host: str, *, now: datetime
) -> Registration | None:
    """What is known of the registration of a host's domain; None where nothing was said lately."""
    parameters = {"region": region, "host": host, "lately": now - KNOWN_FOR}
    row = (await session.execute(text(REGISTRATION), parameters)).one_or_none()
    return None if row is None else Registration(row.domain, row.domain_expires_at)


class DomainWatch(BackgroundJob):
    """One of the replicas that ask registries; the database gives each host to one of them."""

    name = "watch domains"

    def __init__(
        self,
        database: Database,
        region: str,
        registries: Registries,
        *,
        interval: timedelta,
        pause: float = PAUSE_SECONDS,
        rng: random.Random | None = None,
    ) -> None:
        self._database = database
        self._region = region
        self._registries = registries
        self._interval = interval
        self._pause = pause
        self._rng = rng or random.Random()  # noqa: S311 - jitter

    def start(self) -> None:
        """Begins, unless the interval says that no registry is asked."""
        if self._interval > timedelta():
            super().start()

    async def stop(self) -> None:
        await super().stop()
        await self._registries.close()

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self._pause * self._rng.uniform(0.7, 1.3))
            try:
                await self.ask_next()
            except DATABASE_ERRORS as error:
                log.warning("domains are not asked about: the database does not answer: %s", error)

    async def ask_next(self) -> str | None:
        """Asks about the domain of the host that is due; which host it was, None where none is."""
        async with self._database.write_session() as session:
            parameters = {"region": self._region, "lease": LEASE}
            host: str | None = await session.scalar(text(TAKE_DOMAIN), parameters)
        if host is None:
            return None
        registration, wait = await self._ask(host)
        of_host = {
            "region": self._region,
            "host": host,
            "wait": wait * self._rng.uniform(1 - JITTER, 1 + JITTER),
        }
        async with self._database.write_session() as session:
            if registration is None:
                await session.execute(text(ASK_LATER), of_host)
            else:
                await session.execute(text(KEEP_DOMAIN), of_host | vars(registration))
        return host

    async def _ask(self, host: str) -> tuple[Registration | None, timedelta]:
        """What the registry says, and how long it is then left in peace."""
        try:
            registration = await self._registries.registration_of(host)
        except ConnectorError as error:
            log.warning("the end of the domain of %s is not known: %s", host, error)
            return None, min(self._interval, AFTER_FAILURE)
        if registration is None:
            log.info("no registry tells the end of the domain of %s", host)
        return registration, self._interval
