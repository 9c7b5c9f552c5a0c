"""`/surel/berhenti`: a person stops the daily digest by the link in a mail, without signing in.

Mail programs send the one POST of RFC 8058; its answer is no redirect, which they do not follow. A
GET changes nothing, for filters of mail open the links that they find.
"""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Request
from fastapi.responses import HTMLResponse, Response

from services.gateway.people.accounts import stop_digest
from services.gateway.people.mail.unsubscribing import PATH, TOKEN_DIGITS, UnsubscribeLinks
from services.gateway.people.records import subject_of
from services.gateway.portal.page import CurrentPage, Page
from services.platform.database import Database
from services.platform.identity import Caller
from services.platform.router import Router
from services.platform.service import get_region

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

Token = Annotated[str, Path(max_length=2 * TOKEN_DIGITS)]


@router.get(f"{PATH}/{{token}}")
async def ask(request: Request, page: CurrentPage, token: Token) -> Response:
    """Show the button that stops the digest."""
    if _person_of(request, token) is None:
        return page.not_found()
    return _page(page, path=f"{PATH}/{token}", is_done=False)


@router.post(f"{PATH}/{{token}}")
async def stop(request: Request, page: CurrentPage, token: Token) -> Response:
    """Stop the digest of the person whom the token names; the audit log names the person."""
    person = _person_of(request, token)
    if person is None:
        return page.not_found()
    request.scope["request_log"].impersonate(Caller(subject=subject_of(person)))
    database: Database = request.app.state.database
    async with database.write_session() as session:
        await stop_digest(session, get_region(request), person)
    return _page(page, path=f"{PATH}/{token}", is_done=True)


def _person_of(request: Request, token: str) -> UUID | None:
    links: UnsubscribeLinks = request.app.state.unsubscribe_links
    return links.person_of(token)


def _page(page: Page, *, path: str, is_done: bool) -> HTMLResponse:
    response = page.render("unsubscribe.html", path=path, is_done=is_done)
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
