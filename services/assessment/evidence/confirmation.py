"""Confirmation and dispute of evidence by an organisation that did not record it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from services.assessment.evidence import store
from services.assessment.evidence.confirmation_rules import confirmation_rules, favoured_agencies
from services.assessment.evidence.records import EVIDENCE
from services.assessment.evidence.references import references_of
from services.assessment.evidence.states import EvidenceState, EvidenceStateChange
from services.platform.database import WriteSession
from services.platform.identity import Caller
from services.platform.problems import Conflict, NotAllowed, NotFound
from services.platform.regency import find_lead_agency
from services.platform.service import API
from services.platform.settings import Service
from services.platform.translation import N_, localized

CONFIRMS = {
    "lead_agency": N_("Instansi pengampu yang mengonfirmasi %(kind)s."),
    "administrator": N_("Pengelola hub yang mengonfirmasi %(kind)s."),
}


@dataclass(frozen=True)
class _Version:
    """A version with its state and its place among those of its record."""

    version: int
    recorded_by: str
    person: str | None
    content: dict[str, object] | None
    state: EvidenceState
    changed_by: str
    newest: int
    official: int | None


async def confirm_version(
    session: WriteSession,
    region: str,
    kind: str,
    record_id: UUID,
    version: int,
    *,
    caller: Caller,
    now: datetime,
    note: str | None = None,
) -> None:
    """Confirm a version, so that scores read it; without content, the record is withdrawn.

    `NotAllowed` for the organisation that recorded it or that it favours, and for the person who
    recorded it and now acts for another organisation; `Conflict` if another
    version was recorded since.
    """
    found = await _lock(session, region, kind, record_id, version)
    if found.state in {"confirmed", "withdrawn"}:
        return
    if found.version != found.newest:
        raise Conflict(
            localized(
                N_("Versi %(version)s dicatat sesudahnya; baca dan konfirmasi yang itu."),
                version=found.newest,
            )
        )
    await _check_confirmer(session, region, kind, found, caller)
    if found.state == "disputed":
        _check_settles(found, caller)
    state: EvidenceState = "withdrawn" if found.content is None else "confirmed"
    await store.add_state(
        session,
        region,
        kind,
        record_id,
        version,
        state=state,
        by=caller.actor,
        now=now,
        reason=note,
    )


async def dispute_version(
    session: WriteSession,
    region: str,
    kind: str,
    record_id: UUID,
    version: int,
    *,
    reason: str,
    caller: Caller,
    now: datetime,
) -> None:
    """Dispute a version with a reason; scores do not read it until it is confirmed again.

    Anybody but its recorder disputes what is proposed; an administrator what is confirmed.
    """
    found = await _lock(session, region, kind, record_id, version)
    if caller.actor == found.recorded_by:
        raise NotAllowed(
            localized(N_("Instansi memperbaiki atau menarik sendiri apa yang dicatatnya."))
        )
    if found.state == "disputed":
        raise Conflict(localized(N_("Versi ini sudah dibantah; alasannya ada pada riwayatnya.")))
    if found.state == "withdrawn":
        raise Conflict(localized(N_("Catatan ini sudah ditarik; perbaikan (PUT) memulihkannya.")))
    if found.version not in {found.newest, found.official}:
        raise Conflict(
            localized(
                N_("Versi %(version)s dicatat sesudahnya; baca dan bantah yang itu."),
                version=found.newest,
            )
        )
    if found.state == "confirmed" and "admin" not in caller.scopes:
        raise NotAllowed(localized(N_("Yang sudah terkonfirmasi dibantah pengelola hub.")))
    await store.add_state(
        session,
        region,
        kind,
        record_id,
        version,
        state="disputed",
        by=caller.actor,
        now=now,
        reason=reason,
    )


async def history_of(
    session: WriteSession, region: str, kind: str, record_id: UUID, version: int
) -> list[EvidenceStateChange]:
    """Return how the state of a version came about, the first step first."""
    names = {"region": region, "kind": kind, "id": record_id, "version": version}
    rows = (await session.execute(text(store.HISTORY), names)).mappings()
    return [EvidenceStateChange(**row) for row in rows]


async def _lock(
    session: WriteSession, region: str, kind: str, record_id: UUID, version: int
) -> _Version:
    names = {"region": region, "kind": kind}
    await session.execute(text(store.LOCK), names | {"key": str(record_id)})
    parameters = names | {"id": record_id, "version": version, "as_of": None}
    row = (await session.execute(text(store.STANDING), parameters)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no such version; see {API}/{kind}/{record_id}/versions.")
    return _Version(**row)


async def _check_confirmer(
    session: WriteSession, region: str, kind: str, found: _Version, caller: Caller
) -> None:
    """Raise `NotAllowed` unless the caller may confirm this version."""
    rule = confirmation_rules().kinds[kind]
    if caller.actor == found.recorded_by:
        raise NotAllowed(
            localized(N_("Organisasi lain yang mengonfirmasinya, bukan yang mencatatnya."))
        )
    if caller.person == found.person:
        raise NotAllowed(localized(N_("Orang lain yang mengonfirmasinya, bukan yang mencatatnya.")))
    if caller.actor in await _favoured(session, region, kind, found):
        raise NotAllowed(
            localized(
                N_(
                    "Namanya diuntungkan olehnya: %(agency)s (%(fields)s); "
                    "organisasi lain yang mengonfirmasinya."
                ),
                agency=caller.actor,
                fields=", ".join(rule.favours),
            )
        )
    if "admin" in caller.scopes or rule.confirm == "other_agency":
        return
    if rule.confirm == "administrator" or caller.actor != await find_lead_agency(
        session, Service.assessment, region
    ):
        who = CONFIRMS[rule.confirm]
        raise NotAllowed(localized(who, kind=kind))


async def _favoured(session: WriteSession, region: str, kind: str, found: _Version) -> set[str]:
    """Return the agencies that the version speaks well of; a withdrawal speaks of none."""
    if found.content is None:
        return set()
    record = EVIDENCE[kind].model_validate(found.content)
    keys = [one.key for one in references_of(record) if one.target == "stakeholder"]
    rows = await session.execute(
        text(store.AGENCIES_OF_STAKEHOLDERS), {"region": region, "keys": keys}
    )
    return favoured_agencies(kind, record, {row.key: row.agency for row in rows})


def _check_settles(found: _Version, caller: Caller) -> None:
    """Raise `NotAllowed` unless the caller disputed the version, or is an administrator."""
    if caller.actor != found.changed_by and "admin" not in caller.scopes:
        raise NotAllowed(
            localized(
                N_("%(agency)s membantahnya; instansi itu atau pengelola hub yang memutuskannya."),
                agency=found.changed_by,
            )
        )
