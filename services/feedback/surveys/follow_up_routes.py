"""Follow-up plans of surveys over HTTP: `/api/v1/surveys/{slug}/follow-up`."""

from collections import Counter
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Request, Response

from services.feedback.catalogue_lookup import look_up
from services.feedback.surveys.bundle_store import find_bundles, load_definitions
from services.feedback.surveys.follow_up import (
    Plan,
    check_element,
    find_action,
    list_actions,
    list_open_actions,
    lock_action,
    record_action,
)
from services.feedback.surveys.follow_up_schemas import (
    FollowUp,
    FollowUpAction,
    FollowUpPlan,
    OpenFollowUp,
    Priority,
)
from services.feedback.surveys.responses import find_survey
from services.feedback.surveys.results import group_results
from services.feedback.surveys.routes import PeriodQuery, period_or_this_year
from services.platform.concurrency_control import (
    IdempotencyKey,
    IfMatch,
    check_if_match,
    claim_idempotency_key,
    resource_tag,
)
from services.platform.database import ReadSessionDep, WriteSession, WriteSessionDep
from services.platform.identity import Caller, UsageWriter
from services.platform.ids import new_id
from services.platform.local_time import ZoneDep
from services.platform.parameters import SlugPath
from services.platform.problems import Conflict, FieldError, NotAllowed, problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.settings import Service
from services.platform.translation import N_, localized
from services.platform.types import Slug

router = Router(
    prefix=f"{API}/surveys", tags=["surveys"], responses=problem_responses(401, 404, 422)
)

ActionId = Annotated[UUID, Path(description="Id of the action.")]


@router.get("/follow-up/open", operation_id="list_open_survey_follow_up")
async def list_open_survey_follow_up(
    request: Request,
    session: ReadSessionDep,
    *,
    agency: Annotated[Slug | None, Query(description="Only of this agency.")] = None,
) -> OpenFollowUp:
    """List what agencies have yet to do about the results of surveys, whatever their period."""
    items = await list_open_actions(session, get_region(request), agency=agency)
    return OpenFollowUp(items=items)


@router.get("/{slug}/follow-up", operation_id="get_survey_follow_up")
async def get_survey_follow_up(
    request: Request,
    session: ReadSessionDep,
    zone: ZoneDep,
    slug: SlugPath,
    *,
    period: PeriodQuery = None,
    agency: Annotated[Slug | None, Query(description="Only the plan of this agency.")] = None,
) -> FollowUpPlan:
    """Return the elements of a period, the lowest first, and what agencies do about them."""
    plan = Plan(get_region(request), slug)
    wanted = period_or_this_year(period, datetime.now(zone).date())
    survey, _ = await find_survey(session, plan.region, slug)
    bundles = await find_bundles(
        session, plan.region, slug, period=wanted, filters={"agency": agency}
    )
    figures = None
    if bundles:
        definitions = await load_definitions(session, plan.region, slug)
        figures = group_results(definitions, bundles, weight="1/9").satisfaction
    actions = await list_actions(session, plan, period=str(wanted), agency=agency)
    planned = Counter(action.content.element for action in actions)
    elements = {element.code: element for element in figures.elements} if figures else {}
    return FollowUpPlan(
        survey=survey.slug,
        period=str(wanted),
        agency=agency,
        priorities=[
            Priority(
                element=code,
                text=elements[code].text,
                text_en=elements[code].text_en,
                nrr=elements[code].nrr,
                actions=planned[code],
            )
            for code in (figures.priorities if figures else [])
        ],
        items=actions,
    )


