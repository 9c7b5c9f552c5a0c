"""Application factory of the catalog service."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from services.catalog.routes import router
from services.platform.prepared_reads import PreparedReads
from services.platform.service import API, create_service_app
from services.platform.settings import Service, Settings

EXAMPLES = Path(__file__).with_name("examples.json")


def create_app(settings: Settings) -> FastAPI:
    """Return the catalog service as an application."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        yield
        await app.state.reads.close()
        await app.state.database.close()

    app = create_service_app(
        Service.catalog,
        settings,
        title="emall catalog",
        routers=[router],
        lifespan=lifespan,
        examples=EXAMPLES,
        is_published=lambda path: path.startswith(f"{API}/"),
    )
    app.state.reads = PreparedReads(app.state.database)
    return app
