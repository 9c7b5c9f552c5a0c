"""Rules for recording evidence: ownership, unique keys, and existing references."""

import json
from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from services.assessment.evidence import store
from services.assessment.evidence.confirmation_rules import confirmation_rules
from services.assessment.evidence.records import Declaration, Evidence, IndexLevel, IndexValue
from services.assessment.evidence.references import (
    KIND_OF_TARGET,
    Reference,
    references_of,
)
from services.assessment.evidence.states import EvidenceState
from services.assessment.evidence.vocabularies import Vocabularies, find_vocabularies
from services.assessment.method_store import method_ids
from services.assessment.years import read_zone
from services.platform.database import WriteSession
from services.platform.identity import Caller
from services.platform.local_time import day_of
from services.platform.packs import FieldPath
from services.platform.problems import (
    SEE_ERRORS_MESSAGE,
    Conflict,
    FieldError,
    Invalid,
    NotAllowed,
    json_pointer,
)
from services.platform.regency import find_lead_agency
from services.platform.service import API
from services.platform.settings import Service
from services.platform.translation import N_, LocalizedText, localized

MAX_BYTES_OF_AGENCY = 2 * 1024 * 1024
"""Some hundred times the evidence of a regency's year."""


async def dangling_references(
    session: WriteSession, region: str, record: Evidence
) -> list[Reference]:
    """Return references to missing targets, except agencies, which the catalogue holds."""
    references = [one for one in references_of(record) if one.target != "agency"]
    known: set[tuple[str, str]] = {
        ("index", method_id) for method_id in await method_ids(session, region)
    }
    for target, kind in ({"source": None} | KIND_OF_TARGET).items():
        keys = [reference.key for reference in references if reference.target == target]
        if not keys:
            continue
        found = await session.scalars(
            text(store.EXISTING_SOURCES if kind is None else store.EXISTING_KEYS),
            {"region": region, "keys": keys} | ({} if kind is None else {"kind": kind}),
        )
        known |= {(target, key) for key in found}
    return [reference for reference in references if reference[::2] not in known]


async def check_references(session: WriteSession, region: str, record: Evidence) -> None:
    """Raise `Conflict` if a record refers to a target that is not recorded."""
    errors = [
        FieldError.at(
            json_pointer(reference.path),
            localized(N_("%(label)s belum tercatat; catat dulu"), label=reference.label),
        )
        for reference in await dangling_references(session, region, record)
    ]
    if errors:
        raise Conflict(
            localized(N_("Ada rujukan ke catatan yang tidak ada; tidak ada yang disimpan.")),
            errors=errors,
        )


def content_faults(
    kind: str, record: Evidence, vocabularies: Vocabularies, *, this_year: int
) -> Iterator[tuple[FieldPath, LocalizedText]]:
    """Yield each field that the rules of its kind refuse, and what would be right."""
    yield from vocabularies.faults_of(record)
    if isinstance(record, Declaration) and record.year >= this_year:
        before = N_("harus sebelum %(year)s: daftar lengkap sesudah tahunnya berakhir")
        yield ("year",), localized(before, year=this_year)
    if isinstance(record, IndexLevel) and record.role == "declared" and record.year > this_year:
        planned = N_("tidak boleh sesudah %(year)s; tingkat tahun kemudian adalah rencana")
        yield ("year",), localized(planned, year=this_year)
    if record.document is None and confirmation_rules().kinds[kind].document:
        yield (
            ("document",),
            localized(N_("wajib diisi: alamat tempat terbitnya, dengan SHA-256-nya")),
        )


async def current_year(session: WriteSession, region: str, now: datetime) -> int:
    """Return the year of a moment in the regency's time."""
    return day_of(now, await read_zone(session, region)).year


async def check_content(
    session: WriteSession, region: str, kind: str, record: Evidence, *, now: datetime
) -> None:
    """Raise `Invalid` if the rules of its kind refuse a field of a record."""
    vocabularies = await find_vocabularies(session, region)
    this_year = await current_year(session, region, now)
    errors = [
        FieldError.at(json_pointer(path), detail)
        for path, detail in content_faults(kind, record, vocabularies, this_year=this_year)
    ]
    if errors:
        raise Invalid(localized(SEE_ERRORS_MESSAGE), errors=errors)


async def same_index_value(
    session: WriteSession, region: str, record: Evidence, *, record_id: UUID
) -> tuple[UUID, str] | None:
    """Return id and key of another record with the value of the same index, year and role.

    It is locked until the transaction ends.
    """
    if not isinstance(record, IndexValue):
        return None
    names = {"region": region, "kind": "index-values"}
    name = f"{record.index} {record.year} {record.role}"
    await session.execute(text(store.LOCK), names | {"key": name})
    slot = json.dumps({"index": record.index, "year": record.year, "role": record.role})
    rows = await session.execute(text(store.INDEX_VALUES), {"region": region, "slot": slot})
    return next(((row.id, row.key) for row in rows if row.id != record_id), None)


async def check_index_value(
    session: WriteSession, region: str, record: Evidence, *, record_id: UUID
) -> None:
    """Raise `Conflict` if another record has the value of the same index, year and role."""
    other = await same_index_value(session, region, record, record_id=record_id)
    if other is not None:
        error = FieldError.at(
            "#/year", localized(N_("sudah ada pada %(key)s; perbaiki catatan itu"), key=other[1])
        )
        raise Conflict(
            localized(
                N_("Indeks mempunyai satu nilai tiap tahun dan jenis: %(address)s."),
                address=f"{API}/index-values/{other[0]}",
            ),
            errors=[error],
        )


