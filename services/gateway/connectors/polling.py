"""Polls the sources of the pack when they are due."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx

from services.gateway.connectors.base import Connectors
from services.gateway.connectors.json_statistics.mapping import MappingError
from services.gateway.connectors.source_leases import (
    SourceLease,
    lease_source,
    record_failure,
    record_success,
)
from services.gateway.connectors.statistics_client import StatisticsRejectedError
from services.gateway.outbound.client import ConnectorError
from services.platform.database import Database

POLL_INTERVAL = timedelta(seconds=10)
JITTER = 0.1
RETRY_INTERVAL = timedelta(minutes=5)
"""When a source is polled again after a failure, if the normal interval is longer."""
DEFAULT_INTERVAL = timedelta(minutes=30)
"""Interval that is recorded when a source is polled manually and scheduled polling is off."""


@dataclass(frozen=True)
class _Failure:
    reason: str
    detail: str


class SourcePoller:
    """Polls due sources; the database leases each source to one replica at a time."""

    def __init__(
        self,
        database: Database,
        region: str,
        connectors: Connectors,
        *,
        interval: timedelta,
        rng: random.Random | None = None,
    ) -> None:
        self._database = database
        self._region = region
        self._connectors = connectors
        self._interval = interval
        # Jitter spreads replicas; it is not a secret.
        self._rng = rng or random.Random()  # noqa: S311

    async def poll_all_due(self) -> None:
        """Poll every source that is due; a failure of one does not stop the others."""
        while await self.poll_due():
            pass

    async def poll_due(self, *, slug: str | None = None) -> bool:
        """Poll the named source, or one that is due; False if it is leased or none is due."""
        async with self._database.write_session() as session:
            lease = await lease_source(session, self._region, slug=slug)
        if lease is None:
            return False
        failure = await self._poll(lease)
        if failure is not None:
            async with self._database.write_session() as session:
                await record_failure(
                    session,
                    self._region,
                    lease,
                    reason=failure.reason,
                    detail=failure.detail,
                    now=datetime.now(UTC),
                    wait=self._wait(failed=True),
                )
        return True

    async def _poll(self, lease: SourceLease) -> _Failure | None:
        connector = self._connectors.sources.get(lease.kind)
        if connector is None:
            return _Failure("unknown_kind", f"this version has no connector for {lease.kind!r}")
        try:
            result = await connector.fetch(lease)
        except ConnectorError as error:
            return _Failure(error.reason, error.detail)
        except MappingError as error:
            return _Failure("invalid_response", str(error))
        except StatisticsRejectedError as error:
            return _Failure("rejected", str(error))
        except httpx.HTTPError as error:
            return _Failure("hub", f"a service of the hub is unavailable: {error}")
        now = datetime.now(UTC)
        async with self._database.write_session() as session:
            is_current = await record_success(
                session,
                self._region,
                lease,
                validators=result.validators,
                detail=result.detail,
                now=now,
                wait=self._wait(failed=False),
            )
            if is_current and result.store is not None:
                await result.store(session, now)
        return None

    def _wait(self, *, failed: bool) -> timedelta:
        interval = self._interval or DEFAULT_INTERVAL
        wait = min(interval, RETRY_INTERVAL) if failed else interval
        return wait * self._rng.uniform(1 - JITTER, 1 + JITTER)
