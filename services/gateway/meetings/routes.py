"""Planned meetings over HTTP: plan, change, call off, invite."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
from fastapi import Depends, Path, Query, Request, Response

from services.assessment.client import AssessmentClient, Stakeholder
from services.catalog.client import CatalogClient
from services.gateway.meetings.calendar import invitation_calendar
from services.gateway.meetings.invitation_mail import (
    InvitedPerson,
    PlanMailer,
    agencies_of,
    find_people_of,
)
from services.gateway.meetings.plans import (
    Plan,
    count_plans,
    delete_plan,
    find_plan,
    forget_agencies,
    get_plan,
    list_plans,
    lock_plans,
    mark_mailed,
    store_plan,
)
from services.gateway.meetings.schemas import InvitedStakeholder, MeetingPlan, PlannedMeeting
from services.platform.calendar_feed import CALENDAR_MEDIA_TYPE
from services.platform.concurrency_control import check_if_match, resource_tag
from services.platform.conditional_writes import (
    ConditionalWrite,
    conditional_put,
    conditional_write,
)
from services.platform.database import ReadSession, ReadSessionDep, WriteSession
from services.platform.identity import Caller, EvidenceWriter, RequireScope
from services.platform.local_time import ZoneDep
from services.platform.paging import Page, paginate
from services.platform.parameters import Limit
from services.platform.problems import (
    Conflict,
    FieldError,
    NotAllowed,
    PreconditionFailed,
    Unavailable,
    json_pointer,
    problem_responses,
)
from services.platform.regency import find_regency
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.settings import Service, Settings
from services.platform.translation import N_, localized

router = Router(
    prefix=f"{API}/meeting-plans", tags=["evidence"], responses=problem_responses(401, 403, 422)
)

MAX_PLANS = 200
"""Meetings that an organiser has planned at a time."""
FILE_NAME = "undangan.ics"

PlanId = Annotated[UUID, Path(description="Id of the plan.")]
_WRITER = RequireScope("evidence:write")
PlanWrite = Annotated[ConditionalWrite, Depends(conditional_write(_WRITER))]
PlanPut = Annotated[ConditionalWrite, Depends(conditional_put(_WRITER))]


@router.get("", operation_id="list_meeting_plans")
async def list_meeting_plans(
    request: Request,
    session: ReadSessionDep,
    *,
    caller: EvidenceWriter,
    cursor: Annotated[
        UUID | None, Query(description="Start of the page; taken from `next`.")
    ] = None,
    limit: Limit = 50,
) -> Page[MeetingPlan]:
    """List the meetings that the key's agency plans; an administrator's key lists all.

    A meeting is a plan until its record, under `record_key`, is proposed as evidence.
    """
    organiser = None if "admin" in caller.scopes else caller.actor
    found = await list_plans(
        session, get_region(request), organiser=organiser, cursor=cursor, limit=limit + 1
    )
    items = [plan.shown() for plan in found]
    return paginate(request, items, limit=limit, cursor_of=lambda item: str(item.id))


@router.get("/{id}", operation_id="get_meeting_plan", responses=problem_responses(404))
async def get_meeting_plan(
    request: Request,
    response: Response,
    session: ReadSessionDep,
    caller: EvidenceWriter,
    id: PlanId,
) -> MeetingPlan:
    """Return a planned meeting of the key's agency, with who is invited and what was mailed."""
    plan = await get_plan(session, get_region(request), id)
    check_organiser(caller, plan)
    return _answer(response, plan)


@router.put(
    "/{id}",
    operation_id="put_meeting_plan",
    responses={201: {"model": MeetingPlan}} | problem_responses(409, 412, 413, 428, 503),
)
async def put_meeting_plan(
    request: Request, write: PlanPut, zone: ZoneDep, id: PlanId, meeting: PlannedMeeting
) -> MeetingPlan:
    """Plan a meeting, or change a plan; nobody is told until the invitation is mailed.

    Once it was, a change of time or place is mailed to those invited, with a calendar file that
    moves the event, and agencies that are no longer invited get one that cancels it. The author
    chooses the id of a new plan, so that one that is sent twice is one.
    """
    invited = await _find_invited(request, meeting)
    session, region = write.session, write.region
    await lock_plans(session, region)
    plan = await find_plan(session, region, id)
    if plan is None:
        write.check_creation(f"planned meeting {id}")
        if await count_plans(session, region, write.caller.actor) >= MAX_PLANS:
            most = N_("%(agency)s merencanakan %(most)s rapat; catat atau hapus sebagian.")
            raise Conflict(localized(most, agency=write.caller.actor, most=MAX_PLANS))
    else:
        check_organiser(write.caller, plan)
        _check_read(write, plan)
    await store_plan(
        session,
        region,
        id,
        meeting,
        invited,
        organiser=write.caller.actor,
        now=datetime.now(UTC),
    )
    if plan is not None:
        await _tell_of_change(request, write, plan, zone)
    write.response.status_code = 201 if plan is None else 200
    return _answer(write.response, await get_plan(session, region, id))


