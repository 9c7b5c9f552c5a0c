"""API keys over HTTP: an agency manages its own keys, an administrator all keys."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Path, Query, Request, Response
from pydantic import AwareDatetime, Field

from services.gateway.api_keys.key_rotation import (
    issue_below,
    list_keys,
    place_of_key,
    rotate_key,
)
from services.gateway.api_keys.keys import AgencyKey, revoke_key
from services.gateway.api_keys.signed_links import SCOPE_OF, LinkUse, issue_link
from services.gateway.people.sign_in import SignIn
from services.platform.api_model import ApiModel
from services.platform.concurrency_control import IdempotencyKey, claim_idempotency_key
from services.platform.database import ReadSessionDep, WriteSession, WriteSessionDep
from services.platform.identity import Caller
from services.platform.ids import new_id
from services.platform.paging import Page, paginate
from services.platform.parameters import Limit
from services.platform.problems import (
    Conflict,
    FieldError,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    problem_responses,
)
from services.platform.router import Router
from services.platform.scopes import Scope
from services.platform.service import API, get_region
from services.platform.settings import Service, Settings
from services.platform.types import Slug

router = Router(prefix=f"{API}/keys", tags=["access"], responses=problem_responses(401, 403, 422))

KeyId = Annotated[
    str,
    Path(pattern=r"^[0-9a-z]{1,40}$", description="The middle part of `emk_<id>_<secret>`."),
]


class KeyRequest(ApiModel):
    """Request to issue a key."""

    agency: Slug | None = Field(
        None, description="Agency that gets the key; default: the caller's."
    )
    scopes: list[Scope] | None = Field(
        None,
        min_length=1,
        max_length=10,
        description="Scopes of the key; default: those of the caller's key.",
    )
    days: int | None = Field(
        None,
        ge=1,
        le=1825,
        description="Days until the key expires, at the latest with the caller's key; default: "
        "with the caller's key.",
    )


class KeyRotation(ApiModel):
    """Request to replace a key."""

    overlap_days: int = Field(
        7, ge=0, le=90, description="Days for which the old key remains valid."
    )


class CreatedKey(ApiModel):
    """A new key with its secret, which is shown only once."""

    id: str = Field(description="Middle part of the key, `emk_<id>_<secret>`.")
    key: str = Field(description="Send it as `Authorization: Bearer`; it is not shown again.")
    agency: str
    scopes: list[Scope]
    expires_at: AwareDatetime


class LinkRequest(ApiModel):
    """Request to make a link for somebody without an account."""

    use: LinkUse = Field(
        description="`upload`: to upload monthly statistics at `/unggah`; `device`: to register "
        "an enumerator's phone or a kiosk."
    )
    agency: Slug | None = Field(
        None, description="Agency that the link is for; default: the caller's."
    )
    days: int = Field(
        30,
        ge=1,
        le=366,
        description="Days until the link expires, at the latest with the caller's key.",
    )


class CreatedLink(ApiModel):
    """A new link with its code, which are shown only once."""

    id: str = Field(description="By which the list of keys has it, and it is revoked.")
    link: str = Field(
        description="Send it to one person; a path of the hub if the hub knows no public address."
    )
    code: str = Field(
        description="Tell that person another way, such as by telephone: the link asks for it at "
        "each sign-in, and five wrong ones in a row revoke it."
    )
    agency: str
    use: LinkUse = Field(description="What it is for.")
    expires_at: AwareDatetime


class RotatedApiKey(CreatedKey):
    """A new key with its secret, which is shown only once, and the key that it replaces."""

    replaces: str = Field(description="Id of the old key.")
    old_expires_at: AwareDatetime = Field(description="When the old key expires.")


class ApiKey(ApiModel):
    """A key without its secret."""

    id: str = Field(description="Middle part of the key, `emk_<id>_<secret>`.")
    agency: str
    scopes: list[Scope]
    created_at: AwareDatetime
    expires_at: AwareDatetime
    revoked_at: AwareDatetime | None = Field(
        description="When it was revoked; null while it is not."
    )
    last_used_at: AwareDatetime | None = Field(description="Precise to a minute.")
    rate_multiplier: int = Field(description="Factor applied to the usual rate limits.")
    monthly_quota: int | None = Field(
        description="Requests per month of all keys of the family together; null: no quota."
    )
    parent: str | None = Field(
        description="The key that it hangs on: it ends with that key at the latest; null: issued "
        "with `emall keys issue`."
    )
    family: str = Field(
        description="Id of the first of the keys that were made from each other; they share "
        "quota and rate limits."
    )
    is_link: bool = Field(
        description="Whether it is an upload link or the link of a survey device, not a key."
    )
    wrong_codes: int = Field(
        description="Wrong codes in a row that were typed for a link; the fifth revokes it."
    )


@router.get("", operation_id="list_keys")
async def get_keys(
    request: Request,
    session: ReadSessionDep,
    caller: AgencyKey,
    *,
    agency: Annotated[
        Slug | None, Query(description="Only keys of this agency; an agency sees only its own.")
    ] = None,
    cursor: Annotated[
        str | None, Query(pattern=r"^[0-9a-z]{1,40}$", description="From `next`.")
    ] = None,
    limit: Limit = 50,
) -> Page[ApiKey]:
    """List the keys of the caller's agency; an administrator sees all keys."""
    only_agency = agency_filter(caller, agency)
    found = await list_keys(
        session, get_region(request), agency=only_agency, cursor=cursor, limit=limit + 1
    )
    items = [ApiKey.model_validate(key) for key in found]
    return paginate(request, items, limit=limit, cursor_of=lambda item: item.id)


