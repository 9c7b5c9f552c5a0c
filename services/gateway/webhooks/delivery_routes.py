"""The delivery log of webhooks over HTTP, for administrators."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import AwareDatetime, Field

from services.gateway.webhooks.delivery_log import DeliveryState, list_deliveries, send_again
from services.platform.api_model import ApiModel
from services.platform.database import ReadSessionDep, WriteSessionDep
from services.platform.identity import Administrator
from services.platform.paging import Page, paginate
from services.platform.parameters import Limit
from services.platform.problems import NotFound, problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region

router = Router(prefix=API, tags=["links"], responses=problem_responses(401, 403, 404, 422))

WebhookId = Annotated[UUID, Path(description="Id of the webhook.")]


class WebhookDelivery(ApiModel):
    """An event and how its delivery to a webhook went."""

    event: UUID = Field(description="Id of the event, which is the `webhook-id` of the message.")
    event_type: str = Field(description="Kind of event, such as `link.down`.")
    subject: str = Field(description="What the event is about, such as the slug of a link.")
    occurred_at: AwareDatetime = Field(description="When it happened.")
    attempts: int = Field(description="Attempts since it was last made due.")
    due_at: AwareDatetime | None = Field(description="Next attempt; null if there is none.")
    delivered_at: AwareDatetime | None = Field(description="Null until it was delivered.")
    last_error: str | None = Field(
        description="Why the last attempt failed; null if none did, or it was delivered."
    )
    state: DeliveryState


@router.get("/webhooks/{webhook}/deliveries", operation_id="list_webhook_deliveries")
async def get_deliveries(
    request: Request,
    session: ReadSessionDep,
    _: Administrator,
    *,
    webhook: WebhookId,
    cursor: Annotated[UUID | None, Query(description="From `next`.")] = None,
    limit: Limit = 50,
) -> Page[WebhookDelivery]:
    """List what was or will be delivered to a webhook, newest event first."""
    found = await list_deliveries(
        session, get_region(request), webhook, cursor=cursor, limit=limit + 1
    )
    items = [WebhookDelivery.model_validate(each, from_attributes=True) for each in found]
    return paginate(request, items, limit=limit, cursor_of=lambda item: str(item.event))


@router.post(
    "/webhooks/{webhook}/deliveries/{event}/attempts",
    operation_id="send_webhook_again",
    status_code=204,
    response_class=Response,
)
async def post_attempt(
    request: Request,
    session: WriteSessionDep,
    _: Administrator,
    *,
    webhook: WebhookId,
    event: Annotated[UUID, Path(description="Id of the event.")],
) -> None:
    """Send a message again within seconds, with the same `webhook-id`, delivered before or not."""
    if not await send_again(session, get_region(request), webhook, event):
        raise NotFound(
            f"There is no delivery of {event} to an active webhook {webhook}; "
            f"GET {API}/webhooks/{webhook}/deliveries lists them."
        )