@router.delete(
    "/{id}",
    operation_id="delete_meeting_plan",
    status_code=204,
    responses=problem_responses(404, 412, 428),
)
async def delete_meeting_plan(
    request: Request, write: PlanWrite, zone: ZoneDep, id: PlanId
) -> None:
    """Delete a plan: the meeting was called off, or has been recorded as evidence.

    Of a meeting that is still to begin, those to whom the invitation was mailed get a mail with a
    calendar file that cancels it.
    """
    session, region = write.session, write.region
    plan = await get_plan(session, region, id, lock=True)
    check_organiser(write.caller, plan)
    _check_read(write, plan)
    if plan.mailed_agencies and plan.meeting.starts_at > datetime.now(UTC):
        mailer = await _mailer(request, session, plan, zone)
        people = await find_people_of(session, region, plan.mailed_agencies)
        await mailer.cancel(session, plan, people, sequence=plan.version)
    await delete_plan(session, region, id)


@router.get(
    "/{id}/invitation.ics",
    operation_id="get_meeting_invitation",
    response_class=Response,
    responses=problem_responses(404)
    | {
        200: {
            "content": {CALENDAR_MEDIA_TYPE: {"schema": {"type": "string"}}},
            "description": "An iCalendar file with one event (RFC 5545, METHOD:PUBLISH).",
        }
    },
)
async def get_meeting_invitation(
    request: Request, session: ReadSessionDep, caller: EvidenceWriter, id: PlanId
) -> Response:
    """Return the invitation as a file for calendar programs; a later version moves the event."""
    plan = await get_plan(session, get_region(request), id)
    check_organiser(caller, plan)
    organiser = await _organiser_name(request, session, plan)
    contact = _contact(request, plan)
    return Response(
        invitation_calendar(plan, region=get_region(request), organiser=organiser, contact=contact),
        media_type=CALENDAR_MEDIA_TYPE,
        headers={"Content-Disposition": f'attachment; filename="{FILE_NAME}"'},
    )


@router.post(
    "/{id}/mails",
    operation_id="mail_meeting_invitation",
    responses=problem_responses(404, 409, 412, 428),
)
async def mail_meeting_invitation(
    request: Request, write: PlanWrite, zone: ZoneDep, id: PlanId
) -> MeetingPlan:
    """Mail the invitation, with its calendar file, to the reporters and editors invited.

    Those of the agencies whose stakeholders are invited get it, each version of the plan once.
    """
    settings: Settings = request.app.state.settings
    session, region, now = write.session, write.region, datetime.now(UTC)
    plan = await get_plan(session, region, id, lock=True)
    check_organiser(write.caller, plan)
    _check_read(write, plan)
    if settings.smtp_host is None:
        raise Conflict("This hub has no mail server; hand out the calendar file instead.")
    if plan.meeting.ends_at <= now:
        raise Conflict("The meeting is over; there is nothing to invite to.")
    if plan.mailed is not None and plan.mailed.version == plan.version:
        raise Conflict("This version was mailed already; change the plan to mail it again.")
    people = await find_people_of(session, region, agencies_of(plan))
    if not people:
        raise Conflict("None of the invited agencies has a reporter or editor who takes mail.")
    await _invite(request, write, plan, people, zone)
    return _answer(write.response, await get_plan(session, region, id))


def _answer(response: Response, plan: Plan) -> MeetingPlan:
    shown = plan.shown()
    response.headers["ETag"] = resource_tag(shown)
    return shown


def check_organiser(caller: Caller, plan: Plan) -> None:
    """Raise `NotAllowed` unless the caller acts for who plans the meeting."""
    if not caller.can_write_for(plan.organiser) and caller.actor != plan.organiser:
        raise NotAllowed(f"This meeting is planned by {plan.organiser}; its own keys may do that.")


def _check_read(write: ConditionalWrite, plan: Plan) -> None:
    """Raise `PreconditionFailed` or `PreconditionRequired` unless the caller read this version."""
    if write.only_creates:
        raise PreconditionFailed(
            "The plan exists already. Read it and send its ETag as If-Match to change it.",
            headers={"ETag": resource_tag(plan.shown())},
        )
    check_if_match(write.if_match, plan.shown())