@router.post("", operation_id="create_key", status_code=201, responses=problem_responses(409))
async def create_key(
    request: Request,
    session: WriteSessionDep,
    caller: AgencyKey,
    body: KeyRequest,
    idempotency_key: IdempotencyKey = None,
) -> CreatedKey:
    """Issue a key that hangs on the caller's key, such as for a second system.

    An agency's key issues keys with its own agency and at most its own scopes; an administrator's
    any. The new key ends with the caller's key at the latest, when that expires or is revoked, and
    shares its quota and rate limits. To replace a key use `POST /api/v1/keys/{id}/rotate`.
    """
    region, now = get_region(request), datetime.now(UTC)
    agency, scopes = _resolve_key_request(caller, body)
    key_id = await _claim_key_id(
        session, region, caller, body, idempotency_key, operation="create_key", now=now
    )
    issued = await issue_below(
        session,
        region,
        caller.subject,
        agency=agency,
        scopes=scopes,
        now=now,
        lifetime=timedelta(days=body.days) if body.days else None,
        key_id=key_id,
    )
    if issued is None:
        raise NotAuthenticated("This key was revoked or expired; ask for another.")
    return CreatedKey(
        id=issued.id, key=issued.key, agency=agency, scopes=scopes, expires_at=issued.expires_at
    )


@router.post(
    "/links", operation_id="create_key_link", status_code=201, responses=problem_responses(409)
)
async def create_link(
    request: Request,
    session: WriteSessionDep,
    caller: AgencyKey,
    body: LinkRequest,
    idempotency_key: IdempotencyKey = None,
) -> CreatedLink:
    """Make a link for somebody without an account, with a code as second factor.

    The key needs the scope that the link gives: `usage:write` for uploads, `surveys:collect` for a
    device. The link hangs on the key: it ends with it, and is listed and revoked as keys are.
    """
    region, now = get_region(request), datetime.now(UTC)
    agency, use = body.agency or caller.agency or "", body.use
    _check_link_request(caller, agency, use)
    link_id = await _claim_key_id(
        session, region, caller, body, idempotency_key, operation="create_key_link", now=now
    )
    sign_in: SignIn = request.app.state.sign_in
    link = await issue_link(
        session,
        region,
        key=request.app.state.secrets_key,
        hashes=sign_in.hashes,
        use=use,
        agency=agency,
        now=now,
        lifetime=timedelta(days=body.days),
        link_id=link_id,
        parent=caller.subject,
    )
    settings: Settings = request.app.state.settings
    return CreatedLink(
        id=link.id,
        link=f"{settings.public_address or ''}{link.path}",
        code=link.code,
        agency=agency,
        use=use,
        expires_at=link.expires_at,
    )


@router.post(
    "/{id}/rotate",
    operation_id="rotate_key",
    status_code=201,
    responses=problem_responses(404, 409),
)
async def replace_key(
    request: Request,
    session: WriteSessionDep,
    caller: AgencyKey,
    id: KeyId,
    *,
    body: KeyRotation,
    idempotency_key: IdempotencyKey = None,
) -> RotatedApiKey:
    """Replace a key without downtime: install the new key while the old one remains valid.

    The new key takes the old one's place: agency, scopes, end, quota, rate limits, the key that it
    hangs on and the keys that hang on it. The old key expires after the overlap, or when it is
    deleted. A key replaces itself and keys that hang on it; an administrator's key any.
    """
    region, now = get_region(request), datetime.now(UTC)
    place = await place_of_key(session, region, id, top=caller.subject)
    unknown = NotFound(f"You have no valid key {id} to replace; GET {API}/keys lists your keys.")
    if place is None or not caller.can_write_for(place.agency):
        raise unknown
    if not place.is_below and "admin" not in caller.scopes:
        raise NotAllowed("A key can only replace itself and keys that hang on it.")
    new_key_id = await _claim_key_id(
        session, region, caller, body, idempotency_key, operation=f"rotate_key {id}", now=now
    )
    rotated = await rotate_key(
        session,
        region,
        id,
        now=now,
        overlap=timedelta(days=body.overlap_days),
        new_key_id=new_key_id,
    )
    if rotated is None:
        raise unknown
    new = rotated.new_key
    return RotatedApiKey(
        id=new.id,
        key=new.key,
        agency=rotated.agency,
        scopes=rotated.scopes,
        expires_at=new.expires_at,
        replaces=id,
        old_expires_at=rotated.old_expires_at,
    )


