"""`/hadir`: people present at a meeting enter their names, by its QR code and without an account.

The code's address moves its token to a cookie; the form sends it in its body.
"""

import re
from collections.abc import Mapping
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import TypeAdapter, ValidationError

from services.gateway.meetings.attendance import PAGE
from services.gateway.meetings.attendance_routes import (
    get_open_attendance_list,
    post_attendance_entry,
)
from services.gateway.meetings.attendance_schemas import (
    TOKEN_LENGTH,
    AttendanceSignature,
    OneLine,
    OpenAttendanceList,
)
from services.gateway.meetings.times import period_text
from services.gateway.portal.page import CurrentPage, Page
from services.gateway.portal.secret_links import SecretLink
from services.platform.database import Database
from services.platform.problems import Conflict, Invalid, NotFound
from services.platform.router import Router
from services.platform.translation import N_

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

TOKEN = re.compile(rf"[a-z2-7]{{{TOKEN_LENGTH}}}")
LINK = SecretLink("emall_hadir", TOKEN)
GROUP = 4
"""Letters of a token between two hyphens, where people type it."""
OTHER = "lain"
"""Choice of an organisation that was not invited."""
MAX_FIELDS = 20

NO_CHOICE = N_("Pilih instansi atau organisasi Anda.")
NO_ORGANISATION = N_("Tulis nama organisasi Anda, paling panjang 200 karakter.")
NO_NAME = N_("Tulis nama Anda, paling panjang 200 karakter.")
FULL = N_("Daftar hadir ini sudah penuh. Sampaikan kehadiran Anda kepada pencatat rapat.")

_LINE: TypeAdapter[str] = TypeAdapter(OneLine)

TypedToken = Annotated[str, Path(max_length=40)]


def address_of(hub: str, token: str) -> str:
    """Return the address of a list, as a QR code has it and as people type it."""
    groups = (token[start : start + GROUP] for start in range(0, len(token), GROUP))
    return f"{hub}{PAGE}/{'-'.join(groups)}"


@router.get(f"{PAGE}/terima-kasih")
async def thanks(page: CurrentPage) -> Response:
    """Thank who entered a name; the list stays open for the next person at this telephone."""
    return _private(page.render("attendance-thanks.html", path=PAGE))


@router.get(f"{PAGE}/{{token}}")
async def open_link(request: Request, page: CurrentPage, token: TypedToken) -> Response:
    """Redirect to the list that a token opens, however it was typed."""
    token = token.replace("-", "").lower()
    if TOKEN.fullmatch(token) is None:
        return _over(page)
    return LINK.redirect(request, token, PAGE, page.language_query)


@router.get(PAGE)
async def show_form(request: Request, page: CurrentPage) -> Response:
    """Show the form of the list that the token opens."""
    token = LINK.read(request)
    opened = None if token is None else await _open(request, page, token)
    if token is None or opened is None:
        return _over(page)
    return _form(page, token, opened, {"id": str(uuid4())}, {})


@router.post(PAGE)
async def enter_name(request: Request, page: CurrentPage) -> Response:
    """Enter the name, or show the form again with what is missing."""
    form = await request.form(max_files=0, max_fields=MAX_FIELDS)
    fields = {name: text.strip() for name, text in form.items() if isinstance(text, str)}
    token = LINK.read(request, fields.get("token"))
    opened = None if token is None else await _open(request, page, token)
    if token is None or opened is None:
        return _over(page)
    signature, errors = _read(page, token, opened, fields)
    if signature is None:
        return _form(page, token, opened, fields, errors)
    database: Database = request.app.state.database
    try:
        async with database.write_session() as session:
            await post_attendance_entry(request, Response(), session, page.zone, signature)
    except NotFound:
        return _over(page)
    except Invalid:  # the invited have changed
        return _form(page, token, opened, fields, {"dari": page.messages.translate(NO_CHOICE)})
    except Conflict:
        errors = {"kirim": page.messages.translate(FULL)}
        return _form(page, token, opened, fields | {"id": str(uuid4())}, errors)
    target = f"{PAGE}/terima-kasih"
    suffix = f"?lang={page.language}" if page.language_query else ""
    return _private(RedirectResponse(f"{target}{suffix}", status_code=303))


async def _open(request: Request, page: Page, token: str) -> OpenAttendanceList | None:
    """Return the list that a token opens; None without one."""
    database: Database = request.app.state.database
    async with database.read_session() as session:
        try:
            return await get_open_attendance_list(request, Response(), session, page.zone, token)
        except NotFound:
            return None


def _read(
    page: Page, token: str, opened: OpenAttendanceList, fields: Mapping[str, str]
) -> tuple[AttendanceSignature | None, dict[str, str]]:
    """Return what was typed as an entry; None with a sentence for each faulty field."""
    errors: dict[str, str] = {}
    chosen = fields.get("dari", "")
    stakeholder = chosen if chosen in {one.key for one in opened.invited} else None
    organisation = None
    if chosen == OTHER:
        organisation = _line(fields.get("organisasi", ""))
        if organisation is None:
            errors["organisasi"] = page.messages.translate(NO_ORGANISATION)
    elif stakeholder is None:
        errors["dari"] = page.messages.translate(NO_CHOICE)
    name = _line(fields.get("nama", ""))
    if name is None:
        errors["nama"] = page.messages.translate(NO_NAME)
    if errors or name is None:
        return None, errors
    try:
        entry = UUID(fields.get("id", ""))
    except ValueError:
        entry = uuid4()
    signature = AttendanceSignature(
        id=entry, token=token, stakeholder=stakeholder, organisation=organisation, name=name
    )
    return signature, errors


def _line(typed: str) -> str | None:
    try:
        return _LINE.validate_python(typed)
    except ValidationError:
        return None


def _form(
    page: Page,
    token: str,
    opened: OpenAttendanceList,
    fields: Mapping[str, str],
    errors: Mapping[str, str],
) -> Response:
    return _private(
        page.render(
            "attendance.html",
            status=422 if errors else 200,
            token=token,
            opened=opened,
            when=period_text(page.messages, opened.starts_at, opened.ends_at, page.zone),
            typed=fields,
            errors=errors,
            other=OTHER,
            path=PAGE,
        )
    )


def _over(page: Page) -> Response:
    return _private(page.render("attendance-over.html", status=404))


def _private(response: Response) -> Response:
    """Keep the token in the form out of caches and search engines."""
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
