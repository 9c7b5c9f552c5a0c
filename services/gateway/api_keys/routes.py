"""API keys over HTTP: an agency manages its own keys, an administrator all keys."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import AwareDatetime, Field

from services.gateway.api_keys.key_rotation import agency_of_key, issue_second_key, list_keys
from services.gateway.api_keys.keys import AgencyKey, revoke_key
from services.platform.api_model import ApiModel
from services.platform.concurrency_control import IdempotencyKey, claim_idempotency_key
from services.platform.database import ReadSessionDep, WriteSessionDep
from services.platform.identity import Caller
from services.platform.ids import new_id
from services.platform.paging import Page, next_page_url
from services.platform.parameters import Limit
from services.platform.problems import Conflict, FieldError, NotAllowed, NotFound, problem_responses
from services.platform.scopes import Scope
from services.platform.service import API, get_region
from services.platform.settings import Service
from services.platform.types import Slug

router = APIRouter(
    prefix=f"{API}/keys", tags=["access"], responses=problem_responses(401, 403, 422)
)

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
    days: int = Field(365, ge=1, le=1825, description="Days until the key expires.")


class CreatedKey(ApiModel):
    """A new key with its secret, which is shown only once."""

    id: str
    key: str = Field(description="Send it as `Authorization: Bearer`; it is not shown again.")
    agency: str
    scopes: list[Scope]
    expires_at: AwareDatetime


class ApiKey(ApiModel):
    """A key without its secret."""

    id: str
    agency: str
    scopes: list[Scope]
    created_at: AwareDatetime
    expires_at: AwareDatetime
    revoked_at: AwareDatetime | None
    last_used_at: AwareDatetime | None = Field(description="Precise to a minute.")
    rate_multiplier: int = Field(description="Factor applied to the usual rate limits.")
    monthly_quota: int | None = Field(description="Requests per month; null: no quota.")
    is_link: bool = Field(description="Whether it is an upload link rather than a key.")


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
    more = found[limit - 1]["id"] if len(found) > limit else None
    items = [ApiKey.model_validate(key) for key in found[:limit]]
    return Page(items=items, next=next_page_url(request, more))


@router.post("", operation_id="create_key", status_code=201, responses=problem_responses(409))
async def create_key(
    request: Request,
    session: WriteSessionDep,
    caller: AgencyKey,
    body: KeyRequest,
    idempotency_key: IdempotencyKey = None,
) -> CreatedKey:
    """Issue a key, so that an old one can be replaced without downtime.

    An agency's key issues keys with its own agency and scopes; an administrator's any. Two keys
    with the same scopes may be valid at once: install the new one, then delete the old one.
    """
    region, now = get_region(request), datetime.now(UTC)
    agency, scopes = _resolve_key_request(caller, body)
    claimed, is_new = await claim_idempotency_key(
        session,
        Service.gateway,
        region,
        caller=caller.subject,
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
    issued = await issue_second_key(
        session,
        region,
        agency=agency,
        scopes=scopes,
        now=now,
        lifetime=timedelta(days=body.days),
        key_id=key_id,
    )
    return CreatedKey(
        id=issued.id, key=issued.key, agency=agency, scopes=scopes, expires_at=issued.expires_at
    )


@router.delete(
    "/{id}",
    operation_id="delete_key",
    status_code=204,
    response_class=Response,
    responses=problem_responses(404),
)
async def delete_key(
    request: Request, session: WriteSessionDep, caller: AgencyKey, id: KeyId
) -> None:
    """Revoke a key; every replica rejects it within two seconds."""
    region = get_region(request)
    agency = await agency_of_key(session, region, id)
    may_revoke = agency is not None and caller.can_write_for(agency)
    if not may_revoke or not await revoke_key(session, region, id, now=datetime.now(UTC)):
        raise NotFound(f"You have no valid key {id}; GET {API}/keys lists your keys.")


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
    if frozenset(scopes) != caller.scopes:
        same = ", ".join(sorted(caller.scopes))
        errors.append(
            _field_error(pointer="#/scopes", detail=f"must be the same as this key's: {same}")
        )
    if errors:
        raise NotAllowed("A key can only issue keys with its own agency and scopes.", errors=errors)
    return agency, scopes


def _field_error(
    *, detail: str, pointer: str | None = None, parameter: str | None = None
) -> FieldError:
    return FieldError(pointer=pointer, parameter=parameter, detail=detail)
