"""Drafts of monthly statistics over HTTP: enter, check, submit, approve, open again."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import Depends, Path, Query, Request

from services.feedback.statistics import drafts
from services.feedback.statistics.draft_schemas import (
    ReportableService,
    StatisticDraft,
    StatisticDraftReopening,
    StatisticDrafts,
    StatisticDraftSave,
    StatisticDraftStep,
)
from services.feedback.statistics.drafts import Draft, MonthKey
from services.feedback.statistics.obligations import reported_services
from services.feedback.statistics.parameters import (
    FIRST_MONTH,
    FirstMonthQuery,
    LastMonthQuery,
    OwnAgencyQuery,
    resolve_agency,
    resolve_months,
)
from services.feedback.statistics.schemas import StatisticsReceipt
from services.feedback.statistics.upload import store_and_check
from services.platform.database import (
    ReadSession,
    ReadSessionDep,
    WriteSession,
    WriteSessionDep,
)
from services.platform.identity import Caller, UsageWriter
from services.platform.local_time import ZoneDep, month_of
from services.platform.months import parse_period
from services.platform.personal_data import mask_personal_data
from services.platform.problems import FieldError, Invalid, problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.translation import N_, localized
from services.platform.types import YearMonth

router = Router(
    prefix=f"{API}/usage/statistics/drafts",
    tags=["usage"],
    responses=problem_responses(401, 403, 422),
)

PeriodPath = Annotated[YearMonth, Path(description="Calendar month, such as `2024-03`.")]
STEP_RESPONSES = problem_responses(409, 413)


@dataclass(frozen=True)
class DraftWrite:
    """A step of a draft: who takes it and when, while no other writes for the agency."""

    session: WriteSession
    key: MonthKey
    caller: Caller
    now: datetime
    zone: ZoneInfo


async def get_draft_write(
    request: Request,
    session: WriteSessionDep,
    caller: UsageWriter,
    zone: ZoneDep,
    *,
    period: PeriodPath,
    agency: OwnAgencyQuery = None,
) -> DraftWrite:
    """Return the step of a draft, once others of the agency are done."""
    agency = resolve_agency(caller, agency)
    key = MonthKey(get_region(request), agency, parse_period(period))
    now = datetime.now(UTC)
    latest = month_of(now, zone)
    if key.period > latest:
        begun = N_("belum dimulai; bulan terakhir adalah %(month)s")
        detail = localized(begun, month=f"{latest:%Y-%m}")
        error = FieldError.of_parameter("period", detail)
        raise Invalid(localized(N_("Bulan ini belum dimulai.")), errors=[error])
    await drafts.lock_agency(session, key)
    return DraftWrite(session, key, caller, now, zone)


DraftWriteDep = Annotated[DraftWrite, Depends(get_draft_write)]


@router.get("", operation_id="list_statistic_drafts")
async def list_statistic_drafts(
    request: Request,
    session: ReadSessionDep,
    caller: UsageWriter,
    zone: ZoneDep,
    *,
    agency: OwnAgencyQuery = None,
    first: FirstMonthQuery = None,
    last: LastMonthQuery = None,
    state: Annotated[
        Literal["submitted"] | None,
        Query(
            description="Only those that wait for approval; without `from` and `to` of all months."
        ),
    ] = None,
) -> StatisticDrafts:
    """List the drafts of the key's agency. Default: of the last twelve months that have ended.

    An administrator's key that belongs to no agency lists those of all.
    """
    if agency is not None or caller.agency is not None or "admin" not in caller.scopes:
        agency = resolve_agency(caller, agency)
    now = datetime.now(UTC)
    if state is not None and first is None and last is None:
        begin, end = FIRST_MONTH, month_of(now, zone)
    else:
        begin, end = resolve_months(first, last, now=now, zone=zone)
    items = await drafts.list_drafts(
        session,
        get_region(request),
        agency,
        first=begin,
        last=end,
        only_submitted=state is not None,
    )
    return StatisticDrafts(items=items)


@router.get("/{period}", operation_id="get_statistic_draft")
async def get_statistic_draft(
    request: Request,
    session: ReadSessionDep,
    caller: UsageWriter,
    period: PeriodPath,
    agency: OwnAgencyQuery = None,
) -> StatisticDraft:
    """Return a month of the key's agency as it is entered, with the services to report on.

    Before the first save, and once it is approved, its figures are the stored ones.
    """
    agency = resolve_agency(caller, agency)
    key = MonthKey(get_region(request), agency, parse_period(period))
    return await _show(session, key, await drafts.find_draft(session, key))


@router.put("/{period}", operation_id="put_statistic_draft", responses=STEP_RESPONSES)
async def put_statistic_draft(write: DraftWriteDep, body: StatisticDraftSave) -> StatisticDraft:
    """Save the draft of a month. Its figures do not count before somebody else approves them.

    A month that is submitted or approved is opened again first.
    """
    draft = await drafts.find_draft(write.session, write.key)
    draft.check_step(body.revision, "none", "draft")
    if body.reason is not None:
        body = body.model_copy(update={"reason": mask_personal_data(body.reason).text[:300]})
    await drafts.save_draft(write.session, write.key, body, caller=write.caller, now=write.now)
    return await _answer(write)


@router.post("/{period}/check", operation_id="check_statistic_draft", responses=STEP_RESPONSES)
async def check_statistic_draft(
    write: DraftWriteDep, body: StatisticDraftStep
) -> StatisticsReceipt:
    """Return what approving a draft would store, and which doubts that would raise; store nothing.

    The ids of the doubts are not valid later.
    """
    draft = await drafts.find_draft(write.session, write.key)
    draft.check_step(body.revision, "draft", "submitted")
    receipt = await _store_figures(write, draft)
    await write.session.rollback()
    return receipt


@router.post(
    "/{period}/submission", operation_id="submit_statistic_draft", responses=STEP_RESPONSES
)
async def submit_statistic_draft(write: DraftWriteDep, body: StatisticDraftStep) -> StatisticDraft:
    """Submit a draft for approval; figures that could not be stored are refused now."""
    draft = await drafts.find_draft(write.session, write.key)
    draft.check_step(body.revision, "draft")
    checking = await write.session.begin_nested()
    await _store_figures(write, draft)
    await checking.rollback()
    await drafts.submit_draft(write.session, write.key, caller=write.caller, now=write.now)
    return await _answer(write)


@router.post("/{period}/approval", operation_id="approve_statistic_draft", responses=STEP_RESPONSES)
async def approve_statistic_draft(
    write: DraftWriteDep, body: StatisticDraftStep
) -> StatisticsReceipt:
    """Approve a submitted draft: store its figures as `POST usage/statistics` does, and lock it.

    Only by a second person: with another key than those that saved or submitted it. From now on
    the month counts as reported.
    """
    draft = await drafts.find_draft(write.session, write.key)
    draft.check_step(body.revision, "submitted")
    draft.check_second_person(write.caller)
    receipt = await _store_figures(write, draft)
    await drafts.approve_draft(write.session, write.key, caller=write.caller, now=write.now)
    return receipt


@router.post("/{period}/reopening", operation_id="reopen_statistic_draft", responses=STEP_RESPONSES)
async def reopen_statistic_draft(
    write: DraftWriteDep, body: StatisticDraftReopening
) -> StatisticDraft:
    """Open a submitted or approved month again, with a reason.

    Figures that were approved stay stored until corrections are approved.
    """
    draft = await drafts.find_draft(write.session, write.key)
    draft.check_step(body.revision, "submitted", "approved")
    reason = mask_personal_data(body.reason).text[:300]
    await drafts.reopen_draft(write.session, write.key, reason, caller=write.caller, now=write.now)
    return await _answer(write)


async def _store_figures(write: DraftWrite, draft: Draft) -> StatisticsReceipt:
    statistics = await drafts.statistics_of(
        write.session, write.key, draft, caller=write.caller, now=write.now, zone=write.zone
    )
    return await store_and_check(
        write.session,
        write.key.region,
        statistics,
        caller=write.caller,
        now=write.now,
        zone=write.zone,
    )


async def _answer(write: DraftWrite) -> StatisticDraft:
    return await _show(write.session, write.key, await drafts.find_draft(write.session, write.key))


async def _show(session: ReadSession | WriteSession, key: MonthKey, draft: Draft) -> StatisticDraft:
    services = await reported_services(session, key.region, key.agency)
    return StatisticDraft(
        **draft.item.model_dump(),
        figures=draft.content.figures,
        reason=draft.content.reason,
        services=[
            ReportableService(service=each.slug, name=each.name, channels=list(each.channels))
            for each in services
        ],
    )
