"""Jobs, backups and settings over HTTP, for administrators."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import httpx
from fastapi import Path, Query, Request
from pydantic import AwareDatetime, Field, StringConstraints

from services.gateway.hub_status.backups import list_backups
from services.gateway.hub_status.refused_items import Operator, settle_named_items
from services.platform.api_model import ApiModel
from services.platform.database import Database, ReadSessionDep, WriteSessionDep
from services.platform.identity import GATEWAY_CALLER, Administrator, Caller
from services.platform.job_status import (
    JobStatus,
    RefusedJobItem,
    ServiceJobs,
    read_job_statuses,
)
from services.platform.jobs import BackgroundJob, RefusedAction
from services.platform.paging import Page, paginate
from services.platform.parameters import Limit
from services.platform.problems import problem_responses
from services.platform.request_id import current_request_id
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.service_client import parse
from services.platform.settings import Service
from services.platform.settings_in_force import SettingSource, list_settings
from services.platform.types import TEXT_PATTERN, UtcDatetime

router = Router(prefix=API, tags=["hub"], responses=problem_responses(401, 403, 422))

MAX_ITEMS = 1000
ANSWER_SECONDS = 3.0
"""How long a service may take to list its jobs."""

JobName = Annotated[
    str,
    Path(pattern=r"^[a-z0-9-]{1,60}$", description="Name of the job.", examples=["deliver-clicks"]),
]
ItemName = Annotated[str, StringConstraints(pattern=TEXT_PATTERN, min_length=1, max_length=200)]


class HubJobs(ApiModel):
    """The background jobs of all services."""

    items: list[JobStatus] = Field(description="Jobs of the gateway first.")
    unanswered: list[str] = Field(description="Services that did not list their jobs in time.")


class RefusedItemNames(ApiModel):
    """Which refused items of a job are meant."""

    items: Annotated[list[ItemName], Field(min_length=1, max_length=MAX_ITEMS)] = Field(
        description="Their names, as `GET /api/v1/jobs` lists them."
    )


class SettledItems(ApiModel):
    """Refused items that were retried or discarded."""

    items: list[RefusedJobItem] = Field(description="With the reason for which each was refused.")


class BackupRecord(ApiModel):
    """An archive that `emall backup` completed; where it is kept, the hub does not know."""

    made_at: AwareDatetime = Field(description="The moment whose data it contains.")
    size: int = Field(ge=0, description="Bytes of the archive.")
    encrypted: bool = Field(description="Whether it is encrypted with a passphrase.")


class Setting(ApiModel):
    """A setting of the process that answers."""

    name: str = Field(description="Name of the environment variable.")
    value: str | None = Field(description="Null if it is not set, or secret.")
    is_secret: bool = Field(description="Whether its value is never shown.")
    is_set: bool = Field(description="Whether it has a value.")
    source: SettingSource = Field(
        description="Where the value comes from; `file`: a credential of systemd or a secret of a "
        "container; `program`: the command that started the process."
    )
    description: str = Field(description="What it does.")


class SettingList(ApiModel):
    """The settings of the process that answers."""

    items: list[Setting] = Field(description="In the order of the documentation.")


@dataclass(frozen=True)
class FoundJobs:
    """The jobs of all services, and the services that did not answer."""

    items: list[JobStatus]
    unanswered: list[str]


async def read_hub_jobs(request: Request) -> FoundJobs:
    """Read the gateway's own jobs, and ask the other services for theirs."""
    state = request.app.state
    database: Database = state.database
    clients: dict[Service, httpx.AsyncClient] = state.clients
    auth: httpx.Auth = state.auth_for(GATEWAY_CALLER)

    async def read_own() -> list[JobStatus]:
        async with database.read_session() as session:
            return await read_job_statuses(
                session, Service.gateway, state.jobs, get_region(request)
            )

    own, others = await asyncio.gather(
        read_own(),
        asyncio.gather(*(_ask_for_jobs(client, auth) for client in clients.values())),
    )
    return FoundJobs(
        items=own + [job for jobs in others if jobs is not None for job in jobs],
        unanswered=[
            service.value for service, jobs in zip(clients, others, strict=True) if jobs is None
        ],
    )


async def _ask_for_jobs(client: httpx.AsyncClient, auth: httpx.Auth) -> list[JobStatus] | None:
    """Return the jobs of a service; None if it does not answer."""
    try:
        answer = await client.get("/health/jobs", auth=auth, timeout=ANSWER_SECONDS)
        return parse(ServiceJobs, answer.raise_for_status()).items
    except httpx.HTTPError:
        return None


def operator_of(caller: Caller) -> Operator:
    """Return who makes a request, for the audit log."""
    return Operator(caller.subject, caller.agency, current_request_id())


@router.get("/jobs", operation_id="list_jobs")
async def list_jobs(request: Request, _: Administrator) -> HubJobs:
    """List the background jobs as `emall jobs` does: last run, next run, backlog, refused items."""
    found = await read_hub_jobs(request)
    return HubJobs(items=found.items, unanswered=found.unanswered)


@router.post(
    "/jobs/{job}/retry",
    operation_id="retry_refused_items",
    responses=problem_responses(404, 409),
)
async def retry_refused_items(
    request: Request,
    session: WriteSessionDep,
    caller: Administrator,
    *,
    job: JobName,
    body: RefusedItemNames,
) -> SettledItems:
    """Deliver refused items again, once their cause is mended: all that are named, or none."""
    return await _settle(request, session, caller, job, body, action="retry")


@router.post(
    "/jobs/{job}/discard",
    operation_id="discard_refused_items",
    responses=problem_responses(404, 409),
)
async def discard_refused_items(
    request: Request,
    session: WriteSessionDep,
    caller: Administrator,
    *,
    job: JobName,
    body: RefusedItemNames,
) -> SettledItems:
    """Remove refused items for good: all that are named, or none."""
    return await _settle(request, session, caller, job, body, action="discard")


async def _settle(
    request: Request,
    session: WriteSessionDep,
    caller: Caller,
    job: str,
    body: RefusedItemNames,
    *,
    action: RefusedAction,
) -> SettledItems:
    jobs: tuple[BackgroundJob, ...] = request.app.state.jobs
    settled = await settle_named_items(
        session,
        get_region(request),
        jobs,
        job,
        body.items,
        action=action,
        operator=operator_of(caller),
        now=datetime.now(UTC),
    )
    return SettledItems(items=[RefusedJobItem.of(item) for item in settled])


@router.get("/backups", operation_id="list_backups")
async def get_backups(
    request: Request,
    session: ReadSessionDep,
    _: Administrator,
    *,
    cursor: Annotated[UtcDatetime | None, Query(description="From `next`.")] = None,
    limit: Limit = 50,
) -> Page[BackupRecord]:
    """List the archives that `emall backup` completed, newest first."""
    found = await list_backups(session, get_region(request), before=cursor, limit=limit + 1)
    items = [BackupRecord.model_validate(each, from_attributes=True) for each in found]
    return paginate(request, items, limit=limit, cursor_of=lambda item: item.made_at.isoformat())


@router.get("/settings", operation_id="list_settings")
async def get_settings(request: Request, _: Administrator) -> SettingList:
    """List the settings in force in the process that answers, without the values of secrets."""
    shown = list_settings(request.app.state.settings)
    return SettingList(items=[Setting.model_validate(each, from_attributes=True) for each in shown])
