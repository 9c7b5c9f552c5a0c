"""`/survei/undangan`: a survey for those who are invited, answered once by each link."""

import re
from typing import Annotated
from uuid import uuid4

import httpx
from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import StringConstraints

from services.gateway.portal.page import CurrentPage, Page
from services.gateway.portal.secret_links import SecretLink
from services.gateway.portal.surveys.form import (
    MAX_RELATION_FIELDS,
    NOT_SENT,
    FormErrors,
    answers_of,
    form_errors,
    parse_fields,
    relations_of,
    response_id,
)
from services.gateway.portal.surveys.routes import SurveyParameters, fetch_survey, form_page
from services.platform.service_client import RequestRejectedError

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

TokenPath = Annotated[str, StringConstraints(pattern=r"^[a-z2-7]{16}$"), Path()]
PAGE = "/survei/undangan"
THANKS = f"{PAGE}/terima-kasih"
LINK = SecretLink("emall_undangan", re.compile(r"[a-z2-7]{16}"))


@router.get(THANKS)
async def thanks(page: CurrentPage) -> Response:
    """Thank the respondent, without a link back to the used token."""
    return _no_store(page.render("survey-thanks.html", again=None, kiosk=False, held=False))


@router.get(f"{PAGE}/{{token}}")
async def open_link(request: Request, page: CurrentPage, token: TokenPath) -> Response:
    """Redirect to the survey that the token opens."""
    return LINK.redirect(request, token, PAGE, page.language_query)


@router.get(PAGE)
async def invited_survey(request: Request, page: CurrentPage) -> Response:
    """Show the survey that the token opens."""
    token = LINK.read(request)
    try:
        invitation = await page.feedback.find_invitation(token) if token else None
        detail = await fetch_survey(page, invitation.survey) if invitation else None
    except httpx.HTTPError:
        return page.unavailable()
    if token is None or invitation is None or detail is None:
        return _over(page)
    return _no_store(
        await form_page(
            page,
            SurveyParameters(),
            detail,
            values={},
            errors=FormErrors(),
            form_id=str(uuid4()),
            path=PAGE,
            token=token,
            invitation=invitation,
        )
    )


@router.post(PAGE)
async def answer_invitation(request: Request, page: CurrentPage) -> Response:
    """Submit the answers; only that uses up the link."""
    fields = parse_fields(await request.body(), most=MAX_RELATION_FIELDS)
    token = LINK.read(request, next(iter(fields.get("token", ())), None))
    form_id = response_id(fields) or str(uuid4())
    try:
        invitation = await page.feedback.find_invitation(token) if token else None
        detail = await fetch_survey(page, invitation.survey) if invitation else None
    except httpx.HTTPError:
        return page.unavailable()
    if token is None or invitation is None or detail is None:
        return _over(page)
    errors, status = FormErrors(response=page.messages.translate(NOT_SENT)), 503
    try:
        await page.feedback.submit_response(
            invitation.survey,
            response_id=form_id,
            mode="invitation",
            version=detail.version,
            answers=answers_of(detail, fields),
            relations=relations_of(detail, fields, invitation.partners),
            form={},
            headers=page.sender_headers,
            token=token,
        )
        target = httpx.URL(THANKS, params=page.language_query)
        response = RedirectResponse(str(target), status_code=303)
        LINK.forget(response, request, PAGE)
        return _no_store(response)
    except RequestRejectedError as error:
        errors = form_errors(detail.survey, error.problem, page.messages)
        status = 422
    except httpx.HTTPError:
        pass  # the form is shown again with the submitted answers
    return _no_store(
        await form_page(
            page,
            SurveyParameters(),
            detail,
            values=fields,
            errors=errors,
            form_id=form_id,
            status=status,
            path=PAGE,
            token=token,
            invitation=invitation,
        )
    )


def _over(page: Page) -> Response:
    return _no_store(page.render("invitation-over.html", status=404))


def _no_store(response: Response) -> Response:
    """Keep the token out of caches."""
    response.headers["Cache-Control"] = "private, no-store"
    return response
