"""`/nilai`: a short rating of a service, opened once by a token that proves its use."""

import re
from typing import Annotated
from uuid import uuid4

import httpx
from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import StringConstraints

from services.feedback.client import RatingTokenSubject
from services.gateway.portal.page import CurrentPage, Page
from services.gateway.portal.secret_links import SecretLink
from services.gateway.portal.surveys.form import (
    NOT_SENT,
    FormErrors,
    answers_of,
    form_errors,
    form_fields,
    parse_fields,
    response_id,
)
from services.gateway.portal.surveys.routes import (
    Held,
    SurveyParameters,
    fetch_survey,
    form_page,
)
from services.platform.service_client import RequestRejectedError

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

TokenPath = Annotated[str, StringConstraints(pattern=r"^[a-z2-7]{16}$"), Path()]
PAGE = "/nilai"
THANKS = f"{PAGE}/terima-kasih"
LINK = SecretLink("emall_nilai", re.compile(r"[a-z2-7]{16}"))


@router.get(THANKS)
async def thanks(page: CurrentPage, held: Held = None) -> Response:
    """Thank the respondent, without a link back to the used token."""
    answer = page.render("survey-thanks.html", again=None, kiosk=False, held=held is not None)
    return _no_store(answer)


@router.get(f"{PAGE}/{{token}}")
async def open_link(request: Request, page: CurrentPage, token: TokenPath) -> Response:
    """Redirect to the rating that the token opens."""
    return LINK.redirect(request, token, PAGE, page.language_query)


@router.get(PAGE)
async def rating(request: Request, page: CurrentPage) -> Response:
    """Show the questions that the token opens."""
    token = LINK.read(request)
    try:
        use = await page.feedback.find_rating_token(token) if token else None
        detail = await fetch_survey(page, use.survey, with_token=True) if use else None
        if token is None or use is None or detail is None:
            return _expired(page)
        values = {"form_token": [(await page.feedback.get_survey_form(use.survey)).form_token]}
    except httpx.HTTPError:
        return page.unavailable()
    return _no_store(
        await form_page(
            page,
            _parameters(use),
            detail,
            values=values,
            errors=FormErrors(),
            form_id=str(uuid4()),
            path=PAGE,
            token=token,
        )
    )


@router.post(PAGE)
async def rate(request: Request, page: CurrentPage) -> Response:
    """Submit the answers; only that uses up the token."""
    fields = parse_fields(await request.body())
    token = LINK.read(request, next(iter(fields.get("token", ())), None))
    form_id = response_id(fields) or str(uuid4())
    try:
        use = await page.feedback.find_rating_token(token) if token else None
        detail = await fetch_survey(page, use.survey, with_token=True) if use else None
    except httpx.HTTPError:
        return page.unavailable()
    if token is None or use is None or detail is None:
        return _expired(page)
    errors, status = FormErrors(response=page.messages.translate(NOT_SENT)), 503
    try:
        stored = await page.feedback.submit_response(
            use.survey,
            response_id=form_id,
            mode="page",
            version=detail.version,
            answers=answers_of(detail, fields),
            form=form_fields(fields),
            headers=page.sender_headers,
            token=token,
        )
        held = {"diperiksa": "1"} if stored.state == "held" else {}
        target = httpx.URL(THANKS, params=page.language_query | held)
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
            _parameters(use),
            detail,
            values=fields,
            errors=errors,
            form_id=form_id,
            status=status,
            path=PAGE,
            token=token,
        )
    )


def _parameters(use: RatingTokenSubject) -> SurveyParameters:
    """For the name of the service in the form; the token decides what is stored."""
    return SurveyParameters(service=use.service)


def _expired(page: Page) -> Response:
    return _no_store(page.render("rating-over.html", status=404))


def _no_store(response: Response) -> Response:
    """Keep the token out of caches."""
    response.headers["Cache-Control"] = "private, no-store"
    return response
