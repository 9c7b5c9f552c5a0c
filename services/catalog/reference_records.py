"""Records that services refer to, each stored with versions: sources, places, document types,
agencies, life events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from sqlalchemy import text

from services.catalog import reference_queries as queries
from services.catalog.records import Agency, DocumentType, LifeEvent, Place
from services.platform.database import ReadSession, WriteSession
from services.platform.packs import Change, PackModel, Source, changes_between
from services.platform.problems import NotFound
from services.platform.service import API
from services.platform.stored import parse_stored

RecordT = TypeVar("RecordT", bound=PackModel)
Name = Literal["source", "place", "document_type", "agency", "life_event"]
Origin = Literal["pack", "api"]


@dataclass(frozen=True)
class RecordKind(Generic[RecordT]):
    """One kind of these records, with its table."""

    name: Name
    model: type[RecordT]
    key: Literal["id", "slug"]
    path: str
    """Its segment of the API."""
    users: str
    """The statement that selects the keys of the records that refer to one."""
    is_common: bool = False
    """Whether they are the regency's, so that its lead agency keeps them, not each an agency."""

    @property
    def label(self) -> str:
        """The kind in words."""
        return self.name.replace("_", " ")

    def key_of(self, record: RecordT) -> str:
        """Return the key of a record."""
        return getattr(record, self.key)

    def sql(self, statement: str) -> str:
        """Return a statement for the table of this kind."""
        return statement.format(table=f"catalog.{self.name}", key=self.key)


SOURCES = RecordKind("source", Source, "id", "sources", queries.CITING_SOURCE)
PLACES = RecordKind("place", Place, "slug", "places", queries.SERVICES_AT_PLACE)
DOCUMENT_TYPES = RecordKind(
    "document_type", DocumentType, "slug", "document-types", queries.NAMING_DOCUMENT_TYPE
)
AGENCIES = RecordKind("agency", Agency, "slug", "agencies", queries.NAMING_AGENCY, is_common=True)
LIFE_EVENTS = RecordKind(
    "life_event", LifeEvent, "slug", "life-events", queries.SERVICES_FOR_LIFE_EVENT, is_common=True
)

FIND = """
-- One record.
SELECT content, agency, version, modified_at FROM {table} WHERE region = :region AND {key} = :key
"""

LOCK = """
-- Lets no other transaction write this record, or create it, until this one ends.
SELECT pg_advisory_xact_lock(
    hashtextextended(CAST(:region AS text) || ' {table} ' || CAST(:key AS text), 0))
"""

GONE = """
-- Records of the pack that it does not have any more.
SELECT {key} FROM {table}
WHERE region = :region AND origin = 'pack' AND {key} <> ALL (CAST(:keys AS text[]))
ORDER BY {key}
"""

STORED = """
-- All records of a region.
SELECT {key} AS key, content, origin FROM {table} WHERE region = :region
"""

NEXT_NUMBER = """
-- The number of a record's next version, and who recorded the last one, if it withdrew the record.
SELECT coalesce(max(number), 0) + 1 AS number,
       (array_agg(recorded_by ORDER BY number DESC)
            FILTER (WHERE content IS NULL))[1] AS withdrawn_by
FROM catalog.record_version WHERE region = :region AND kind = :kind AND key = :key
"""

STORE = """
-- Stores a record as its current state.
INSERT INTO {table} (region, {key}, agency, origin, version, modified_at, content)
VALUES (:region, :key, :agency, :origin, :number, :now, CAST(:content AS jsonb))
ON CONFLICT (region, {key}) DO UPDATE SET
    agency = excluded.agency, origin = excluded.origin, version = excluded.version,
    modified_at = excluded.modified_at, content = excluded.content
"""

STORE_VERSION = """
-- Adds a version; its content is null if it withdraws the record.
INSERT INTO catalog.record_version (region, kind, key, number, recorded_at, recorded_by, content)
VALUES (:region, :kind, :key, :number, :now, :by, CAST(:content AS jsonb))
"""

REMOVE = """
-- Deletes a record; its versions remain.
DELETE FROM {table} WHERE region = :region AND {key} = :key
"""


@dataclass(frozen=True)
class StoredRecord(Generic[RecordT]):
    """A record as stored."""

    record: RecordT
    agency: str | None
    """Who may change it; None if only an administrator may."""
    version: int
    modified_at: datetime


async def find_record(
    session: ReadSession | WriteSession,
    region: str,
    kind: RecordKind[RecordT],
    key: str,
    *,
    lock: bool = False,
) -> StoredRecord[RecordT] | None:
    """Return a record; with `lock`, no other transaction changes it until this one ends."""
    parameters = {"region": region, "key": key}
    if lock:
        await session.execute(text(kind.sql(LOCK)), parameters)
    row = (await session.execute(text(kind.sql(FIND)), parameters)).one_or_none()
    if row is None:
        return None
    record = parse_stored(kind.model, row.content)
    return StoredRecord(record, row.agency, row.version, row.modified_at)


