"""Publishing of services: a new version."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import text

from services.catalog import queries
from services.catalog.queries import Target
from services.catalog.records import Service
from services.catalog.references import Reference, references_of
from services.platform.database import WriteSession
from services.platform.problems import Conflict, FieldError, json_pointer
from services.platform.service import API
from services.platform.translation import N_, Message, localized

UNDEFINED: Mapping[Target, Message] = {
    "source": N_("tidak ada sumber '%(key)s'; PUT %(api)s/sources/{id} menambahkannya"),
    "place": N_("tidak ada tempat '%(key)s'; PUT %(api)s/places/{slug} menambahkannya"),
    "document type": N_(
        "tidak ada jenis dokumen '%(key)s'; PUT %(api)s/document-types/{slug} menambahkannya"
    ),
    "service": N_("tidak ada layanan '%(key)s'; PUT %(api)s/services/{slug} menambahkannya"),
    "agency": N_(
        "tidak ada instansi '%(key)s'; PUT %(api)s/agencies/{slug} menambahkannya, oleh instansi "
        "pengampu"
    ),
    "life event": N_(
        "tidak ada peristiwa hidup '%(key)s'; PUT %(api)s/life-events/{slug} menambahkannya, oleh "
        "instansi pengampu"
    ),
    "link": N_(
        "tidak ada tautan '%(key)s'; PUT %(api)s/links/{slug} menambahkannya, oleh instansi "
        "pengampu"
    ),
}
"""What is wrong with a reference to something that the catalogue does not have, and who adds it."""
STORED_AT_ONCE = 200
"""Services in one statement: the event loop is held while it is sent."""


async def undefined_targets(
    session: WriteSession, region: str, references: Iterable[Reference]
) -> list[FieldError]:
    """Return an error for each reference to something that the catalogue does not have."""
    listed = list(references)
    undefined = await find_undefined(session, region, [(kind, key) for kind, _, key in listed])
    return [
        FieldError.at(json_pointer(place), localized(UNDEFINED[kind], key=key, api=API))
        for kind, place, key in sorted(listed, key=lambda one: list(queries.EXISTING).index(one[0]))
        if (kind, key) in undefined
    ]


async def find_undefined(
    session: WriteSession, region: str, named: Iterable[tuple[Target, str]]
) -> set[tuple[Target, str]]:
    """Return those of these targets that the catalogue does not have."""
    undefined = set(named)
    for target, statement in queries.EXISTING.items():
        keys = sorted(key for kind, key in undefined if kind == target)
        if keys:
            parameters = {"region": region, "keys": keys}
            known = await session.scalars(text(statement), parameters)
            undefined -= {(target, key) for key in known}
    return undefined


async def lock_publishing(session: WriteSession, region: str, now: datetime) -> datetime:
    """Lock publishing of a region until the transaction ends; return the moment of its changes.

    That is `now`, or just after the last change if a clock is behind. So what is committed later
    has a later moment, and a client that reads the changes by their moments misses none.
    """
    key = {"region": region}
    await session.execute(text(queries.LOCK_PUBLISHING), key)
    last: datetime | None = await session.scalar(text(queries.LAST_PUBLICATION), key)
    return now if last is None else max(now, last + timedelta(microseconds=1))


def check_edit(slug: str, before: Service | None, service: Service) -> list[FieldError]:
    """Return an error for each field that an edit may not change."""
    kept = {"slug": slug} if before is None else {"slug": slug, "agency": before.agency}
    return [
        FieldError.at(f"#/{field}", localized(N_("harus tetap '%(key)s'"), key=value))
        for field, value in kept.items()
        if getattr(service, field) != value
    ]


async def publish_edit(
    session: WriteSession,
    region: str,
    slug: str,
    before: Service | None,
    service: Service,
    *,
    by: str,
    now: datetime,
    approved_by: str | None = None,
) -> None:
    """Publish an agency's edit, of a new service without `before`, as the next version.

    `approved_by` published it as the draft of another. `Conflict` names changed keys and missing
    references.
    """
    errors = check_edit(slug, before, service)
    errors += await undefined_targets(session, region, references_of(service))
    if errors:
        raise Conflict(
            localized(N_("Layanan ini tidak diterbitkan; lihat errors[].")), errors=errors
        )
    await store_services(
        session,
        region,
        [service.model_dump_json()],
        origin="api",
        recorded_by=by,
        approved_by=approved_by,
        now=now,
    )


async def store_services(
    session: WriteSession,
    region: str,
    contents: Sequence[str],
    *,
    origin: Literal["pack", "api"],
    recorded_by: str,
    now: datetime,
    approved_by: str | None = None,
) -> None:
    """Store services, each as JSON, as their current state and their next version."""
    parameters = {
        "region": region,
        "origin": origin,
        "by": recorded_by,
        "approved_by": approved_by,
        "now": now,
    }
    for start in range(0, len(contents), STORED_AT_ONCE):
        batch = contents[start : start + STORED_AT_ONCE]
        await session.execute(text(queries.STORE_SERVICES), parameters | {"contents": batch})
