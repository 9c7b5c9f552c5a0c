"""Retractions over HTTP: `/api/v1/usage/retractions`."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Request, Response

from services.feedback.retractions.retract import (
    PATH,
    get_retraction,
    list_retractions,
    retract,
    reverse,
    transaction_time,
)
from services.feedback.retractions.schemas import KeyId, NewRetraction, NewReversal, Retraction
from services.platform.concurrency_control import IdempotencyKey, claim_idempotency_key
from services.platform.database import ReadSessionDep, WriteSessionDep
from services.platform.identity import Administrator
from services.platform.ids import new_id
from services.platform.local_time import ZoneDep
from services.platform.paging import Page, paginate
from services.platform.parameters import Limit
from services.platform.problems import problem_responses
from services.platform.router import Router
from services.platform.service import get_region
from services.platform.settings import Service

router = Router(prefix=PATH, tags=["usage"], responses=problem_responses(401, 403, 422))

RetractionPath = Annotated[UUID, Path(description="Id of the retraction.")]


@router.post(
    "", operation_id="retract_usage", status_code=201, responses=problem_responses(409, 413)
)
async def retract_usage(
    request: Request,
    response: Response,
    session: WriteSessionDep,
    *,
    caller: Administrator,
    zone: ZoneDep,
    retraction: NewRetraction,
    idempotency_key: IdempotencyKey = None,
) -> Retraction:
    """Strike out the events and monthly statistics that a key sent in a span.

    They leave all sums, exports and assessments to come; `usage/summary` says how many were struck
    out, and why. Of a figure the newest revision that is not struck out becomes current. Revoke the
    key first: what it sends afterwards counts. Events that are no longer stored cannot be struck
    out (409, with their months).
    """
    region = get_region(request)
    now = await transaction_time(session)
    created, is_new = await claim_idempotency_key(
        session,
        Service.feedback,
        region,
        caller=caller.subject,
        operation="retract_usage",
        key=idempotency_key,
        body=retraction,
        new_id=new_id(),
        now=now,
    )
    if is_new:
        await retract(
            session, region, retraction, retraction=created, by=caller.actor, now=now, zone=zone
        )
    stored = await get_retraction(session, region, created)
    response.headers["Location"] = stored.href
    return stored


@router.get("", operation_id="list_retractions")
async def list_all_retractions(
    request: Request,
    session: ReadSessionDep,
    _caller: Administrator,
    *,
    key: Annotated[KeyId | None, Query(description="Only of this key.")] = None,
    cursor: Annotated[
        UUID | None, Query(description="Start of the page; taken from `next`.")
    ] = None,
    limit: Limit = 50,
) -> Page[Retraction]:
    """List retractions with their reversals, newest first."""
    found = await list_retractions(
        session, get_region(request), key=key, cursor=cursor, limit=limit + 1
    )
    return paginate(request, found, limit=limit, cursor_of=lambda item: str(item.id))


@router.get("/{retraction}", operation_id="get_retraction", responses=problem_responses(404))
async def get_one_retraction(
    request: Request, session: ReadSessionDep, _caller: Administrator, retraction: RetractionPath
) -> Retraction:
    """Return a retraction."""
    return await get_retraction(session, get_region(request), retraction)


@router.post(
    "/{retraction}/reversal",
    operation_id="reverse_retraction",
    responses=problem_responses(404, 409, 413),
)
async def reverse_retraction(
    request: Request,
    session: WriteSessionDep,
    caller: Administrator,
    retraction: RetractionPath,
    reversal: NewReversal,
) -> Retraction:
    """Count again what a retraction struck out, exactly; both remain on record."""
    region = get_region(request)
    now = await transaction_time(session)
    await reverse(session, region, retraction, reason=reversal.reason, by=caller.actor, now=now)
    return await get_retraction(session, region, retraction)