async def _claim_key_id(
    session: WriteSession,
    region: str,
    caller: Caller,
    body: ApiModel,
    idempotency_key: str | None,
    *,
    operation: str,
    now: datetime,
) -> str:
    """Return the id of a key to be made; raise `Conflict` if the Idempotency-Key made one."""
    claimed, is_new = await claim_idempotency_key(
        session,
        Service.gateway,
        region,
        caller=caller.subject,
        operation=operation,
        key=idempotency_key,
        body=body,
        new_id=new_id(),
        now=now,
    )
    key_id = claimed.hex[-12:]
    if not is_new:
        raise Conflict(
            f"The key {key_id} was issued with this Idempotency-Key; its secret is not shown "
            "again. Delete that key and issue another."
        )
    return key_id


@router.delete(
    "/{id}",
    operation_id="delete_key",
    status_code=204,
    response_class=Response,
    responses=problem_responses(404),
)
async def delete_key(
    request: Request,
    session: WriteSessionDep,
    caller: AgencyKey,
    id: KeyId,
    *,
    family: Annotated[
        bool,
        Query(
            description="Revoke all keys of its family, also those above it and the key that "
            "replaced it; only for an administrator."
        ),
    ] = False,
) -> None:
    """Revoke a key and all keys that hang on it; every replica rejects them within two seconds.

    A key revokes itself, keys that hang on it, and keys of its agency that allow no more than it
    does; an administrator's key any.
    """
    if family and "admin" not in caller.scopes:
        raise NotAllowed("Only an administrator revokes a whole family of keys.")
    region, now = get_region(request), datetime.now(UTC)
    place = await place_of_key(session, region, id, top=caller.subject)
    unknown = NotFound(f"You have no valid key {id}; GET {API}/keys lists your keys.")
    if place is None or not caller.can_write_for(place.agency):
        raise unknown
    # Whoever finds a lost device could otherwise lock out its whole agency.
    allows_more = not caller.scopes.issuperset(place.scopes) and "admin" not in caller.scopes
    if allows_more and not place.is_below:
        more = ", ".join(sorted(place.scopes - caller.scopes))
        raise NotAllowed(
            f"The key {id} allows more than this key: {more}; revoke it with one that "
            "allows as much, or ask an administrator."
        )
    if not await revoke_key(session, region, id, now=now, family=family):
        raise unknown


def agency_filter(caller: Caller, agency: str | None) -> str | None:
    """Return the agency to filter by: the caller's own; for an administrator the given one or None.

    Raises:
        NotAllowed: An agency asks for another agency's data.
    """
    if "admin" in caller.scopes:
        return agency
    if agency not in (None, caller.agency):
        raise NotAllowed(
            "An agency sees only its own data.",
            errors=[_field_error(parameter="agency", detail=f"{caller.agency} or nothing")],
        )
    return caller.agency or ""


def _resolve_key_request(caller: Caller, body: KeyRequest) -> tuple[str, list[Scope]]:
    """Return the agency and scopes of a requested key; raise `NotAllowed` if not permitted."""
    agency = body.agency or caller.agency or ""
    scopes = sorted(set(body.scopes if body.scopes is not None else caller.scopes))
    if "admin" in caller.scopes:
        return agency, scopes
    errors: list[FieldError] = []
    if agency != caller.agency:
        errors.append(_field_error(pointer="#/agency", detail=f"must be {caller.agency}"))
    if not caller.scopes.issuperset(scopes):
        own = ", ".join(sorted(caller.scopes))
        errors.append(
            _field_error(pointer="#/scopes", detail=f"must be among those of this key: {own}")
        )
    if errors:
        raise NotAllowed("A key can only issue keys with its own agency and scopes.", errors=errors)
    return agency, scopes


def _check_link_request(caller: Caller, agency: str, use: LinkUse) -> None:
    """Raise `NotAllowed` if a key may not make this link."""
    if "admin" in caller.scopes:
        return
    errors: list[FieldError] = []
    if agency != caller.agency:
        errors.append(_field_error(pointer="#/agency", detail=f"must be {caller.agency}"))
    if SCOPE_OF[use] not in caller.scopes:
        detail = f"needs a key with the scope {SCOPE_OF[use]}"
        errors.append(_field_error(pointer="#/use", detail=detail))
    if errors:
        raise NotAllowed(
            "A key makes only links for its own agency that allow no more than it does.",
            errors=errors,
        )


def _field_error(
    *, detail: str, pointer: str | None = None, parameter: str | None = None
) -> FieldError:
    return FieldError(pointer=pointer, parameter=parameter, detail=detail)
