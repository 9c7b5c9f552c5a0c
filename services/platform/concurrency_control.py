"""Writes that do not collide: `If-Match` before a change, `Idempotency-Key` before a creation."""

import hashlib
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Header
from pydantic import BaseModel, StringConstraints
from sqlalchemy import text

from services.platform.database import WriteSession
from services.platform.middleware import tag_matches
from services.platform.problems import (
    Conflict,
    FieldError,
    PreconditionFailed,
    PreconditionRequired,
)
from services.platform.settings import Service

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=200,
        description="The ETag that a read of this resource gave; needed, so that nobody's change "
        "is overwritten unseen.",
    ),
]
IdempotencyKey = Annotated[
    Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]+$", max_length=200)] | None,
    Header(
        alias="Idempotency-Key",
        description="A word of the sender's for this creation: sent again, it creates nothing "
        "more and gets the same answer.",
    ),
]

CLAIM_KEY = """
-- Keeps what a creation is about to make, unless the same key made something before.
INSERT INTO {schema}.creation (region, caller, key, fingerprint, created_id, recorded_at)
VALUES (:region, :caller, :key, :fingerprint, :created_id, :now)
ON CONFLICT (region, caller, key) DO NOTHING
RETURNING created_id
"""

SELECT_KEY = """
-- What this key made before.
SELECT fingerprint, created_id FROM {schema}.creation
WHERE region = :region AND caller = :caller AND key = :key
"""


def entity_tag(model: BaseModel) -> str:
    """The strong ETag of a resource: another one as soon as anything in it differs."""
    return f'"{_digest(model)}"'


def check_if_match(if_match: str | None, current: BaseModel) -> None:
    """Refuses a change by somebody who has not seen the current state (RFC 9110, 13.1.1)."""
    tag = entity_tag(current)
    if if_match is None:
        raise PreconditionRequired(
            "Read it first and send its ETag as If-Match, so that nobody's change is lost."
        )
    if not tag_matches(if_match, tag):
        raise PreconditionFailed(
            "It was changed meanwhile; read it again and decide anew.", headers={"ETag": tag}
        )


async def claim_idempotency_key(
    session: WriteSession,
    service: Service,
    region: str,
    *,
    caller: str,
    key: str | None,
    body: BaseModel,
    new_id: UUID,
    now: datetime,
) -> tuple[UUID, bool]:
    """The id to create under, and whether it is new; without a key every creation is.

    A second request with the same key waits for the first one's transaction, then gets its id.
    `Conflict` where the key stood for another body, which no schema can tell.
    """
    if key is None:
        return new_id, True
    names = {"region": region, "caller": caller, "key": key}
    fingerprint = _digest(body)
    claimed = await session.scalar(
        text(CLAIM_KEY.format(schema=service.value)),
        names | {"fingerprint": fingerprint, "created_id": str(new_id), "now": now},
    )
    if claimed is not None:
        return new_id, True
    before = (await session.execute(text(SELECT_KEY.format(schema=service.value)), names)).one()
    if before.fingerprint != fingerprint:
        detail = "stood for another body before; use a new one for a new creation"
        error = FieldError(pointer=None, parameter="Idempotency-Key", detail=detail)
        raise Conflict("This Idempotency-Key was used already.", errors=[error])
    return UUID(before.created_id), False


def _digest(model: BaseModel) -> str:
    return hashlib.blake2b(model.model_dump_json().encode(), digest_size=16).hexdigest()
