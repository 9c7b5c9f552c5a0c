"""People over HTTP: accounts and roles, invitations, sessions. For administrators."""

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import AwareDatetime, Field

from services.gateway.people.accounts import (
    list_sessions,
    lock_people,
    set_account,
    set_mail_choices,
)
from services.gateway.people.invitation_mail import mail_invitation
from services.gateway.people.invitations import (
    delete_invitation,
    invite,
    list_invitations,
)
from services.gateway.people.mail.addresses import EmailAddress
from services.gateway.people.records import (
    Person,
    PersonState,
    find_person,
    list_people,
)
from services.gateway.people.roles import RoleAssignment
from services.gateway.people.sessions import IDLE, end_session_of_anybody
from services.platform.api_model import ApiModel
from services.platform.concurrency_control import (
    IdempotencyKey,
    IfMatch,
    check_if_match,
    claim_idempotency_key,
    resource_tag,
)
from services.platform.database import ReadSession, ReadSessionDep, WriteSession, WriteSessionDep
from services.platform.identity import Administrator
from services.platform.ids import new_id
from services.platform.languages import Language
from services.platform.paging import Page, paginate
from services.platform.parameters import Limit
from services.platform.problems import Conflict, NotFound, problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.settings import Service, Settings

router = Router(prefix=API, tags=["people"], responses=problem_responses(401, 403, 422))

PersonId = Annotated[UUID, Path(description="Id of the person.")]
InvitationId = Annotated[UUID, Path(description="Id of the invitation.")]
SessionId = Annotated[UUID, Path(description="Id of the session.")]
Cursor = Annotated[UUID | None, Query(description="From `next`.")]


class MailChoices(ApiModel):
    """What a person chose about mails from the hub."""

    language: Language = Field(description="Language of the mails.")
    digest: bool = Field(
        description="Whether what waits for the person is mailed once on a working day."
    )


class MailChange(ApiModel):
    """Which mails a person gets from now on."""

    language: Literal["id", "en"] = Field(description="Language of the mails.")
    digest: bool = Field(
        description="Whether what waits for the person is mailed once on a working day."
    )


class PersonItem(ApiModel):
    """A person who keeps the hub."""

    id: UUID
    email: str | None = Field(
        description="With which the person signs in; null for a first administrator who has not "
        "opened the link yet."
    )
    name: str = Field(description="As the person wrote it; empty before.")
    state: PersonState = Field(
        description="`invited` until the account is complete; a `disabled` one cannot sign in."
    )
    roles: list[RoleAssignment] = Field(description="All roles of the person.")
    created_at: AwareDatetime
    activated_at: AwareDatetime | None = Field(description="When the account was complete.")
    disabled_at: AwareDatetime | None = Field(description="Null while it is not disabled.")


class AccountChange(ApiModel):
    """Roles of a person, and whether the account is disabled."""

    roles: list[RoleAssignment] = Field(
        max_length=50, description="All roles that the person has from now on."
    )
    disabled: bool = Field(description="Whether the person may not sign in from now on.")


class PersonInvitationRequest(ApiModel):
    """Request to invite a person."""

    email: EmailAddress = Field(
        description="With which the person signs in; of a person who is known, to send a new link.",
    )
    roles: list[RoleAssignment] = Field(
        min_length=1, max_length=50, description="Roles that the person gets, besides others."
    )


class PersonInvitationItem(ApiModel):
    """An invitation that is still valid."""

    id: UUID
    person: UUID = Field(description="Id of the person.")
    created_at: AwareDatetime
    expires_at: AwareDatetime


class CreatedPersonInvitation(PersonInvitationItem):
    """A new invitation with its link, which is shown only once."""

    link: str = Field(
        description="For one use: whoever opens it first sets password and second factor.",
        json_schema_extra={"format": "uri-reference"},
    )


