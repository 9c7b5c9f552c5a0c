"""All that the collector knows, at the state of its last round, in memory.

Reads compare the number of the last round with theirs. What takes longer, the ranking of a year and
the index of services, is computed in threads.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from sqlalchemy import text

from services.assessment.methods import library
from services.assessment.methods.definition import CollaborationMethod, TreeMethod
from services.collector.checking import CheckedNode
from services.collector.collecting import METHOD
from services.collector.ranking import Candidate, RankedYear, rank_year
from services.collector.schemas import (
    Coverage,
    Hub,
    HubAssessment,
    HubFinding,
    HubStanding,
    MonthlyReports,
    Observer,
    PortalOutage,
)
from services.collector.service_search import CollectedService, ServiceSearch
from services.platform.database import Database, ReadSession
from services.platform.problems import Unavailable

NATIONAL = "/api/v1/national"
SERVICES_AT_ONCE = 20_000
FRESH_WITHIN = 1.5
"""Seconds for which a read waits for the state of the newest round."""
WIDESPREAD = 2
"""Regencies that must see a portal broken before it counts as down for many."""

LAST = """
-- The last round.
SELECT number, name, name_en, timezone, ended_at FROM collector.collection
WHERE region = :region ORDER BY number DESC LIMIT 1
"""

HUBS = """
-- The listed hubs, each with the number of its services.
SELECT hub.region, name, address, answered_at, silent_since, failure, version, reporting,
       coalesce(given.services, 0) AS services
FROM collector.hub
LEFT JOIN (SELECT region, count(*) AS services FROM collector.service GROUP BY region) given
    USING (region)
WHERE is_listed ORDER BY hub.region
"""

FINDINGS = """
-- What is open, the newest first.
SELECT region, kind, subject, expected, received, opened_at, seen_at FROM collector.finding
WHERE closed_at IS NULL ORDER BY opened_at DESC, kind, subject
"""

BUNDLES = """
-- The newest accepted assessment of each regency and year, signed by a key that is listed.
SELECT DISTINCT ON (bundle.region, period) bundle.region, id, period, method_hash, fingerprint,
       source, recorded_at, received_at, proven, possible, value, low, high, coverage, draws,
       nodes
FROM collector.bundle
JOIN collector.hub ON hub.region = bundle.region AND is_listed
    AND bundle.fingerprint = ANY (hub.fingerprints)
WHERE method = :method
ORDER BY bundle.region, period, recorded_at DESC, id DESC
"""

LINKS = """
-- National portals as the hubs that answer see them.
SELECT link.region, hub.name, title, title_en, url, state, incident_since, checked_at
FROM collector.link
JOIN collector.hub ON hub.region = link.region AND is_listed AND silent_since IS NULL
WHERE national ORDER BY link.region, slug
"""

SERVICES = """
-- A page of the services of listed hubs.
SELECT service.region, slug, content->>'name' AS name, content->>'name_en' AS name_en,
       content->>'summary' AS summary, content->>'summary_en' AS summary_en,
       content->'agency'->>'name' AS agency
