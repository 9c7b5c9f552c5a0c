"""Conditional writes of the records that services refer to."""

from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from pydantic import BaseModel, JsonValue
from sqlalchemy import text

from services.catalog.editing import undefined_targets
from services.catalog.reference_records import (
    RecordKind,
    RecordT,
    StoredRecord,
    find_record,
    get_record,
    store_record,
    withdraw_record,
)
from services.catalog.references import Reference
from services.platform.conditional_writes import ConditionalWrite, check_version, normalised
from services.platform.problems import Conflict, FieldError, NotAllowed
from services.platform.regency import find_lead_agency
from services.platform.settings import Service as ServiceName
from services.platform.translation import N_, localized

DetailT = TypeVar("DetailT", bound=BaseModel)

VERSION_CONTENT = """
-- A version of a source, place or document type.
SELECT content FROM catalog.record_version
WHERE region = :region AND kind = :kind AND key = :key AND number = :number
"""


@dataclass(frozen=True)
class Representation(Generic[DetailT]):
    """A record as the API shows it, with its entity tag."""

    detail: DetailT
    tag: str


async def put_record(
    write: ConditionalWrite,
    kind: RecordKind[RecordT],
    record: RecordT,
    key: str,
    *,
    agency: str | None,
    references: Iterable[Reference],
    show: Callable[[], Awaitable[Representation[DetailT]]],
) -> DetailT:
    """Create a record (201) or publish a change of it (200); return it as `show` does.

    `agency` may change the record from now on. Raise `NotAllowed` if the caller may not write for
    it, or for the agency that may change the present one, or if only the lead agency may; and
    `Conflict` with what is missing.
    """
    session, region = write.session, write.region
    stored = await find_record(session, region, kind, key, lock=True)
    owners = {agency} if stored is None else {stored.agency, agency}
    await _check_owners(write, kind, key, owners)
    if stored is not None:
        await _check_record_version(write, kind, stored, show=show)
    else:
        write.check_creation(f"{kind.label} {key!r}")
    if stored is None or stored.record != record:
        errors: list[FieldError] = []
        if kind.key_of(record) != key:
            errors.append(
                FieldError.at(f"#/{kind.key}", localized(N_("harus tetap '%(key)s'"), key=key))
            )
        errors += await undefined_targets(session, region, references)
        if errors:
            raise Conflict(f"The {kind.label} was not published; see errors[].", errors=errors)
        await store_record(
            session,
            region,
            kind,
            record,
            agency=agency,
            origin="api",
            by=write.caller.actor,
            now=datetime.now(UTC),
        )
    shown = await show()
    write.response.status_code = 201 if stored is None else 200
    write.response.headers["ETag"] = shown.tag
    return shown.detail


async def delete_record(
    write: ConditionalWrite,
    kind: RecordKind[RecordT],
    key: str,
    *,
    show: Callable[[], Awaitable[Representation[DetailT]]],
) -> None:
    """Withdraw a record; its versions remain.

    Raise `NotFound` if there is no such record, `NotAllowed` if the caller may not change it, and
    `Conflict` with the names of those that refer to it.
    """
    session, region = write.session, write.region
    stored = await get_record(session, region, kind, key, lock=True)
    await _check_owners(write, kind, key, {stored.agency})
    await _check_record_version(write, kind, stored, show=show)
    if named := (await session.scalars(text(kind.users), {"region": region, "key": key})).all():
        raise Conflict(
            f"Others need the {kind.label} {key}: {', '.join(named)}. Change them first."
        )
    await withdraw_record(session, region, kind, key, by=write.caller.actor, now=datetime.now(UTC))


async def _check_owners(
    write: ConditionalWrite,
    kind: RecordKind[RecordT],
    key: str,
    owners: Collection[str | None],
) -> None:
    if kind.is_common:
        owners = {await find_lead_agency(write.session, ServiceName.catalog, write.region)}
    for owner in owners:
        if not write.caller.can_write_for(owner or ""):
            holder = f"is kept by {owner}" if owner else "came with the regency's pack"
            raise NotAllowed(
                f"The {kind.label} {key} {holder}; its agency or an administrator changes it."
            )


async def _check_record_version(
    write: ConditionalWrite,
    kind: RecordKind[RecordT],
    stored: StoredRecord[RecordT],
    *,
    show: Callable[[], Awaitable[Representation[DetailT]]],
) -> None:
    async def content_of(number: int) -> JsonValue:
        parameters = {
            "region": write.region,
            "kind": kind.name,
            "key": kind.key_of(stored.record),
            "number": number,
        }
        content = await write.session.scalar(text(VERSION_CONTENT), parameters)
        return normalised(kind.model, content)

    await check_version(
        write,
        version=stored.version,
        tag=(await show()).tag,
        current=stored.record.model_dump(mode="json"),
        content_of=content_of,
    )
