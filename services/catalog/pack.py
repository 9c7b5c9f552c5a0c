"""Loading of a pack's catalogue: validation, then storing what differs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from services.catalog import queries
from services.catalog.editing import index_service, references_of, store_service
from services.catalog.records import (
    Agency,
    AgencyFile,
    AgencyRecord,
    LifeEvent,
    LifeEventFile,
    LifeEventRecord,
    LinkSlugFile,
    Service,
    ServiceFile,
    ServiceRecord,
    ServiceVersionRecord,
    SourceRecord,
)
from services.platform.database import WriteSession
from services.platform.packs import (
    Change,
    FieldPath,
    PackError,
    PackIssue,
    ParsedFile,
    Source,
    SourceFile,
    changes_between,
    duplicates,
    parse,
    read_yaml,
    undefined_references,
)
from services.platform.stored import parse_stored


@dataclass(frozen=True)
class CatalogPack:
    """The catalogue of a pack, validated."""

    sources: tuple[Source, ...]
    agencies: tuple[Agency, ...]
    life_events: tuple[LifeEvent, ...]
    services: tuple[Service, ...]
    links: tuple[str, ...]
    """Names of the links that a channel may lead to."""
    national_links: tuple[str, ...]
    """Those of them that national bodies operate."""


def read_catalog(root: Path) -> CatalogPack:
    """Read the catalogue of a pack folder; `PackError` lists every issue."""
    sources_file = read_yaml(root / "sources.yaml", root)
    agencies_file = read_yaml(root / "agencies.yaml", root)
    events_file = read_yaml(root / "life-events.yaml", root)
    links_file = read_yaml(root / "links.yaml", root)
    service_files = [read_yaml(file, root) for file in sorted((root / "services").glob("*.yaml"))]

    sources = parse(sources_file, SourceFile).sources
    agencies = parse(agencies_file, AgencyFile).agencies
    events = parse(events_file, LifeEventFile).life_events
    links = parse(links_file, LinkSlugFile).links
    faults = [
        *duplicates(sources_file, "sources", [source.id for source in sources], key="id"),
        *duplicates(agencies_file, "agencies", [agency.slug for agency in agencies]),
        *duplicates(events_file, "life_events", [event.slug for event in events]),
    ]
    parsed: list[tuple[ParsedFile, ServiceFile]] = []
    for located in service_files:
        try:
            parsed.append((located, parse(located, ServiceFile)))
        except PackError as error:
            faults += error.issues

    known = {
        "source": {source.id for source in sources},
        "agency": {agency.slug for agency in agencies},
        "life event": {event.slug for event in events},
        "link": {link.slug for link in links},
    }
    for index, agency in enumerate(agencies):
        faults += undefined_references(
            agencies_file,
            [(("agencies", index, "sources", n), name) for n, name in enumerate(agency.sources)],
            known["source"],
            kind="source",
        )
    seen: dict[str, str] = {}
    for located, file in parsed:
        for index, service in enumerate(file.services):
            faults += _service_faults(located, index, service, known=known)
            if service.slug in seen:
                path = ("services", index, "slug")
                faults.append(located.issue(path, f"stands in {seen[service.slug]} already"))
            seen[service.slug] = located.file
    if faults:
        raise PackError(faults)
    services = [service for _, file in parsed for service in file.services]
    slugs = tuple(link.slug for link in links)
    national = tuple(link.slug for link in links if link.national)
    return CatalogPack(
        tuple(sources), tuple(agencies), tuple(events), tuple(services), slugs, national
    )


def _service_faults(
    located: ParsedFile, index: int, service: Service, *, known: Mapping[str, set[str]]
) -> list[PackIssue]:
    at = ("services", index)
    found = {what: list[tuple[FieldPath, str]]() for what in known}
    found["agency"].append(((*at, "agency"), service.agency))
    for what, place, key in references_of(service):
        found[what].append(((*at, *place), key))
    return [
        fault
        for what, references in found.items()
        for fault in undefined_references(located, references, known[what], kind=what)
    ]


async def load_catalog(
    session: WriteSession, region: str, pack: CatalogPack, *, now: datetime
) -> list[Change]:
    """Replace the stored catalogue of a region with the pack's; return the changes.

    A service that an agency edited over the API is not changed.
    """
    events = {
        event.slug: event.model_dump(mode="json") | {"position": position}
        for position, event in enumerate(pack.life_events)
    }
    sources = {source.id: source.model_dump(mode="json") for source in pack.sources}
    agencies = {agency.slug: agency.model_dump(mode="json") for agency in pack.agencies}
    services = {service.slug: service for service in pack.services}

    changes = await _load_documents(session, region, SourceRecord, "source", sources)
    changes += await _load_documents(session, region, AgencyRecord, "agency", agencies)
    changes += await _load_documents(session, region, LifeEventRecord, "life event", events)
    await session.execute(
        text(queries.REPLACE_LINKS),
        {"region": region, "links": pack.links, "national": pack.national_links},
    )
    changes += await _load_services(session, region, services, pack=pack, now=now)
    for change in changes:
        if change.kind == "agency" and change.action == "removed":
            await session.execute(
                text(queries.REMOVE_AGENCY), {"region": region, "slug": change.key}
            )
    return changes


async def _load_documents(
    session: WriteSession,
    region: str,
    record: type[SourceRecord] | type[AgencyRecord] | type[LifeEventRecord],
    kind: str,
    wanted: Mapping[str, dict[str, Any]],
) -> list[Change]:
    table = record.metadata.tables[f"catalog.{record.__tablename__}"]
    key = "id" if "id" in table.c else "slug"
    rows = (await session.execute(select(table).where(table.c.region == region))).mappings()
    stored: dict[str, dict[str, Any]] = {
        row[key]: row["content"] | ({"position": row["position"]} if "position" in table.c else {})
        for row in rows
    }
    changes = changes_between(kind, stored, wanted)
    for change in changes:
        if change.action == "removed":
            if kind != "agency":  # services may still refer to it; deleted after them
                await session.execute(
                    delete(table).where(table.c.region == region, table.c[key] == change.key)
                )
            continue
        content = dict(wanted[change.key])
        values: dict[str, Any] = {"region": region, key: change.key}
        if "position" in table.c:
            values["position"] = content.pop("position")
        values["content"] = content
        await session.execute(
            upsert(table)
            .values(values)
            .on_conflict_do_update(index_elements=["region", key], set_=values)
        )
    return changes


async def _load_services(
    session: WriteSession,
    region: str,
    wanted: Mapping[str, Service],
    *,
    pack: CatalogPack,
    now: datetime,
) -> list[Change]:
    services = ServiceRecord.metadata.tables["catalog.service"]
    versions = ServiceVersionRecord.metadata.tables["catalog.service_version"]

    rows = (await session.execute(select(services).where(services.c.region == region))).all()
    edited = {row.slug: parse_stored(Service, row.content) for row in rows if row.origin == "api"}
    own = {slug: service for slug, service in wanted.items() if slug not in edited}
    changes = changes_between(
        "service",
        {row.slug: row.content for row in rows if row.origin == "pack"},
        {slug: service.model_dump(mode="json") for slug, service in own.items()},
    )
    numbers = await session.execute(
        select(versions.c.slug, func.max(versions.c.number))
        .where(versions.c.region == region)
        .group_by(versions.c.slug)
    )
    last = dict(numbers.tuples().all())
    for change in changes:
        number = last.get(change.key, 0) + 1
        if change.action == "removed":
            await session.execute(
                insert(versions).values(
                    region=region, slug=change.key, number=number, recorded_at=now, content=None
                )
            )
            await session.execute(
                delete(services).where(services.c.region == region, services.c.slug == change.key)
            )
            continue
        await store_service(
            session,
            region,
            own[change.key],
            number=number,
            origin="pack",
            recorded_by="pack",
            now=now,
        )
    # Services are indexed by the names of their agency and life events too, which may have changed.
    agencies = {agency.slug: agency for agency in pack.agencies}
    events = {event.slug: event for event in pack.life_events}
    for service in [*own.values(), *edited.values()]:
        if service.agency in agencies:
            await index_service(
                session,
                region,
                service,
                agency=agencies[service.agency],
                life_events=[events[slug] for slug in service.life_events if slug in events],
            )
    kept = [
        Change("service", slug, "overridden")
        for slug, service in edited.items()
        if wanted.get(slug) != service
    ]
    return [*changes, *kept]