@router.post(
    "/{slug}/follow-up",
    operation_id="post_survey_follow_up",
    status_code=201,
    responses=problem_responses(403, 409, 413),
)
async def post_survey_follow_up(
    request: Request,
    response: Response,
    session: WriteSessionDep,
    *,
    caller: UsageWriter,
    slug: SlugPath,
    action: FollowUp,
    idempotency_key: IdempotencyKey = None,
) -> FollowUpAction:
    """Record what the key's agency does about an element with low results.

    With an `Idempotency-Key` a repeated request records nothing more.
    """
    plan, now = Plan(get_region(request), slug), datetime.now(UTC)
    survey, _ = await find_survey(session, plan.region, slug)
    check_agency(caller, action)
    check_element(survey, action)
    await check_service(session, plan.region, action)
    action_id, is_new = await claim_idempotency_key(
        session,
        Service.feedback,
        plan.region,
        caller=caller.subject,
        operation=f"post_survey_follow_up {slug}",
        key=idempotency_key,
        body=action,
        new_id=new_id(),
        now=now,
    )
    if is_new:
        await record_action(
            session, plan, action_id, action, version=1, now=now, recorded_by=caller.subject
        )
    return with_headers(response, await find_action(session, plan, action_id, version=1))


@router.get("/{slug}/follow-up/{id}", operation_id="get_survey_follow_up_action")
async def get_survey_follow_up_action(
    request: Request,
    response: Response,
    session: ReadSessionDep,
    *,
    slug: SlugPath,
    id: ActionId,
    version: Annotated[
        int | None, Query(ge=1, le=2_000_000_000, description="An earlier version.")
    ] = (None),
) -> FollowUpAction:
    """Return an action in its current version, or in the version given."""
    plan = Plan(get_region(request), slug)
    found = await find_action(session, plan, id, version=version)
    response.headers["ETag"] = resource_tag(found)
    return found


@router.put(
    "/{slug}/follow-up/{id}",
    operation_id="put_survey_follow_up_action",
    responses=problem_responses(403, 409, 412, 413, 428),
)
async def put_survey_follow_up_action(
    request: Request,
    response: Response,
    session: WriteSessionDep,
    *,
    caller: UsageWriter,
    slug: SlugPath,
    id: ActionId,
    action: FollowUp,
    if_match: IfMatch = None,
) -> FollowUpAction:
    """Store a further version of an action of the key's agency; earlier versions stay stored."""
    plan = Plan(get_region(request), slug)
    current = await lock_action(session, plan, id)
    check_agency(caller, current.content)
    check_agency(caller, action)
    check_if_match(if_match, current)
    if action != current.content:
        survey, _ = await find_survey(session, plan.region, slug)
        check_element(survey, action)
        if action.service != current.content.service:
            await check_service(session, plan.region, action)
        await record_action(
            session,
            plan,
            id,
            action,
            version=current.version + 1,
            now=datetime.now(UTC),
            recorded_by=caller.subject,
        )
    return with_headers(response, await find_action(session, plan, id))


def check_agency(caller: Caller, action: FollowUp) -> None:
    """Raise `NotAllowed` unless the key may write the plan of the action's agency."""
    if not caller.can_write_for(action.agency):
        detail = localized(N_("harus %(agency)s"), agency=caller.agency)
        raise NotAllowed(
            localized(
                N_("Rencana milik %(agency)s tidak dapat diubah instansi lain."),
                agency=action.agency,
            ),
            errors=[FieldError.at("#/agency", detail)],
        )


async def check_service(session: WriteSession, region: str, action: FollowUp) -> None:
    """Raise `Conflict` unless the action is about a service that its agency offers."""
    if action.service is None:
        return
    entry = await look_up(session, region, service=action.service, agency=action.agency)
    if entry.has_catalogue and action.agency not in entry.offered_by:
        detail = localized(
            N_("bukan layanan %(agency)s; lihat /api/v1/services?agency=%(agency)s"),
            agency=action.agency,
        )
        raise Conflict(
            localized(N_("Instansi merencanakan hanya untuk layanannya sendiri.")),
            errors=[FieldError.at("#/service", detail)],
        )


def with_headers(response: Response, action: FollowUpAction) -> FollowUpAction:
    """Set `ETag` and `Location` of an action, and return it."""
    response.headers["ETag"] = resource_tag(action)
    response.headers["Location"] = action.href
    return action
