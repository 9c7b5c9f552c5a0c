"""Goes round the sources of the pack when they are due, as long as the gateway runs."""

import asyncio
import json
import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from services.gateway.connectors.announcements.fetch import ServiceVocabulary, fetch_items
from services.gateway.connectors.announcements.store import store_items
from services.gateway.connectors.json_mapping import MappingError, map_statistics
from services.gateway.connectors.oss.statistics import MessageCounter
from services.gateway.connectors.pack import StatisticsSourceConfig
from services.gateway.connectors.source_leases import (
    SourceLease,
    claim_source,
    record_failure,
    record_success,
)
from services.gateway.connectors.statistics_client import (
    AuthFactory,
    StatisticsClient,
    StatisticsRejectedError,
)
from services.gateway.outbound.client import ConnectorError
from services.gateway.outbound.source_clients import SourceClients, cache_validators
from services.gateway.outbound.ssrf_guard import SsrfGuard
from services.platform.database import DATABASE_ERRORS, Database, WriteSession
from services.platform.jobs import BackgroundJob
from services.platform.local_time import JAKARTA
from services.platform.settings import Service, Settings

log = logging.getLogger(__name__)

PAUSE_SECONDS = 10.0
JITTER = 0.1
AFTER_FAILURE = timedelta(minutes=5)
"""When a source that failed is asked again, where the interval is longer."""


@dataclass(frozen=True)
class _Failure:
    reason: str
    detail: str


class SourcePoller(BackgroundJob):
    """One of the replicas that ask sources; the database gives each due source to one of them."""

    name = "ask sources"

    def __init__(
        self,
        database: Database,
        region: str,
        ways: SourceClients,
        *,
        vocabulary: ServiceVocabulary,
        reporter: StatisticsClient,
        counter: MessageCounter,
        interval: timedelta,
        rng: random.Random | None = None,
    ) -> None:
        self._database = database
        self._region = region
        self.ways = ways
        self._vocabulary = vocabulary
        self._reporter = reporter
        self.counter = counter
        self._interval = interval
        # Jitter keeps replicas apart; nothing secret hangs on it.
        self._rng = rng or random.Random()  # noqa: S311

    def start(self) -> None:
        """Begins, unless the interval says that nothing is asked by itself."""
        if self._interval > timedelta():
            super().start()

    async def stop(self) -> None:
        """Ends; what was claimed and not finished is due again when its lease ends."""
        await super().stop()
        await self.ways.close()

    async def run(self) -> None:
        while True:
            await asyncio.sleep(PAUSE_SECONDS * self._rng.uniform(0.7, 1.3))
            try:
                while await self.poll_due():
                    pass
                await self.counter.count()
            except (*DATABASE_ERRORS, httpx.HTTPError) as error:
                log.warning("sources are asked later: %s", error)
            except StatisticsRejectedError as error:
                log.warning("messages of OSS are not counted: %s", error)
            except Exception:
                # What others send must not end the rounds to all of them.
                log.exception("a source could not be asked")

    async def poll_due(self, *, slug: str | None = None) -> bool:
        """Asks the named source, or one that is due; False where there is none to be had."""
        async with self._database.write_session() as session:
            claim = await claim_source(session, self._region, slug=slug)
        if claim is None:
            return False
        failure = await self._try(claim)
        if failure is not None:
            async with self._database.write_session() as session:
                await record_failure(
                    session,
                    self._region,
                    claim,
                    reason=failure.reason,
                    detail=failure.detail,
                    now=datetime.now(UTC),
                    wait=self._wait(failed=True),
                )
        return True

    async def _try(self, claim: SourceLease) -> _Failure | None:
        try:
            if claim.kind == "feed":
                await self._visit(claim)
            else:
                await self._fetch_statistics(claim)
        except ConnectorError as error:
            return _Failure(error.reason, error.detail)
        except MappingError as error:
            return _Failure("invalid_response", str(error))
        except StatisticsRejectedError as error:
            return _Failure("rejected", str(error))
        except httpx.HTTPError as error:
            return _Failure("hub", f"a part of the hub does not answer: {error}")
        return None

    async def _visit(self, claim: SourceLease) -> None:
        found = await fetch_items(self.ways, claim)
        words = await self._vocabulary.matcher()
        now = datetime.now(UTC)
        async with self._database.write_session() as session:
            validators = claim.validators if found is None else found[1]
            kept = await self._note(
                session,
                claim,
                validators=validators,
                detail="nothing new" if found is None else f"{len(found[0])} items",
                now=now,
            )
            if kept and found is not None:
                await store_items(session, self._region, claim.slug, found[0], words=words, now=now)

    async def _fetch_statistics(self, claim: SourceLease) -> None:
        source = StatisticsSourceConfig.model_validate(claim.content)
        month = datetime.now(JAKARTA).date().replace(day=1) - timedelta(days=1)
        answer = await self.ways.fetch(
            claim.slug,
            source.url.replace("{year}", str(month.year)),
            accept="application/json",
            validators=claim.validators,
            header=source.header,
        )
        detail, validators = "nothing new", dict(claim.validators)
        if answer is not None:
            document = _document(claim.slug, answer.body)
            mapped = await asyncio.to_thread(map_statistics, document, source)
            detail = await self._reporter.submit(
                mapped.statistics,
                agency=source.agency,
                source=f"connector-{claim.slug}",
                reason=f"Dibetulkan oleh sumber {source.title}",
            )
            if mapped.unmapped_services:
                detail += (
                    f"; passed over, no service is mapped: {', '.join(mapped.unmapped_services)}"
                )
            validators = cache_validators(answer)
        async with self._database.write_session() as session:
            await self._note(
                session, claim, validators=validators, detail=detail, now=datetime.now(UTC)
            )

    async def _note(
        self,
        session: WriteSession,
        claim: SourceLease,
        *,
        validators: Mapping[str, str],
        detail: str,
        now: datetime,
    ) -> bool:
        return await record_success(
            session,
            self._region,
            claim,
            validators=validators,
            detail=detail,
            now=now,
            wait=self._wait(failed=False),
        )

    def _wait(self, *, failed: bool) -> timedelta:
        interval = self._interval or timedelta(minutes=30)
        wait = min(interval, AFTER_FAILURE) if failed else interval
        return wait * self._rng.uniform(1 - JITTER, 1 + JITTER)


def create_source_poller(
    settings: Settings,
    database: Database,
    guard: SsrfGuard,
    clients: Mapping[Service, httpx.AsyncClient],
    signs_in: AuthFactory,
) -> SourcePoller:
    """The rounds of a gateway with these settings."""
    reporter = StatisticsClient(clients[Service.feedback], signs_in)
    return SourcePoller(
        database,
        settings.region,
        SourceClients(settings, database, guard),
        vocabulary=ServiceVocabulary(clients[Service.catalog]),
        reporter=reporter,
        counter=MessageCounter(database, settings.region, reporter),
        interval=timedelta(seconds=settings.source_poll_seconds),
    )


def _document(slug: str, body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise ConnectorError(slug, "invalid_response", "it is no JSON") from None
