"""`/survei/perangkat`: register an enumerator's phone or a kiosk with an agency's key."""

from datetime import UTC, datetime
from typing import Annotated

import httpx
from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import StringConstraints

from services.gateway.api_keys.keys import authenticate_caller
from services.gateway.portal.page import CurrentPage, Page
from services.gateway.portal.service_clients import feedback_client
from services.gateway.portal.surveys.device import DEVICES, current_collector, may_collect
from services.gateway.portal.surveys.form import parse_fields
from services.platform.database import Database
from services.platform.parameters import SlugPath
from services.platform.problems import NotAuthenticated, Unavailable
from services.platform.service_client import RequestRejectedError
from services.platform.settings import Settings
from services.platform.translation import N_, Message

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

NOT_ACCEPTED = N_("Kunci ini tidak berlaku: salah, kedaluwarsa, atau dicabut.")
NO_SCOPE = N_(
    "Kunci ini tidak boleh mengumpulkan jawaban survei; minta kunci dengan cakupan surveys:collect."
)

Onward = Annotated[
    Annotated[
        str, StringConstraints(pattern=r"^/survei/[a-z0-9-]+(/petugas)?(\?[A-Za-z0-9=&._-]*)?$")
    ]
    | None,
    Query(alias="lanjut", description="The page to open once the device is registered."),
]


@router.get("/survei/perangkat")
async def device(request: Request, page: CurrentPage, onward: Onward = None) -> Response:
    """Show the form for the key, or which agency the device collects for."""
    return _device_page(page, onward, collector=await _agency_of(request))


@router.post("/survei/perangkat")
async def register(request: Request, page: CurrentPage, onward: Onward = None) -> Response:
    """Register the device with a key."""
    fields = parse_fields(await request.body())
    database: Database = request.app.state.database
    settings: Settings = request.app.state.settings
    key = (fields.get("kunci") or [""])[0].strip()
    try:
        caller = await authenticate_caller(database, settings.region, key, now=datetime.now(UTC))
    except NotAuthenticated:
        return _device_page(page, onward, error=NOT_ACCEPTED, status=403)
    request.scope["request_log"].impersonate(caller)
    if not may_collect(caller):
        return _device_page(page, onward, error=NO_SCOPE, status=403)
    target = onward or str(httpx.URL("/survei/perangkat", params=page.language_query))
    response = RedirectResponse(target, status_code=303, headers={"Cache-Control": "no-store"})
    await DEVICES.start(response, request, caller.subject, now=datetime.now(UTC))
    return response


@router.post("/survei/perangkat/keluar")
async def forget(request: Request, page: CurrentPage) -> Response:
    """Forget the key of the device."""
    await current_collector(request)  # for the audit log
    target = str(httpx.URL("/survei/perangkat", params=page.language_query))
    response = RedirectResponse(target, status_code=303, headers={"Cache-Control": "no-store"})
    await DEVICES.end(response, request)
    return response


@router.post("/survei/{slug}/petugas")
async def collect(request: Request, page: CurrentPage, slug: SlugPath) -> Response:
    """Submit a response that an enumerator's phone has stored: as the API takes it, as JSON."""
    collector = await current_collector(request)
    if collector is None:
        raise NotAuthenticated("This device has no valid key; register it at /survei/perangkat.")
    auth = request.app.state.auth_for(collector)
    try:
        answer = await feedback_client(request, auth=auth).collect_response(
            slug, await request.body(), headers=page.sender_headers
        )
    except RequestRejectedError as error:
        answer = error.response
    except httpx.HTTPError:
        raise Unavailable("The response cannot be stored now; send it again shortly.") from None
    return Response(
        answer.content,
        status_code=answer.status_code,
        media_type=answer.headers["content-type"],
        headers={"Cache-Control": "no-store"},
    )


def _device_page(
    page: Page,
    onward: str | None,
    *,
    collector: str | None = None,
    error: Message | None = None,
    status: int = 200,
) -> Response:
    query = page.language_query | ({"lanjut": onward} if onward is not None else {})
    response = page.render(
        "survey-device.html",
        status=status,
        action=str(httpx.URL("/survei/perangkat", params=query)),
        collector=collector,
        error=page.messages.translate(error) if error is not None else None,
    )
    response.headers["Cache-Control"] = "no-store"
    return response


async def _agency_of(request: Request) -> str | None:
    collector = await current_collector(request)
    return None if collector is None else collector.agency