class PersonSessionItem(ApiModel):
    """A session of a person at `/kelola` that is not over."""

    id: UUID
    person: UUID = Field(description="Id of the person.")
    user_agent: str = Field(description="Browser and system, as far as known.")
    created_at: AwareDatetime
    last_seen_at: AwareDatetime = Field(description="Precise to a minute.")
    expires_at: AwareDatetime = Field(description="When it ends at the latest.")


@router.get("/people", operation_id="list_people")
async def get_people(
    request: Request,
    session: ReadSessionDep,
    _: Administrator,
    *,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[PersonItem]:
    """List the people who keep the hub, in the order in which they were invited."""
    found = await list_people(session, get_region(request), cursor=cursor, limit=limit + 1)
    items = [_item(person) for person in found]
    return paginate(request, items, limit=limit, cursor_of=lambda item: str(item.id))


async def _get_person(session: ReadSession | WriteSession, region: str, id: UUID) -> Person:
    found = await find_person(session, region, id)
    if found is None:
        raise NotFound(f"There is no person {id}; GET {API}/people lists them.")
    return found


@router.get("/people/{id}", operation_id="get_person", responses=problem_responses(404))
async def get_person(
    request: Request,
    response: Response,
    session: ReadSessionDep,
    _: Administrator,
    id: PersonId,
) -> PersonItem:
    """Return a person."""
    found = await _get_person(session, get_region(request), id)
    item = _item(found)
    response.headers["ETag"] = resource_tag(item)
    return item


@router.put(
    "/people/{id}",
    operation_id="change_person",
    responses=problem_responses(404, 409, 412, 428),
)
async def change_person(
    request: Request,
    response: Response,
    session: WriteSessionDep,
    caller: Administrator,
    id: PersonId,
    *,
    body: AccountChange,
    if_match: IfMatch = None,
) -> PersonItem:
    """Set the roles of a person and whether the account is disabled.

    Every session of the person ends at once if a role is taken away or the account is disabled.
    The last administrator who can sign in stays one (409).
    """
    region = get_region(request)
    await lock_people(session, region)
    present = await _get_person(session, region, id)
    check_if_match(if_match, _item(present))
    changed = await set_account(
        session,
        region,
        id,
        roles=body.roles,
        is_disabled=body.disabled,
        by=caller.subject,
        now=datetime.now(UTC),
    )
    item = _item(changed)
    response.headers["ETag"] = resource_tag(item)
    return item


@router.get("/people/{id}/mail", operation_id="get_person_mail", responses=problem_responses(404))
async def get_person_mail(
    request: Request,
    response: Response,
    session: ReadSessionDep,
    _: Administrator,
    id: PersonId,
) -> MailChoices:
    """Return what a person chose about mails from the hub."""
    found = await _get_person(session, get_region(request), id)
    item = _mail_choices(found)
    response.headers["ETag"] = resource_tag(item)
    return item


@router.put(
    "/people/{id}/mail",
    operation_id="change_person_mail",
    responses=problem_responses(404, 412, 428),
)
async def change_person_mail(
    request: Request,
    response: Response,
    session: WriteSessionDep,
    _: Administrator,
    id: PersonId,
    *,
    body: MailChange,
    if_match: IfMatch = None,
) -> MailChoices:
    """Set the language of mails to a person, and whether the daily digest is one of them.

    People do so themselves at `/kelola/akun`, and stop the digest by the link in each.
    """
    region = get_region(request)
    await lock_people(session, region)
    present = await _get_person(session, region, id)
    check_if_match(if_match, _mail_choices(present))
    await set_mail_choices(session, region, id, language=body.language, wants_digest=body.digest)
    item = MailChoices(language=body.language, digest=body.digest)
    response.headers["ETag"] = resource_tag(item)
    return item


@router.get("/invitations", operation_id="list_invitations")
async def get_invitations(
    request: Request,
    session: ReadSessionDep,
    _: Administrator,
    *,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[PersonInvitationItem]:
    """List the invitations that nobody used and that are still valid."""
    now = datetime.now(UTC)
    found = await list_invitations(
        session, get_region(request), now=now, cursor=cursor, limit=limit + 1
    )
    items = [PersonInvitationItem.model_validate(each, from_attributes=True) for each in found]
    return paginate(request, items, limit=limit, cursor_of=lambda item: str(item.id))


@router.post(
    "/invitations",
    operation_id="create_invitation",
    status_code=201,
    responses=problem_responses(409),
)
async def create_invitation(
    request: Request,
    session: WriteSessionDep,
    caller: Administrator,
    body: PersonInvitationRequest,
    idempotency_key: IdempotencyKey = None,
) -> CreatedPersonInvitation:
    """Invite a person, or send a person who is known a new link.

    A link of somebody with an account replaces password and second factor. Links that were issued
    to the person before become invalid. With a mail server the link is sent to the person, too.
    """
    region, now = get_region(request), datetime.now(UTC)
    invitation_id, is_new = await claim_idempotency_key(
        session,
        Service.gateway,
        region,
        caller=caller.subject,
        operation="create_invitation",
        key=idempotency_key,
        body=body,
        new_id=new_id(),
        now=now,
    )
    if not is_new:
        raise Conflict(
            "An invitation was made with this Idempotency-Key; its link is not shown again. "
            "Invite the person anew."
        )
    issued = await invite(
        session,
        region,
        email=body.email,
        roles=body.roles,
        by=caller.subject,
        now=now,
        invitation_id=invitation_id,
    )
    settings: Settings = request.app.state.settings
    await mail_invitation(session, settings, request.app.state.mail_outbox, issued, now=now)
    return CreatedPersonInvitation(
        id=issued.id,
        person=issued.person,
        created_at=now,
        expires_at=issued.expires_at,
        link=f"{settings.public_address or ''}{issued.path}",
    )


@router.delete(
    "/invitations/{id}",
    operation_id="delete_invitation",
    status_code=204,
    response_class=Response,
    responses=problem_responses(404),
)
async def withdraw_invitation(
    request: Request, session: WriteSessionDep, _: Administrator, id: InvitationId
) -> None:
    """Withdraw an invitation; its link is no longer valid."""
    if not await delete_invitation(session, get_region(request), id):
        raise NotFound(f"There is no unused invitation {id}; GET {API}/invitations lists them.")


@router.get("/sessions", operation_id="list_sessions")
async def get_sessions(
    request: Request,
    session: ReadSessionDep,
    _: Administrator,
    *,
    person: Annotated[UUID | None, Query(description="Only this person's.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[PersonSessionItem]:
    """List the sessions of people that are not over, newest first."""
    now = datetime.now(UTC)
    found = await list_sessions(
        session,
        get_region(request),
        person=person,
        now=now,
        idle_since=now - IDLE,
        cursor=cursor,
        limit=limit + 1,
    )
    items = [PersonSessionItem.model_validate(each, from_attributes=True) for each in found]
    return paginate(request, items, limit=limit, cursor_of=lambda item: str(item.id))


@router.delete(
    "/sessions/{id}",
    operation_id="delete_session",
    status_code=204,
    response_class=Response,
    responses=problem_responses(404),
)
async def delete_session(
    request: Request, session: WriteSessionDep, _: Administrator, id: SessionId
) -> None:
    """End a session of a person, such as on a lost telephone."""
    now = datetime.now(UTC)
    if not await end_session_of_anybody(session, get_region(request), id, now=now):
        raise NotFound(f"There is no open session {id}; GET {API}/sessions lists them.")


def _item(person: Person) -> PersonItem:
    return PersonItem(
        id=person.id,
        email=person.email,
        name=person.name,
        state=person.state,
        roles=list(person.roles),
        created_at=person.created_at,
        activated_at=person.activated_at,
        disabled_at=person.disabled_at,
    )


def _mail_choices(person: Person) -> MailChoices:
    return MailChoices(language=person.language, digest=person.wants_digest)
