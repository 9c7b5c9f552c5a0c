"""Publishing of services: a new version, indexed for search at once."""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from sqlalchemy import func, insert, text
from sqlalchemy.dialects.postgresql import insert as upsert

from services.catalog import queries
from services.catalog.records import (
    Agency,
    LifeEvent,
    Service,
    ServiceRecord,
    ServiceVersionRecord,
)
from services.catalog.search import common_name_key, search_texts
from services.platform.database import WriteSession
from services.platform.packs import FieldPath
from services.platform.problems import Conflict, FieldError, json_pointer
from services.platform.stored import parse_stored

Target = Literal["source", "life event", "link"]


def references_of(service: Service) -> Iterator[tuple[Target, FieldPath, str]]:
    """Yield the references of a service: kind of target, location, key."""
    for n, source in enumerate(service.sources):
        yield "source", ("sources", n), source
    for code, component in service.components.items():
        for n, source in enumerate(component.sources):
            yield "source", ("components", code, "sources", n), source
    for n, event in enumerate(service.life_events):
        yield "life event", ("life_events", n), event
    for n, channel in enumerate(service.channels):
        if channel.link is not None:
            yield "link", ("channels", n, "link"), channel.link


async def publish_edit(
    session: WriteSession, region: str, before: Service, service: Service, *, by: str, now: datetime
) -> None:
    """Publish an agency's edit; `Conflict` names changed keys and missing references."""
    errors = [
        FieldError(pointer=f"#/{field}", parameter=None, detail=f"must stay {was!r}")
        for field, was, given in (
            ("slug", before.slug, service.slug),
            ("agency", before.agency, service.agency),
        )
        if given != was
    ]
    references = list(references_of(service))
    for target, statement in queries.EXISTING.items():
        keys = [key for kind, _, key in references if kind == target]
        known = set(await session.scalars(text(statement), {"region": region, "keys": keys}))
        errors += [
            FieldError(
                pointer=json_pointer(place),
                parameter=None,
                detail=f"there is no {target} {key!r}; it comes with the regency's pack",
            )
            for kind, place, key in references
            if kind == target and key not in known
        ]
    if errors:
        raise Conflict("The service was not published; see errors[].", errors=errors)
    key = {"region": region, "slug": service.slug}
    number: int = await session.scalar(text(queries.NEXT_NUMBER), key) or 1
    await store_service(
        session, region, service, number=number, origin="api", recorded_by=by, now=now
    )
    row = (await session.execute(text(queries.DETAIL), key)).one()
    events = [parse_stored(LifeEvent, event) for event in row.life_events]
    agency = parse_stored(Agency, row.agency)
    await index_service(session, region, service, agency=agency, life_events=events)


async def store_service(
    session: WriteSession,
    region: str,
    service: Service,
    *,
    number: int,
    origin: Literal["pack", "api"],
    recorded_by: str,
    now: datetime,
) -> None:
    """Store this as the service's current state and its version `number`."""
    content = service.model_dump(mode="json")
    await session.execute(
        insert(ServiceVersionRecord.metadata.tables["catalog.service_version"]).values(
            region=region,
            slug=service.slug,
            number=number,
            recorded_at=now,
            recorded_by=recorded_by,
            content=content,
        )
    )
    values = {
        "region": region,
        "slug": service.slug,
        "agency": service.agency,
        "life_events": service.life_events,
        "channels": sorted({channel.kind for channel in service.channels}),
        "version": number,
        "modified_at": now,
        "content": content,
        "origin": origin,
    }
    await session.execute(
        upsert(ServiceRecord.metadata.tables["catalog.service"])
        .values(values | {"names": [], "search": func.to_tsvector("")})
        .on_conflict_do_update(index_elements=["region", "slug"], set_=values)
    )


async def index_service(
    session: WriteSession,
    region: str,
    service: Service,
    *,
    agency: Agency,
    life_events: list[LifeEvent],
) -> None:
    """Index the service by its own words and those of its agency and life events."""
    texts = search_texts(service, agency=agency, life_events=life_events)
    names = [common_name_key(name) for name in (service.name, *service.common_names)]
    key = {"region": region, "slug": service.slug, "names": names}
    await session.execute(text(queries.INDEX), key | texts)
