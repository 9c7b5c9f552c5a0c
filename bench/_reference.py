"""Reference application of `bench/gateway.py`: the same list in FastAPI and SQLModel."""

import os
from datetime import datetime
from typing import Any, ClassVar

from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import Column, make_url
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import Field as Stored
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.catalog.records import CatalogTable, ServiceRecord
from services.catalog.schemas import ServiceSummary, service_summary


class AgencyRecord(CatalogTable, table=True):
    """A row of the table `catalog.agency`."""

    __tablename__: ClassVar[Any] = "agency"

    slug: str = Stored(primary_key=True)
    content: dict[str, Any] = Stored(sa_column=Column(JSONB, nullable=False))


class PlainPage(BaseModel):
    items: list[ServiceSummary]
    next: str | None


class Row(BaseModel):
    slug: str
    version: int
    modified_at: datetime
    content: dict[str, Any]
    agency: dict[str, Any]
    withdrawn: bool = False


def reference() -> FastAPI:
    """Create the list of services as FastAPI's and SQLModel's guides write it, on asyncpg."""
    url = make_url(os.environ["EMALL_DATABASE_URL"]).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url, pool_size=5, max_overflow=5)
    app = FastAPI()

    @app.get("/health/live")
    async def live() -> None: ...

    @app.get("/api/v1/services", response_model=PlainPage)
    async def services(limit: int = 20) -> PlainPage:
        async with AsyncSession(engine) as session:
            statement = (
                select(ServiceRecord, AgencyRecord)
                .join(
                    AgencyRecord,
                    (col(AgencyRecord.region) == col(ServiceRecord.region))
                    & (col(AgencyRecord.slug) == col(ServiceRecord.agency)),
                )
                .where(ServiceRecord.region == "12.12")
                .order_by(col(ServiceRecord.slug))
                .limit(limit)
            )
            found = (await session.exec(statement)).all()
        items = [
            service_summary(
                Row(
                    slug=service.slug,
                    version=service.version,
                    modified_at=service.modified_at,
                    content=service.content,
                    agency=agency.content,
                ),
                href=f"/api/v1/services/{service.slug}",
            )
            for service, agency in found
        ]
        return PlainPage(items=items, next=None)

    return app
