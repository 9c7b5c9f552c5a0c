"""Attendance lists over HTTP: opened by who plans the meeting, filled in by who has the token."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Header, Request, Response

from services.gateway.meetings.attendance import (
    MAX_ENTRIES,
    PAGE,
    AttendanceTokens,
    close_list,
    enter,
    find_meeting,
    find_opening,
    list_entries,
    open_list,
    opening_times,
)
from services.gateway.meetings.attendance_schemas import (
    AttendanceChoice,
    AttendanceEntry,
    AttendanceList,
    AttendanceReceipt,
    AttendanceSignature,
    AttendanceToken,
    OpenAttendanceList,
)
from services.gateway.meetings.plans import Plan, get_plan
from services.gateway.meetings.routes import PlanId, check_organiser
from services.platform.database import (
    ReadSession,
    ReadSessionDep,
    WriteSession,
    WriteSessionDep,
)
from services.platform.identity import EvidenceWriter
from services.platform.local_time import ZoneDep
from services.platform.problems import (
    Conflict,
    FieldError,
    Invalid,
    NotFound,
    problem_responses,
)
from services.platform.router import Router
from services.platform.service import API, get_region

router = Router(prefix=API, tags=["evidence"], responses=problem_responses(401, 404, 422))


def get_tokens(request: Request) -> AttendanceTokens:
    """Return what makes the tokens of lists."""
    tokens: AttendanceTokens = request.app.state.attendance_tokens
    return tokens


TokensDep = Annotated[AttendanceTokens, Depends(get_tokens)]


@router.get(
    "/meeting-plans/{id}/attendance",
    operation_id="get_attendance_list",
    responses=problem_responses(403),
)
async def get_attendance_list(
    request: Request,
    response: Response,
    session: ReadSessionDep,
    *,
    tokens: TokensDep,
    zone: ZoneDep,
    caller: EvidenceWriter,
    id: PlanId,
) -> AttendanceList:
    """Return who entered a name, and the token of the list while it is open.

    What people entered is no evidence: who records the meeting checks it and vouches for it.
    """
    region = get_region(request)
    plan = await get_plan(session, region, id)
    check_organiser(caller, plan)
    response.headers["Cache-Control"] = "no-store"
    return await _shown(session, region, plan, tokens=tokens, zone=zone)


@router.put(
    "/meeting-plans/{id}/attendance",
    operation_id="open_attendance_list",
    responses=problem_responses(403, 409),
)
async def open_attendance_list(
    request: Request,
    response: Response,
    session: WriteSessionDep,
    *,
    tokens: TokensDep,
    zone: ZoneDep,
    caller: EvidenceWriter,
    id: PlanId,
) -> AttendanceList:
    """Open the list: whoever has its token enters a name, on the days of the meeting.

    One that is open keeps its token; one that was closed gets a new one.
    """
    region = get_region(request)
    plan = await get_plan(session, region, id, lock=True)
    check_organiser(caller, plan)
    if opening_times(plan, zone)[1] <= datetime.now(UTC):
        raise Conflict("The day of the meeting is over; nobody can enter a name any more.")
    await open_list(session, region, plan, tokens)
    response.headers["Cache-Control"] = "no-store"
    return await _shown(session, region, plan, tokens=tokens, zone=zone)


@router.delete(
    "/meeting-plans/{id}/attendance",
    operation_id="close_attendance_list",
    status_code=204,
    responses=problem_responses(403),
)
async def close_attendance_list(
    request: Request, session: WriteSessionDep, caller: EvidenceWriter, id: PlanId
) -> None:
    """Close the list: its token opens nothing any more, and the names stay."""
    region = get_region(request)
    plan = await get_plan(session, region, id, lock=True)
    check_organiser(caller, plan)
    await close_list(session, region, plan)


@router.get("/attendance", operation_id="get_open_attendance_list")
async def get_open_attendance_list(
    request: Request,
    response: Response,
    session: ReadSessionDep,
    zone: ZoneDep,
    token: Annotated[
        AttendanceToken, Header(alias="Attendance-Token", description="The token of a list.")
    ],
) -> OpenAttendanceList:
    """Return the meeting whose list a token opens; 404 while the list is not open."""
    plan = await find_meeting(session, get_region(request), token, zone=zone, now=datetime.now(UTC))
    if plan is None:
        raise _not_open()
    response.headers["Cache-Control"] = "no-store"
    meeting = plan.meeting
    return OpenAttendanceList(
        name=meeting.name,
        name_en=meeting.name_en,
        starts_at=meeting.starts_at,
        ends_at=meeting.ends_at,
        place=meeting.place,
        closes_at=opening_times(plan, zone)[1],
        invited=[
            AttendanceChoice(key=one.key, name=one.name, name_en=one.name_en)
            for one in plan.invited
        ],
    )


@router.post(
    "/attendance/entries",
    operation_id="post_attendance_entry",
    status_code=201,
    responses=problem_responses(409),
)
async def post_attendance_entry(
    request: Request,
    response: Response,
    session: WriteSessionDep,
    zone: ZoneDep,
    signature: AttendanceSignature,
) -> AttendanceReceipt:
    """Enter a name in the list that a token opens, without a key.

    The same entry sent again changes nothing. Who records the meeting sees the name and decides;
    it is deleted when the meeting has been recorded, at the latest 30 days after it.
    """
    region, now = get_region(request), datetime.now(UTC)
    plan = await find_meeting(session, region, signature.token, zone=zone, now=now, lock=True)
    if plan is None:
        raise _not_open()
    if signature.stakeholder not in {None, *(one.key for one in plan.invited)}:
        detail = "must be one of those who are invited; or name the organisation instead"
        error = FieldError(pointer="#/stakeholder", parameter=None, detail=detail)
        raise Invalid("The entry was not accepted; see errors[].", errors=[error])
    entries = await list_entries(session, region, plan.id)
    response.headers["Cache-Control"] = "no-store"
    known = next((entry for entry in entries if entry.id == signature.id), None)
    if known is not None:
        return _repeated(known, signature)
    if len(entries) >= MAX_ENTRIES:
        raise Conflict(f"The list is full: it takes {MAX_ENTRIES} names.")
    await enter(session, region, plan.id, signature, now=now)
    return AttendanceReceipt(id=signature.id, entered_at=now)


def _repeated(entry: AttendanceEntry, signature: AttendanceSignature) -> AttendanceReceipt:
    """Return the receipt of an entry again; raise `Conflict` if its id has another content."""
    sent = (signature.stakeholder, signature.organisation, signature.name)
    if sent != (entry.stakeholder, entry.organisation, entry.name):
        error = FieldError(
            pointer="#/id", parameter=None, detail="was used for another entry; choose a new one"
        )
        raise Conflict("This id was used already.", errors=[error])
    return AttendanceReceipt(id=entry.id, entered_at=entry.entered_at)


def _not_open() -> NotFound:
    return NotFound(
        "This token opens no attendance list: it is open on the days of its meeting only, until "
        "who opened it closes it."
    )


async def _shown(
    session: ReadSession | WriteSession,
    region: str,
    plan: Plan,
    *,
    tokens: AttendanceTokens,
    zone: ZoneDep,
) -> AttendanceList:
    opens_at, closes_at = opening_times(plan, zone)
    token = tokens.current(plan.id, await find_opening(session, region, plan))
    return AttendanceList(
        is_open=token is not None,
        token=token,
        page=None if token is None else f"{PAGE}/{token}",
        opens_at=opens_at,
        closes_at=closes_at,
        entries=await list_entries(session, region, plan.id),
    )
