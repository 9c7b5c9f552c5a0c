"""`/survei` and `/survei/{slug}`, with the modes for kiosks and enumerators."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import uuid4

import httpx
from fastapi import Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import StringConstraints

from services.feedback.client import InvitationSubject, SurveyDetail
from services.gateway.portal.page import CurrentPage, Page
from services.gateway.portal.scripts import allow_scripts, worker_response
from services.gateway.portal.service_clients import feedback_client
from services.gateway.portal.surveys.device import current_collector
from services.gateway.portal.surveys.form import (
    NOT_SENT,
    Fields,
    FormErrors,
    answers_of,
    form_errors,
    form_fields,
    parse_fields,
    response_id,
)
from services.gateway.regency.districts import list_districts
from services.platform.database import ReadSessionDep
from services.platform.parameters import SlugPath
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.service_client import RequestRejectedError
from services.platform.types import DistrictCode, Slug

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

CHANNEL_KINDS = ("online", "counter", "phone", "visit", "email")
SATISFACTION = "skm"
"""The survey that `/layanan/{slug}/survei` redirects to."""

Channel = Literal["online", "counter", "phone", "visit", "email"]
LanguageCode = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]


@dataclass(frozen=True)
class SurveyParameters:
    """The query of a survey's address: what the response is about, and how it is collected."""

    service: Annotated[Slug | None, Query()] = None
    agency: Annotated[Slug | None, Query()] = None
    channel: Annotated[Channel | None, Query()] = None
    district: Annotated[DistrictCode | None, Query()] = None
    mode: Annotated[Literal["page", "qr", "kiosk"], Query()] = "page"
    bahasa: Annotated[LanguageCode | None, Query(description="A further language.")] = None

    def subject(self) -> dict[str, str]:
        """Return the part that is stored with the response."""
        values = {
            "service": self.service,
            "agency": self.agency,
            "channel": self.channel,
            "district": self.district,
        }
        return {name: value for name, value in values.items() if value is not None}

    def query(self, page: Page) -> dict[str, str]:
        """Return the parameters as a query, with the page's language."""
        query = self.subject()
        if self.mode != "page":
            query["mode"] = self.mode
        if self.bahasa is not None:
            query["bahasa"] = self.bahasa
        return query | page.language_query


Held = Annotated[
    Annotated[str, StringConstraints(max_length=1)] | None,
    Query(alias="diperiksa", description="Whether somebody looks at the response first."),
]
SurveyQuery = Annotated[SurveyParameters, Depends(SurveyParameters)]


@router.get("/survei")
async def surveys(page: CurrentPage) -> HTMLResponse:
    """List the surveys that anybody can answer."""
    try:
        items = await page.feedback.list_surveys()
    except httpx.HTTPError:
        return page.unavailable()
    return page.render(
        "surveys.html",
        surveys=[item for item in items if not item.needs_token],
        data=f"{API}/surveys",
    )


@router.get("/survei/worker.js")
async def worker() -> Response:
    """Return the enumerator's service worker, whose scope is the path `/survei/`."""
    return worker_response("enumerator-worker.js")


@router.get("/survei/{slug}")
async def survey(
    request: Request, page: CurrentPage, parameters: SurveyQuery, slug: SlugPath
) -> Response:
    """Show the form of a survey; at a kiosk, once it is registered."""
    try:
        detail = await fetch_survey(page, slug)
        if detail is None:
            return page.not_found()
        if not is_open(detail):
            return closed_page(page, detail)
        if parameters.mode == "kiosk" and await current_collector(request) is None:
            return to_registration(page, f"/survei/{slug}", parameters)
        values = {"form_token": [(await page.feedback.get_survey_form(slug)).form_token]}
    except httpx.HTTPError:
        return page.unavailable()
    return await form_page(
        page, parameters, detail, values=values, errors=FormErrors(), form_id=str(uuid4())
    )


