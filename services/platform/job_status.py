"""What background jobs did last, what waits for them, and what was refused."""

from collections.abc import Sequence

from fastapi import Request
from pydantic import AwareDatetime, Field
from sqlalchemy import text

from services.platform.api_model import ApiModel
from services.platform.database import ReadSession, ReadSessionDep
from services.platform.identity import CurrentCaller
from services.platform.jobs import BackgroundJob, PeriodicJob, RefusedItem, read_job_runs
from services.platform.problems import NotAllowed
from services.platform.router import Router
from services.platform.settings import Service, Settings

SHOWN_REFUSED = 100
"""Refused items of a job in an answer, the first refused first; all are counted."""


class RefusedJobItem(ApiModel):
    """An item that its receiver refused, set aside until it is retried or discarded."""

    item: str = Field(description="Name of the item among those of its job.")
    refused_at: AwareDatetime = Field(description="When it was set aside.")
    reason: str | None = Field(description="Why it was refused; null if nothing was recorded.")

    @classmethod
    def of(cls, item: RefusedItem) -> "RefusedJobItem":
        """Return what is shown of an item."""
        return cls(item=item.item, refused_at=item.refused_at, reason=item.reason)


class JobStatus(ApiModel):
    """A background job with its last run, its backlog and its refused items."""

    service: str = Field(description="Name of the hub's service, such as `feedback`.")
    job: str = Field(description="Name of the job, as in log lines.")
    every_seconds: float | None = Field(
        description="Pause between two runs; null for a job that runs all the time."
    )
    enabled: bool = Field(description="False if the settings turn the job off.")
    last_success: AwareDatetime | None = Field(description="Null until it succeeded once.")
    next_run: AwareDatetime | None = Field(description="Null if it is not known.")
    failures: int = Field(ge=0, description="Consecutive failures up to now.")
    last_failure: AwareDatetime | None = Field(description="Null if it never failed.")
    failure: str | None = Field(description="What the last failure was.")
    backlog: int | None = Field(
        ge=0, description="Items that wait; null for a job without a queue."
    )
    oldest: AwareDatetime | None = Field(description="Since when the oldest of them waits.")
    refused_count: int | None = Field(
        ge=0, description="Items that were refused; null for a job that sets nothing aside."
    )
    refused: list[RefusedJobItem] = Field(
        description=f"The first {SHOWN_REFUSED} of them, the longest refused first."
    )


class ServiceJobs(ApiModel):
    """The background jobs of one service."""

    items: list[JobStatus]


async def read_job_statuses(
    session: ReadSession,
    service: Service,
    jobs: Sequence[BackgroundJob],
    region: str,
    *,
    shown: int | None = SHOWN_REFUSED,
) -> list[JobStatus]:
    """Return what is known of a service's jobs, with so many refused items of each; None: all."""
    if not jobs:
        return []
    runs = await read_job_runs(session, service.value, region)
    statuses: list[JobStatus] = []
    for job in jobs:
        waiting = None
        if job.backlog is not None:
            waiting = (await session.execute(text(job.backlog), {"region": region})).one()
        refused_count, refused = None, list[RefusedItem]()
        if job.refused is not None:
            refused_count = await job.refused.count(session, region)
            refused = await job.refused.list(session, region, limit=shown)
        run = runs.get(job.name)
        periodic = job if isinstance(job, PeriodicJob) else None
        statuses.append(
            JobStatus(
                service=service.value,
                job=job.name,
                every_seconds=periodic.every.total_seconds() if periodic else None,
                enabled=periodic.enabled if periodic else True,
                last_success=run.succeeded_at if run else None,
                next_run=run.next_at if run and periodic else None,
                failures=run.failures if run else 0,
                last_failure=run.failed_at if run else None,
                failure=run.failure if run else None,
                backlog=waiting.items if waiting else None,
                oldest=waiting.oldest if waiting else None,
                refused_count=refused_count,
                refused=[RefusedJobItem.of(item) for item in refused],
            )
        )
    return statuses


def jobs_router(service: Service) -> Router:
    """Return `/health/jobs`, by which the gateway reads the jobs of a service."""
    router = Router(include_in_schema=False)

    @router.get("/health/jobs")
    async def list_service_jobs(
        request: Request, session: ReadSessionDep, caller: CurrentCaller
    ) -> ServiceJobs:
        if not caller.is_gateway:
            raise NotAllowed("Only the gateway reads the jobs of a service.")
        settings: Settings = request.app.state.settings
        jobs: tuple[BackgroundJob, ...] = getattr(request.app.state, "jobs", ())
        return ServiceJobs(items=await read_job_statuses(session, service, jobs, settings.region))

    return router
