"""`/survei`, `/survei/{slug}`, its kiosk and its enumerator."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import uuid4

import httpx
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import StringConstraints

from services.gateway.portal.page import CONTENT_SECURITY_POLICY, Page, ThisPage
from services.gateway.portal.surveys.form import (
    Faults,
    Fields,
    answers_of,
    faults_of,
    fields_of,
    response_id,
)
from services.gateway.portal.surveys.messages import survey_words
from services.gateway.regency.districts import list_districts
from services.platform.database import ReadSessionDep
from services.platform.parameters import SlugPath
from services.platform.service import API, get_region
from services.platform.settings import Service
from services.platform.types import DistrictCode, Slug

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

WORKER = Path(__file__).parents[1] / "static" / "enumerator-worker.js"
CHANNELS = ("online", "counter", "phone", "visit", "email")
SATISFACTION = "skm"
"""The survey to which a service's address leads."""

WITH_SCRIPTS = (
    f"{CONTENT_SECURITY_POLICY}; script-src 'self'; connect-src 'self'; worker-src 'self'"
)

Channel = Literal["online", "counter", "phone", "visit", "email"]
Tongue = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]


@dataclass(frozen=True)
class Visit:
    """What the address says of a response: what it is about, and how it comes."""

    service: Annotated[Slug | None, Query()] = None
    agency: Annotated[Slug | None, Query()] = None
    channel: Annotated[Channel | None, Query()] = None
    district: Annotated[DistrictCode | None, Query()] = None
    mode: Annotated[Literal["page", "qr", "kiosk"], Query()] = "page"
    bahasa: Annotated[Tongue | None, Query(description="A further language.")] = None

    def about(self) -> dict[str, str]:
        """The part that is stored with the response."""
        given = {
            "service": self.service,
            "agency": self.agency,
            "channel": self.channel,
            "district": self.district,
        }
        return {name: value for name, value in given.items() if value is not None}

    def query(self, page: Page) -> dict[str, str]:
        """The same as a query of an address."""
        query = self.about()
        if self.mode != "page":
            query["mode"] = self.mode
        if self.bahasa is not None:
            query["bahasa"] = self.bahasa
        if page.language == "en":
            query["lang"] = "en"
        return query


ThisVisit = Annotated[Visit, Depends(Visit)]


@router.get("/survei")
async def surveys(page: ThisPage) -> HTMLResponse:
    """The surveys that can be answered."""
    try:
        answer = await feedback_of(page).get(f"{API}/surveys")
        items = answer.raise_for_status().json()["items"]
    except httpx.HTTPError:
        return page.unavailable()
    return page.render(
        "surveys.html",
        s=survey_words(page.language),
        surveys=[item for item in items if not item["needs_token"]],
        data=f"{API}/surveys",
    )


@router.get("/survei/worker.js")
async def worker() -> Response:
    """The enumerator's service worker: here, so that it may serve the pages under `/survei/`."""
    return Response(
        WORKER.read_bytes(),
        media_type="text/javascript",
        headers={"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"},
    )


@router.get("/survei/{slug}")
async def survey(page: ThisPage, visit: ThisVisit, slug: SlugPath) -> HTMLResponse:
    """A survey to be answered."""
    try:
        detail = await survey_detail(page, slug)
    except httpx.HTTPError:
        return page.unavailable()
    if detail is None:
        return page.not_found()
    return await form_page(page, visit, detail, values={}, faults=Faults(), given_id=str(uuid4()))


@router.post("/survei/{slug}")
async def answer_survey(
    request: Request, page: ThisPage, visit: ThisVisit, slug: SlugPath
) -> Response:
    """Takes the answers: a thank-you page, or the form with what is wrong beside the fields."""
    fields = fields_of(await request.body())
    given_id = response_id(fields) or str(uuid4())
    words = survey_words(page.language)
    try:
        detail = await survey_detail(page, slug)
    except httpx.HTTPError:
        return page.unavailable()
    if detail is None:
        return page.not_found()
    definition = detail["survey"]
    try:
        answer = await feedback_of(page).post(
            f"{API}/surveys/{slug}/responses",
            json={
                "id": given_id,
                "mode": visit.mode,
                "version": detail["version"],
                "answers": answers_of(definition, fields),
            }
            | visit.about(),
        )
        if answer.status_code >= 500:
            answer.raise_for_status()
    except httpx.HTTPError:
        faults = Faults(whole=words["not_sent"])
        return await form_page(
            page, visit, detail, values=fields, faults=faults, given_id=given_id, status=503
        )
    if not answer.is_success:
        faults = faults_of(definition, answer.json(), words)
        return await form_page(
            page, visit, detail, values=fields, faults=faults, given_id=given_id, status=422
        )
    target = httpx.URL(f"/survei/{slug}/terima-kasih", params=visit.query(page))
    return RedirectResponse(str(target), status_code=303)