FROM collector.service
JOIN collector.hub ON hub.region = service.region AND is_listed
WHERE (service.region, slug) > (:region, :slug)
ORDER BY service.region, slug LIMIT :limit
"""


@dataclass(frozen=True)
class Snapshot:
    """The state of the collection after a round."""

    number: int
    coverage: Coverage
    zone: ZoneInfo
    hubs: Mapping[str, Hub]
    """By the code of the regency, in order."""
    candidates: Mapping[int, Sequence[Candidate]]
    """By year, the newest first."""
    outages: Sequence[PortalOutage]
    services: ServiceSearch
    years: dict[int, RankedYear]
    """Rankings, computed when first asked for."""

    @property
    def default_period(self) -> int | None:
        """The year of which most regencies have an assessment; of two, the newer."""
        return max(
            self.candidates, key=lambda year: (len(self.candidates[year]), year), default=None
        )


class National:
    """Reads the snapshot of the last round, and what is computed from it."""

    def __init__(self, database: Database, region: str) -> None:
        self._database = database
        self._region = region
        self._method: TreeMethod | None = None
        self._snapshot: Snapshot | None = None
        self._refreshing: asyncio.Task[Snapshot] | None = None
        self._ranking = asyncio.Lock()

    async def current(self) -> Snapshot:
        """Return the newest snapshot, or the one before while that is computed.

        Raise `Unavailable` before the first round has ended.
        """
        async with self._database.read_session() as session:
            last = (await session.execute(text(LAST), {"region": self._region})).one_or_none()
        if last is None:
            raise Unavailable("The first round through the hubs has not ended yet.", retry_after=10)
        if self._snapshot is not None and self._snapshot.number == last.number:
            return self._snapshot
        if self._refreshing is None:
            self._refreshing = asyncio.create_task(self._refresh(last), name="refresh-national")
        task = self._refreshing
        if self._snapshot is None:
            return await asyncio.shield(task)
        await asyncio.wait([task], timeout=FRESH_WITHIN)
        return self._snapshot

    async def year(self, snapshot: Snapshot, period: int) -> RankedYear | None:
        """Return the ranking of a year; None if nobody published an assessment of it."""
        candidates = snapshot.candidates.get(period)
        if candidates is None:
            return None
        async with self._ranking:
            if period not in snapshot.years:
                method = await self._read_method()
                snapshot.years[period] = await asyncio.to_thread(
                    rank_year, method, period, candidates
                )
        return snapshot.years[period]

    async def close(self) -> None:
        """Stop computing."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.wait([self._refreshing])

    async def _read_method(self) -> TreeMethod:
        if self._method is None:
            method = (await asyncio.to_thread(library.read_methods))[METHOD]
            if not isinstance(method, CollaborationMethod):
                raise TypeError(f"{METHOD} is no method of collaboration")
            self._method = method
        return self._method

    async def _refresh(self, last: Any) -> Snapshot:
        try:
            async with self._database.read_session() as session:
                hubs, candidates = await _read_hubs(session, ZoneInfo(last.timezone))
                outages = _outages((await session.execute(text(LINKS))).all())
                services = await _read_services(session)
            search = await asyncio.to_thread(
                ServiceSearch,
                services,
                {hub.region: (hub.name, hub.address) for hub in hubs.values()},
            )
            standings = [hub.standing for hub in hubs.values()]
            self._snapshot = Snapshot(
                number=last.number,
                coverage=Coverage(
                    name=last.name,
                    name_en=last.name_en,
                    collected_at=last.ended_at,
                    hubs=len(hubs),
                    current=standings.count("current"),
                    behind=standings.count("behind"),
                    silent=standings.count("silent"),
                    untrusted=standings.count("untrusted"),
                    year=_expected_year(ZoneInfo(last.timezone)),
                    periods=list(candidates),
                    services=sum(hub.services for hub in hubs.values()),
                    hubs_href=f"{NATIONAL}/hubs",
                    ranking_href=f"{NATIONAL}/ranking",
                ),
                zone=ZoneInfo(last.timezone),
                hubs=hubs,
                candidates=candidates,
                outages=outages,
                services=search,
                years={},
            )
            return self._snapshot
        finally:
            self._refreshing = None


def _expected_year(zone: ZoneInfo) -> int:
    return datetime.now(UTC).astimezone(zone).year - 1