@router.post("/survei/{slug}")
async def answer_survey(
    request: Request, page: CurrentPage, parameters: SurveyQuery, slug: SlugPath
) -> Response:
    """Submit the answers: redirect to the thanks, or show the form with the answers in error.

    A kiosk whose registration is over still takes answers, as a page that anybody can open.
    """
    collector = await current_collector(request) if parameters.mode == "kiosk" else None
    mode = "page" if parameters.mode == "kiosk" and collector is None else parameters.mode
    auth = None if collector is None else request.app.state.auth_for(collector)
    fields = parse_fields(await request.body())
    form_id = response_id(fields) or str(uuid4())
    try:
        detail = await fetch_survey(page, slug)
    except httpx.HTTPError:
        return page.unavailable()
    if detail is None:
        return page.not_found()
    if not is_open(detail):
        return closed_page(page, detail, status=409)
    try:
        stored = await feedback_client(request, auth=auth).submit_response(
            slug,
            response_id=form_id,
            mode=mode,
            version=detail.version,
            answers=answers_of(detail, fields),
            form=form_fields(fields),
            headers=page.sender_headers,
            subject=parameters.subject(),
        )
    except RequestRejectedError as error:
        errors = form_errors(detail.survey, error.problem, page.messages)
        return await form_page(
            page, parameters, detail, values=fields, errors=errors, form_id=form_id, status=422
        )
    except httpx.HTTPError:
        errors = FormErrors(response=page.messages.translate(NOT_SENT))
        return await form_page(
            page, parameters, detail, values=fields, errors=errors, form_id=form_id, status=503
        )
    query = parameters.query(page) | ({"diperiksa": "1"} if stored.state == "held" else {})
    target = httpx.URL(f"/survei/{slug}/terima-kasih", params=query)
    return RedirectResponse(str(target), status_code=303)


@router.get("/survei/{slug}/terima-kasih")
async def thanks(
    page: CurrentPage, parameters: SurveyQuery, slug: SlugPath, held: Held = None
) -> HTMLResponse:
    """Thank the respondent; a kiosk returns to the form by itself."""
    again = str(httpx.URL(f"/survei/{slug}", params=parameters.query(page)))
    response = page.render(
        "survey-thanks.html",
        again=again,
        kiosk=parameters.mode == "kiosk",
        held=held is not None,
    )
    response.headers["Cache-Control"] = "no-store"
    if parameters.mode == "kiosk":
        response.headers["Refresh"] = f"8; url={again}"
    return response


@router.get("/survei/{slug}/petugas")
async def enumerator(
    request: Request,
    page: CurrentPage,
    parameters: SurveyQuery,
    session: ReadSessionDep,
    slug: SlugPath,
) -> Response:
    """Show the survey to an enumerator, who may work for days without a connection."""
    try:
        detail = await fetch_survey(page, slug)
        services = await page.catalog.list_services()
    except httpx.HTTPError:
        return page.unavailable()
    if detail is None:
        return page.not_found()
    if await current_collector(request) is None:
        return to_registration(page, f"/survei/{slug}/petugas", parameters)
    response = page.render(
        "survey-enumerator.html",
        invitation=None,
        text_in=_text_reader(page, parameters),
        detail=detail,
        survey=detail.survey,
        parameters=parameters,
        values={},
        errors=FormErrors(),
        services=services.items,
        channel_kinds=CHANNEL_KINDS,
        districts=await list_districts(session, get_region(page.request)),
        today=datetime.now(page.zone).date(),
        address=f"/survei/{slug}/petugas",
        registration=registration_url(page, f"/survei/{slug}/petugas", parameters),
        zone=page.zone.key,
    )
    return allow_scripts(response)


@router.get("/layanan/{slug}/survei")
async def survey_of_service(page: CurrentPage, slug: SlugPath) -> Response:
    """Redirect to the satisfaction survey about a service."""
    query = {"service": slug} | page.language_query
    return RedirectResponse(str(httpx.URL(f"/survei/{SATISFACTION}", params=query)))


