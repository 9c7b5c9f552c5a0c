"""Webhooks over HTTP: `/api/v1/webhooks`."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import Path, Request, Response
from pydantic import AwareDatetime, Field

from services.gateway.webhooks.delivery import derive_secret
from services.gateway.webhooks.store import (
    MAX_WEBHOOKS,
    insert_webhook,
)
from services.gateway.webhooks.store import delete_webhook as delete_stored
from services.gateway.webhooks.store import list_webhooks as list_stored
from services.platform.api_model import ApiModel
from services.platform.concurrency_control import IdempotencyKey, claim_idempotency_key
from services.platform.database import ReadSessionDep, WriteSessionDep
from services.platform.identity import Administrator
from services.platform.ids import new_id
from services.platform.paging import Page
from services.platform.problems import Conflict, NotFound, problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.settings import Service
from services.platform.types import HttpsUrl

router = Router(prefix=API, tags=["links"], responses=problem_responses(401, 422))


class NewWebhook(ApiModel):
    """A webhook to be created."""

    url: HttpsUrl = Field(description="Address to which events are sent (https).")


class Webhook(ApiModel):
    """An address to which events are delivered."""

    id: UUID
    url: HttpsUrl = Field(description="Address to which events are sent (https).")
    created_by: str
    created_at: AwareDatetime
    pending: int = Field(description="Deliveries that are due or waiting for their next attempt.")
    last_error: str | None


class CreatedWebhook(ApiModel):
    """A webhook with its secret, which no other operation returns."""

    id: UUID
    url: HttpsUrl = Field(description="Address to which events are sent (https).")
    secret: str = Field(description="Key of `webhook-signature` (Standard Webhooks).")


@router.get("/webhooks", operation_id="list_webhooks", responses=problem_responses(403))
async def list_webhooks(
    request: Request, session: ReadSessionDep, caller: Administrator
) -> Page[Webhook]:
    """List the active webhooks with their pending deliveries and last error, without secrets."""
    rows = await list_stored(session, get_region(request))
    return Page(items=[Webhook.model_validate(row) for row in rows], next=None)


@router.post(
    "/webhooks",
    operation_id="create_webhook",
    status_code=201,
    responses=problem_responses(403, 409),
)
async def create_webhook(
    request: Request,
    session: WriteSessionDep,
    caller: Administrator,
    webhook: NewWebhook,
    idempotency_key: IdempotencyKey = None,
) -> CreatedWebhook:
    """Deliver the events of links, and reminders of due statistics, to this address from now on.

    Messages are signed according to Standard Webhooks and retried for about three days until the
    receiver responds with 2xx; 410 disables the webhook. Delivery is at least once: a repeated
    message has the same `webhook-id`.
    """
    region, now = get_region(request), datetime.now(UTC)
    webhook_id, is_new = await claim_idempotency_key(
        session,
        Service.gateway,
        region,
        caller=caller.subject,
        operation="create_webhook",
        key=idempotency_key,
        body=webhook,
        new_id=new_id(),
        now=now,
    )
    rows = await list_stored(session, region)
    if is_new:
        if len(rows) >= MAX_WEBHOOKS:
            raise Conflict(f"The limit of {MAX_WEBHOOKS} webhooks is reached; delete one first.")
        await insert_webhook(session, region, webhook_id, webhook.url, by=caller.actor, now=now)
    elif all(row["id"] != webhook_id for row in rows):
        raise Conflict("The webhook created with this Idempotency-Key was deleted.")
    key: Ed25519PrivateKey = request.app.state.secrets_key
    return CreatedWebhook(id=webhook_id, url=webhook.url, secret=derive_secret(key, webhook_id))


@router.delete(
    "/webhooks/{webhook}",
    operation_id="delete_webhook",
    status_code=204,
    response_class=Response,
    responses=problem_responses(403, 404),
)
async def delete_webhook(
    request: Request,
    session: WriteSessionDep,
    caller: Administrator,
    webhook: Annotated[UUID, Path(description="Id of the webhook.")],
) -> None:
    """Delete a webhook and its pending deliveries."""
    if not await delete_stored(session, get_region(request), webhook):
        raise NotFound(f"There is no webhook {webhook}; {API}/webhooks lists all of them.")