async def get_record(
    session: ReadSession | WriteSession,
    region: str,
    kind: RecordKind[RecordT],
    key: str,
    *,
    lock: bool = False,
) -> StoredRecord[RecordT]:
    """Return a record like `find_record`; raise `NotFound` if there is none."""
    stored = await find_record(session, region, kind, key, lock=lock)
    if stored is None:
        raise NotFound(f"There is no {kind.label} {key!r}; {API}/{kind.path} lists all of them.")
    return stored


async def store_record(
    session: WriteSession,
    region: str,
    kind: RecordKind[RecordT],
    record: RecordT,
    *,
    agency: str | None,
    origin: Origin,
    by: str,
    now: datetime,
) -> None:
    """Store this as the record's current state and its next version."""
    key = kind.key_of(record)
    number = await _next_number(session, region, kind.name, key)
    values = {"region": region, "key": key, "number": number, "now": now}
    content = record.model_dump_json()
    await session.execute(
        text(kind.sql(STORE)), values | {"agency": agency, "origin": origin, "content": content}
    )
    await session.execute(
        text(STORE_VERSION), values | {"kind": kind.name, "by": by, "content": content}
    )


async def withdraw_record(
    session: WriteSession,
    region: str,
    kind: RecordKind[RecordT],
    key: str,
    *,
    by: str,
    now: datetime,
) -> None:
    """Delete a record; its versions remain, with one that withdraws it."""
    number = await _next_number(session, region, kind.name, key)
    values = {"region": region, "key": key, "number": number, "now": now}
    await session.execute(
        text(STORE_VERSION), values | {"kind": kind.name, "by": by, "content": None}
    )
    await session.execute(text(kind.sql(REMOVE)), {"region": region, "key": key})


async def load_records(
    session: WriteSession,
    region: str,
    kind: RecordKind[RecordT],
    records: Sequence[RecordT],
    *,
    agencies: Mapping[str, str],
    now: datetime,
) -> list[Change]:
    """Store the pack's records of a kind; return the changes.

    `agencies` names who may change a record, by its key. What was recorded, changed or withdrawn
    over the API stays as it is, and is returned as overridden if the pack has something else.
    `remove_records` removes what the pack does not have any more.
    """
    rows = (await session.execute(text(kind.sql(STORED)), {"region": region})).all()
    contents = {kind.key_of(record): record.model_dump(mode="json") for record in records}
    stored, edited = (
        {
            row.key: parse_stored(kind.model, row.content).model_dump(mode="json")
            for row in rows
            if row.origin == origin
        }
        for origin in ("pack", "api")
    )
    kept = {key for key, content in edited.items() if contents.get(key) != content}
    for key in contents.keys() - {row.key for row in rows}:
        last = await _last_version(session, region, kind.name, key)
        if last.withdrawn_by is not None and last.withdrawn_by != "pack":
            kept.add(key)
    wanted = {key: content for key, content in contents.items() if key not in {*kept, *edited}}
    by_key = {kind.key_of(record): record for record in records}
    changes = [
        change
        for change in changes_between(kind.label, stored, wanted)
        if change.action != "removed"
    ]
    for change in changes:
        await store_record(
            session,
            region,
            kind,
            by_key[change.key],
            agency=agencies.get(change.key),
            origin="pack",
            by="pack",
            now=now,
        )
    return [*changes, *(Change(kind.label, key, "overridden") for key in sorted(kept))]


async def remove_records(
    session: WriteSession,
    region: str,
    kind: RecordKind[RecordT],
    records: Sequence[RecordT],
    *,
    now: datetime,
) -> list[Change]:
    """Withdraw the pack's records that are not among these any more; return the changes.

    One to which others refer, which were changed over the API, stays and is returned as overridden.
    """
    parameters = {"region": region, "keys": [kind.key_of(record) for record in records]}
    changes: list[Change] = []
    for key in (await session.scalars(text(kind.sql(GONE)), parameters)).all():
        if (await session.scalars(text(kind.users), {"region": region, "key": key})).first():
            changes.append(Change(kind.label, key, "overridden"))
        else:
            await withdraw_record(session, region, kind, key, by="pack", now=now)
            changes.append(Change(kind.label, key, "removed"))
    return changes


async def _last_version(session: WriteSession, region: str, kind: Name, key: str) -> Any:
    parameters = {"region": region, "kind": kind, "key": key}
    return (await session.execute(text(NEXT_NUMBER), parameters)).one()


async def _next_number(session: WriteSession, region: str, kind: Name, key: str) -> int:
    return (await _last_version(session, region, kind, key)).number
