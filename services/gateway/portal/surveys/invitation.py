"""`/survei/undangan`: a survey for those who are invited, answered once by each link."""

import httpx
from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from services.feedback.client import InvitationSubject
from services.gateway.portal.page import CurrentPage, Page
from services.gateway.portal.secret_links import SecretLink
from services.gateway.portal.surveys.form import (
    MAX_RELATION_FIELDS,
    answers_of,
    parse_fields,
    relations_of,
)
from services.gateway.portal.surveys.one_use_links import (
    TOKEN,
    OpenedForm,
    TokenPath,
    no_store,
    thanks_of,
)
from services.gateway.portal.surveys.routes import fetch_survey
from services.platform.router import Router

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

PAGE = "/survei/undangan"
LINK = SecretLink("emall_undangan", TOKEN)


@router.get(thanks_of(PAGE))
async def thanks(page: CurrentPage) -> Response:
    """Thank the respondent, without a link back to the used token."""
    return no_store(page.render("survey-thanks.html", again=None, kiosk=False, held=False))


@router.get(f"{PAGE}/{{token}}")
async def open_link(request: Request, page: CurrentPage, token: TokenPath) -> Response:
    """Redirect to the survey that the token opens."""
    return LINK.redirect(request, token, PAGE, page.language_query)


@router.get(PAGE)
async def invited_survey(request: Request, page: CurrentPage) -> Response:
    """Show the survey that the token opens."""
    opened = await _open(page, LINK.read(request))
    if isinstance(opened, Response):
        return opened
    form, _ = opened
    return await form.show({})


@router.post(PAGE)
async def answer_invitation(request: Request, page: CurrentPage) -> Response:
    """Submit the answers; only that uses up the link."""
    fields = parse_fields(await request.body(), most=MAX_RELATION_FIELDS)
    opened = await _open(page, LINK.read(request, next(iter(fields.get("token", ())), None)))
    if isinstance(opened, Response):
        return opened
    form, invitation = opened

    async def send(response_id: str) -> dict[str, str]:
        await page.feedback.submit_response(
            invitation.survey,
            response_id=response_id,
            mode="invitation",
            version=form.detail.version,
            answers=answers_of(form.detail, fields),
            relations=relations_of(form.detail, fields, invitation.partners),
            form={},
            headers=page.sender_headers,
            token=form.token,
        )
        return {}

    return await form.submit(request, fields, send)


async def _open(page: Page, token: str | None) -> tuple[OpenedForm, InvitationSubject] | Response:
    """Return the form that a token opens, and whose it is; else the page that says why not."""
    try:
        invitation = await page.feedback.find_invitation(token) if token else None
        detail = await fetch_survey(page, invitation.survey) if invitation else None
    except httpx.HTTPError:
        return page.unavailable()
    if token is None or invitation is None or detail is None:
        return no_store(page.render("invitation-over.html", status=404))
    return OpenedForm(page, PAGE, LINK, token, detail, invitation=invitation), invitation
