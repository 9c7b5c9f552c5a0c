"""`/kelola/orang`: administrators invite people, give and take roles, disable accounts."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import httpx
from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, Response

from services.catalog.client import AgencyItem
from services.gateway.people.accounts import set_account
from services.gateway.people.invitation_mail import mail_invitation
from services.gateway.people.invitations import IssuedInvitation, invite
from services.gateway.people.mail.addresses import is_accepted
from services.gateway.people.records import Person, find_person, list_people
from services.gateway.people.roles import AGENCY_ROLES, ROLES, RoleAssignment, role_assignment
from services.gateway.portal.secret_links import hub_address
from services.gateway.portal.workspace.access import Enter, Workspace, database_of
from services.gateway.portal.workspace.invitation import NO_EMAIL
from services.gateway.portal.workspace.labels import ROLES as ROLE_LABELS
from services.gateway.portal.workspace.labels import STATES
from services.platform.problems import Conflict
from services.platform.router import Router
from services.platform.service import get_region
from services.platform.translation import N_, Message

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

PEOPLE = "/kelola/orang"
MAX_PEOPLE = 1000

NO_ROLE = N_("Pilih peran.")
NO_AGENCY = N_("Pilih instansi untuk peran ini.")
LAST_ADMINISTRATOR = N_(
    "Ini satu-satunya pengelola hub yang dapat masuk. Undang pengelola lain lebih dulu."
)

Administrator = Annotated[Workspace, Depends(Enter("administrator"))]
ConfirmedAdministrator = Annotated[Workspace, Depends(Enter("administrator", confirmed=True))]


@router.get(PEOPLE)
async def show_people(request: Request, workspace: Administrator) -> Response:
    """List the people who keep the hub."""
    async with database_of(request).read_session() as session:
        people = await list_people(session, get_region(request), cursor=None, limit=MAX_PEOPLE)
    return workspace.render(
        "workspace/people.html",
        people=sorted(people, key=lambda each: (each.name or each.email or "").lower()),
        states=workspace.page.messages.labels(STATES),
        role_names=workspace.page.messages.labels(ROLE_LABELS),
    )


@router.get("/kelola/orang/undang")
async def show_invitation_form(workspace: ConfirmedAdministrator) -> Response:
    """Show the form of an invitation."""
    return await _invitation_form(workspace, {})


@router.post("/kelola/orang/undang")
async def invite_person(request: Request, workspace: ConfirmedAdministrator) -> Response:
    """Invite a person and show the link once."""
    email = workspace.fields.get("surel", "").lower()
    errors: dict[str, Message] = {}
    if not is_accepted(email):
        errors["surel"] = NO_EMAIL
    role = await _role(workspace)
    if isinstance(role, Message):
        errors["peran" if role == NO_ROLE else "instansi"] = role
    if errors or isinstance(role, Message):
        return await _invitation_form(workspace, errors)
    return await _invite(request, workspace, email, [role])


@router.get("/kelola/orang/{id}")
async def show_person(request: Request, workspace: Administrator, id: UUID) -> Response:
    """Show a person, with the roles and what an administrator may change."""
    person = await _find(request, id)
    return workspace.page.not_found() if person is None else await _person_page(workspace, person)


@router.post("/kelola/orang/{id}/peran")
async def give_role(request: Request, workspace: ConfirmedAdministrator, id: UUID) -> Response:
    """Give a person a role."""
    person = await _find(request, id)
    if person is None:
        return workspace.page.not_found()
    role = await _role(workspace)
    if isinstance(role, Message):
        return await _person_page(workspace, person, error=role, status=422)
    roles = [*(each for each in person.roles if each != role), role]
    return await _change(request, workspace, person, roles, person.disabled_at is not None)


@router.post("/kelola/orang/{id}/peran/cabut")
async def take_role(request: Request, workspace: ConfirmedAdministrator, id: UUID) -> Response:
    """Take a role away from a person, whose sessions end."""
    person = await _find(request, id)
    if person is None:
        return workspace.page.not_found()
    taken = (workspace.fields.get("peran"), workspace.fields.get("instansi") or None)
    roles = [each for each in person.roles if (each.role, each.agency) != taken]
    return await _change(request, workspace, person, roles, person.disabled_at is not None)


@router.post("/kelola/orang/{id}/nonaktif")
async def disable_person(request: Request, workspace: ConfirmedAdministrator, id: UUID) -> Response:
    """Disable an account; its sessions end at once."""
    person = await _find(request, id)
    if person is None:
        return workspace.page.not_found()
    return await _change(request, workspace, person, person.roles, True)


@router.post("/kelola/orang/{id}/aktif")
async def enable_person(request: Request, workspace: ConfirmedAdministrator, id: UUID) -> Response:
    """Let a disabled person sign in again."""
    person = await _find(request, id)
    if person is None:
        return workspace.page.not_found()
    return await _change(request, workspace, person, person.roles, False)


@router.post("/kelola/orang/{id}/tautan")
async def send_new_link(request: Request, workspace: ConfirmedAdministrator, id: UUID) -> Response:
    """Make a new link for a person, which replaces password and code, and show it once."""
    person = await _find(request, id)
    if person is None or person.email is None:
        return workspace.page.not_found()
    return await _invite(request, workspace, person.email, ())


async def _invite(
    request: Request, workspace: Workspace, email: str, roles: Sequence[RoleAssignment]
) -> HTMLResponse:
    """Invite a person, mail the link if there is a mail server, and show it once."""
    state, now = request.app.state, datetime.now(UTC)
    async with database_of(request).write_session() as session:
        issued = await invite(
            session,
            get_region(request),
            email=email,
            roles=roles,
            by=workspace.person.subject,
            now=now,
        )
        is_mailed = await mail_invitation(
            session, state.settings, state.mail_outbox, issued, now=now
        )
    return _link_page(workspace, issued, email, is_mailed=is_mailed)


async def _find(request: Request, person: UUID) -> Person | None:
    async with database_of(request).read_session() as session:
        return await find_person(session, get_region(request), person)


async def _change(
    request: Request,
    workspace: Workspace,
    person: Person,
    roles: Sequence[RoleAssignment],
    is_disabled: bool,
) -> Response:
    try:
        async with database_of(request).write_session() as session:
            await set_account(
                session,
                get_region(request),
                person.id,
                roles=roles,
                is_disabled=is_disabled,
                by=workspace.person.subject,
                now=datetime.now(UTC),
            )
    except Conflict:
        return await _person_page(workspace, person, error=LAST_ADMINISTRATOR, status=409)
    return workspace.redirect(f"{PEOPLE}/{person.id}")


async def _role(workspace: Workspace) -> RoleAssignment | Message:
    """Return the role that a form names, or what is wrong with it."""
    name, agency = workspace.fields.get("peran", ""), workspace.fields.get("instansi") or None
    if name not in ROLES:
        return NO_ROLE
    known = {each.slug for each in await _agencies(workspace)}
    if (agency is None and name in AGENCY_ROLES) or (agency is not None and agency not in known):
        return NO_AGENCY
    return role_assignment(name, agency)


async def _agencies(workspace: Workspace) -> list[AgencyItem]:
    """Return the agencies; none if the catalogue does not answer."""
    try:
        return await workspace.catalog.list_agencies()
    except httpx.HTTPError:
        return []


async def _invitation_form(workspace: Workspace, errors: dict[str, Message]) -> HTMLResponse:
    return workspace.render(
        "workspace/invite.html",
        status=422 if errors else 200,
        errors=workspace.page.messages.labels(errors),
        agencies=await _agencies(workspace),
        role_names=workspace.page.messages.labels(ROLE_LABELS),
    )


async def _person_page(
    workspace: Workspace, person: Person, *, error: Message | None = None, status: int = 200
) -> HTMLResponse:
    messages = workspace.page.messages
    agencies = await _agencies(workspace)
    return workspace.render(
        "workspace/person.html",
        status=status,
        person=person,
        state=messages.translate(STATES[person.state]),
        error=messages.translate(error) if error else None,
        agencies=agencies,
        agency_names=await workspace.agency_names(),
        role_names=messages.labels(ROLE_LABELS),
    )


def _link_page(
    workspace: Workspace, issued: IssuedInvitation, email: str, *, is_mailed: bool
) -> HTMLResponse:
    return workspace.render(
        "workspace/invited.html",
        email=email,
        is_mailed=is_mailed,
        link=f"{hub_address(workspace.page.request)}{issued.path}",
        day=workspace.page.local_date(issued.expires_at),
    )
