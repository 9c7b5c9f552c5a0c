"""The audit log over HTTP, for administrators."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, Field

from services.gateway.audit.records import list_latest
from services.platform.api_model import ApiModel
from services.platform.database import ReadSessionDep
from services.platform.identity import Administrator
from services.platform.paging import Page, paginate
from services.platform.parameters import Limit
from services.platform.problems import problem_responses
from services.platform.service import API, get_region
from services.platform.types import Sha256, Slug

router = APIRouter(prefix=API, tags=["access"], responses=problem_responses(401, 403, 422))


class AuditLine(ApiModel):
    """A write, and its position in the chain."""

    number: int
    at: AwareDatetime = Field(description="Time of the write; without a key only the hour.")
    key_id: str = Field(description="The key, `anonymous`, `command-line`, or `hub`.")
    agency: str | None
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
    cursor: Annotated[int | None, Query(ge=1, le=2**62 - 1, description="From `next`.")] = None,
    limit: Limit = 50,
) -> Page[AuditLine]:
    """List writes, newest first. `emall audit verify` checks that no line was changed.

    A line appears within seconds, one without its minute when its hour is over. Lines past their
    retention are deleted by whole months.
    """
    lines = await list_latest(
        session, get_region(request), agency=agency, before=cursor, limit=limit + 1
    )
    items = [
        AuditLine(number=line.number, previous=line.previous, hash=line.hash, **asdict(line.entry))
        for line in lines
    ]
    return paginate(request, items, limit=limit, cursor_of=lambda item: str(item.number))
