"""Creations that are not repeated: an `Idempotency-Key` stands for one body."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from services.platform.concurrency_control import claim_idempotency_key
from services.platform.database import WriteSession
from services.platform.ids import new_id
from services.platform.problems import Conflict, Invalid
from services.platform.settings import Service


async def claim(
    session: WriteSession,
    region: str,
    *,
    caller: str,
    key: str | None,
    body: BaseModel,
    now: datetime,
) -> tuple[UUID, bool]:
    """The id to create under, and whether it is new; `Conflict` where the key stood for another
    body: that sender kept to the schema, but not to what is stored."""
    try:
        return await claim_idempotency_key(
            session,
            Service.feedback,
            region,
            caller=caller,
            key=key,
            body=body,
            new_id=new_id(),
            now=now,
        )
    except Invalid as error:
        raise Conflict(error.detail, errors=error.errors) from None
