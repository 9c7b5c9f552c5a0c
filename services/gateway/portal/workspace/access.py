"""Who may open a page under `/kelola`, and how the page calls services in that person's name.

A page of the workspace declares what it needs as a parameter:

    Responder = Annotated[Workspace, Depends(Enter("responder"))]

    @router.post("/kelola/pengaduan/{ticket}")
    async def answer(workspace: Responder, ticket: TicketCode) -> Response:
        await workspace.feedback.publish_comment(ticket, text=workspace.fields["isi"])

`Enter` finds the session, refuses who lacks the role, checks the token of a form, and names the
person in the audit log. The clients of `Workspace` send the person's identity with its scopes, so
the services decide as they do about an API key.
"""

import asyncio
import hmac
import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

import httpx
from fastapi import Depends, FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.assessment.client import AssessmentClient
from services.catalog.client import CatalogClient
from services.feedback.client import FeedbackClient
from services.gateway.people.records import Person
from services.gateway.people.roles import Role, agencies_of, roles_for
from services.gateway.people.sessions import LIFETIME, PersonSession, find_session
from services.gateway.portal.error_pages import requested_language
from services.gateway.portal.page import CurrentPage, Page, page_in
from services.gateway.portal.secret_links import is_secure
from services.gateway.portal.service_clients import (
    assessment_client,
    catalog_client,
    feedback_client,
)
from services.platform.database import Database
from services.platform.identity import Caller
from services.platform.ids import new_id
from services.platform.local_time import day_of
from services.platform.service import get_region
from services.platform.translation import N_, Message

HOME = "/kelola"
SIGN_IN = "/kelola/masuk"
CONFIRM = "/kelola/konfirmasi"
CHOOSE_AGENCY = "/kelola/bekerja-untuk"
AGENCY = "untuk"
"""The query parameter of a link that is meant for people of an agency."""
COOKIE = "emall_kelola"
SAFE_METHODS = frozenset({"GET", "HEAD"})
MAX_FIELD_BYTES = 3 * 1024 * 1024
"""Of a form with `multipart/form-data`: a page carries a workbook of 2 MiB, as base64."""
TARGET = re.compile(r"(/unggah|/kelola(/[A-Za-z0-9_.-]+)*)(\?[A-Za-z0-9_.~=&%+-]*)?")
"""Pages to which signing in may lead back."""
MAX_TARGET = 300

ASKED = "emall.asked"
"""Key of a request's scope: the reads of its page that several parts need."""

ReadT = TypeVar("ReadT")

NO_ROLE = N_("Peran Anda tidak mencakup halaman ini. Mintalah pada pengelola hub.")
NOT_STORED = N_("Belum tersimpan karena layanan tidak menjawab. Kirim sekali lagi.")
OTHER_SESSION = N_("Formulir ini berasal dari sesi lain. Buka halamannya lagi, lalu kirim.")


class SignInRequiredError(Exception):
    """The page needs somebody who signed in."""


class ConfirmationRequiredError(Exception):
    """The act needs password or code anew."""


class AgencyRequiredError(Exception):
    """The page is for another agency of the person than the one for which the session acts."""

    def __init__(self, agencies: Sequence[str]) -> None:
        super().__init__(", ".join(agencies))
        self.agencies = agencies


