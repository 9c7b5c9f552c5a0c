"""Handovers over HTTP: who left, who follows, and what passed between them. For administrators."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import httpx
from fastapi import Path, Query, Request
from pydantic import AwareDatetime, Field

from services.assessment.client import AssessmentClient
from services.catalog.client import CatalogClient
from services.feedback.client import FeedbackClient
from services.gateway.handovers.handovers import (
    Handover,
    HandoverRefusedError,
    find_handover,
    list_handovers,
    plan_handover,
    record_handover,
)
from services.gateway.handovers.open_work import OpenWork, WorkItem
from services.gateway.people.roles import Role
from services.platform.api_model import ApiModel
from services.platform.concurrency_control import IdempotencyKey, claim_idempotency_key
from services.platform.database import Database, ReadSessionDep
from services.platform.identity import Administrator, Caller
from services.platform.ids import new_id
from services.platform.local_time import ZoneDep
from services.platform.paging import Page, paginate
from services.platform.parameters import Limit
from services.platform.problems import (
    Conflict,
    FieldError,
    NotFound,
    Unavailable,
    problem_responses,
)
from services.platform.reader_language import reader_language
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.settings import Service
from services.platform.translation import translator
from services.platform.types import Slug

router = Router(prefix=API, tags=["people"], responses=problem_responses(401, 403, 422))

SERVICE_AWAY = "A service that knows the open work does not answer; nothing was handed over."


class HandoverRequest(ApiModel):
    """Request to hand over what a person has in an agency."""

    from_person: UUID = Field(alias="from", description="Id of the person who leaves.")
    to_person: UUID = Field(
        alias="to",
        description="Id of the successor, who has an account and a role in the same agency.",
    )
    agency: Slug | None = Field(
        None, description="Default: the agency of the person who leaves, if it is only one."
    )
    disable: bool = Field(
        False, description="Whether the account of the person who leaves is disabled too."
    )


class HandoverItem(ApiModel):
    """What was handed over, as it was then."""

    id: UUID
    from_person: UUID = Field(alias="from", description="Id of the person who left.")
    to_person: UUID = Field(alias="to", description="Id of the successor.")
    agency: str
    recorded_at: AwareDatetime
    recorded_by: str = Field(description="Id of the person or key that handed it over.")
    is_disabled: bool = Field(description="Whether the account was disabled with it.")
    roles: list[Role] = Field(
        description="Roles that passed to the successor, with the mails that come with them."
    )
    work: list[WorkItem] = Field(
        description="Open work of the agency, which the successor continues."
    )


@router.get("/handovers", operation_id="list_handovers")
async def get_handovers(
    request: Request,
    session: ReadSessionDep,
    _: Administrator,
    *,
    person: Annotated[UUID | None, Query(description="Only from or to this person.")] = None,
    cursor: Annotated[UUID | None, Query(description="From `next`.")] = None,
    limit: Limit = 20,
) -> Page[HandoverItem]:
    """List handovers, newest first."""
    found = await list_handovers(
        session, get_region(request), person=person, cursor=cursor, limit=limit + 1
    )
    items = [_item(each) for each in found]
    return paginate(request, items, limit=limit, cursor_of=lambda item: str(item.id))


@router.get("/handovers/{id}", operation_id="get_handover", responses=problem_responses(404))
async def get_handover(
    request: Request,
    session: ReadSessionDep,
    _: Administrator,
    id: Annotated[UUID, Path(description="Id of the handover.")],
) -> HandoverItem:
    """Return a handover."""
    found = await find_handover(session, get_region(request), id)
    if found is None:
        raise NotFound(f"There is no handover {id}; GET {API}/handovers lists them.")
    return _item(found)


@router.post(
    "/handovers",
    operation_id="create_handover",
    status_code=201,
    responses=problem_responses(409, 503),
)
async def create_handover(
    request: Request,
    caller: Administrator,
    zone: ZoneDep,
    body: HandoverRequest,
    idempotency_key: IdempotencyKey = None,
) -> HandoverItem:
    """Give the roles of a person in an agency to a successor, and record the open work.

    The sessions of the person who leaves end. The role of administrator does not pass.
    """
    region, now = get_region(request), datetime.now(UTC)
    database: Database = request.app.state.database
    async with database.write_session() as session:
        handover_id, is_new = await claim_idempotency_key(
            session,
            Service.gateway,
            region,
            caller=caller.subject,
            operation="create_handover",
            key=idempotency_key,
            body=body,
            new_id=new_id(),
            now=now,
        )
        stored = None if is_new else await find_handover(session, region, handover_id)
        if stored is not None:
            return _item(stored)
        try:
            plan = await plan_handover(
                session,
                region,
                leaver=body.from_person,
                successor=body.to_person,
                agency=body.agency,
                disables=body.disable,
            )
            reader = open_work_of(request, caller, zone)
            work = await reader.of(plan.agency, subject=plan.leaver.subject, now=now)
            made = await record_handover(
                session, region, plan, work, id=handover_id, by=caller.subject, now=now
            )
        except HandoverRefusedError as error:
            raise _refused(request, error) from None
        except httpx.HTTPError:
            raise Unavailable(SERVICE_AWAY) from None
    return _item(made)


def open_work_of(request: Request, caller: Caller, zone: ZoneDep) -> OpenWork:
    """Return the reader of open work in the name of an administrator."""
    clients: Mapping[Service, httpx.AsyncClient] = request.app.state.clients
    auth: httpx.Auth = request.app.state.auth_for(caller)
    return OpenWork(
        request.app.state.database,
        get_region(request),
        CatalogClient(clients[Service.catalog], auth=auth),
        FeedbackClient(clients[Service.feedback], auth=auth),
        AssessmentClient(clients[Service.assessment], auth=auth),
        zone,
    )


def _refused(request: Request, error: HandoverRefusedError) -> Conflict:
    detail = translator(reader_language(request)).translate(error.message, **error.values)
    field = FieldError(pointer=f"#/{error.field}", parameter=None, detail=detail)
    return Conflict("Nothing was handed over; see errors[].", errors=[field])


def _item(handover: Handover) -> HandoverItem:
    return HandoverItem.model_validate(
        {
            "id": handover.id,
            "from": handover.from_person,
            "to": handover.to_person,
            "agency": handover.agency,
            "recorded_at": handover.recorded_at,
            "recorded_by": handover.recorded_by,
            "is_disabled": handover.is_disabled,
            "roles": list(handover.roles),
            "work": list(handover.work),
        }
    )
