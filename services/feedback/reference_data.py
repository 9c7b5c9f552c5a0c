"""The names that events may refer to, as the pack defines them, checked in memory.

The pack's loader stores them in feedback's own tables (services in `reporting_obligation`, the
rest in `reference_code`), so that events are checked while the catalogue is away.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import text

from services.platform.database import DATABASE_ERRORS, Database, ReadSession, WriteSession
from services.platform.jobs import BackgroundJob, NotifyListener, PeriodicJob
from services.platform.problems import Unavailable

CHANNEL = "emall_published"
"""PostgreSQL channel on which triggers report changes of published data."""
RECONNECT_SECONDS = 1.0
HEARTBEAT_SECONDS = 5.0
REFRESH_INTERVAL = timedelta(minutes=1)
"""Pause between two readings without a notification, which a lost connection may miss."""

REFERENCES = """
-- Every service with an agency that offers it, and every agency, link and district.
SELECT 'service' AS kind, service AS code, agency
FROM feedback.reporting_obligation WHERE region = :region
UNION ALL
SELECT kind, code, '' FROM feedback.reference_code WHERE region = :region
"""

REPLACE_CODES = """
-- Replaces the stored names of these kinds.
WITH input AS (
    SELECT kind, code
    FROM unnest(CAST(:kinds AS text[]), CAST(:codes AS text[])) AS g (kind, code)
),
removed AS (
    DELETE FROM feedback.reference_code r
    WHERE r.region = :region AND r.kind = ANY (CAST(:replaced AS text[]))
      AND NOT EXISTS (SELECT FROM input i WHERE i.kind = r.kind AND i.code = r.code)
)
INSERT INTO feedback.reference_code (region, kind, code)
SELECT :region, kind, code FROM input
ON CONFLICT DO NOTHING
"""

DISTRICT = """
-- Whether a district exists, and whether any is known.
SELECT coalesce(bool_or(code = :district), false) AS exists, count(*) > 0 AS any_known
FROM feedback.reference_code WHERE region = :region AND kind = 'district'
"""


@dataclass(frozen=True)
class ReferenceCodes:
    """The agencies, links and districts of a pack."""

    agencies: Sequence[str] = ()
    links: Sequence[str] = ()
    districts: Sequence[str] | None = ()
    """None leaves those that are stored."""


@dataclass(frozen=True)
class ReferenceData:
    """The names that exist in the region."""

    offered_by: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """The agencies that offer a service, by service."""
    agencies: frozenset[str] = frozenset()
    links: frozenset[str] = frozenset()
    districts: frozenset[str] = frozenset()


async def store_reference_codes(
    session: WriteSession, region: str, references: ReferenceCodes
) -> None:
    """Replace the stored agencies, links and districts."""
    given = {"agency": references.agencies, "link": references.links}
    if references.districts is not None:
        given["district"] = references.districts
    codes = [(kind, code) for kind, of_kind in given.items() for code in of_kind]
    parameters = {
        "region": region,
        "replaced": list(given),
        "kinds": [kind for kind, _ in codes],
        "codes": [code for _, code in codes],
    }
    await session.execute(text(REPLACE_CODES), parameters)


async def read_reference_data(session: ReadSession, region: str) -> ReferenceData:
    """Return the stored names."""
    offered_by: dict[str, set[str]] = {}
    codes: dict[str, set[str]] = {"agency": set(), "link": set(), "district": set()}
    for kind, code, agency in await session.execute(text(REFERENCES), {"region": region}):
        if kind == "service":
            offered_by.setdefault(code, set()).add(agency)
            codes["agency"].add(agency)
        else:
            codes[kind].add(code)
    return ReferenceData(
        {service: frozenset(agencies) for service, agencies in offered_by.items()},
        agencies=frozenset(codes["agency"]),
        links=frozenset(codes["link"]),
        districts=frozenset(codes["district"]),
    )


async def has_district(session: ReadSession | WriteSession, region: str, district: str) -> bool:
    """Return whether a district exists; without any in the pack, whether its code can be one."""
    parameters = {"region": region, "district": district}
    row = (await session.execute(text(DISTRICT), parameters)).one()
    return row.exists if row.any_known else district.startswith(f"{region}.")


class ReferenceDataCache:
    """The stored names in memory; read again as soon as PostgreSQL notifies a change."""

    def __init__(self, database: Database, region: str) -> None:
        self._database = database
        self._region = region
        self.current: ReferenceData | None = None
        """The names as last read; None before."""
        self._changed = asyncio.Event()

    async def get(self) -> ReferenceData:
        """Return the names as last read; raise `Unavailable` if they cannot be read."""
        return self.current or await self.refresh()

    async def refresh(self) -> ReferenceData:
        """Read the names; return those last read if the database does not answer.

        Raise `Unavailable` if there are none.
        """
        try:
            return await self._read()
        except DATABASE_ERRORS:
            if self.current is not None:
                return self.current
            raise Unavailable("The database is unavailable; try again.", retry_after=5) from None

    async def _read(self) -> ReferenceData:
        async with self._database.read_session() as session:
            self.current = await read_reference_data(session, self._region)
        return self.current

    def create_jobs(self) -> tuple[BackgroundJob, BackgroundJob]:
        """Create the job that reads the names after each change, and the one that wakes it."""
        listener = NotifyListener(
            "listen-for-reference-data",
            self._database,
            channel=CHANNEL,
            on_notify=self._on_notify,
            on_connected=self._changed.set,
            on_disconnected=lambda: None,
            heartbeat=HEARTBEAT_SECONDS,
            reconnect=RECONNECT_SECONDS,
        )
        reader = PeriodicJob(
            "refresh-reference-data",
            self._read,
            database=self._database,
            region=self._region,
            every=REFRESH_INTERVAL,
            wake=self._changed,
        )
        return listener, reader

    def _on_notify(self, payload: str) -> None:
        region, _, area = payload.partition(" ")
        if area == "feedback" and region in {self._region, "*"}:
            self._changed.set()