@router.get("/survei/{slug}/terima-kasih")
async def thanks(page: ThisPage, visit: ThisVisit, slug: SlugPath) -> HTMLResponse:
    """Thanks; at a kiosk the form comes back by itself."""
    again = str(httpx.URL(f"/survei/{slug}", params=visit.query(page)))
    response = page.render(
        "survey-thanks.html",
        s=survey_words(page.language),
        again=again,
        kiosk=visit.mode == "kiosk",
    )
    response.headers["Cache-Control"] = "no-store"
    if visit.mode == "kiosk":
        response.headers["Refresh"] = f"8; url={again}"
    return response


@router.get("/survei/{slug}/petugas")
async def enumerator(
    page: ThisPage, visit: ThisVisit, session: ReadSessionDep, slug: SlugPath
) -> HTMLResponse:
    """The survey for an enumerator, who may work a whole day without a signal."""
    try:
        detail = await survey_detail(page, slug)
        services = await page.from_catalog("/services", {"limit": "100"})
    except httpx.HTTPError:
        return page.unavailable()
    if detail is None:
        return page.not_found()
    response = page.render(
        "survey-enumerator.html",
        s=survey_words(page.language),
        text_in=_reader(page, visit),
        detail=detail,
        survey=detail["survey"],
        visit=visit,
        values={},
        faults=Faults(),
        services=(services or {"items": []})["items"],
        channels=CHANNELS,
        districts=await list_districts(session, get_region(page.request)),
        address=f"{API}/surveys/{slug}/responses",
    )
    response.headers["Content-Security-Policy"] = WITH_SCRIPTS
    return response


@router.get("/layanan/{slug}/survei")
async def survey_of_service(page: ThisPage, slug: SlugPath) -> Response:
    """The satisfaction survey about a service."""
    query = {"service": slug} | ({"lang": "en"} if page.language == "en" else {})
    return RedirectResponse(str(httpx.URL(f"/survei/{SATISFACTION}", params=query)))


def feedback_of(page: Page) -> httpx.AsyncClient:
    """The gateway's client of the feedback service."""
    clients: dict[Service, httpx.AsyncClient] = page.request.app.state.clients
    return clients[Service.feedback]


async def survey_detail(
    page: Page, slug: str, *, with_token: bool = False
) -> dict[str, Any] | None:
    """A survey that is answered with a token or without one; None where there is none."""
    answer = await feedback_of(page).get(f"{API}/surveys/{slug}")
    if answer.status_code == 404:
        return None
    detail: dict[str, Any] = answer.raise_for_status().json()
    return detail if detail["survey"]["needs_token"] == with_token else None


def _reader(page: Page, visit: Visit) -> Any:
    """Reads texts in the further language of the address, else in the page's."""

    def text_in(item: Mapping[str, Any], name: str) -> str:
        further: Mapping[str, str] = item[f"{name}_in"]
        return further.get(visit.bahasa or "") or page.text_of(item, name)

    return text_in


async def form_page(
    page: Page,
    visit: Visit,
    detail: Mapping[str, Any],
    *,
    values: Fields,
    faults: Faults,
    given_id: str,
    status: int = 200,
    path: str | None = None,
) -> HTMLResponse:
    """The form of a survey, sent to its own page or to another `path`."""
    definition = detail["survey"]
    target = httpx.URL(path or f"/survei/{definition['slug']}", params=visit.query(page))
    response = page.render(
        "survey.html",
        status=status,
        s=survey_words(page.language),
        text_in=_reader(page, visit),
        survey=definition,
        languages=detail["languages"],
        about=await _named(page, visit),
        visit=visit,
        values=values,
        faults=faults,
        given_id=given_id,
        action=str(target),
        data=detail["href"],
    )
    response.headers["Content-Security-Policy"] = WITH_SCRIPTS
    # Each visitor's own, for its id; but a browser that goes back finds what was filled in.
    response.headers["Cache-Control"] = "private, no-cache"
    return response


async def _named(page: Page, visit: Visit) -> str | None:
    """The name of the service or office that is asked about; the form comes without it where it
    must."""
    try:
        if visit.service is not None:
            found = await page.from_catalog(f"/services/{visit.service}")
            return None if found is None else page.text_of(found["service"], "name")
        if visit.agency is not None:
            offices = await page.from_catalog("/agencies", {"limit": "100"})
            named = (each for each in (offices or {"items": []})["items"])
            office = next((each for each in named if each["slug"] == visit.agency), None)
            return None if office is None else page.text_of(office, "name")
    except httpx.HTTPError:
        pass
    return None
