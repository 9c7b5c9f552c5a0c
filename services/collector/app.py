"""Application of the collector: its API and its page, and the job that reads the hubs."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware import Middleware

from services.collector.collecting import Collector
from services.collector.hub_list import HubList
from services.collector.national import National
from services.collector.pages import router as pages
from services.collector.routes import router
from services.gateway.portal.assets import Assets
from services.platform.cache_control import CacheControlMiddleware
from services.platform.database import Database, add_database_error_handlers
from services.platform.jobs import PeriodicJob
from services.platform.middleware import EntityTagMiddleware
from services.platform.problems import add_problem_handlers
from services.platform.request_id import RequestIdMiddleware
from services.platform.router import Router
from services.platform.security_headers import SecurityHeadersMiddleware
from services.platform.service import NO_TELEMETRY, add_openapi_route, add_routers, build_openapi
from services.platform.settings import Settings, Standalone
from services.platform.version import VERSION

EXAMPLES = Path(__file__).with_name("examples.json")


def create_app(
    settings: Settings, hubs: HubList, folder: Path, *, every: timedelta | None
) -> FastAPI:
    """Create the application of a collector that reads these hubs at an interval.

    `folder` is that of the list of hubs. Without an interval the hubs are read by others.
    """
    database = Database(settings, Standalone.collector)
    national = National(database, settings.region)
    job = PeriodicJob(
        "collect",
        Collector(database, settings, hubs, folder).collect,
        database=database,
        region=settings.region,
        every=every or timedelta(days=1),
        first_after=timedelta(),
        enabled=every is not None,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        job.start()
        yield
        await job.stop()
        await national.close()
        await database.close()

    app = FastAPI(
        title="emall collector",
        version=VERSION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
        separate_input_output_schemas=False,
        telemetry=NO_TELEMETRY,
        middleware=[
            Middleware(RequestIdMiddleware, service=Standalone.collector.value, observe=None),
            Middleware(SecurityHeadersMiddleware),
            Middleware(CacheControlMiddleware, is_published=lambda _: True),
            Middleware(EntityTagMiddleware),
        ],
    )
    app.state.settings = settings
    app.state.database = database
    app.state.national = national
    add_problem_handlers(app)
    add_database_error_handlers(app)
    add_routers(app, (router, pages, _liveness()))
    app.mount("/static", Assets())
    app.openapi = lambda: build_openapi(app, examples=EXAMPLES)
    add_openapi_route(app)
    return app


def _liveness() -> Router:
    """Return `/health/live`, which answers as long as the process does."""
    alive = Router(include_in_schema=False)

    @alive.get("/health/live")
    async def live() -> dict[str, str]:
        return {"service": Standalone.collector.value, "state": "ok", "version": VERSION}

    return alive
