"""Optimistic locking with `If-Match`, and idempotent creation with `Idempotency-Key`."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Header
from pydantic import BaseModel, StringConstraints
from sqlalchemy import text

from services.platform.database import WriteSession
from services.platform.entity_tags import entity_tag, tag_matches
from services.platform.problems import (
    Conflict,
    FieldError,
    PreconditionFailed,
    PreconditionRequired,
)
from services.platform.settings import Service
from services.platform.translation import N_, localized

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=200,
        description="ETag from the last read of this resource; required if it exists, so that no "
        "concurrent change is overwritten.",
    ),
]
IfNoneMatch = Annotated[
    # Not `Literal["*"]`: generators of clients take no constant in a header.
    Annotated[str, StringConstraints(pattern=r"^\*$")] | None,
    Header(
        alias="If-None-Match",
        description="`*` only creates: 412 if the resource exists already.",
    ),
]
IdempotencyKey = Annotated[
    Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]+$", max_length=200)] | None,
    Header(
        alias="Idempotency-Key",
        description="Unique value chosen by the client for this creation: a retry with the same "
        "value creates nothing and gets the same resource.",
    ),
]

CLAIM_KEY = """
-- Stores the key with the id to be created, unless the key was used before.
INSERT INTO {schema}.idempotency_key (region, caller, key, fingerprint, created_id, recorded_at)
VALUES (:region, :caller, :key, :fingerprint, :created_id, :now)
ON CONFLICT (region, caller, key) DO NOTHING
RETURNING created_id
"""

SELECT_KEY = """
-- The id that was created with this key, and the fingerprint of its request body.
SELECT fingerprint, created_id FROM {schema}.idempotency_key
WHERE region = :region AND caller = :caller AND key = :key
"""


def resource_tag(model: BaseModel) -> str:
    """Return the strong entity tag of a resource."""
    return entity_tag(model.model_dump_json().encode())


def check_if_match(if_match: str | None, current: BaseModel) -> None:
    """Check `If-Match` against the current state (RFC 9110, 13.1.1).

    Raise `PreconditionRequired` if the field is missing, `PreconditionFailed` if it is outdated.
    """
    tag = resource_tag(current)
    if if_match is None:
        raise PreconditionRequired(
            "Read the resource and send its ETag as If-Match, so that no concurrent change is lost."
        )
    if not tag_matches(if_match, tag):
        raise PreconditionFailed(
            "The resource has changed since you read it; read it again and repeat the change.",
            headers={"ETag": tag},
        )


async def claim_idempotency_key(
    session: WriteSession,
    service: Service,
    region: str,
    *,
    caller: str,
    operation: str,
    key: str | None,
    body: BaseModel,
    new_id: UUID,
    now: datetime,
) -> tuple[UUID, bool]:
    """Return the id to create and whether it is new; without a key it always is.

    Keys are the caller's own, and another operation's are others: `caller` must be somebody whom
    nobody else can pose as, since a repeated request gets the answer to the first. A second
    request with the same key waits for the transaction of the first one, then gets its id. Raise
    `Conflict` if the key was used with another body.
    """
    if key is None:
        return new_id, True
    names = {"region": region, "caller": f"{caller} {operation}", "key": key}
    fingerprint = entity_tag(body.model_dump_json().encode()).strip('"')
    inserted = await session.scalar(
        text(CLAIM_KEY.format(schema=service.value)),
        names | {"fingerprint": fingerprint, "created_id": str(new_id), "now": now},
    )
    if inserted is not None:
        return new_id, True
    previous = (await session.execute(text(SELECT_KEY.format(schema=service.value)), names)).one()
    if previous.fingerprint != fingerprint:
        other = N_("sudah dipakai dengan isi lain; pakai nilai baru untuk catatan baru")
        error = FieldError.of_parameter("Idempotency-Key", localized(other))
        raise Conflict(localized(N_("Idempotency-Key ini sudah dipakai.")), errors=[error])
    return UUID(previous.created_id), False
