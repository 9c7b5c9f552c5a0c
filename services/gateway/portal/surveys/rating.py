"""`/nilai/{token}`: a short rating after a use, opened once by a token that proves the use."""

from typing import Annotated, Any
from uuid import uuid4

import httpx
from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import StringConstraints

from services.gateway.portal.page import Page, ThisPage
from services.gateway.portal.surveys.form import (
    Faults,
    answers_of,
    faults_of,
    fields_of,
    response_id,
)
from services.gateway.portal.surveys.messages import survey_words
from services.gateway.portal.surveys.routes import Visit, feedback_of, form_page, survey_detail
from services.platform.service import API

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

TokenPath = Annotated[str, StringConstraints(pattern=r"^[a-z2-7]{16}$"), Path()]
THANKS = "/nilai/terima-kasih"


@router.get(THANKS)
async def thanks(page: ThisPage) -> Response:
    """Thanks; nothing leads back to a token that is used."""
    s = survey_words(page.language)
    return _unseen(page.render("survey-thanks.html", s=s, again=None, kiosk=False))


@router.get("/nilai/{token}")
async def rating(page: ThisPage, token: TokenPath) -> Response:
    """The questions that the token opens."""
    try:
        use = await _use(page, token)
        detail = await survey_detail(page, use["survey"], with_token=True) if use else None
    except httpx.HTTPError:
        return page.unavailable()
    if use is None or detail is None:
        return _over(page)
    return _unseen(
        await form_page(
            page,
            _visit(use),
            detail,
            values={},
            faults=Faults(),
            given_id=str(uuid4()),
            path=f"/nilai/{token}",
        )
    )


@router.post("/nilai/{token}")
async def rate(request: Request, page: ThisPage, token: TokenPath) -> Response:
    """Takes the answers; the token is used up with them and by nothing else."""
    fields = fields_of(await request.body())
    given_id = response_id(fields) or str(uuid4())
    words = survey_words(page.language)
    try:
        use = await _use(page, token)
        detail = await survey_detail(page, use["survey"], with_token=True) if use else None
    except httpx.HTTPError:
        return page.unavailable()
    if use is None or detail is None:
        return _over(page)
    faults, status = Faults(whole=words["not_sent"]), 503
    try:
        answer = await feedback_of(page).post(
            f"{API}/surveys/{use['survey']}/responses",
            json={
                "id": given_id,
                "mode": "page",
                "version": detail["version"],
                "token": token,
                "answers": answers_of(detail["survey"], fields),
            },
        )
        if answer.is_success:
            suffix = "?lang=en" if page.language == "en" else ""
            return _unseen(RedirectResponse(f"{THANKS}{suffix}", status_code=303))
        if answer.status_code < 500:
            faults, status = faults_of(detail["survey"], answer.json(), words), 422
    except httpx.HTTPError:
        pass  # the form comes again with what was filled in
    return _unseen(
        await form_page(
            page,
            _visit(use),
            detail,
            values=fields,
            faults=faults,
            given_id=given_id,
            status=status,
            path=f"/nilai/{token}",
        )
    )


async def _use(page: Page, token: str) -> dict[str, Any] | None:
    """What the token is for; None where it cannot be used any more."""
    answer = await feedback_of(page).get(f"{API}/usage/rating-tokens/{token}")
    if answer.status_code == 404:
        return None
    use: dict[str, Any] = answer.raise_for_status().json()
    return use


def _visit(use: dict[str, Any]) -> Visit:
    """For the name of the service over the form; what is stored comes from the token itself."""
    return Visit(service=use["service"])


def _over(page: Page) -> Response:
    return _unseen(page.render("rating-over.html", status=404, s=survey_words(page.language)))


def _unseen(response: Response) -> Response:
    """Keeps the token out of stores and out of the addresses that other pages are told."""
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