async def _read_hubs(
    session: ReadSession, zone: ZoneInfo
) -> tuple[dict[str, Hub], dict[int, list[Candidate]]]:
    """Return the hubs by code, and the candidates of each year, the newest first."""
    rows = (await session.execute(text(HUBS))).all()
    findings: dict[str, list[HubFinding]] = {}
    for row in (await session.execute(text(FINDINGS))).mappings():
        values = dict(row)
        findings.setdefault(values.pop("region"), []).append(HubFinding.model_validate(values))
    bundles: dict[str, list[Any]] = {}
    for row in await session.execute(text(BUNDLES), {"method": METHOD}):
        bundles.setdefault(row.region, []).append(row)
    expected = _expected_year(zone)
    hubs: dict[str, Hub] = {}
    candidates: dict[int, list[Candidate]] = {}
    for row in rows:
        own, open_findings = bundles.get(row.region, []), findings.get(row.region, [])
        hub = Hub(
            region=row.region,
            name=row.name,
            standing=_standing(
                is_untrusted=bool(open_findings),
                is_silent=row.silent_since is not None,
                is_behind=not any(one.period >= expected for one in own),
            ),
            address=row.address,
            answered_at=row.answered_at,
            silent_since=row.silent_since,
            failure=row.failure,
            version=row.version,
            reporting=None
            if row.reporting is None
            else MonthlyReports.model_validate(row.reporting),
            services=row.services,
            assessment=_assessment(own[-1]) if own else None,
            findings=open_findings,
            href=f"{NATIONAL}/hubs/{row.region}",
        )
        hubs[row.region] = hub
        for one in own:
            candidates.setdefault(one.period, []).append(_candidate(hub, one))
    return hubs, {period: candidates[period] for period in sorted(candidates, reverse=True)}


def _standing(*, is_untrusted: bool, is_silent: bool, is_behind: bool) -> HubStanding:
    if is_untrusted:
        return "untrusted"
    if is_silent:
        return "silent"
    return "behind" if is_behind else "current"


def _assessment(row: Any) -> HubAssessment:
    return HubAssessment(
        id=row.id,
        period=row.period,
        proven=row.proven,
        possible=row.possible,
        value=row.value,
        coverage=row.coverage,
        recorded_at=row.recorded_at,
        received_at=row.received_at,
        fingerprint=row.fingerprint,
        source=row.source,
    )


def _candidate(hub: Hub, row: Any) -> Candidate:
    return Candidate(
        hub=hub,
        assessment=_assessment(row),
        method_hash=row.method_hash,
        low=row.low,
        high=row.high,
        draws=row.draws,
        nodes=[CheckedNode(**node) for node in row.nodes],
    )


async def _read_services(session: ReadSession) -> list[CollectedService]:
    services: list[CollectedService] = []
    region, slug = "", ""
    while True:
        rows = await session.execute(
            text(SERVICES), {"region": region, "slug": slug, "limit": SERVICES_AT_ONCE}
        )
        page = [CollectedService(**row) for row in rows.mappings()]
        services += page
        if len(page) < SERVICES_AT_ONCE:
            return services
        region, slug = page[-1].region, page[-1].slug


def _outages(rows: Sequence[Any]) -> list[PortalOutage]:
    """Return the national portals by host, those that most regencies cannot reach first."""
    by_host: dict[str, list[Any]] = {}
    for row in rows:
        try:
            host = urlsplit(row.url).hostname
        except ValueError:
            continue
        if host:
            by_host.setdefault(host.removeprefix("www."), []).append(row)
    outages = [_outage(host, seen) for host, seen in by_host.items()]
    return sorted(outages, key=lambda one: (-one.broken_for, one.host))


def _outage(host: str, rows: Sequence[Any]) -> PortalOutage:
    watching = {row.region for row in rows if row.state != "pending"}
    broken = {row.region: row for row in rows if row.state == "broken"}
    moments = [row.incident_since for row in broken.values() if row.incident_since is not None]
    return PortalOutage(
        host=host,
        title=rows[0].title,
        title_en=rows[0].title_en,
        watched_by=len(watching),
        broken_for=len(broken),
        since=min(moments, default=None),
        is_widespread=len(broken) >= WIDESPREAD and 2 * len(broken) >= len(watching),
        seen_by=[
            Observer(
                region=row.region,
                name=row.name,
                since=row.incident_since,
                checked_at=row.checked_at,
            )
            for row in broken.values()
        ],
    )
