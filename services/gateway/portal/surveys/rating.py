"""`/nilai`: a short rating of a service, opened once by a token that proves its use."""

import httpx
from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from services.gateway.portal.page import CurrentPage, Page
from services.gateway.portal.secret_links import SecretLink
from services.gateway.portal.surveys.form import answers_of, form_fields, parse_fields
from services.gateway.portal.surveys.one_use_links import (
    TOKEN,
    OpenedForm,
    TokenPath,
    no_store,
    thanks_of,
)
from services.gateway.portal.surveys.routes import Held, SurveyParameters, fetch_survey
from services.platform.router import Router

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

PAGE = "/nilai"
LINK = SecretLink("emall_nilai", TOKEN)


@router.get(thanks_of(PAGE))
async def thanks(page: CurrentPage, held: Held = None) -> Response:
    """Thank the respondent, without a link back to the used token."""
    answer = page.render("survey-thanks.html", again=None, kiosk=False, held=held is not None)
    return no_store(answer)


@router.get(f"{PAGE}/{{token}}")
async def open_link(request: Request, page: CurrentPage, token: TokenPath) -> Response:
    """Redirect to the rating that the token opens."""
    return LINK.redirect(request, token, PAGE, page.language_query)


@router.get(PAGE)
async def rating(request: Request, page: CurrentPage) -> Response:
    """Show the questions that the token opens."""
    form = await _open(page, LINK.read(request))
    if isinstance(form, Response):
        return form
    try:
        blank = await page.feedback.get_survey_form(form.detail.survey.slug)
    except httpx.HTTPError:
        return page.unavailable()
    return await form.show({"form_token": [blank.form_token]})


@router.post(PAGE)
async def rate(request: Request, page: CurrentPage) -> Response:
    """Submit the answers; only that uses up the token."""
    fields = parse_fields(await request.body())
    form = await _open(page, LINK.read(request, next(iter(fields.get("token", ())), None)))
    if isinstance(form, Response):
        return form

    async def send(response_id: str) -> dict[str, str]:
        stored = await page.feedback.submit_response(
            form.detail.survey.slug,
            response_id=response_id,
            mode="page",
            version=form.detail.version,
            answers=answers_of(form.detail, fields),
            form=form_fields(fields),
            headers=page.sender_headers,
            token=form.token,
        )
        return {"diperiksa": "1"} if stored.state == "held" else {}

    return await form.submit(request, fields, send)


async def _open(page: Page, token: str | None) -> OpenedForm | Response:
    """Return the form that a token opens; else the page that says why not."""
    try:
        use = await page.feedback.find_rating_token(token) if token else None
        detail = await fetch_survey(page, use.survey, with_token=True) if use else None
    except httpx.HTTPError:
        return page.unavailable()
    if token is None or use is None or detail is None:
        return no_store(page.render("rating-over.html", status=404))
    # For the name of the service in the form; the token decides what is stored.
    return OpenedForm(page, PAGE, LINK, token, detail, SurveyParameters(service=use.service))
