"""Loading of a pack's catalogue: validation, then storing what differs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import cast

from sqlalchemy import select, text

from services.catalog import queries, reference_queries
from services.catalog.editing import lock_publishing, store_services
from services.catalog.records import (
    Agency,
    AgencyFile,
    DocumentType,
    DocumentTypeFile,
    GeneralComponent,
    GeneralComponentFile,
    LifeEvent,
    LifeEventFile,
    LinkSlugFile,
    Place,
    PlaceFile,
    Service,
    ServiceFile,
)
from services.catalog.reference_records import (
    AGENCIES,
    DOCUMENT_TYPES,
    LIFE_EVENTS,
    PLACES,
    SOURCES,
    load_records,
    remove_records,
)
from services.catalog.references import (
    Reference,
    references_of,
    references_of_agency,
    references_of_document_type,
    references_of_place,
    references_of_source,
)
from services.catalog.tables import ServiceRecord
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
    document_types: tuple[DocumentType, ...]
    places: tuple[Place, ...]
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
    places_file = _read_optional(root, "places.yaml", "places")
    documents_file = _read_optional(root, "document-types.yaml", "document_types")
    service_files = [read_yaml(file, root) for file in sorted((root / "services").glob("*.yaml"))]

    sources = parse(sources_file, SourceFile).sources
    agencies = parse(agencies_file, AgencyFile).agencies
    events = parse(events_file, LifeEventFile).life_events
    links = parse(links_file, LinkSlugFile).links
    places = parse(places_file, PlaceFile).places
    documents = parse(documents_file, DocumentTypeFile).document_types
    general = _read_general_components(root, sources)
    faults = [
        *duplicates(sources_file, "sources", [source.id for source in sources], key="id"),
        *duplicates(agencies_file, "agencies", [agency.slug for agency in agencies]),
        *duplicates(events_file, "life_events", [event.slug for event in events]),
        *duplicates(places_file, "places", [place.slug for place in places]),
        *duplicates(documents_file, "document_types", [one.slug for one in documents]),
    ]
    parsed: list[tuple[ParsedFile, ServiceFile]] = []
    for located in service_files:
        try:
            _insert_general_components(located, general)
            parsed.append((located, parse(located, ServiceFile)))
        except PackError as error:
            faults += error.issues

    known = {
        "source": {source.id for source in sources},
        "agency": {agency.slug for agency in agencies},
        "life event": {event.slug for event in events},
        "link": {link.slug for link in links},
        "place": {place.slug for place in places},
        "document type": {document.slug for document in documents},
        "service": {service.slug for _, file in parsed for service in file.services},
    }
    if len(parsed) < len(service_files):  # the services of an invalid file are unknown
        del known["service"]
    for n, agency in enumerate(agencies):
        at: FieldPath = ("agencies", n)
        faults += _reference_faults(agencies_file, at, references_of_agency(agency), known)
    for n, source in enumerate(sources):
        at = ("sources", n)
        faults += _reference_faults(sources_file, at, references_of_source(source), known)
    for n, place in enumerate(places):
        at = ("places", n)
        faults += _reference_faults(places_file, at, references_of_place(place), known)
    for n, document in enumerate(documents):
        at = ("document_types", n)
        references = references_of_document_type(document)
        faults += _reference_faults(documents_file, at, references, known)
    seen: dict[str, str] = {}
    for located, file in parsed:
        for index, service in enumerate(file.services):
            references = references_of(service)
            faults += _reference_faults(located, ("services", index), references, known)
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
        sources=tuple(sources),
        agencies=tuple(agencies),
        document_types=tuple(documents),
        places=tuple(places),
        life_events=tuple(events),
        services=tuple(services),
        links=slugs,
        national_links=national,
    )


def _read_optional(root: Path, name: str, items: str) -> ParsedFile:
    """Read a file that a pack may lack, which is then one without entries."""
    if (root / name).exists():
        return read_yaml(root / name, root)
    return ParsedFile(name, {items: []})


def _read_general_components(root: Path, sources: Iterable[Source]) -> dict[str, GeneralComponent]:
    """Return the general components by slug; raise `PackError` on its faults."""
    located = _read_optional(root, "general-components.yaml", "general_components")
    general = parse(located, GeneralComponentFile).general_components
    cited: list[tuple[FieldPath, str]] = [
        (("general_components", n, "sources", m), name)
        for n, one in enumerate(general)
        for m, name in enumerate(one.sources)
    ]
    faults = [
        *duplicates(located, "general_components", [one.slug for one in general]),
        *undefined_references(located, cited, [source.id for source in sources], kind="source"),
    ]
    if faults:
        raise PackError(faults)
    return {one.slug: one for one in general}


def _insert_general_components(
    located: ParsedFile, general: Mapping[str, GeneralComponent]
) -> None:
    """Put general components in the place of their slugs; raise `PackError` if one does not fit."""
    faults: list[PackIssue] = []
    for path, components in _component_mappings(located.data):
        for code, slug in components.items():
            if not isinstance(slug, str):
                continue
            found = general.get(slug)
            if found is None:
                message = f"there is no general component {slug!r} in this pack"
                faults.append(located.issue((*path, code), message))
            elif found.component != code:
                faults.append(located.issue((*path, code), f"{slug!r} is a {found.component}"))
            else:
                components[code] = found.as_component
    if faults:
        raise PackError(faults)


def _component_mappings(data: object) -> Iterable[tuple[FieldPath, dict[str, object]]]:
    """Return the components of each service of a file that is not validated yet."""
    services = _field(data, "services")
    for n, service in enumerate(
        cast("list[object]", services) if isinstance(services, list) else ()
    ):
        found = _field(service, "components")
        if isinstance(found, dict):
            yield ("services", n, "components"), cast("dict[str, object]", found)


def _field(document: object, name: str) -> object:
    return cast("dict[str, object]", document).get(name) if isinstance(document, dict) else None


def _reference_faults(
    located: ParsedFile,
    at: FieldPath,
    references: Iterable[Reference],
    known: Mapping[str, set[str]],
) -> list[PackIssue]:
    listed = list(references)
    return [
        fault
        for target, keys in known.items()
        for fault in undefined_references(
            located,
            [((*at, *place), key) for kind, place, key in listed if kind == target],
            keys,
            kind=target,
        )
    ]


async def load_catalog(
    session: WriteSession, region: str, pack: CatalogPack, *, now: datetime
) -> list[Change]:
    """Replace the stored catalogue of a region with the pack's; return the changes.

    What was recorded, changed or withdrawn over the API is not changed.
    """
    services = {service.slug: service for service in pack.services}
    agency_of = {service.slug: service.agency for service in pack.services}
    load = partial(load_records, session, region, now=now)
    remove = partial(remove_records, session, region, now=now)

    changes = await load(SOURCES, pack.sources, agencies={})
    changes += await load(AGENCIES, pack.agencies, agencies={})
    changes += await load(LIFE_EVENTS, pack.life_events, agencies={})
    await session.execute(
        text(reference_queries.ORDER_LIFE_EVENTS),
        {"region": region, "slugs": [event.slug for event in pack.life_events]},
    )
    await session.execute(
        text(queries.ADD_LINKS),
        {"region": region, "links": pack.links, "national": pack.national_links},
    )
    changes += await load(
        PLACES, pack.places, agencies={place.slug: place.agency for place in pack.places}
    )
    changes += await load(
        DOCUMENT_TYPES,
        pack.document_types,
        agencies={
            document.slug: agency_of[document.issued_by_service]
            for document in pack.document_types
            if document.issued_by_service is not None
        },
    )
    published_at = await lock_publishing(session, region, now)
    changes += await _load_services(session, region, services, now=published_at)
    # Behind all that may refer to them: what people changed may need what the pack does not have.
    changes += await remove(PLACES, pack.places)
    changes += await remove(DOCUMENT_TYPES, pack.document_types)
    changes += await remove(LIFE_EVENTS, pack.life_events)
    changes += await remove(AGENCIES, pack.agencies)
    changes += await remove(SOURCES, pack.sources)
    return changes


async def _load_services(
    session: WriteSession,
    region: str,
    wanted: Mapping[str, Service],
    *,
    now: datetime,
) -> list[Change]:
    services = ServiceRecord.metadata.tables["catalog.service"]

    rows = (await session.execute(select(services).where(services.c.region == region))).all()
    edited = {row.slug: parse_stored(Service, row.content) for row in rows if row.origin == "api"}
    gone = set(await session.scalars(text(queries.WITHDRAWN_OVER_API), {"region": region}))
    own = {
        slug: service for slug, service in wanted.items() if slug not in edited and slug not in gone
    }
    changes = changes_between(
        "service",
        {
            # As this version would store it: fields that are new in it are no change of the pack.
            row.slug: parse_stored(Service, row.content).model_dump(mode="json")
            for row in rows
            if row.origin == "pack"
        },
        {slug: service.model_dump(mode="json") for slug, service in own.items()},
    )
    for change in changes:
        if change.action == "removed":
            key = {"region": region, "slug": change.key}
            await session.execute(text(queries.WITHDRAW_SERVICE), key | {"by": "pack", "now": now})
            await session.execute(text(queries.REMOVE_SERVICE), key)
    await store_services(
        session,
        region,
        [own[change.key].model_dump_json() for change in changes if change.action != "removed"],
        origin="pack",
        recorded_by="pack",
        now=now,
    )
    kept = [
        Change("service", slug, "overridden")
        for slug, service in edited.items()
        if wanted.get(slug) != service
    ]
    kept += [Change("service", slug, "overridden") for slug in sorted(gone & wanted.keys())]
    return [*changes, *kept]
