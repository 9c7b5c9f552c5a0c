"""`GET /api/v1/status`: the hub, its services, its queues, and what is wrong."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import httpx
from fastapi import Request
from pydantic import Field

from services.gateway.http_cache.stats import CacheCounts
from services.platform.api_model import ApiModel
from services.platform.database import DATABASE_ERRORS, Database
from services.platform.disk_spool import DiskSpool
from services.platform.health import rules
from services.platform.health.database_checks import read_queues
from services.platform.health.findings import HealthCheck, Severity, worst
from services.platform.health.monitor import HealthMonitor
from services.platform.health.schemas import Health, HealthFinding, State, health_of
from services.platform.jobs import BackgroundJob
from services.platform.logging import summarise
from services.platform.router import Router
from services.platform.service import API
from services.platform.service_client import parse
from services.platform.settings import Service
from services.platform.types import RegionCode
from services.platform.version import VERSION, git_commit

router = Router()

READY_SECONDS = 3.0
"""How long a service may take to say how it is; it takes at most two."""


class ServiceState(ApiModel):
    """State of one service: `down` if it cannot serve, `degraded` if anything else is wrong."""

    service: str = Field(description="Name of the hub's service, such as `catalog`.")
    state: State
    version: str = Field(description="Version of the software that it runs.")


class HubFinding(ApiModel):
    """Something that is wrong, and which services found it."""

    check: HealthCheck = Field(description="Name of the check.")
    severity: Literal[Severity.warning, Severity.error]
    message: str = Field(description="What is wrong, in words.")
    services: list[str] = Field(description="Services that found it.")


class CheckCount(ApiModel):
    """A check of the hub."""

    check: HealthCheck = Field(description="Name of the check.")
    severity: Severity = Field(
        description="The worst of its findings; `ok` without any; `unknown`: not measured yet, or "
        "not measurable."
    )
    findings: int = Field(ge=0)


class JobQueue(ApiModel):
    """What a background job has to deliver."""

    job: str
    waiting: int = Field(ge=0, description="Items that are delivered as soon as they can be.")
    refused: int = Field(
        ge=0,
        description="Items that their receiver refused, set aside until an operator retries or "
        "discards them.",
    )


class Visits(ApiModel):
    """Visits that the gateway's database could not store, in the process that answers."""

    on_disk: int = Field(ge=0, description="They are stored as soon as the database takes them.")
    lost: int = Field(ge=0, description="Neither database nor disk took them, since the start.")


class HubStatus(ApiModel):
    """State of the hub, of each service and of each check."""

    state: Literal["ok", "degraded"] = Field(description="`degraded` if anything is wrong.")
    region: RegionCode
    version: str = Field(description="Version of the software.")
    commit: str = Field(description="Git commit of the gateway; `unknown` if not recorded.")
    services: list[ServiceState] = Field(description="State of each service of the hub.")
    findings: list[HubFinding] = Field(description="What is wrong, the worst first.")
    checks: list[CheckCount] = Field(description="Findings of each check.")
    queues: list[JobQueue] = Field(description="Empty while the gateway's database is away.")
    visits: Visits = Field(description="Requests that wait to be counted.")
    cache: CacheCounts = Field(description="Hits and misses of the cache since the start.")


@dataclass(frozen=True)
class Answer:
    """What a service says of itself, and why it says nothing."""

    health: Health
    findings: tuple[HealthFinding, ...] = ()
    """What the gateway found about the service."""


@router.get(f"{API}/status", operation_id="get_hub_status", tags=["hub"])
async def get_hub_status(request: Request) -> HubStatus:
    """Report whether every service answers and nothing is wrong: `ok`, or `degraded` if not.

    The HTTP status is 200 in both cases.
    """
    state = request.app.state
    monitor: HealthMonitor = state.health
    spool: DiskSpool = state.click_outbox.spool
    clients: dict[Service, httpx.AsyncClient] = state.clients
    report, others = await asyncio.gather(
        monitor.report(),
        asyncio.gather(*(ask_service(service, client) for service, client in clients.items())),
    )
    answers = [Answer(health_of(Service.gateway, report)), *others]
    findings = _merge(answers)
    return HubStatus(
        state="degraded" if findings else "ok",
        region=state.settings.region,
        version=VERSION,
        commit=git_commit(),
        services=[
            ServiceState(
                service=answer.health.service,
                state=answer.health.state,
                version=answer.health.version,
            )
            for answer in answers
        ],
        findings=findings,
        checks=_count_checks(answers, findings),
        # If they cannot be counted, the checks have waited for the database long enough.
        queues=[]
        if report.severity_of(HealthCheck.queues) is Severity.unknown
        else await _queues(request),
        visits=Visits(on_disk=spool.waiting, lost=spool.lost),
        cache=state.cache.counts,
    )


async def ask_service(service: Service, client: httpx.AsyncClient) -> Answer:
    """Ask a service how it is, and compare its clock with the gateway's."""
    before = time.time()
    try:
        wait = min(client.timeout.read or READY_SECONDS, READY_SECONDS)
        response = await client.get("/health/ready", timeout=wait)
        health = parse(Health, response)
    except httpx.HTTPError as error:
        down = rules.down_service(service.value, summarise(error))
        health = Health(
            service=service.value, state="down", version=VERSION, time=None, findings=[], checks=[]
        )
        return Answer(health, (HealthFinding.of(down),))
    took = timedelta(seconds=time.time() - before)
    here = datetime.fromtimestamp(before, UTC) + took / 2
    found = [] if health.state != "down" else [rules.down_service(service.value, "not ready")]
    if health.time is not None:
        clock = rules.judge_clock(
            health.time - here,
            uncertainty=took / 2,
            whose=f"the process of {service.value}",
            other="the gateway's",
        )
        found += [clock] if clock else []
    return Answer(health, tuple(HealthFinding.of(each) for each in found))


def _merge(answers: list[Answer]) -> list[HubFinding]:
    """Return what was found, each once: services in one process find the same full disk."""
    merged: dict[tuple[HealthCheck, Severity, str], HubFinding] = {}
    for answer in answers:
        for found in (*answer.findings, *answer.health.findings):
            key = (found.check, found.severity, found.message)
            if key not in merged:
                merged[key] = HubFinding(
                    check=found.check, severity=found.severity, message=found.message, services=[]
                )
            if answer.health.service not in merged[key].services:
                merged[key].services.append(answer.health.service)
    return sorted(merged.values(), key=lambda found: found.severity != Severity.error)


def _count_checks(answers: list[Answer], findings: list[HubFinding]) -> list[CheckCount]:
    """Return each check that some service ran, in the order of `Check`."""
    states = {HealthCheck.services: [Severity.ok]}
    for answer in answers:
        for each in answer.health.checks:
            states.setdefault(each.check, []).append(each.severity)
    for found in findings:
        states.setdefault(found.check, []).append(found.severity)
    return [
        CheckCount(
            check=check,
            severity=worst(states[check]),
            findings=sum(found.check is check for found in findings),
        )
        for check in HealthCheck
        if check in states
    ]


async def _queues(request: Request) -> list[JobQueue]:
    """Count the items of each job that delivers something."""
    jobs: tuple[BackgroundJob, ...] = request.app.state.jobs
    database: Database = request.app.state.database
    try:
        async with asyncio.timeout(READY_SECONDS), database.read_session() as session:
            queues = await read_queues(session, jobs, request.app.state.settings.region)
    except DATABASE_ERRORS:
        return []
    return [
        JobQueue(job=queue.job, waiting=queue.waiting, refused=queue.refused)
        for queue in queues
        if queue.refused is not None
    ]
