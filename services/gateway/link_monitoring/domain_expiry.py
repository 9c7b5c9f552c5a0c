"""Looks up when the domains of links expire.

Queried rarely, stored by host, and independent of link checks, which use the stored result.
"""

import random
from datetime import datetime, timedelta

from sqlalchemy import text

from services.gateway.link_monitoring.classify import Registration
from services.gateway.link_monitoring.rdap import RdapClient
from services.gateway.outbound.client import ConnectorError
from services.platform.database import Database, WriteSession
from services.platform.jobs import LeaseTable
from services.platform.logging import get_logger

log = get_logger(__name__)

POLL_INTERVAL = timedelta(seconds=10)
"""Minimum time between two queries of a replica."""

LEASE = timedelta(minutes=5)
"""How long a query may take before another replica may repeat it."""

RETRY_AFTER_FAILURE = timedelta(hours=1)
JITTER = 0.1
"""Relative deviation of the time to the next query."""
POLL_JITTER = 0.3

MAX_AGE = timedelta(days=7)
"""An older result is not used in checks: the domain may have been renewed since."""

DUE_HOSTS = LeaseTable(
    "gateway.link_host",
    ("host",),
    lease=LEASE,
    due="domain_due_at",
    condition="""EXISTS (SELECT 1 FROM gateway.link_status
        WHERE link_status.region = t.region AND link_status.host = t.host)""",
)

STORE_REGISTRATION = """
-- Store the result of a query and schedule the next one.
UPDATE gateway.link_host SET domain = :domain, domain_expires_at = :expires_at,
    domain_checked_at = now(), domain_due_at = now() + :wait
WHERE region = :region AND host = :host
"""

POSTPONE = """
-- Schedule the next query after one without a usable result; the stored result stays.
UPDATE gateway.link_host SET domain_due_at = now() + :wait
WHERE region = :region AND host = :host
"""

FIND_REGISTRATION = """
-- The stored registration of a host's domain, unless it is too old.
SELECT domain, domain_expires_at FROM gateway.link_host
WHERE region = :region AND host = :host AND domain_checked_at > :oldest
"""


async def find_registration(
    session: WriteSession, region: str, host: str, *, now: datetime
) -> Registration | None:
    """Return the registration of a host's domain; None if none was stored in the last 7 days."""
    parameters = {"region": region, "host": host, "oldest": now - MAX_AGE}
    row = (await session.execute(text(FIND_REGISTRATION), parameters)).one_or_none()
    return None if row is None else Registration(row.domain, row.domain_expires_at)


async def claim_due(session: WriteSession, region: str) -> str | None:
    """Claim the host whose domain is due; None if none is due."""
    rows = await DUE_HOSTS.claim(session, region)
    return rows[0].host if rows else None


class DomainExpiryScheduler:
    """Runs due RDAP queries; each host is claimed by one replica through the database."""

    def __init__(
        self,
        database: Database,
        region: str,
        rdap: RdapClient,
        *,
        interval: timedelta,
        rng: random.Random | None = None,
    ) -> None:
        self._database = database
        self._region = region
        self._rdap = rdap
        self._interval = interval
        self._rng = rng or random.Random()  # noqa: S311 - jitter

    async def close(self) -> None:
        """Close the RDAP connections."""
        await self._rdap.close()

    async def check_next(self) -> str | None:
        """Query the domain of the next due host and return the host; None if none is due."""
        async with self._database.write_session() as session:
            host = await claim_due(session, self._region)
        if host is None:
            return None
        registration, wait = await self._look_up(host)
        parameters = {
            "region": self._region,
            "host": host,
            "wait": wait * self._rng.uniform(1 - JITTER, 1 + JITTER),
        }
        async with self._database.write_session() as session:
            if registration is None:
                await session.execute(text(POSTPONE), parameters)
            else:
                await session.execute(text(STORE_REGISTRATION), parameters | vars(registration))
        return host

    async def _look_up(self, host: str) -> tuple[Registration | None, timedelta]:
        """Return the registration, if found, and the time until the next query."""
        try:
            registration = await self._rdap.look_up(host)
        except ConnectorError as error:
            log.warning("domain expiry unavailable", host=host, error=str(error))
            return None, min(self._interval, RETRY_AFTER_FAILURE)
        if registration is None:
            log.info("no registry publishes the domain expiry", host=host)
        return registration, self._interval
