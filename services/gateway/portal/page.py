"""What every page of the hub is made with."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import httpx
from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from services.gateway.portal.assets import asset
from services.gateway.portal.messages import words_in
from services.gateway.regency.regency import find_regency
from services.platform.database import DATABASE_ERRORS, Database
from services.platform.languages import Language
from services.platform.packs import Pack
from services.platform.parameters import LanguageQuery
from services.platform.service import API, get_region
from services.platform.settings import Service

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)

templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def host_of(url: str) -> str:
    """The name of the site behind an address, as a citizen knows it."""
    return httpx.URL(url).host.removeprefix("www.")


def with_code(text: str) -> Markup:
    """A text in which what stands between backticks is code."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if odd % 2 else escape(part)
        for odd, part in enumerate(parts)
    )


templates.filters["with_code"] = with_code
templates.filters["asset"] = asset
templates.filters["host"] = host_of


@dataclass(frozen=True)
class Page:
    """A page to be rendered: who asks, in which language, in which regency."""

    request: Request
    language: Language
    regency: Pack | None

    def text_of(self, item: Mapping[str, Any], name: str) -> Any:
        """A field of an item in the page's language, as `name` and `name_en` hold it."""
        return item.get(f"{name}_en") if self.language == "en" else item[name]

    def render(
        self, template: str, *, status: int = 200, data: str | None = None, **values: Any
    ) -> HTMLResponse:
        """The page; `data` is the address of its JSON twin."""
        english = self.language == "en"
        place = None
        if self.regency is not None:
            place = self.regency.name_en if english else self.regency.name
        html = templates.get_template(template).render(
            w=words_in(self.language),
            language=self.language,
            other=self._other_language(),
            in_language=self.text_of,
            suffix="?lang=en" if english else "",
            joined="&lang=en" if english else "",
            place=place,
            data=data,
            **values,
        )
        return HTMLResponse(
            html,
            status_code=status,
            headers={
                "Content-Security-Policy": CONTENT_SECURITY_POLICY,
                "Referrer-Policy": "same-origin",
                "X-Content-Type-Options": "nosniff",
                "Content-Language": self.language,
            },
        )

    async def from_catalog(
        self, path: str, query: Mapping[str, str] | None = None
    ) -> dict[str, Any] | None:
        """The catalogue's answer; None where it has nothing under this address."""
        clients: dict[Service, httpx.AsyncClient] = self.request.app.state.clients
        answer = await clients[Service.catalog].get(f"{API}{path}", params=dict(query or {}))
        if answer.status_code == 404:
            return None
        document: dict[str, Any] = answer.raise_for_status().json()
        return document

    def not_found(self) -> HTMLResponse:
        """What a citizen sees at an address that is none."""
        return self.render("not-found.html", status=404)

    def unavailable(self) -> HTMLResponse:
        """What a citizen sees while a part of the hub does not answer."""
        return self.render("unavailable.html", status=503)

    def _other_language(self) -> str:
        other = "id" if self.language == "en" else "en"
        url = self.request.url.include_query_params(lang=other)
        return f"{url.path}?{url.query}"


async def page_of(request: Request, language: LanguageQuery = "id") -> Page:
    """The page of a request. Without the database it still comes, without the regency's name."""
    database: Database = request.app.state.database
    try:
        async with database.read_session() as session:
            regency = await find_regency(session, get_region(request))
    except DATABASE_ERRORS:
        regency = None
    return Page(request, language, regency)


ThisPage = Annotated[Page, Depends(page_of)]
