"""Application of the feedback service."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

from fastapi import FastAPI

from services.feedback.bundle_job import form_bundles_now
from services.feedback.comments.agency_routes import router as comment_agency
from services.feedback.comments.attachments import router as comment_attachments
from services.feedback.comments.correction_routes import router as comment_corrections
from services.feedback.comments.open311 import Open311Error
from services.feedback.comments.open311 import router as open311
from services.feedback.comments.publication_routes import router as comment_publications
from services.feedback.comments.retention import prune_comments_now
from services.feedback.comments.routes import router as comments
from services.feedback.comments.sp4n_export import router as sp4n_export
from services.feedback.comments.summary import router as comment_summary
from services.feedback.events.event_queue import EventQueue
from services.feedback.events.fast_path import STATE_KEY, FastEventWriter
from services.feedback.events.intake import Intake
from services.feedback.events.partitions import prune_events
from services.feedback.events.routes import MAX_BODY_BYTES, EventIngestApp
from services.feedback.events.routes import router as events
from services.feedback.events.schemas import UsageCloudEvent
from services.feedback.events.writer import SESSION_SETTINGS
from services.feedback.helpfulness.routes import router as helpfulness
from services.feedback.names_routes import router as names
from services.feedback.reference_data import ReferenceDataCache
from services.feedback.retractions.routes import router as retractions
from services.feedback.statistics.draft_routes import router as statistic_drafts
from services.feedback.statistics.flag_routes import router as flags
from services.feedback.statistics.obligation_routes import MAX_KNOWN_REPORTING
from services.feedback.statistics.obligation_routes import router as obligations
from services.feedback.statistics.obligation_schemas import Reporting
from services.feedback.statistics.routes import router as statistics
from services.feedback.statistics.summary_routes import router as usage_summary
from services.feedback.statistics.upload_routes import router as statistics_upload
from services.feedback.surveys.export_routes import router as survey_exports
from services.feedback.surveys.follow_up_routes import router as follow_up
from services.feedback.surveys.held_routes import router as held_responses
from services.feedback.surveys.invitation_routes import router as survey_invitations
from services.feedback.surveys.rating_routes import router as rating_tokens
from services.feedback.surveys.round_routes import router as survey_rounds
from services.feedback.surveys.routes import router as surveys
from services.platform.database import Database
from services.platform.jobs import BackgroundJob, PeriodicJob
from services.platform.local_time import LocalTime
from services.platform.problems import Unavailable
from services.platform.recent_results import RecentResults
from services.platform.revision import revision_router
from services.platform.service import create_service_app
from services.platform.settings import Service, Settings

EXAMPLES = Path(__file__).with_name("examples.json")


def create_app(settings: Settings) -> FastAPI:
    """Create the application for usage events, statistics, surveys and comments."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[dict[str, Any]]:
        database: Database = app.state.database
        local_time: LocalTime = app.state.local_time
        await local_time.load()
        months = settings.event_retention_months
        queue = EventQueue(
            lambda: database.connect(purpose="events", is_for_requests=True, **SESSION_SETTINGS),
            settings.region,
            local_time,
        )
        references: ReferenceDataCache = app.state.reference_data
        with suppress(Unavailable):  # the first request reads them then
            await references.get()
        observe = None
        if app.state.metrics:
            from services.feedback.events.metrics import add_event_metrics  # noqa: PLC0415

            observe = add_event_metrics(app.state.metrics[0], queue)
        app.state.intake = Intake(queue, local_time, references, retention_months=months)
        writer = FastEventWriter(
            app.state.intake,
            app.state.verifier,
            max_body_bytes=min(settings.max_body_bytes, MAX_BODY_BYTES),
            observe=observe,
        )
        jobs: tuple[BackgroundJob, ...] = app.state.jobs
        async with AsyncExitStack() as stack:
            stack.push_async_callback(database.close)
            stack.push_async_callback(queue.close)
            for job in jobs:
                job.start()
                stack.push_async_callback(job.stop)
            yield {STATE_KEY: writer} if settings.fast_path else {}

    app = create_service_app(
        Service.feedback,
        settings,
        title="emall feedback",
        routers=[
            events,
            statistics,
            usage_summary,
            helpfulness,
            retractions,
            obligations,
            statistics_upload,
            statistic_drafts,
            flags,
            surveys,
            survey_exports,
            held_responses,
            follow_up,
            survey_invitations,
            survey_rounds,
            rating_tokens,
            comment_agency,
            comment_summary,
            sp4n_export,
            comment_attachments,
            comments,
            comment_corrections,
            comment_publications,
            open311,
            names,
            revision_router(Service.feedback),
        ],
        lifespan=lifespan,
        examples=EXAMPLES,
        models=[UsageCloudEvent, Open311Error],
        app_class=EventIngestApp,
    )
    local_time = LocalTime(app.state.database, Service.feedback, settings.region)
    app.state.local_time = local_time
    app.state.known_reporting = RecentResults[tuple[int, str], Reporting](MAX_KNOWN_REPORTING)
    references = ReferenceDataCache(app.state.database, settings.region)
    app.state.reference_data = references
    app.state.jobs = _declare_jobs(app.state.database, settings, local_time, references)
    if app.state.metrics:
        app.state.metrics[0].add_jobs(app.state.jobs)
        cast("EventIngestApp", app).observe(app.state.metrics[0].requests.observe)
    return app


def _declare_jobs(
    database: Database,
    settings: Settings,
    local_time: LocalTime,
    references: ReferenceDataCache,
) -> tuple[BackgroundJob, ...]:
    """Declare every background job of the service, in the order of their start."""
    region = settings.region
    periodic = partial(PeriodicJob, database=database, region=region)
    hour = timedelta(hours=1)
    return (
        local_time.refresh_job(),
        *references.create_jobs(),
        periodic(
            "prune-events",
            partial(
                prune_events,
                database,
                region,
                local_time,
                retention_months=settings.event_retention_months,
            ),
            every=hour,
            first_after=timedelta(),
        ),
        periodic(
            "prune-comments",
            partial(
                prune_comments_now,
                database,
                region,
                local_time,
                retention_months=settings.comment_retention_months,
            ),
            every=hour,
            first_after=timedelta(minutes=1),
        ),
        periodic(
            "form-bundles",
            partial(form_bundles_now, database, region, local_time),
            every=timedelta(seconds=settings.bundle_seconds),
            first_after=timedelta(),
            enabled=settings.bundle_seconds > 0,
        ),
    )