class RefusedError(Exception):
    """The person may not do this."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.text)
        self.message = message


@dataclass(frozen=True)
class Workspace:
    """A page of `/kelola` and the person who opened it."""

    page: Page
    session: PersonSession
    fields: Mapping[str, str]
    """The text fields of a submitted form, without surrounding blanks."""

    @property
    def person(self) -> Person:
        """Who signed in."""
        return self.session.person

    @property
    def agency(self) -> str | None:
        """For which agency the person acts now; None for the hub as a whole."""
        return self.session.agency

    @property
    def roles(self) -> frozenset[Role]:
        """The roles that hold while the person acts for this agency."""
        return roles_for(self.person.roles, self.agency)

    @property
    def caller(self) -> Caller:
        """The person as services know callers."""
        return self.session.caller

    def holds(self, *roles: Role) -> bool:
        """Return whether the person has one of these roles, or is administrator."""
        return not self.roles.isdisjoint({*roles, "administrator"})

    @property
    def today(self) -> date:
        """The day in the regency."""
        return day_of(datetime.now(UTC), self.page.zone)

    @property
    def catalog(self) -> CatalogClient:
        """The client of the catalogue, in the person's name."""
        return catalog_client(self.page.request, auth=self.auth, language=self.page.language)

    @property
    def feedback(self) -> FeedbackClient:
        """The client of feedback, in the person's name."""
        return feedback_client(self.page.request, auth=self.auth, language=self.page.language)

    @property
    def assessment(self) -> AssessmentClient:
        """The client of assessment, in the person's name."""
        return assessment_client(self.page.request, auth=self.auth, language=self.page.language)

    async def once(self, read: Callable[["Workspace"], Coroutine[Any, Any, ReadT]]) -> ReadT:
        """Return what a function reads, asked once for a page that only reads.

        Parts of the page that need the same are to pass the same function.
        """
        asked: dict[object, asyncio.Task[ReadT]] = self.page.request.scope.setdefault(ASKED, {})
        if read not in asked:
            asked[read] = asyncio.create_task(read(self))
        return await asyncio.shield(asked[read])

    async def agency_names(self) -> dict[str, str]:
        """Return the names of agencies by their slugs; none if the catalogue does not answer."""
        try:
            agencies = await self.page.catalog.list_agencies()
        except httpx.HTTPError:
            return {}
        return {each.slug: self.page.in_language(each, "name") or each.slug for each in agencies}

    @property
    def auth(self) -> httpx.Auth:
        """The person's identity, for clients of services."""
        return self.page.request.app.state.auth_for(self.caller)

    def render(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """Return a page of the workspace, which is not stored anywhere."""
        return no_store(self.page.render(template, status=status, workspace=self, **values))

    def redirect(self, target: str) -> RedirectResponse:
        """Return the answer to an act: another page, in the same language."""
        return redirect(self.page, target)


def workspace_of(app: FastAPI, person: Person, agency: str | None) -> Workspace:
    """Return what a person who acts for an agency finds, for work without a request or session."""
    scope = {"type": "http", "app": app, "method": "GET", "path": HOME, "headers": []}
    page = Page(Request(scope), person.language, None)
    return Workspace(page, PersonSession(new_id(), "", person, agency, None), {})


class Enter:
    """Dependency that lets in people with one of some roles; without roles, everybody signed in."""

    def __init__(self, *roles: Role, confirmed: bool = False) -> None:
        """With `confirmed` password or code has to be given anew before (dangerous acts)."""
        self.roles = roles
        self.confirmed = confirmed

    async def __call__(self, request: Request, page: CurrentPage) -> Workspace:
        """Return the workspace of a request.

        Raises:
            SignInRequiredError: Nobody is signed in.
            AgencyRequiredError: The page is to be read for another agency of the person.
            RefusedError: The person has none of the roles, or the form is not of this session.
            ConfirmationRequiredError: Password or code is needed anew.
        """
        session = await current_session(request)
        if session is None or session.verified_at is None:
            raise SignInRequiredError
        request.scope["request_log"].impersonate(session.caller)
        fields: dict[str, str] = {}
        if request.method not in SAFE_METHODS:
            form = await request.form(max_files=10, max_part_size=MAX_FIELD_BYTES)
            fields = {name: v.strip() for name, v in form.items() if isinstance(v, str)}
            if not hmac.compare_digest(session.form_token, _ascii(fields.get("kata", ""))):
                raise RefusedError(OTHER_SESSION)
        workspace = Workspace(page, session, fields)
        if request.method in SAFE_METHODS and (agencies := self._other_agencies(workspace)):
            raise AgencyRequiredError(agencies)
        if not self._lets_in(session.person, session.agency):
            raise RefusedError(NO_ROLE)
        if self.confirmed and not session.is_recent(datetime.now(UTC)):
            raise ConfirmationRequiredError
        return workspace

    def _other_agencies(self, workspace: Workspace) -> list[str]:
        """Return for which other agencies the person may read the page; none: for the present one.

        A link may name the agency that it is for; else another one only helps whose roles for the
        present one do not suffice.
        """
        person, agency = workspace.person, workspace.agency
        others = [
            each
            for each in agencies_of(person.roles)
            if each != agency and self._lets_in(person, each)
        ]
        named = workspace.page.request.query_params.get(AGENCY)
        if named in others:
            return [named]
        return [] if self._lets_in(person, agency) else others

    def _lets_in(self, person: Person, agency: str | None) -> bool:
        """Return whether a person has one of the roles while acting for an agency."""
        roles = roles_for(person.roles, agency)
        return not self.roles or not roles.isdisjoint({*self.roles, "administrator"})


AnyPerson = Annotated[Workspace, Depends(Enter())]
"""The workspace of anybody who signed in."""


async def current_session(request: Request) -> PersonSession | None:
    """Return the session of a request, also one that waits for the second factor."""
    token = request.cookies.get(_cookie_name(request))
    if not token:
        return None
    async with database_of(request).write_session() as session:
        return await find_session(session, get_region(request), token, now=datetime.now(UTC))


def set_session_cookie(response: Response, request: Request, token: str) -> None:
    """Set the cookie of a session; it ends with the session at the latest."""
    response.set_cookie(
        _cookie_name(request),
        token,
        max_age=int(LIFETIME.total_seconds()),
        secure=is_secure(request),
        httponly=True,
        samesite="lax",  # a link in a message opens its page, which a strict cookie would miss
    )


def delete_session_cookie(response: Response, request: Request) -> None:
    """Delete the cookie of a session."""
    response.delete_cookie(
        _cookie_name(request), secure=is_secure(request), httponly=True, samesite="lax"
    )


def database_of(request: Request) -> Database:
    """Return the gateway's database."""
    database: Database = request.app.state.database
    return database


def safe_target(target: str | None) -> str:
    """Return where signing in leads: a page of the workspace, never another site's."""
    if not target or len(target) > MAX_TARGET:
        return HOME
    return target if TARGET.fullmatch(target) else HOME


def redirect(page: Page, target: str) -> RedirectResponse:
    """Return a redirect to a page, in the same language."""
    url = httpx.URL(target)
    if page.language_query:
        url = url.copy_merge_params(page.language_query)
    return RedirectResponse(str(url), status_code=303, headers={"Cache-Control": "no-store"})


def no_store(response: HTMLResponse) -> HTMLResponse:
    """Keep a page out of browsers' caches, shared caches and search engines."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def add_workspace_handlers(app: FastAPI) -> None:
    """Lead people whom `Enter` does not let in to where they can go on."""

    async def on_sign_in(request: Request, error: Exception) -> Response:
        page = await page_in(requested_language(request), request)
        return redirect(page, _with_target(SIGN_IN, request))

    async def on_confirmation(request: Request, error: Exception) -> Response:
        page = await page_in(requested_language(request), request)
        return redirect(page, _with_target(CONFIRM, request))

    async def on_agency(request: Request, error: Exception) -> Response:
        page = await page_in(requested_language(request), request)
        agencies = error.agencies if isinstance(error, AgencyRequiredError) else []
        choice = httpx.URL(CHOOSE_AGENCY, params={"instansi": list(agencies)})
        return redirect(page, _with_target(str(choice), request))

    async def on_refused(request: Request, error: Exception) -> Response:
        page = await page_in(requested_language(request), request)
        message = error.message if isinstance(error, RefusedError) else NO_ROLE
        return no_store(
            page.render(
                "workspace/refused.html", status=403, message=page.messages.translate(message)
            )
        )

    app.add_exception_handler(SignInRequiredError, on_sign_in)
    app.add_exception_handler(ConfirmationRequiredError, on_confirmation)
    app.add_exception_handler(AgencyRequiredError, on_agency)
    app.add_exception_handler(RefusedError, on_refused)


def with_target(address: str, target: str | None) -> str:
    """Return the address of a page that leads on to another one of the workspace."""
    found = safe_target(target)
    return address if found == HOME else str(httpx.URL(address).copy_merge_params({"ke": found}))


def _with_target(address: str, request: Request) -> str:
    """Return the address of a page that leads back to the one asked for, or to that of the form."""
    if request.method in SAFE_METHODS:
        url = request.url.remove_query_params("lang")
        target = f"{url.path}?{url.query}" if url.query else url.path
    else:
        target = urlsplit(request.headers.get("referer", "")).path
    return with_target(address, target)


def _ascii(text: str) -> str:
    return text if text.isascii() else ""


def _cookie_name(request: Request) -> str:
    return f"__Host-{COOKIE}" if is_secure(request) else COOKIE
