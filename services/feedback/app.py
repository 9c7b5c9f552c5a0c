"""The feedback service, wired."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from services.feedback.surveys.routes import router as surveys
from services.feedback.usage.routes import router as usage
from services.platform.service import make_service
from services.platform.settings import Service, Settings


def create_app(settings: Settings) -> FastAPI:
    """Usage and surveys as an application of its own."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        yield
        await app.state.database.close()

    return make_service(
        Service.feedback,
        settings,
        title="emall feedback",
        routers=[usage, surveys],
        lifespan=lifespan,
    )
