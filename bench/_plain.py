"""The plain way, for comparison: FastAPI, pydantic, and a SQLModel row committed per request."""

import os
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from sqlalchemy import Column, DateTime, make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from services.feedback.events.schemas import UsageEventBatch

TABLE = """
CREATE TABLE IF NOT EXISTS plain_event (
    region text, id uuid, occurred_at timestamptz, received_at timestamptz, kind text,
    source text, agency text, service text, link text, channel text, district text,
    reported_by text, PRIMARY KEY (region, id))
"""


def _moment() -> Any:
    return Column(DateTime(timezone=True))


class PlainEvent(SQLModel, table=True):
    __tablename__ = "plain_event"  # pyright: ignore[reportAssignmentType]

    region: str = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    occurred_at: datetime = Field(sa_column=_moment())
    received_at: datetime = Field(sa_column=_moment())
    kind: str
    source: str
    agency: str
    service: str
    link: str
    channel: str
    district: str
    reported_by: str


def application() -> FastAPI:
    url = make_url(os.environ["EMALL_DATABASE_URL"]).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url, pool_size=20, max_overflow=0, pool_timeout=60)
    app = FastAPI()

    @app.get("/health/live")
    async def live() -> None: ...

    @app.post("/events")
    async def post(batch: UsageEventBatch) -> dict[str, int]:
        async with AsyncSession(engine) as session:
            for event in batch.events:
                named = {name: value or "" for name, value in event.model_dump().items()}
                row = named | {
                    "region": "12.12",
                    "received_at": datetime.now(UTC),
                    "reported_by": "bench",
                }
                session.add(PlainEvent(**row))
            await session.commit()
        return {"accepted": len(batch.events)}

    return app
