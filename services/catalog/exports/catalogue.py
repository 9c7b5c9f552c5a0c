"""The catalogue as all exports read it: its regency, and services with what they refer to."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from services.catalog import queries, reference_queries
from services.catalog.records import Agency, LifeEvent, Service
from services.platform.database import ReadSession
from services.platform.packs import Pack, Source
from services.platform.regency import find_regency
from services.platform.settings import Service as HubService
from services.platform.stored import parse_stored


@dataclass(frozen=True)
class PublishedService:
    """A service as it was last published."""

    service: Service
    agency: Agency | None
    """None if the agency left the catalogue with its services."""
    version: int
    first_published_at: datetime
    modified_at: datetime
    withdrawn: bool
    """Whether its last version withdrew it; `service` is then the version before."""


@dataclass(frozen=True)
class Catalogue:
    """All that is published of a region, withdrawn services left out."""

    region: str
    regency: Pack | None
    """None before a pack is loaded."""
    services: Sequence[PublishedService]
    agencies: Sequence[Agency]
    life_events: Sequence[LifeEvent]
    sources: Mapping[str, Source]

    @property
    def name(self) -> str:
        """The regency's name; its code before a pack is loaded."""
        return self.regency.name if self.regency else self.region

    @property
    def name_en(self) -> str:
        return self.regency.name_en if self.regency else self.region

    @property
    def modified_at(self) -> datetime | None:
        """When a service was last changed; None without services."""
        return max((each.modified_at for each in self.services), default=None)


def published_service(row: Any) -> PublishedService:
    """Return the service of a row of `queries.PUBLISHED` and its like."""
    return PublishedService(
        service=parse_stored(Service, row.content),
        agency=None if row.agency is None else parse_stored(Agency, row.agency),
        version=row.version,
        first_published_at=row.first_published_at,
        modified_at=row.modified_at,
        withdrawn=row.withdrawn,
    )


async def read_catalogue(session: ReadSession, region: str) -> Catalogue:
    """Read what is published of a region, in the order of the services' first publication."""
    key = {"region": region}
    every = key | {"slugs": None, "modified_after": None, "agency": None}
    services = (await session.execute(text(queries.PUBLISHED), every)).all()
    agencies = (await session.execute(text(queries.ALL_AGENCIES), key)).all()
    events = (await session.execute(text(reference_queries.LIFE_EVENTS), key)).all()
    sources = (await session.execute(text(queries.SOURCES), key)).all()
    regency = await find_regency(session, HubService.catalog, region)

    def parse() -> Catalogue:
        known = [parse_stored(Source, row.content) for row in sources]
        return Catalogue(
            region=region,
            regency=regency,
            services=[published_service(row) for row in services if not row.withdrawn],
            agencies=[parse_stored(Agency, row.content) for row in agencies],
            life_events=[parse_stored(LifeEvent, row.content) for row in events],
            sources={source.id: source for source in known},
        )

    # Some hundred services take longer than the event loop may be held.
    return await asyncio.to_thread(parse)


async def read_name(session: ReadSession, region: str) -> str:
    """Return the regency's name; its code before a pack is loaded."""
    regency = await find_regency(session, HubService.catalog, region)
    return regency.name if regency else region