async def check_key(
    session: WriteSession, region: str, kind: str, key: str, *, record_id: UUID
) -> None:
    """Raise `Conflict` if another record has the key; lock it until the transaction ends."""
    names = {"region": region, "kind": kind, "key": key}
    await session.execute(text(store.LOCK), names)
    standing = (await session.execute(text(store.BY_KEY), names)).one_or_none()
    if standing is not None and standing.id != record_id:
        detail = N_("sudah dipakai; perbaiki catatan itu, atau pilih kunci lain")
        error = FieldError.at("#/key", localized(detail))
        raise Conflict(localized(N_("Catatan '%(key)s' sudah ada."), key=key), errors=[error])


async def check_size(session: WriteSession, region: str, caller: Caller) -> None:
    """Raise `Conflict` if the evidence of the caller's agency is more than readers can bear.

    Anybody may ask for an assessment, a network or a workbook, which read all evidence.
    """
    names = {"region": region, "recorded_by": recorder_name(caller)}
    size: int = await session.scalar(text(store.SIZE_OF_AGENCY), names) or 0
    if size > MAX_BYTES_OF_AGENCY:
        mebibytes = MAX_BYTES_OF_AGENCY // (1024 * 1024)
        raise Conflict(
            localized(
                N_(
                    "Bukti satu instansi paling banyak %(size)s MiB dengan sumbernya; "
                    "ringkas atau tarik sebagian dulu."
                ),
                size=mebibytes,
            )
        )


async def record_new(
    session: WriteSession,
    region: str,
    kind: str,
    record: Evidence,
    *,
    record_id: UUID,
    caller: Caller,
    now: datetime,
) -> None:
    """Record a piece of evidence; `Conflict` if its key is taken."""
    await check_content(session, region, kind, record, now=now)
    await check_key(session, region, kind, record.key, record_id=record_id)
    await check_references(session, region, record)
    await check_index_value(session, region, record, record_id=record_id)
    await append_version(
        session, region, kind, record, record_id=record_id, key=record.key, caller=caller, now=now
    )
    await check_size(session, region, caller)


async def supersede(
    session: WriteSession,
    region: str,
    kind: str,
    record: Evidence,
    *,
    record_id: UUID,
    key: str,
    caller: Caller,
    now: datetime,
) -> None:
    """Record a correction as the next version."""
    if record.key != key:
        error = FieldError.at("#/key", localized(N_("harus tetap '%(key)s'"), key=key))
        raise Conflict(localized(N_("Kunci sebuah catatan tidak dapat berubah.")), errors=[error])
    await check_content(session, region, kind, record, now=now)
    await check_key(session, region, kind, key, record_id=record_id)
    await check_references(session, region, record)
    await check_index_value(session, region, record, record_id=record_id)
    await append_version(
        session, region, kind, record, record_id=record_id, key=key, caller=caller, now=now
    )
    await check_size(session, region, caller)


async def append_version(
    session: WriteSession,
    region: str,
    kind: str,
    record: Evidence | None,
    *,
    record_id: UUID,
    key: str,
    caller: Caller,
    now: datetime,
    reason: str | None = None,
) -> None:
    """Propose a version in the caller's name; a record of None withdraws it, for a reason.

    What scores read is withdrawn when another organisation confirms it; the rest at once.
    """
    await check_recorder(session, region, kind, caller)
    state: EvidenceState = "proposed"
    if record is None:
        names = {"region": region, "kind": kind, "id": record_id, "as_of": None}
        if not await session.scalar(text(store.WAS_CONFIRMED), names):
            state = "withdrawn"
    await store.add_version(
        session,
        region,
        kind,
        record_id,
        key=key,
        content=None if record is None else record.model_dump(mode="json"),
        state=state,
        origin="api",
        recorded_by=recorder_name(caller),
        person=caller.person,
        now=now,
        reason=reason,
    )


async def check_recorder(session: WriteSession, region: str, kind: str, caller: Caller) -> None:
    """Raise `NotAllowed` unless the caller may record this kind of evidence."""
    rule = confirmation_rules().kinds[kind].record
    if rule == "any_agency" or "admin" in caller.scopes:
        return
    if rule == "administrator":
        raise NotAllowed(localized(N_("Hanya pengelola hub yang mencatat %(kind)s."), kind=kind))
    lead = await find_lead_agency(session, Service.assessment, region)
    if caller.agency != lead:
        message = N_(
            "Hanya instansi pengampu (%(agency)s) atau pengelola hub yang mencatat %(kind)s."
        )
        raise NotAllowed(localized(message, agency=lead or "-", kind=kind))


def check_owner(caller: Caller, recorded_by: str) -> None:
    """Raise `NotAllowed` unless the caller may change what this agency recorded.

    An agency corrects its own records; an administrator all of them, the pack's too.
    """
    if not caller.can_write_for(recorded_by):
        message = N_("Catatan ini milik %(owner)s; hanya pengelola hub yang dapat mengubahnya.")
        raise NotAllowed(localized(message, owner=recorded_by))


def recorder_name(caller: Caller) -> str:
    """Return the name under which the caller's records are stored."""
    return caller.agency or caller.subject
