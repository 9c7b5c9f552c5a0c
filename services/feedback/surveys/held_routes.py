"""Held responses over HTTP: `/api/v1/surveys/{slug}/held`."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from services.feedback.surveys.held import decide, list_held, lock_held
from services.feedback.surveys.held_schemas import HeldDecision, HeldResponse, HeldResponses
from services.feedback.surveys.responses import find_survey
from services.feedback.surveys.schemas import ResponseState
from services.platform.database import ReadSessionDep, WriteSessionDep
from services.platform.identity import Caller, UsageWriter
from services.platform.local_time import ZoneDep, day_of
from services.platform.paging import Page, paginate
from services.platform.parameters import Limit, SlugPath
from services.platform.problems import Conflict, FieldError, NotAllowed, problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region

router = Router(
    prefix=f"{API}/surveys", tags=["surveys"], responses=problem_responses(401, 403, 404, 422)
)


@router.get("/{slug}/held", operation_id="list_held_survey_responses")
async def list_held_survey_responses(
    request: Request,
    response: Response,
    session: ReadSessionDep,
    caller: UsageWriter,
    slug: SlugPath,
    *,
    state: Annotated[
        ResponseState, Query(description="`counted` and `refused`: those decided.")
    ] = "held",
    limit: Limit = 50,
    cursor: Annotated[UUID | None, Query(description="Taken from `next`.")] = None,
) -> Page[HeldResponse]:
    """List responses that were held, without their answers, oldest first.

    An agency's key lists those about that agency, an administrator's key all.
    """
    region = get_region(request)
    await find_survey(session, region, slug)
    response.headers["Cache-Control"] = "private, no-store"
    items = await list_held(
        session,
        region,
        slug,
        agency=_agency_of(caller),
        state=state,
        limit=limit + 1,
        after=cursor,
    )
    return paginate(request, items, limit=limit, cursor_of=lambda item: str(item.id))


@router.post(
    "/{slug}/held/decisions",
    operation_id="decide_held_survey_responses",
    responses=problem_responses(409),
)
async def decide_held_survey_responses(
    request: Request,
    session: WriteSessionDep,
    caller: UsageWriter,
    zone: ZoneDep,
    slug: SlugPath,
    *,
    decision: HeldResponses,
) -> HeldDecision:
    """Release or refuse held responses, with a reason: all of them, or none if one is not held."""
    region = get_region(request)
    await find_survey(session, region, slug)
    held = await lock_held(session, region, slug, decision.responses, agency=_agency_of(caller))
    errors = [
        FieldError(
            pointer=f"#/responses/{place}", parameter=None, detail="is not held, or not yours"
        )
        for place, response in enumerate(decision.responses)
        if response not in held
    ]
    if errors:
        raise Conflict("Nothing was decided; see errors[].", errors=errors)
    today = day_of(datetime.now(UTC), zone)
    await decide(session, region, slug, decision, actor=caller.actor, today=today)
    return HeldDecision(decision=decision.decision, decided=len(held))


def _agency_of(caller: Caller) -> str | None:
    """Return the agency that the caller decides for; None if for all."""
    if "admin" in caller.scopes:
        return None
    if caller.agency is None:
        raise NotAllowed("This key belongs to no agency.")
    return caller.agency
