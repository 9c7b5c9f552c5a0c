"""`/survei/perangkat`: register an enumerator's phone or a kiosk with a link, and sign it out."""

from datetime import UTC, datetime
from typing import Annotated

import httpx
from fastapi import Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import StringConstraints

from services.gateway.api_keys.signed_links import PATH_OF, TOKEN
from services.gateway.portal.key_sessions import KeySession
from services.gateway.portal.link_sign_in import (
    ALL_SESSIONS,
    CodeRefusedError,
    LinkRefusedError,
    LinkSignIn,
)
from services.gateway.portal.page import CurrentPage, Page
from services.gateway.portal.secret_links import SecretLink
from services.gateway.portal.service_clients import feedback_client
from services.gateway.portal.surveys.device import DEVICES, current_collector, current_device
from services.gateway.portal.surveys.form import parse_fields
from services.platform.local_time import format_time
from services.platform.parameters import SlugPath
from services.platform.problems import NotAuthenticated, Unavailable
from services.platform.router import Router
from services.platform.service_client import RequestRejectedError

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

DEVICE_PAGE = "/survei/perangkat"
LINK = SecretLink("emall_tautan_perangkat", TOKEN)
LINK_PAGE = PATH_OF["device"]
SIGN_IN = LinkSignIn("device", DEVICES)
KIOSK_RETURNS_AFTER = 90
"""Seconds after which a kiosk whose page about the device was left open shows its survey again."""

Token = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,200}$")]
Onward = Annotated[
    Annotated[
        str, StringConstraints(pattern=r"^/survei/[a-z0-9-]+(/petugas)?(\?[A-Za-z0-9=&._-]*)?$")
    ]
    | None,
    Query(alias="lanjut", description="The page to open once the device is registered."),
]


@router.get(DEVICE_PAGE)
async def device(request: Request, page: CurrentPage, onward: Onward = None) -> Response:
    """Ask for a link and its code; on a registered device, show for which agency it collects."""
    session = await current_device(request)
    if session is None:
        return await _registration_page(page, onward)
    return await _device_page(page, onward, session)


@router.get(f"{LINK_PAGE}/{{token}}")
async def open_link(request: Request, page: CurrentPage, token: Token) -> Response:
    """Redirect to the page about this link."""
    return LINK.redirect(request, token, LINK_PAGE, page.language_query)


@router.get(LINK_PAGE)
async def show_link(request: Request, page: CurrentPage) -> Response:
    """Show which agency a link is for, and ask for its code."""
    return await _registration_page(page, None, link=LINK.read(request) or "-")


@router.post(DEVICE_PAGE)
async def register(request: Request, page: CurrentPage, onward: Onward = None) -> Response:
    """Register the device with a link and its code."""
    fields = parse_fields(await request.body())
    link, code = ((fields.get(name) or [""])[0] for name in ("tautan", "kode"))
    try:
        caller = await SIGN_IN.check(request, link, code)
    except CodeRefusedError as error:
        return await _registration_page(page, onward, link=link, error=error)
    except LinkRefusedError as error:
        return await _registration_page(page, onward, error=error)
    response = _redirect(onward or page.link(DEVICE_PAGE))
    await DEVICES.start(response, request, caller.subject, now=datetime.now(UTC))
    LINK.forget(response, request, LINK_PAGE)
    return response


@router.post(f"{DEVICE_PAGE}/keluar")
async def sign_out(request: Request, page: CurrentPage, onward: Onward = None) -> Response:
    """End the registration of the device, or of others with its link, after the link's code."""
    session = await current_device(request)
    if session is None:
        return _redirect(_address(page, DEVICE_PAGE, onward))
    fields = parse_fields(await request.body())
    chosen, code = ((fields.get(name) or [""])[0] for name in ("sesi", "kode"))
    try:
        is_over = await SIGN_IN.end_sessions(request, session, chosen=chosen, code=code)
    except LinkRefusedError as error:
        return await _device_page(page, onward, session, error=error)
    response = _redirect(_address(page, DEVICE_PAGE, onward))
    if is_over:
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


async def _registration_page(
    page: Page, onward: str | None, *, link: str = "", error: LinkRefusedError | None = None
) -> Response:
    """Ask for the code of a link that is valid; without one for both."""
    agency, until = "", None
    if link:
        try:
            caller, until = await SIGN_IN.find(page.request, link)
            agency = await page.agency_name(caller.agency or "")
        except LinkRefusedError as refused:
            link, error = "", refused
    said = error and page.messages.translate(error.message, **error.values)
    return _no_store(
        page.render(
            "survey-device.html",
            status=200 if error is None else error.status,
            device=None,
            is_kiosk=False,
            action=_address(page, DEVICE_PAGE, onward),
            link=link,
            agency=agency,
            until=until,
            day=until and page.local_date(until),
            error=said if link else None,
            notice=None if link else said,
        )
    )


async def _device_page(
    page: Page,
    onward: str | None,
    session: KeySession,
    *,
    error: LinkRefusedError | None = None,
) -> Response:
    now = datetime.now(page.zone)
    is_kiosk = onward is not None and "mode=kiosk" in onward
    response = _no_store(
        page.render(
            "survey-device.html",
            status=200 if error is None else error.status,
            device=session,
            is_kiosk=is_kiosk,
            agency=await page.agency_name(session.caller.agency or ""),
            onward=onward,
            sign_out=_address(page, f"{DEVICE_PAGE}/keluar", onward),
            sessions=await SIGN_IN.list_sessions(page.request, session),
            all_sessions=ALL_SESSIONS,
            at=lambda when: format_time(when, now=now, zone=page.zone, language=page.language),
            error=error and page.messages.translate(error.message),
        )
    )
    if is_kiosk:
        response.headers["Refresh"] = f"{KIOSK_RETURNS_AFTER}; url={onward}"
    return response


def _address(page: Page, path: str, onward: str | None) -> str:
    query = page.language_query | ({"lanjut": onward} if onward is not None else {})
    return str(httpx.URL(path, params=query)) if query else path


def _redirect(target: str) -> RedirectResponse:
    return RedirectResponse(target, status_code=303, headers={"Cache-Control": "no-store"})


def _no_store(response: HTMLResponse) -> HTMLResponse:
    response.headers["Cache-Control"] = "no-store"
    return response
