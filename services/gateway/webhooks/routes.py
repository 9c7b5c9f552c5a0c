"""Webhooks over HTTP: who is told of changes of links."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from pydantic import AwareDatetime, Field
from sqlalchemy import text

from services.gateway.api_keys.keys import Administrator
from services.gateway.webhooks.delivery import END, secret_of
from services.platform.api_model import ApiModel
from services.platform.database import ReadSessionDep, WriteSessionDep
from services.platform.identity import load_private_key
from services.platform.ids import new_id
from services.platform.paging import Page
from services.platform.problems import Conflict, NotFound, problem_responses
from services.platform.service import API, get_region
from services.platform.types import HttpsUrl

router = APIRouter(prefix=API, tags=["links"], responses=problem_responses(401, 422))

MAX_WEBHOOKS = 50

LIST = """
-- Webhooks in force, with what waits for them and the last thing that went wrong.
SELECT id, url, made_by, created_at,
    (SELECT count(*) FROM gateway.webhook_delivery d
     WHERE d.region = webhook.region AND d.webhook = webhook.id AND due_at IS NOT NULL) AS waiting,
    (SELECT last_error FROM gateway.webhook_delivery d
     WHERE d.region = webhook.region AND d.webhook = webhook.id AND last_error IS NOT NULL
     ORDER BY change DESC LIMIT 1) AS last_error
FROM gateway.webhook WHERE region = :region AND ended_at IS NULL ORDER BY id
"""

MAKE = """
-- A webhook.
INSERT INTO gateway.webhook (region, id, url, made_by, created_at)
VALUES (:region, :id, :url, :made_by, :created_at)
"""


class NewWebhook(ApiModel):
    """An address that is told of changes."""

    url: HttpsUrl


class Webhook(ApiModel):
    """An address that is told of changes."""

    id: UUID
    url: HttpsUrl
    made_by: str
    created_at: AwareDatetime
    waiting: int = Field(description="Messages that are not delivered yet.")
    last_error: str | None


class MadeWebhook(ApiModel):
    """A webhook with its secret, which is shown this once."""

    id: UUID
    url: HttpsUrl
    secret: str = Field(description="Checks `webhook-signature` (Standard Webhooks).")


@router.get("/webhooks", operation_id="list_webhooks", responses=problem_responses(403))
async def list_webhooks(
    request: Request, session: ReadSessionDep, caller: Administrator
) -> Page[Webhook]:
    """The webhooks in force, each with what waits for it and its last error; never its secret."""
    rows = await session.execute(text(LIST), {"region": get_region(request)})
    return Page(items=[Webhook.model_validate(dict(row)) for row in rows.mappings()], next=None)


@router.post(
    "/webhooks",
    operation_id="create_webhook",
    status_code=201,
    responses=problem_responses(403, 409),
)
async def create_webhook(
    request: Request, session: WriteSessionDep, caller: Administrator, webhook: NewWebhook
) -> MadeWebhook:
    """Tells this address of every change of a link, and of statistics that are due, from now on.

    Messages are signed as Standard Webhooks has it and repeated until they are answered with 2xx,
    for some days; 410 ends the webhook. The same message may come twice, with the same
    `webhook-id`.
    """
    region = get_region(request)
    rows = await session.execute(text(LIST), {"region": region})
    if len(rows.all()) >= MAX_WEBHOOKS:
        raise Conflict(f"There are {MAX_WEBHOOKS} webhooks; delete one first.")
    made = new_id()
    await session.execute(
        text(MAKE),
        {
            "region": region,
            "id": made,
            "url": webhook.url,
            "made_by": caller.agency or caller.subject,
            "created_at": datetime.now(UTC),
        },
    )
    key = load_private_key(request.app.state.settings.private_key_file)
    return MadeWebhook(id=made, url=webhook.url, secret=secret_of(key, made))


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
    """Ends a webhook; what waits for it is dropped."""
    parameters = {"region": get_region(request), "webhook": webhook}
    if await session.scalar(text(END), parameters) is None:
        raise NotFound(f"There is no webhook {webhook}; {API}/webhooks lists all of them.")