async def _find_invited(request: Request, meeting: PlannedMeeting) -> list[InvitedStakeholder]:
    """Return the stakeholders that a plan invites, in its order.

    Raise `Conflict` with those that are not on record, `Unavailable` if assessment does not answer.
    """
    assessment = AssessmentClient(request.app.state.clients[Service.assessment])
    try:
        records = await assessment.list_evidence(Stakeholder)
    except httpx.HTTPError:
        raise Unavailable("The assessment service is unavailable; try again shortly.") from None
    known = {one.content.key: one.content for one in records if one.content is not None}
    errors = [
        FieldError.at(
            json_pointer(("invited", n)),
            localized(
                N_("tidak ada pemangku kepentingan '%(key)s'; %(list)s memuat semuanya"),
                key=key,
                list=f"{API}/stakeholders",
            ),
        )
        for n, key in enumerate(meeting.invited)
        if key not in known
    ]
    if errors:
        unknown = N_("Rencana ini mengundang yang tidak tercatat; lihat errors[].")
        raise Conflict(localized(unknown), errors=errors)
    return [
        InvitedStakeholder(key=key, name=one.name, name_en=one.name_en, agency=one.agency)
        for key in meeting.invited
        for one in (known[key],)
    ]


async def _organiser_name(request: Request, session: ReadSession | WriteSession, plan: Plan) -> str:
    """Return the name of who invites: an agency, or the regency; a code if it is not known."""
    catalog = CatalogClient(request.app.state.clients[Service.catalog])
    try:
        found = await catalog.find_agency(plan.organiser)
    except httpx.HTTPError:
        found = None
    if found is not None:
        return found.name
    regency = await find_regency(session, Service.gateway, get_region(request))
    return plan.organiser if regency is None else regency.name


def _contact(request: Request, plan: Plan) -> str:
    """Return the organiser's address in calendar files: the hub, by mail if it sends any."""
    settings: Settings = request.app.state.settings
    if settings.smtp_from is not None:
        return f"mailto:{settings.smtp_from}"
    return settings.public_address or f"urn:uuid:{plan.id}"


async def _mailer(
    request: Request, session: WriteSession, plan: Plan, zone: ZoneInfo
) -> PlanMailer:
    return PlanMailer(
        outbox=request.app.state.mail_outbox,
        organiser=await _organiser_name(request, session, plan),
        contact=_contact(request, plan),
        region=get_region(request),
        zone=zone,
        now=datetime.now(UTC),
    )


async def _invite(
    request: Request,
    write: ConditionalWrite,
    plan: Plan,
    people: Sequence[InvitedPerson],
    zone: ZoneInfo,
) -> None:
    """Mail the invitation to the people of all invited agencies, and note that."""
    mailer = await _mailer(request, write.session, plan, zone)
    await mailer.invite(write.session, plan, people)
    await mark_mailed(
        write.session,
        write.region,
        plan.id,
        people=len(people),
        agencies=agencies_of(plan) | plan.mailed_agencies,
        now=mailer.now,
    )


async def _tell_of_change(
    request: Request, write: ConditionalWrite, former: Plan, zone: ZoneInfo
) -> None:
    """Mail what changed of a plan to those who hold an invitation to it.

    Whoever is no longer invited gets a cancellation; a change of time or place goes to all who are
    invited now. Of a meeting that has begun nothing is mailed.
    """
    session, region, now = write.session, write.region, datetime.now(UTC)
    plan = await get_plan(session, region, former.id)
    before, after = former.meeting, plan.meeting
    if not former.mailed_agencies or max(before.starts_at, after.starts_at) <= now:
        return
    invited = await find_people_of(session, region, agencies_of(plan))
    if removed := former.mailed_agencies - agencies_of(plan):
        mailer = await _mailer(request, session, plan, zone)
        people = await find_people_of(session, region, removed)
        left = [one for one in people if one not in invited]
        # Below that of an invitation to the next version, so that they can be invited again.
        await mailer.cancel(session, plan, left, sequence=plan.version - 1)
        await forget_agencies(session, region, plan.id, removed)
        plan = await get_plan(session, region, former.id)
    moved = (before.starts_at, before.ends_at, before.place) != (
        after.starts_at,
        after.ends_at,
        after.place,
    )
    if moved and invited:
        await _invite(request, write, plan, invited, zone)
