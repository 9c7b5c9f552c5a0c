"""Plausibility flags over HTTP: list them, explain one."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Request

from services.feedback.statistics import plausibility_flags
from services.feedback.statistics.flag_schemas import (
    ExplainedFlag,
    FlagExplanation,
    FlagState,
    StatisticFlag,
    StatisticFlags,
)
from services.feedback.statistics.parameters import OwnAgencyQuery, resolve_agency
from services.platform.database import ReadSessionDep, WriteSessionDep
from services.platform.identity import CurrentCaller, UsageWriter
from services.platform.personal_data import mask_personal_data
from services.platform.problems import (
    Conflict,
    FieldError,
    Invalid,
    NotAllowed,
    NotFound,
    problem_responses,
)
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.translation import N_, localized

router = Router(
    prefix=f"{API}/usage/statistics/flags", tags=["usage"], responses=problem_responses(401, 422)
)

FlagPath = Annotated[UUID, Path(description="Id of the flag.")]


@router.get("", operation_id="list_statistic_flags", responses=problem_responses(403))
async def list_statistic_flags(
    request: Request,
    session: ReadSessionDep,
    caller: CurrentCaller,
    *,
    agency: OwnAgencyQuery = None,
    state: Annotated[FlagState | None, Query(description="Only flags in this state.")] = None,
) -> StatisticFlags:
    """List implausible figures: with a key those of its agency, without one only their number."""
    region = get_region(request)
    items: list[StatisticFlag] = []
    if caller.has_scope("usage:write") and (caller.agency is not None or agency is not None):
        items = await plausibility_flags.list_flags(
            session, region, resolve_agency(caller, agency), state=state
        )
    return StatisticFlags(items=items, counts=await plausibility_flags.count_flags(session, region))


@router.post(
    "/{flag}/explanation",
    operation_id="explain_statistic_flag",
    responses=problem_responses(403, 404, 409),
)
async def explain_statistic_flag(
    request: Request,
    session: WriteSessionDep,
    caller: UsageWriter,
    flag: FlagPath,
    body: FlagExplanation,
) -> ExplainedFlag:
    """Explain why a flagged figure is correct; the flag remains stored with the explanation."""
    region = get_region(request)
    stored = await plausibility_flags.lock_flag(session, region, flag)
    if stored is None:
        raise NotFound(f"There is no flag {flag}; {API}/usage/statistics/flags lists yours.")
    if not caller.can_write_for(stored.agency):
        owner = N_("Tanda ini tentang angka milik %(agency)s.")
        raise NotAllowed(localized(owner, agency=stored.agency))
    if stored.state == "resolved":
        corrected = N_("Angkanya sudah dikoreksi; tidak ada lagi yang perlu dijelaskan.")
        raise Conflict(localized(corrected))
    if not body.explanation.strip():
        error = FieldError.at("#/explanation", localized(N_("tidak boleh kosong")))
        raise Invalid(localized(N_("Penjelasannya kosong.")), errors=[error])
    masked = mask_personal_data(body.explanation)
    explained = await plausibility_flags.explain_flag(
        session, region, flag, masked.text, by=caller.subject, now=datetime.now(UTC)
    )
    return ExplainedFlag(**dict(explained), personal_data=list(masked.kinds))
