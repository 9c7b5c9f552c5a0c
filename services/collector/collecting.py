"""A round through all hubs: ask, verify, judge, store.

Each hub is stored in a transaction of its own, so that one that fails takes nothing from others.
"""

import asyncio
import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text

from services.assessment.bundles.verify import BundleError
from services.collector import store
from services.collector.checking import CheckedBundle, check_bundle
from services.collector.findings import (
    Finding,
    KnownBundle,
    ReceivedBundle,
    altered,
    is_older,
    judge,
    key_changed,
    withdrawn,
    wrong_region,
)
from services.collector.hub_client import (
    MAX_BUNDLE_BYTES,
    TIMEOUTS,
    EntityTags,
    HubClient,
    HubError,
    HubLink,
    HubReporting,
    HubService,
    ListedAssessment,
)
from services.collector.hub_list import HubList, ListedHub
from services.gateway.outbound.client import TimeoutPolicy
from services.gateway.outbound.ssrf_guard import DEFAULT_PORTS, SsrfGuard
from services.platform.bounded_process import MAX_PROCESSES, Limits, call_bounded
from services.platform.database import Database
from services.platform.logging import get_logger
from services.platform.problems import ProblemError, TooLarge, Unavailable
from services.platform.settings import Settings

log = get_logger(__name__)

METHOD = "cgr-2015"
"""The method whose assessments are collected and compared."""
CONCURRENT_HUBS = 8
MAX_PERIODS = 6
"""Newest years of a hub whose assessment is collected."""
MAX_FILES = 200
"""Bundle files of a folder that are read in a round."""
EVERYTHING = datetime(1970, 1, 1, tzinfo=UTC)
LIMITS = Limits(
    memory_bytes=192 * 1024 * 1024,
    cpu_seconds=10,
    imports=("numpy", "scipy.special"),
    deadline_seconds=60,
)


@dataclass
class HubReading:
    """What a round learned of a hub."""

    version: str | None = None
    """Version of its software; None if it did not answer."""
    failures: list[str] = field(default_factory=list[str])
    reporting: HubReporting | None = None
    links: list[HubLink] | None = None
    services: list[HubService] = field(default_factory=list[HubService])
    tags: EntityTags = field(default_factory=dict[str, str])
    accepted: list[tuple[CheckedBundle, ReceivedBundle]] = field(
        default_factory=list[tuple[CheckedBundle, ReceivedBundle]]
    )
    findings: list[Finding] = field(default_factory=list[Finding])


@dataclass(frozen=True)
class CollectionResult:
    """A round, or the part of one hub, in numbers."""

    hubs: int
    answered: int
    accepted: int
    findings: int


@dataclass(frozen=True)
class KnownHub:
    """What is known of a hub before a round."""

    tags: Mapping[str, str]
    catalog_cursor: datetime | None
    bundles: Mapping[UUID, KnownBundle]


