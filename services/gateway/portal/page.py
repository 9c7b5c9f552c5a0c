"""What every page of the hub is rendered from: the request, its language and the regency."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import httpx
from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from pydantic import TypeAdapter, ValidationError

from services.assessment.client import AssessmentClient
from services.catalog.client import CatalogClient
from services.feedback.client import FeedbackClient
from services.gateway.portal.appearance import appearance_address
from services.gateway.portal.discovery import canonical_address
from services.gateway.portal.service_clients import (
    assessment_client,
    catalog_client,
    feedback_client,
)
from services.gateway.portal.templating import environment
from services.platform.appearance import Arms
from services.platform.database import DATABASE_ERRORS, Database
from services.platform.languages import (
    COMPLETE_LANGUAGES,
    LANGUAGE_NAMES,
    SOURCE_LANGUAGE,
    Language,
)
from services.platform.local_time import get_zone
from services.platform.packs import Pack
from services.platform.problems import FieldError
from services.platform.regency import find_regency
from services.platform.request_id import current_request_id
from services.platform.service import get_region
from services.platform.settings import Service, Settings
from services.platform.translation import Translator, translator

LANGUAGES: TypeAdapter[Language] = TypeAdapter(Language)
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "manifest-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The policy of pages without scripts, which by themselves ask nothing.

`connect-src` is for programs that examine a page from inside, as Lighthouse does: it reads
`/robots.txt` as the page would.
"""

WITH_SCRIPTS = f"{CONTENT_SECURITY_POLICY}; script-src 'self'; worker-src 'self'"
"""The policy of pages with scripts of this site; these may ask this site alone."""
WORK_OFFLINE = frozenset(
    {
        "home.html",
        "search.html",
        "services.html",
        "service.html",
        "life-events.html",
        "life-event.html",
        "comment-form.html",
        "surveys.html",
        "survey.html",
        "help.html",
        "privacy.html",
        "offline.html",
    }
)
"""Pages with the script that stores the catalogue on the phone; the service worker needs them."""