def registration_url(page: Page, path: str, parameters: SurveyParameters) -> str:
    """Return where a device is registered and signed out, from which it returns to this page."""
    onward = str(httpx.URL(path, params=parameters.query(page)))
    query = page.language_query | {"lanjut": onward}
    return str(httpx.URL("/survei/perangkat", params=query))


def to_registration(page: Page, path: str, parameters: SurveyParameters) -> Response:
    """Redirect a device that is not registered."""
    target = registration_url(page, path, parameters)
    return RedirectResponse(target, status_code=303, headers={"Cache-Control": "no-store"})


async def fetch_survey(page: Page, slug: str, *, with_token: bool = False) -> SurveyDetail | None:
    """Return a survey that is answered with a token, or without; None if there is no such one."""
    detail = await page.feedback.find_survey(slug)
    return detail if detail is not None and detail.survey.needs_token == with_token else None


def is_open(detail: SurveyDetail) -> bool:
    """Return whether anybody may answer a survey today."""
    return not detail.rounds or any(
        one.state == "open" and one.sample != "invited" for one in detail.rounds
    )


def closed_page(page: Page, detail: SurveyDetail, *, status: int = 200) -> HTMLResponse:
    """Return the page of a survey that is answered on other days."""
    response = page.render(
        "survey-closed.html",
        status=status,
        survey=detail.survey,
        rounds=detail.rounds,
        by_invitation=any(one.state == "open" for one in detail.rounds),
        day=page.messages.long_date,
        data=detail.href,
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def _text_reader(page: Page, parameters: SurveyParameters) -> Any:
    """Return a function that reads a text in the language `bahasa`, else in the page's."""

    def text_in(item: object, name: str) -> str:
        further: Mapping[str, str] = getattr(item, f"{name}_in")
        return further.get(parameters.bahasa or "") or page.in_language(item, name)

    return text_in


async def form_page(
    page: Page,
    parameters: SurveyParameters,
    detail: SurveyDetail,
    *,
    values: Fields,
    errors: FormErrors,
    form_id: str,
    status: int = 200,
    path: str | None = None,
    token: str | None = None,
    invitation: InvitationSubject | None = None,
) -> HTMLResponse:
    """Return the form of a survey, which submits to its own page or to `path`, with a `token`."""
    survey = detail.survey
    target = httpx.URL(path or f"/survei/{survey.slug}", params=parameters.query(page))
    response = page.render(
        "survey.html",
        status=status,
        text_in=_text_reader(page, parameters),
        detail=detail,
        survey=survey,
        languages=detail.languages,
        about=await _subject_name(page, parameters),
        parameters=parameters,
        values=values,
        errors=errors,
        form_id=form_id,
        token=token,
        invitation=invitation,
        day=page.messages.long_date,
        registration=_kiosk_registration(page, survey.slug, parameters),
        action=str(target),
        data=detail.href,
    )
    allow_scripts(response)
    # Private because of its id; still, a browser that goes back restores the filled-in form. At a
    # kiosk that is another person's, so that its browser must not keep the page at all.
    is_shared = parameters.mode == "kiosk"
    response.headers["Cache-Control"] = "no-store" if is_shared else "private, no-cache"
    return response


def _kiosk_registration(page: Page, slug: str, parameters: SurveyParameters) -> str | None:
    """Return where a kiosk is signed out; None on a page that is no kiosk's."""
    if parameters.mode != "kiosk":
        return None
    return registration_url(page, f"/survei/{slug}", parameters)


async def _subject_name(page: Page, parameters: SurveyParameters) -> str | None:
    """Return the name of the service or office; None if the catalogue does not answer."""
    try:
        if parameters.service is not None:
            found = await page.catalog.find_service(parameters.service)
            return None if found is None else page.in_language(found.service, "name")
        if parameters.agency is not None:
            office = await page.catalog.find_agency(parameters.agency)
            return None if office is None else page.in_language(office, "name")
    except httpx.HTTPError:
        pass
    return None