class Collector:
    """Collects what the hubs of a list publish."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        hubs: HubList,
        folder: Path,
        *,
        timeouts: TimeoutPolicy = TIMEOUTS,
    ) -> None:
        """`folder` is that of the list, to which folders of bundles are relative."""
        self._database = database
        self._region = settings.region
        self._hubs = hubs
        self._folder = folder
        self._timeouts = timeouts
        self._guard = SsrfGuard(
            allowed_hosts=settings.ssrf_allowed_hosts or (),
            allowed_ports=settings.ssrf_allowed_ports or DEFAULT_PORTS,
        )
        self._turns = asyncio.Semaphore(CONCURRENT_HUBS)
        self._checks = asyncio.Semaphore(MAX_PROCESSES)

    async def collect(self) -> CollectionResult:
        """Read every hub once and store what it says."""
        started = datetime.now(UTC)
        async with self._database.write_session() as session:
            await store.store_list(session, self._hubs)
        known = await self._known()
        counts = await asyncio.gather(
            *(self._collect_hub(hub, known[hub.code]) for hub in self._hubs.hubs)
        )
        result = CollectionResult(
            hubs=len(counts),
            answered=sum(one.answered for one in counts),
            accepted=sum(one.accepted for one in counts),
            findings=sum(one.findings for one in counts),
        )
        region = {"region": self._region}
        async with self._database.write_session() as session:
            last: int = await session.scalar(text(store.LAST_NUMBER), region) or 0
            values = {
                "number": last + 1,
                "name": self._hubs.name,
                "name_en": self._hubs.name_en,
                "timezone": self._hubs.timezone,
                "started_at": started,
                "ended_at": datetime.now(UTC),
                "hubs": result.hubs,
                "answered": result.answered,
            }
            await session.execute(text(store.RECORD), region | values)
        log.info("collected", **vars(result))
        return result

    async def _known(self) -> dict[str, KnownHub]:
        async with self._database.read_session() as session:
            bundles = await store.known_bundles(session, METHOD)
            return {
                row.region: KnownHub(
                    row.entity_tags, row.catalog_cursor, bundles.get(row.region, {})
                )
                for row in await session.execute(text(store.KNOWN_HUBS))
            }

    async def _collect_hub(self, hub: ListedHub, known: KnownHub) -> CollectionResult:
        """Read and store one hub; return it in numbers, so that its bundles are let go."""
        async with self._turns:
            reading = HubReading(tags=dict(known.tags))
            if hub.address is not None:
                await self._read_network(hub, hub.address, known, reading)
            if hub.folder is not None:
                await self._read_folder(hub, self._folder / hub.folder, known, reading)
            await self._store(hub, reading)
        return CollectionResult(
            hubs=1,
            answered=int(reading.version is not None),
            accepted=len(reading.accepted),
            findings=len(reading.findings),
        )

    async def _read_network(
        self, hub: ListedHub, address: str, known: KnownHub, reading: HubReading
    ) -> None:
        client = HubClient(
            hub.code,
            address,
            guard=self._guard,
            clock=time.monotonic,
            tags=known.tags,
            timeouts=self._timeouts,
        )
        try:
            state = await client.state()
            if state.region != hub.code:
                reading.findings.append(wrong_region("status", hub.code, state.region))
                reading.version = state.version
                return
            reading.version = state.version
            # A part that fails takes nothing from the others.
            for part in (
                self._read_bundles(hub, client, known, reading),
                self._read_figures(client, known, reading),
            ):
                try:
                    await part
                except HubError as error:
                    reading.failures.append(str(error))
        except HubError as error:
            reading.failures.append(str(error))
        finally:
            reading.tags = client.tags
            await client.close()

    async def _read_bundles(
        self, hub: ListedHub, client: HubClient, known: KnownHub, reading: HubReading
    ) -> None:
        key = await client.key()
        if key.fingerprint not in hub.keys:
            reading.findings.append(key_changed(key.fingerprint, hub.keys))
        assessments = await client.assessments(METHOD)
        years = {one.period for one in assessments.items if one.method.id == METHOD}
        reading.findings.extend(
            withdrawn(years, known.bundles.values(), is_complete=assessments.next is None)
        )
        for listed in _newest_of_years(assessments.items):
            if listed.id in known.bundles:
                before = known.bundles[listed.id]
                received = ReceivedBundle("network", str(listed.id), listed.id, b"", before.sha256)
                older = is_older(
                    listed.id, before.recorded_at, received, before.period, known.bundles
                )
                if older is not None:
                    reading.findings.append(older)
                continue
            archive = await client.bundle(listed.id)
            received = ReceivedBundle(
                "network", str(listed.id), listed.id, archive, _sha256(archive)
            )
            await self._take(hub, received, known, reading)

    async def _read_figures(self, client: HubClient, known: KnownHub, reading: HubReading) -> None:
        now = datetime.now(ZoneInfo(self._hubs.timezone))
        # In January no month of the year is due yet.
        reading.reporting = await client.reporting(now.year if now.month > 1 else now.year - 1)
        reading.links = await client.links()
        after = known.catalog_cursor or EVERYTHING
        reading.services = [service async for service in client.changed_services(after)]

    async def _read_folder(
        self, hub: ListedHub, folder: Path, known: KnownHub, reading: HubReading
    ) -> None:
        """Read the bundle files of a folder; the newest of a year counts."""
        hashes = {one.sha256: one for one in known.bundles.values()}
        try:
            files = await asyncio.to_thread(_bundle_files, folder)
        except OSError as error:
            reading.failures.append(f"{folder.name}: {error.strerror or error}")
            return
        newest: dict[int, tuple[datetime, UUID, ReceivedBundle]] = {}
        checked: list[tuple[CheckedBundle, ReceivedBundle]] = []
        for file in files:
            archive = await asyncio.to_thread(_read_file, file)
            if archive is None:
                reading.failures.append(f"{file.name}: cannot be read, or is larger than a bundle")
                continue
            received = ReceivedBundle("folder", file.name, None, archive, _sha256(archive))
            if (before := hashes.get(received.sha256)) is not None:
                found = (before.recorded_at, before.id, received)
                period = before.period
            else:
                bundle = await self._check(received, reading)
                if bundle is None:
                    continue
                if bundle.method != METHOD:
                    continue
                checked.append((bundle, received))
                found, period = (bundle.recorded_at, bundle.id, received), bundle.period
            if period not in newest or newest[period][0] < found[0]:
                newest[period] = found
        for bundle, received in checked:
            if newest[bundle.period][1] == bundle.id:
                self._judge(hub, bundle, received, known, reading)
        for period, (recorded_at, id_, received) in newest.items():
            if id_ in known.bundles and (
                older := is_older(id_, recorded_at, received, period, known.bundles)
            ):
                reading.findings.append(older)

    async def _take(
        self, hub: ListedHub, received: ReceivedBundle, known: KnownHub, reading: HubReading
    ) -> None:
        bundle = await self._check(received, reading)
        if bundle is not None:
            self._judge(hub, bundle, received, known, reading)

    async def _check(self, received: ReceivedBundle, reading: HubReading) -> CheckedBundle | None:
        """Return a bundle that verifies; note the finding of one that does not."""
        try:
            async with self._checks:
                return await call_bounded(LIMITS, check_bundle, received.archive)
        except BundleError as error:
            reading.findings.append(altered(received, error.faults))
        except Unavailable as error:
            reading.failures.append(f"{received.subject}: {error.detail}")
        except (TooLarge, ProblemError) as error:
            reading.findings.append(altered(received, [error.detail]))
        return None

    @staticmethod
    def _judge(
        hub: ListedHub,
        bundle: CheckedBundle,
        received: ReceivedBundle,
        known: KnownHub,
        reading: HubReading,
    ) -> None:
        finding = judge(bundle, received, code=hub.code, keys=hub.keys, known=known.bundles)
        if finding is None:
            reading.accepted.append((bundle, received))
        else:
            reading.findings.append(finding)

    async def _store(self, hub: ListedHub, reading: HubReading) -> None:
        now = datetime.now(UTC)
        failure = "; ".join(reading.failures)[:1000] or None
        region = hub.code
        async with self._database.write_session() as session:
            for bundle, received in reading.accepted:
                await store.store_bundle(session, bundle, received, now=now)
            if reading.version is not None:
                if reading.links is not None:
                    await store.store_links(session, region, reading.links)
                if reading.services:
                    await store.store_services(session, region, reading.services)
                await store.store_answer(
                    session,
                    hub,
                    version=reading.version,
                    reporting=reading.reporting,
                    catalog_cursor=max((one.modified_at for one in reading.services), default=None),
                    tags=reading.tags,
                    failure=failure,
                    now=now,
                )
            else:
                statement = store.FOLDER_READ if hub.address is None else store.SILENT
                values = {"region": region, "failure": failure, "now": now}
                await session.execute(text(statement), values)
            await store.store_findings(
                session,
                region,
                reading.findings,
                is_complete=not reading.failures,
                now=now,
            )


def _newest_of_years(listed: Sequence[ListedAssessment]) -> list[ListedAssessment]:
    """Return the first assessment of each year, of the newest years."""
    newest: dict[int, ListedAssessment] = {}
    for one in listed:
        if one.method.id == METHOD:
            newest.setdefault(one.period, one)
    return [newest[period] for period in sorted(newest, reverse=True)[:MAX_PERIODS]]


def _bundle_files(folder: Path) -> list[Path]:
    """Return the bundle files of a folder, those that changed last, at most `MAX_FILES`."""
    if not folder.is_dir():
        raise FileNotFoundError(2, "there is no such folder")
    files = sorted(folder.glob("*.zip"), key=lambda file: (-file.stat().st_mtime, file.name))
    return files[:MAX_FILES]


def _read_file(file: Path) -> bytes | None:
    """Return the content of a file; None if it cannot be read or is larger than a bundle."""
    try:
        if file.stat().st_size > MAX_BUNDLE_BYTES:
            return None
        return file.read_bytes()
    except OSError:
        return None


def _sha256(archive: bytes) -> str:
    return hashlib.sha256(archive).hexdigest()