@dataclass(frozen=True)
class Page:
    """A page to render: the request, its language, and the regency if the database answers."""

    request: Request
    language: Language
    regency: Pack | None

    @property
    def messages(self) -> Translator:
        """The messages, numbers and dates of the page's language."""
        return translator(self.language)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the regency."""
        return get_zone(self.request)

    @property
    def site_address(self) -> str:
        """The public address of the hub, or that by which it was reached, without a slash."""
        settings: Settings = self.request.app.state.settings
        return settings.public_address or str(self.request.base_url).rstrip("/")

    @property
    def place(self) -> str | None:
        """The regency's name in the page's language; None if the database does not answer."""
        if self.regency is None:
            return None
        return self.messages.choose(self.regency.name, en=self.regency.name_en)

    @property
    def language_query(self) -> dict[str, str]:
        """The query parameter that keeps the language in a link or redirect."""
        return {"lang": self.language} if self.language != SOURCE_LANGUAGE else {}

    def link(self, path: str) -> str:
        """Return an address on the hub that keeps the language."""
        query = "&".join(f"{name}={value}" for name, value in self.language_query.items())
        return f"{path}{'&' if '?' in path else '?'}{query}" if query else path

    @property
    def catalog(self) -> CatalogClient:
        """The client of the catalogue."""
        return catalog_client(self.request, language=self.language)

    @property
    def feedback(self) -> FeedbackClient:
        """The client of feedback."""
        return feedback_client(self.request, language=self.language)

    @property
    def assessment(self) -> AssessmentClient:
        """The client of assessment."""
        return assessment_client(self.request, language=self.language)

    @property
    def sender_headers(self) -> dict[str, str]:
        """The client's address and agent, for the daily salted hashes of the feedback service."""
        host = self.request.client.host if self.request.client is not None else ""
        agent = self.request.headers.get("user-agent", "")[:500]
        return {"X-Forwarded-For": host, "User-Agent": agent.encode("ascii", "replace").decode()}

    def in_language(self, item: object, name: str) -> Any:
        """Return a field of a model or mapping in the page's language."""
        return self.messages.field(item, name)

    async def agency_name(self, slug: str) -> str:
        """Return the name of an agency; its slug if the catalogue does not answer or has none."""
        try:
            agency = await self.catalog.find_agency(slug)
        except httpx.HTTPError:
            return slug
        return slug if agency is None else self.in_language(agency, "name")

    def local_date(self, at: datetime) -> str:
        """Return the day of a moment in the regency, such as `17 Desember 2026`."""
        return self.messages.long_date(at.astimezone(self.zone).date())

    def render(
        self, template: str, *, status: int = 200, data: str | None = None, **values: Any
    ) -> HTMLResponse:
        """Return the page; `data` is the address of its JSON representation."""
        html = (
            environment(self.language)
            .get_template(template)
            .render(
                other_languages=self._other_languages(),
                place=self.place,
                appearance=self._appearance_address(),
                arms=self._arms(),
                data=data,
                works_offline=template in WORK_OFFLINE,
                canonical=canonical_address(self.request, self.language_query)
                if status == 200
                else None,
                **values,
            )
        )
        return HTMLResponse(
            html,
            status_code=status,
            headers={
                "Content-Security-Policy": WITH_SCRIPTS
                if template in WORK_OFFLINE
                else CONTENT_SECURITY_POLICY,
                "Content-Language": self.language,
            },
        )

    def not_found(self) -> HTMLResponse:
        """Return the page for an address that does not exist."""
        return self.render("not-found.html", status=404)

    def invalid_address(self, errors: Sequence[FieldError]) -> HTMLResponse:
        """Return the page for query parameters that are not accepted."""
        names = {error.parameter for error in errors if error.parameter is not None}
        url = self.request.url.remove_query_params(list(names))
        return self.render(
            "invalid-address.html",
            status=422,
            errors=errors,
            without=f"{url.path}?{url.query}" if url.query else url.path,
        )

    def unavailable(self) -> HTMLResponse:
        """Return the page for a service that does not answer."""
        return self.render("unavailable.html", status=503, request_id=current_request_id())

    def error(self) -> HTMLResponse:
        """Return the page for an error of the hub."""
        return self.render("error.html", status=500, request_id=current_request_id())

    def _appearance_address(self) -> str | None:
        if self.regency is None or self.regency.appearance is None:
            return None
        return appearance_address(self.regency.appearance)

    def _arms(self) -> Arms | None:
        if self.regency is None or self.regency.appearance is None:
            return None
        return self.regency.appearance.arms

    def _other_languages(self) -> list[dict[str, str]]:
        """Return the same page in the other languages, for the links in its head."""
        links: list[dict[str, str]] = []
        for code in COMPLETE_LANGUAGES:
            if code != self.language:
                url = self.request.url.include_query_params(lang=code)
                href = f"{url.path}?{url.query}"
                links.append({"code": code, "name": LANGUAGE_NAMES[code], "href": href})
        return links


async def get_page(request: Request) -> Page:
    """Return the page of a request, in the language of its query parameter `lang`.

    The parameter is read here and not declared: FastAPI builds a validator for each parameter of
    each route, and three hundred for this one took a twentieth of the time to start.
    """
    return await page_in(_language_of(request), request)


async def page_in(language: Language, request: Request) -> Page:
    """Return the page of a request; without the database only the regency's name is missing."""
    database: Database = request.app.state.database
    try:
        async with database.read_session() as session:
            regency = await find_regency(session, Service.gateway, get_region(request))
    except DATABASE_ERRORS:
        regency = None
    return Page(request, language, regency)


def _language_of(request: Request) -> Language:
    try:
        return LANGUAGES.validate_python(request.query_params.get("lang", SOURCE_LANGUAGE))
    except ValidationError as error:
        errors = [{**found, "loc": ("query", "lang")} for found in error.errors()]
        raise RequestValidationError(errors) from None


CurrentPage = Annotated[Page, Depends(get_page)]
