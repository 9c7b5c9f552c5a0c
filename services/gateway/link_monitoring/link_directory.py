"""The regency's links in memory, so that redirects need no database, and on disk for a start."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import text

from services.platform.database import DATABASE_ERRORS, Database, is_connection_lost
from services.platform.jobs import PeriodicJob
from services.platform.logging import get_logger, summarise
from services.platform.problems import NotFound, Unavailable
from services.platform.service import API
from services.platform.types import HttpsUrl, RegionCode, Slug

log = get_logger(__name__)

REFRESH_INTERVAL = timedelta(minutes=1)
"""Pause between two readings without a notification, which a lost connection may miss."""

READ = """
-- The address of each link, and the services that a click may name.
SELECT slug, url FROM gateway.link WHERE region = :region
UNION ALL
SELECT slug, NULL FROM gateway.service WHERE region = :region
ORDER BY slug
"""


class KnownLinks(BaseModel):
    """The addresses of links and the services, as they were read last."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    region: RegionCode
    links: dict[Slug, HttpsUrl]
    services: frozenset[Slug]


class LinkDirectory:
    """Addresses of links, read again whenever PostgreSQL notifies a change."""

    def __init__(self, database: Database, region: str, file: Path) -> None:
        """`file` keeps what was read last, for a start while the database is away."""
        self._database = database
        self._region = region
        self._file = file
        self._known: KnownLinks | None = None
        self._is_current = False
        """Whether no change was notified since the links were read."""
        self._wake = asyncio.Event()
        self._refresh_lock = asyncio.Lock()

    async def load(self) -> None:
        """Read the links; from the file if the database is away."""
        try:
            await self.refresh()
        except DATABASE_ERRORS as error:
            if is_connection_lost(error):
                self._database.failed(error)
            self._known = await asyncio.to_thread(self._read_file)

    async def refresh(self) -> None:
        """Read the links from the database, and write them to the file if they changed."""
        async with self._refresh_lock:
            self._is_current = True  # until a change is notified meanwhile
            try:
                async with self._database.read_session() as session:
                    rows = (await session.execute(text(READ), {"region": self._region})).all()
            except BaseException:
                self._is_current = False
                raise
            known = KnownLinks.model_construct(
                region=self._region,
                links={row.slug: row.url for row in rows if row.url is not None},
                services=frozenset(row.slug for row in rows if row.url is None),
            )
            if known != self._known:
                self._known = known
                await asyncio.to_thread(self._write_file, known)

    def refresh_job(self) -> PeriodicJob:
        """Return the job that reads the links again."""
        return PeriodicJob(
            "refresh-links",
            self.refresh,
            database=self._database,
            region=self._region,
            every=REFRESH_INTERVAL,
            wake=self._wake,
        )

    def mark_changed(self) -> None:
        """Note that the links may have changed, and read them again."""
        self._is_current = False
        self._wake.set()

    def has_service(self, slug: str) -> bool:
        """Return whether the pack has a service with this slug."""
        return self._known is not None and slug in self._known.services

    async def find(self, slug: str) -> str:
        """Return the address of a link.

        The database is asked only for one that is not known, if it may have been added.

        Raises:
            NotFound: There is no such link.
            Unavailable: The database is away, and the links were never read.
        """
        known = self._known
        if known is not None and slug in known.links:
            return known.links[slug]
        if known is None or not self._is_current:
            try:
                await self.refresh()
            except DATABASE_ERRORS as error:
                if not is_connection_lost(error):
                    raise
                self._database.failed(error)
            known = self._known
        if known is None:
            raise Unavailable("The links are not known yet; try again shortly.")
        if slug in known.links:
            return known.links[slug]
        raise NotFound(f"There is no link {slug!r}; {API}/links lists all of them.")

    def _read_file(self) -> KnownLinks | None:
        try:
            known = KnownLinks.model_validate_json(self._file.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            log.warning("links on disk cannot be read", error=summarise(error))
            return None
        return known if known.region == self._region else None

    def _write_file(self, known: KnownLinks) -> None:
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            new = self._file.with_name(f"{self._file.name}.{os.getpid()}.new")
            new.write_text(known.model_dump_json(), encoding="utf-8")
            new.replace(self._file)
        except OSError as error:
            log.warning("links cannot be written to disk", error=summarise(error))
