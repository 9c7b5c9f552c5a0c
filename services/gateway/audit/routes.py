"""The audit log over HTTP, for administrators."""

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request
from pydantic import AwareDatetime, Field

from services.gateway.audit.records import AuditFilter, list_latest
from services.gateway.people.records import names_of, subject_of
from services.platform.api_model import ApiModel
from services.platform.database import ReadSessionDep
from services.platform.identity import Administrator
from services.platform.paging import Page, paginate
from services.platform.parameters import Limit
from services.platform.problems import problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.types import Sha256, ShortText, Slug, UtcDatetime

router = Router(prefix=API, tags=["access"], responses=problem_responses(401, 403, 422))


class AuditLine(ApiModel):
    """A write, and its position in the chain."""

    number: int = Field(description="Position in the chain, from 1 without gaps.")
    at: AwareDatetime = Field(description="Time of the write; without a key only the hour.")
    key_id: str = Field(
        description="The key, the id of a person, `anonymous`, `command-line`, or `hub`."
    )
    name: str | None = Field(
        description="Name of the person whose id it is, as it is now; null of a key."
    )
    agency: str | None = Field(description="Agency whose key was used; null without a key.")
    action: str = Field(
        description="Method of the request, or the command; `refusals`: writes without a key that "
        "stored nothing, of up to an hour."
    )
    target: str = Field(
        description="Path of the request, or the command's argument; with `refusals`, how many "
        "writes got which status: `401: 3, 404: 27`."
    )
    status: int | None = Field(description="HTTP status of the response.")
    problem: str | None = Field(description="Type of the problem, if the write was rejected.")
    request_id: str = Field(
        description="Trace id of the caller, or an id made by the gateway; without a key an id of "
        "this line only."
    )
    body_hash: Sha256 | None = Field(
        description="SHA-256 of the request body, if it was sent with a key."
    )
    previous: Sha256 = Field(description="Hash of the previous line.")
    hash: Sha256 = Field(description="SHA-256 of this line, including the previous hash.")


@router.get("/audit", operation_id="list_audit_lines")
async def list_audit_lines(
    request: Request,
    session: ReadSessionDep,
    caller: Administrator,
    *,
    agency: Annotated[Slug | None, Query(description="Only writes of this agency.")] = None,
    person: Annotated[UUID | None, Query(description="Only writes of this person.")] = None,
    key_id: Annotated[
        str | None,
        Query(
            pattern=r"^[0-9a-z-]{1,40}$",
            description="Only writes of this key, or `command-line`, `hub`, `anonymous`.",
        ),
    ] = None,
    action: Annotated[
        ShortText | None, Query(description="Only this method or command, such as `DELETE`.")
    ] = None,
    target: Annotated[
        ShortText | None, Query(description="Only writes whose path has this text.")
    ] = None,
    since: Annotated[
        UtcDatetime | None, Query(alias="from", description="Only writes from this moment on.")
    ] = None,
    until: Annotated[
        UtcDatetime | None, Query(alias="to", description="Only writes before this moment.")
    ] = None,
    cursor: Annotated[int | None, Query(ge=1, le=2**62 - 1, description="From `next`.")] = None,
    limit: Limit = 50,
) -> Page[AuditLine]:
    """List writes, newest first. `emall audit verify` checks that no line was changed.

    A line appears within seconds, one without its minute when its hour is over. Lines past their
    retention are deleted by whole months.
    """
    region = get_region(request)
    wanted = AuditFilter(
        agency=agency,
        key_id=subject_of(person) if person is not None else key_id,
        action=action,
        target=target,
        since=since,
        until=until,
    )
    lines = await list_latest(session, region, wanted, before=cursor, limit=limit + 1)
    names = await names_of(session, region, {line.entry.key_id for line in lines})
    items = [
        AuditLine(
            number=line.number,
            name=names.get(line.entry.key_id),
            previous=line.previous,
            hash=line.hash,
            **asdict(line.entry),
        )
        for line in lines
    ]
    return paginate(request, items, limit=limit, cursor_of=lambda item: str(item.number))
