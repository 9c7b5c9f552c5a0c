"""Application factory of the catalog service."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from services.catalog.agency_routes import router as agencies
from services.catalog.demand_routes import router as demand
from services.catalog.document_type_routes import router as document_types
from services.catalog.draft_routes import router as drafts
from services.catalog.exports.hsds_routes import router as hsds
from services.catalog.exports.routes import router as exports
from services.catalog.life_event_routes import router as life_events
from services.catalog.link_names_routes import router as link_names
from services.catalog.place_routes import router as places
from services.catalog.publishing_routes import router as publishing
from services.catalog.record_version_routes import router as record_versions
from services.catalog.routes import router as services
from services.catalog.search.demand import SearchDemand
from services.catalog.search.store import CatalogIndex
from services.catalog.source_routes import router as sources
from services.catalog.spreadsheet.routes import router as spreadsheet
from services.catalog.suggestion_routes import router as suggestions
from services.catalog.term_routes import router as search_terms
from services.platform.jobs import BackgroundJob
from services.platform.local_time import LocalTime
from services.platform.prepared_reads import PreparedReads
from services.platform.revision import revision_router
from services.platform.service import API, create_service_app
from services.platform.settings import Service, Settings

EXAMPLES = Path(__file__).with_name("examples.json")


def create_app(settings: Settings) -> FastAPI:
    """Return the catalog service as an application."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        await app.state.local_time.load()
        jobs: tuple[BackgroundJob, ...] = app.state.jobs
        async with AsyncExitStack() as stack:
            stack.push_async_callback(app.state.database.close)
            stack.push_async_callback(app.state.reads.close)
            stack.push_async_callback(app.state.search.close)
            for job in jobs:
                job.start()
                stack.push_async_callback(job.stop)
            yield

    app = create_service_app(
        Service.catalog,
        settings,
        title="emall catalog",
        routers=[
            services,
            suggestions,
            publishing,
            drafts,
            agencies,
            life_events,
            link_names,
            places,
            document_types,
            sources,
            record_versions,
            demand,
            search_terms,
            exports,
            hsds,
            spreadsheet,
            revision_router(Service.catalog),
        ],
        lifespan=lifespan,
        examples=EXAMPLES,
        is_published=lambda path: path.startswith((f"{API}/", "/hsds")),
    )
    app.state.reads = PreparedReads(app.state.database)
    app.state.search = CatalogIndex(app.state.database, settings.region)
    local_time = LocalTime(app.state.database, Service.catalog, settings.region)
    app.state.local_time = local_time
    app.state.search_demand = SearchDemand(app.state.database, settings.region, local_time)
    app.state.jobs = (local_time.refresh_job(), app.state.search_demand.create_job())
    if app.state.metrics:
        app.state.metrics[0].add_jobs(app.state.jobs)
    return app
