"""Status of the hub, and its OpenAPI document."""

import asyncio
from typing import Literal

import httpx
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from pydantic import Field
from sqlalchemy import text

from services.gateway.api_docs.openapi import for_splp, public_address, unified_document
from services.gateway.http_cache.stats import CacheCounts
from services.platform.api_model import ApiModel
from services.platform.database import DATABASE_ERRORS, Database
from services.platform.jobs import BackgroundJob, count_waiting
from services.platform.service import API, Health
from services.platform.settings import Service
from services.platform.types import RegionCode
from services.platform.version import VERSION, git_commit

router = APIRouter()

READY_SECONDS = 5.0


class JobQueue(ApiModel):
    """What a background job has to deliver."""

    job: str
    waiting: int = Field(ge=0, description="Items that are delivered as soon as they can be.")
    refused: int = Field(
        ge=0,
        description="Items that their receiver refused, set aside until an operator retries or "
        "discards them.",
    )


class HubStatus(ApiModel):
    """State of the hub and of each service."""

    state: Literal["ok", "degraded"]
    region: RegionCode
    version: str
    commit: str = Field(description="Git commit of the gateway; `unknown` if not recorded.")
    services: list[Health]
    queues: list[JobQueue] = Field(description="Empty while the gateway's database is away.")
    cache: CacheCounts


@router.get(f"{API}/status", operation_id="get_hub_status", tags=["hub"])
async def get_hub_status(request: Request) -> HubStatus:
    """Report whether every service answers and nothing is stuck: `ok`, or `degraded` if not.

    The HTTP status is 200 in both cases.
    """
    clients: dict[Service, httpx.AsyncClient] = request.app.state.clients
    states = await asyncio.gather(
        _own_health(request.app.state.database),
        *(_health_of(service, client) for service, client in clients.items()),
    )
    queues = await _queues(request)
    well = all(health.state == "ok" for health in states) and not any(q.refused for q in queues)
    return HubStatus(
        state="ok" if well else "degraded",
        region=request.app.state.settings.region,
        version=VERSION,
        commit=git_commit(),
        services=states,
        queues=queues,
        cache=request.app.state.cache.counts,
    )


@router.get("/openapi.json", include_in_schema=False)
async def openapi_document(request: Request, audience: Literal["splp"] | None = None) -> Response:
    """Return the OpenAPI document of the hub; for `audience=splp` the part published on SPLP.

    Any other query leads to the same document, which is written and compressed only once.
    """
    query = "" if audience is None else f"audience={audience}"
    if request.scope["query_string"].decode("latin-1") != query:
        return RedirectResponse(f"{request.url.path}{'?' if query else ''}{query}")
    document = await unified_document(request.app)
    if audience == "splp":
        document = for_splp(document, address=public_address(request.app.state.settings))
    return JSONResponse(document)


async def _queues(request: Request) -> list[JobQueue]:
    """Count the items of each job that delivers something."""
    state = request.app.state
    jobs: tuple[BackgroundJob, ...] = state.jobs
    database: Database = state.database
    region: str = state.settings.region
    queues: list[JobQueue] = []
    try:
        async with database.read_session() as session:
            for job in jobs:
                if job.refused is not None:
                    waiting = await count_waiting(session, job, region)
                    refused = await job.refused.count(session, region)
                    queues.append(JobQueue(job=job.name, waiting=waiting, refused=refused))
    except DATABASE_ERRORS:
        return []
    return queues


async def _own_health(database: Database) -> Health:
    try:
        async with database.read_session() as session:
            await session.execute(text("SELECT 1"))
    except DATABASE_ERRORS:
        return Health(service="gateway", state="down", version=VERSION)
    return Health(service="gateway", state="ok", version=VERSION)


async def _health_of(service: Service, client: httpx.AsyncClient) -> Health:
    try:
        wait = min(client.timeout.read or READY_SECONDS, READY_SECONDS)
        answer = await client.get("/health/ready", timeout=wait)
        return Health.model_validate_json(answer.content)
    except (httpx.HTTPError, ValueError):
        return Health(service=service.value, state="down", version=VERSION)
