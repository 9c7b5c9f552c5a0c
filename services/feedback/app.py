"""Application of the feedback service."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from services.feedback.bundle_job import form_bundles_forever
from services.feedback.comments.agency_routes import router as comment_agency
from services.feedback.comments.attachments import router as comment_attachments
from services.feedback.comments.open311 import router as open311
from services.feedback.comments.retention import prune_comments_forever
from services.feedback.comments.routes import router as comments
from services.feedback.comments.sp4n_export import router as sp4n_export
from services.feedback.comments.summary import router as comment_summary
from services.feedback.events.event_queue import EventQueue
from services.feedback.events.fast_path import STATE_KEY, FastEventWriter
from services.feedback.events.intake import Intake
from services.feedback.events.partitions import run_retention
from services.feedback.events.routes import EventIngestApp
from services.feedback.events.routes import router as events
from services.feedback.events.schemas import UsageCloudEvent
from services.feedback.events.writer import SESSION_SETTINGS
from services.feedback.statistics.flag_routes import router as flags
from services.feedback.statistics.obligation_routes import router as obligations
from services.feedback.statistics.routes import router as statistics
from services.feedback.statistics.summary_routes import router as usage_summary
from services.feedback.statistics.upload_routes import router as statistics_upload
from services.feedback.surveys.export_routes import router as survey_exports
from services.feedback.surveys.follow_up_routes import router as follow_up
from services.feedback.surveys.rating_routes import router as rating_tokens
from services.feedback.surveys.routes import router as surveys
from services.platform.database import Database
from services.platform.jobs import cancel_and_wait
from services.platform.service import create_service_app
from services.platform.settings import Service, Settings

EXAMPLES = Path(__file__).with_name("examples.json")


def create_app(settings: Settings) -> FastAPI:
    """Create the application for usage events, statistics, surveys and comments."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[dict[str, Any]]:
        database: Database = app.state.database
        months = settings.event_retention_months
        queue = EventQueue(
            lambda: database.connect(purpose="events", **SESSION_SETTINGS), region=settings.region
        )
        app.state.intake = Intake(queue, retention_months=months)
        retention = asyncio.create_task(
            run_retention(database, settings.region, retention_months=months),
            name="event retention",
        )
        comment_pruning = asyncio.create_task(
            prune_comments_forever(
                database, settings.region, retention_months=settings.comment_retention_months
            ),
            name="prune comments",
        )
        bundling = asyncio.create_task(
            form_bundles_forever(
                database, settings.region, interval_seconds=settings.bundle_seconds
            ),
            name="form bundles",
        )
        writer = FastEventWriter(
            app.state.intake, app.state.verifier, max_body_bytes=settings.max_body_bytes
        )
        try:
            yield {STATE_KEY: writer} if settings.fast_path else {}
        finally:
            for task in (retention, comment_pruning, bundling):
                await cancel_and_wait(task)
            await queue.close()
            await database.close()

    return create_service_app(
        Service.feedback,
        settings,
        title="emall feedback",
        routers=[
            events,
            statistics,
            usage_summary,
            obligations,
            statistics_upload,
            flags,
            surveys,
            survey_exports,
            follow_up,
            rating_tokens,
            comment_agency,
            comment_summary,
            sp4n_export,
            comment_attachments,
            comments,
            open311,
        ],
        lifespan=lifespan,
        examples=EXAMPLES,
        models=[UsageCloudEvent],
        app_class=EventIngestApp,
    )
