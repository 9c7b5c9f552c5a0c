"""The revision of a service's data: who keeps a report of it compares it, and need not ask again.

No part of the public API.
"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from fastapi import Request
from sqlalchemy import text

from services.platform.api_model import ApiModel
from services.platform.database import ReadSession, ReadSessionDep
from services.platform.local_time import ZoneDep, day_of
from services.platform.router import Router
from services.platform.settings import Service, Settings
from services.platform.version import VERSION

REVISION = "/internal/revision"


class Revision(ApiModel):
    """What stays the same for as long as no report of the service can be another."""

    revision: str


def revision_router(service: Service) -> Router:
    """Return the route of a service that counts its changes in its table `revision`."""
    router = Router(include_in_schema=False)

    @router.get(REVISION)
    async def get_revision(request: Request, session: ReadSessionDep, zone: ZoneDep) -> Revision:
        settings: Settings = request.app.state.settings
        return Revision(revision=await read_revision(session, service, settings, zone))

    return router


async def read_revision(
    session: ReadSession, service: Service, settings: Settings, zone: ZoneInfo
) -> str:
    """Return the revision of a service's data.

    It holds for a day, since rounds close and reports become due at midnight, and for one version
    of the software and the settings that reports depend on.
    """
    number = await session.scalar(
        text(f"SELECT number FROM {service.value}.revision WHERE region = :region"),  # noqa: S608
        {"region": settings.region},
    )
    day = day_of(datetime.now(UTC), zone)
    return f"{number or 0} {day} {settings.reporting_due_day} {VERSION}"
