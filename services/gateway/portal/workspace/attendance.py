"""`/kelola/rapat/rencana/{id}/daftar-hadir`: the QR code by which people present enter names."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime

from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from services.gateway.meetings.attendance_routes import (
    close_attendance_list,
    get_tokens,
    open_attendance_list,
)
from services.gateway.portal.attendance import address_of
from services.gateway.portal.posters.render import qr_code
from services.gateway.portal.secret_links import hub_address
from services.gateway.portal.workspace.access import RefusedError, Workspace, database_of
from services.gateway.portal.workspace.meeting_plans import (
    NOT_YOUR_PLAN,
    PLANS,
    find_own_plan,
    read_attendance,
)
from services.gateway.portal.workspace.meeting_records import MeetingId, Recorder
from services.platform.problems import Conflict, NotAllowed, NotFound
from services.platform.router import Router
from services.platform.translation import N_, Message

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

LIST = f"{PLANS}/{{id}}/daftar-hadir"

OVER = N_("Hari rapatnya sudah lewat, sehingga daftar hadirnya tidak dapat dibuka lagi.")


@router.get(LIST)
async def show_list(request: Request, workspace: Recorder, id: MeetingId) -> Response:
    """Show the QR code while the list is open, and who entered a name."""
    return await _show(request, workspace, id)


@router.post(LIST)
async def open_list(request: Request, workspace: Recorder, id: MeetingId) -> Response:
    """Open the list for the days of the meeting."""
    try:
        async with database_of(request).write_session() as session:
            await open_attendance_list(
                request,
                Response(),
                session,
                tokens=get_tokens(request),
                zone=workspace.page.zone,
                caller=workspace.caller,
                id=id,
            )
    except NotFound:
        return workspace.page.not_found()
    except NotAllowed:
        raise RefusedError(NOT_YOUR_PLAN) from None
    except Conflict:
        return await _show(request, workspace, id, {"buka": OVER})
    return workspace.redirect(LIST.format(id=id))


@router.post(f"{LIST}/tutup")
async def close_list(request: Request, workspace: Recorder, id: MeetingId) -> Response:
    """Close the list; its names stay until the meeting is recorded."""
    try:
        async with database_of(request).write_session() as session:
            await close_attendance_list(request, session, workspace.caller, id)
    except NotFound:
        return workspace.page.not_found()
    except NotAllowed:
        raise RefusedError(NOT_YOUR_PLAN) from None
    return workspace.redirect(LIST.format(id=id))


async def _show(
    request: Request,
    workspace: Workspace,
    id: MeetingId,
    errors: Mapping[str, Message] | None = None,
) -> Response:
    """Return the page of the list, with why it was not opened."""
    found = await find_own_plan(request, workspace, id)
    if found is None:
        return workspace.page.not_found()
    page = workspace.page
    attendance = await read_attendance(request, workspace, id)
    address = picture = None
    if attendance.token is not None:
        address = address_of(hub_address(request), attendance.token)
        drawing = base64.b64encode(qr_code(address).encode()).decode()
        picture = f"data:image/svg+xml;base64,{drawing}"
    now = datetime.now(UTC)
    return workspace.render(
        "workspace/attendance-list.html",
        status=422 if errors else 200,
        plan=found.plan,
        attendance=attendance,
        address=address,
        picture=picture,
        names={one.key: page.in_language(one, "name") for one in found.plan.invited},
        is_over=attendance.closes_at <= now,
        is_early=now < attendance.opens_at,
        errors=page.messages.labels(errors or {}),
        day=page.local_date(attendance.opens_at),
        clock=lambda moment: page.messages.clock(moment.astimezone(page.zone)),
    )
