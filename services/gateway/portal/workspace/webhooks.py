"""`/kelola/webhook`: addresses that get the events of links, and how each delivery went."""

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from pydantic import TypeAdapter, ValidationError

from services.gateway.portal.workspace.access import Workspace, database_of
from services.gateway.portal.workspace.people import Administrator, ConfirmedAdministrator
from services.gateway.webhooks.delivery import derive_secret
from services.gateway.webhooks.delivery_log import (
    DeliveryState,
    LoggedDelivery,
    list_deliveries,
    send_again,
)
from services.gateway.webhooks.routes import Webhook
from services.gateway.webhooks.store import (
    MAX_WEBHOOKS,
    delete_webhook,
    insert_webhook,
    list_webhooks,
)
from services.platform.ids import new_id
from services.platform.router import Router
from services.platform.service import get_region
from services.platform.translation import N_, NC_, Message
from services.platform.types import HttpsUrl

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

WEBHOOKS = "/kelola/webhook"
MAX_DELIVERIES = 100

BAD_URL = N_("Tulis alamat yang dimulai dengan https://.")
TOO_MANY = N_("Sudah ada 50 webhook; hapus salah satu lebih dulu.")
GONE = N_("Pengiriman ini sudah tidak ada.")
STATES: Mapping[DeliveryState, Message] = {
    "pending": NC_("delivery", "Menunggu"),
    "delivered": NC_("delivery", "Terkirim"),
    "given_up": NC_("delivery", "Gagal"),
}
_URL: TypeAdapter[str] = TypeAdapter(HttpsUrl)


@router.get(WEBHOOKS)
async def show_webhooks(request: Request, workspace: Administrator) -> Response:
    """List the active webhooks, with the form for another one."""
    return await _list_page(request, workspace)


@router.post(WEBHOOKS)
async def create(request: Request, workspace: ConfirmedAdministrator) -> Response:
    """Add a webhook and show its secret once."""
    try:
        url = _URL.validate_python(workspace.fields.get("alamat", ""))
    except ValidationError:
        return await _list_page(request, workspace, {"alamat": BAD_URL})
    region, webhook = get_region(request), new_id()
    async with database_of(request).write_session() as session:
        is_full = len(await list_webhooks(session, region)) >= MAX_WEBHOOKS
        if not is_full:
            await insert_webhook(
                session,
                region,
                webhook,
                url,
                by=workspace.caller.actor,
                now=datetime.now(UTC),
            )
    if is_full:
        return await _list_page(request, workspace, {"alamat": TOO_MANY}, status=409)
    key: Ed25519PrivateKey = request.app.state.secrets_key
    return workspace.render(
        "workspace/webhook-shown.html", url=url, secret=derive_secret(key, webhook), id=webhook
    )


@router.get(f"{WEBHOOKS}/{{id}}")
async def show_webhook(request: Request, workspace: Administrator, id: UUID) -> Response:
    """Show the log of a webhook."""
    return await _webhook_page(request, workspace, id)


@router.post(f"{WEBHOOKS}/{{id}}/kirim-ulang")
async def resend(request: Request, workspace: ConfirmedAdministrator, id: UUID) -> Response:
    """Send a message again."""
    try:
        event = UUID(workspace.fields.get("peristiwa", ""))
    except ValueError:
        return workspace.page.not_found()
    async with database_of(request).write_session() as session:
        is_found = await send_again(session, get_region(request), id, event)
    if not is_found:
        return await _webhook_page(request, workspace, id, {"log": GONE}, status=409)
    return workspace.redirect(f"{WEBHOOKS}/{id}")


@router.post(f"{WEBHOOKS}/{{id}}/hapus")
async def delete(request: Request, workspace: ConfirmedAdministrator, id: UUID) -> Response:
    """Delete a webhook and its pending deliveries."""
    async with database_of(request).write_session() as session:
        is_found = await delete_webhook(session, get_region(request), id)
    return workspace.redirect(WEBHOOKS) if is_found else workspace.page.not_found()


async def _list_page(
    request: Request,
    workspace: Workspace,
    errors: Mapping[str, Message] | None = None,
    *,
    status: int = 422,
) -> Response:
    async with database_of(request).read_session() as session:
        rows = await list_webhooks(session, get_region(request))
    return workspace.render(
        "workspace/webhooks.html",
        status=status if errors else 200,
        webhooks=[Webhook.model_validate(row) for row in rows],
        errors=workspace.page.messages.labels(errors or {}),
        typed=workspace.fields,
        day=workspace.page.local_date,
    )


async def _webhook_page(
    request: Request,
    workspace: Workspace,
    id: UUID,
    errors: Mapping[str, Message] | None = None,
    *,
    status: int = 422,
) -> Response:
    region, page = get_region(request), workspace.page
    async with database_of(request).read_session() as session:
        rows = await list_webhooks(session, region)
        deliveries = await list_deliveries(session, region, id, limit=MAX_DELIVERIES)
    found = next((row for row in rows if row["id"] == id), None)
    if found is None:
        return page.not_found()
    labels = page.messages.labels(STATES)

    def at(moment: datetime) -> str:
        return f"{page.local_date(moment)} {page.messages.clock(moment.astimezone(page.zone))}"

    def state(delivery: LoggedDelivery) -> str:
        return labels[delivery.state]

    return workspace.render(
        "workspace/webhook.html",
        status=status if errors else 200,
        webhook=Webhook.model_validate(found),
        deliveries=deliveries,
        state=state,
        at=at,
        errors=page.messages.labels(errors or {}),
    )
