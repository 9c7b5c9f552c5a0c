"""Keys over HTTP: an agency sees, renews and ends its own; an administrator everybody's."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import AwareDatetime, Field

from services.gateway.api_keys.key_rotation import agency_of_key, issue_beside, list_keys
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


class NewKey(ApiModel):
    """A key that is wanted."""

    agency: Slug | None = Field(None, description="Whose key; default: the caller's agency.")
    scopes: list[Scope] | None = Field(
        None,
        min_length=1,
        max_length=10,
        description="What it allows; default: the scopes of the key that asks.",
    )
    days: int = Field(365, ge=1, le=1825, description="Days until it expires.")


class MadeKey(ApiModel):
    """A key with its secret, which is shown this once."""

    id: str
    key: str = Field(description="Send it as `Authorization: Bearer`; it is not shown again.")
    agency: str
    scopes: list[Scope]
    expires_at: AwareDatetime


class ListedKey(ApiModel):
    """A key as it stands."""

    id: str
    agency: str
    scopes: list[Scope]
    created_at: AwareDatetime
    expires_at: AwareDatetime
    revoked_at: AwareDatetime | None
    last_used_at: AwareDatetime | None = Field(description="To the minute.")
    pace: int = Field(description="So many times the usual limits hold for it.")
    monthly_quota: int | None = Field(description="Requests in a month, if there is a quota.")
    is_link: bool = Field(description="It is a link with which people upload, not a key.")


@router.get("", operation_id="list_keys")
async def get_keys(
    request: Request,
    session: ReadSessionDep,
    caller: AgencyKey,
    *,
    agency: Annotated[
        Slug | None, Query(description="Of this agency; an agency sees its own alone.")
    ] = None,
    cursor: Annotated[
        str | None, Query(pattern=r"^[0-9a-z]{1,40}$", description="From `next`.")
    ] = None,
    limit: Limit = 50,
) -> Page[ListedKey]:
    """The keys of the caller's agency, or of all for an administrator."""
    wanted = shown_to(caller, agency)
    found = await list_keys(
        session, get_region(request), agency=wanted, cursor=cursor, limit=limit + 1
    )
    more = found[limit - 1]["id"] if len(found) > limit else None
    items = [ListedKey.model_validate(key) for key in found[:limit]]
    return Page(items=items, next=next_page_url(request, more))


@router.post("", operation_id="create_key", status_code=201, responses=problem_responses(409))
async def create_key(
    request: Request,
    session: WriteSessionDep,
    caller: AgencyKey,
    wanted: NewKey,
    idempotency_key: IdempotencyKey = None,
) -> MadeKey:
    """A new key, so that the old one can be replaced without a pause.

    An agency's key makes another one of its own agency and scopes; an administrator's any. Two
    with the same scopes may be in force at once: install the new one, then delete the old one.
    """
    region, now = get_region(request), datetime.now(UTC)
    agency, scopes = _wanted_of(caller, wanted)
    claimed, is_new = await claim_idempotency_key(
        session,
        Service.gateway,
        region,
        caller=caller.subject,
        key=idempotency_key,
        body=wanted,
        new_id=new_id(),
        now=now,
    )
    key_id = claimed.hex[-12:]
    if not is_new:
        raise Conflict(
            f"The key {key_id} was made by this Idempotency-Key and shown; a secret is never shown "
            "again. Delete it and make another."
        )
    made = await issue_beside(
        session,
        region,
        agency=agency,
        scopes=scopes,
        now=now,
        life=timedelta(days=wanted.days),
        key_id=key_id,
    )
    return MadeKey(
        id=made.id, key=made.key, agency=agency, scopes=scopes, expires_at=made.expires_at
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
    """Ends a key for good; within two seconds nothing accepts it any more."""
    region = get_region(request)
    agency = await agency_of_key(session, region, id)
    mine = agency is not None and caller.can_write_for(agency)
    if not mine or not await revoke_key(session, region, id, now=datetime.now(UTC)):
        raise NotFound(f"There is no key {id} of yours in force; GET {API}/keys lists them.")


def shown_to(caller: Caller, agency: str | None) -> str | None:
    """Of which agency a caller is shown something: its own, or for an administrator any or all."""
    if "admin" in caller.scopes:
        return agency
    if agency not in (None, caller.agency):
        raise NotAllowed(
            "An agency sees its own alone.",
            errors=[_field(parameter="agency", detail=f"{caller.agency} or nothing")],
        )
    return caller.agency or ""


def _wanted_of(caller: Caller, wanted: NewKey) -> tuple[str, list[Scope]]:
    """For whom a key is made and with what scopes, if this caller may make it."""
    agency = wanted.agency or caller.agency or ""
    scopes = sorted(set(wanted.scopes if wanted.scopes is not None else caller.scopes))
    if "admin" in caller.scopes:
        return agency, scopes
    errors: list[FieldError] = []
    if agency != caller.agency:
        errors.append(_field(pointer="#/agency", detail=f"{caller.agency}: an agency's own alone"))
    if frozenset(scopes) != caller.scopes:
        same = ", ".join(sorted(caller.scopes))
        errors.append(_field(pointer="#/scopes", detail=f"the same as this key has: {same}"))
    if errors:
        raise NotAllowed("A key makes another one of its own kind.", errors=errors)
    return agency, scopes


def _field(*, detail: str, pointer: str | None = None, parameter: str | None = None) -> FieldError:
    return FieldError(pointer=pointer, parameter=parameter, detail=detail)
