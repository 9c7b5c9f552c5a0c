"""`/kelola/pengaduan`: the complaints to an agency, each with its conversation and its deadline."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Literal, TypedDict

import httpx
from fastapi import Depends, Query
from fastapi.responses import HTMLResponse, Response
from pydantic import StringConstraints

from services.feedback.client import CommentItem
from services.gateway.people.mail.case_notices import is_due_soon
from services.gateway.portal.complaints.form import normalise_ticket
from services.gateway.portal.complaints.labels import ACTIONS, DEADLINE_STATES, STATES
from services.gateway.portal.workspace.access import NOT_STORED, Enter, Workspace
from services.gateway.portal.workspace.tasks import Task
from services.platform.ids import new_id
from services.platform.router import Router
from services.platform.service_client import RequestRejectedError
from services.platform.translation import N_, NC_, Message
from services.platform.types import TEXT_PATTERN

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

CASES = "/kelola/pengaduan"
MAX_CASES = 1000
"""Comments of a state that the desk counts, the newest."""

Reader = Annotated[Workspace, Depends(Enter("responder", "approver", "lead"))]
Responder = Annotated[Workspace, Depends(Enter("responder", "lead"))]
TicketCode = Annotated[str, StringConstraints(pattern=TEXT_PATTERN, max_length=60)]
CaseId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f-]{36}$")]
Filter = Literal["semua", "baru", "ditangani", "lewat", "diperiksa"]

FILTERS: Mapping[Filter, Message] = {
    "semua": NC_("complaints", "Semua"),
    "baru": NC_("complaints", "Baru"),
    "ditangani": NC_("complaints", "Sedang ditangani"),
    "lewat": NC_("complaints", "Lewat batas"),
    "diperiksa": NC_("complaints", "Perlu diperiksa"),
}


class CaseQuery(TypedDict, total=False):
    """Parameters of the list of comments."""

    state: str
    under_review: bool
    overdue: bool


QUERIES: Mapping[Filter, CaseQuery] = {
    "semua": {},
    "baru": {"state": "received", "under_review": False},
    "ditangani": {"state": "in_progress", "under_review": False},
    "lewat": {"overdue": True},
    "diperiksa": {"under_review": True},
}
WAITING: Sequence[CaseQuery] = (
    QUERIES["diperiksa"],
    QUERIES["baru"],
    QUERIES["ditangani"],
    {"state": "reopened", "under_review": False},
)
"""The cases that wait for the agency."""

REVIEW_REASONS: Mapping[str, Message] = {
    "honeypot": N_("isian yang tidak terlihat orang terisi"),
    "missing_form_token": N_("dikirim tanpa formulir"),
    "expired_form_token": N_("formulirnya sudah lama dibuka"),
    "too_fast": N_("diisi terlalu cepat untuk orang"),
    "too_many_from_sender": N_("banyak kiriman dari pengirim yang sama"),
    "duplicate": N_("isinya sama dengan kiriman lain"),
    "too_many_links": N_("memuat banyak alamat web"),
    "other_agency": N_("dicatat oleh instansi lain"),
}

CHANGED = N_("Keadaan tiket ini sudah berubah, atau tindakan itu tidak lagi mungkin. Baca lagi.")
NEEDS_TEXT = N_("Tulis jawaban, paling sedikit tiga huruf.")
NEEDS_AGENCY = N_("Pilih instansi lain yang berwenang.")
NEEDS_TICKET = N_("Tulis kode tiket lain yang ada, seperti 7K3M-9QXT-2C86.")
NEEDS_NUMBER = N_("Tulis nomor laporan di SP4N-LAPOR!.")
NEEDS_WORDS_OF_WRITER = N_(
    "Terbitkan hanya kata-kata pengirim; beri tanda [...] untuk yang dihapus."
)


@dataclass(frozen=True)
class Refusal:
    """Why an act was not done, and the field to correct."""

    field: str
    message: Message


@router.get(CASES)
async def list_cases(
    workspace: Reader,
    saring: Filter = "semua",
    cursor: Annotated[CaseId | None, Query()] = None,
) -> Response:
    """Show the cases of the agency, the newest first."""
    try:
        found = await workspace.feedback.list_comments(
            agency=workspace.agency, cursor=cursor, **QUERIES[saring]
        )
    except httpx.HTTPError:
        return workspace.page.unavailable()
    messages = workspace.page.messages
    return workspace.render(
        "workspace/cases.html",
        cases=found.items,
        cursor=None if found.next is None else httpx.URL(found.next).params.get("cursor"),
        filters=messages.labels(FILTERS),
        chosen=saring,
        labels=_labels(workspace),
    )


@router.get(f"{CASES}/{{ticket}}")
async def show_case(workspace: Reader, ticket: TicketCode) -> Response:
    """Show a case with what can be done about it."""
    return await _show(workspace, ticket)


@router.post(f"{CASES}/{{ticket}}/jawaban")
async def answer(workspace: Responder, ticket: TicketCode) -> Response:
    """Send an answer or an interim reply to the writer."""
    text = workspace.fields.get("jawaban", "")
    if len(text) < 3:
        return await _show(workspace, ticket, Refusal("jawaban", NEEDS_TEXT))
    is_interim = workspace.fields.get("sementara") == "1"
    try:
        await workspace.feedback.answer_comment(
            ticket,
            text=text,
            state="in_progress" if is_interim else "answered",
            idempotency_key=workspace.fields.get("id") or str(new_id()),
        )
    except httpx.HTTPError as error:
        return await _refuse(workspace, ticket, error, field="jawaban")
    return workspace.redirect(f"{CASES}/{ticket}")


@router.post(f"{CASES}/{{ticket}}/proses")
async def take_up(workspace: Responder, ticket: TicketCode) -> Response:
    """Take a case up."""
    return await _change(workspace, ticket, {"state": "in_progress"}, field="proses")


@router.post(f"{CASES}/{{ticket}}/terima")
async def accept(workspace: Responder, ticket: TicketCode) -> Response:
    """Accept a comment that was under review."""
    return await _change(workspace, ticket, {"state": "received"}, field="terima")


@router.post(f"{CASES}/{{ticket}}/selesai")
async def close(workspace: Responder, ticket: TicketCode) -> Response:
    """Close a case, with a public reason if one is given."""
    change = {"state": "closed"} | _note(workspace)
    return await _change(workspace, ticket, change, field="selesai")


@router.post(f"{CASES}/{{ticket}}/buka")
async def reopen(workspace: Responder, ticket: TicketCode) -> Response:
    """Open a case again."""
    return await _change(workspace, ticket, {"state": "reopened"}, field="buka")


@router.post(f"{CASES}/{{ticket}}/serahkan")
async def reassign(workspace: Responder, ticket: TicketCode) -> Response:
    """Hand a case to another agency, which answers it from then on."""
    agency = workspace.fields.get("instansi", "")
    if not agency or agency == workspace.agency:
        return await _show(workspace, ticket, Refusal("instansi", NEEDS_AGENCY))
    change = {"state": "received", "agency": agency} | _note(workspace)
    return await _change(
        workspace, ticket, change, field="instansi", message=NEEDS_AGENCY, then=CASES
    )


@router.post(f"{CASES}/{{ticket}}/gabung")
async def merge(workspace: Responder, ticket: TicketCode) -> Response:
    """Merge a case into another one about the same."""
    into = normalise_ticket(workspace.fields.get("tiket", ""))
    if not into or into == ticket:
        return await _show(workspace, ticket, Refusal("tiket", NEEDS_TICKET))
    change = {"state": "merged", "into": into}
    return await _change(workspace, ticket, change, field="tiket", message=NEEDS_TICKET)


@router.post(f"{CASES}/{{ticket}}/teruskan")
async def forward(workspace: Responder, ticket: TicketCode) -> Response:
    """Record that a case was forwarded to SP4N-LAPOR!, with its number there."""
    number = workspace.fields.get("nomor", "")
    if not number:
        return await _show(workspace, ticket, Refusal("nomor", NEEDS_NUMBER))
    change = {"state": "forwarded", "number": number} | _note(workspace)
    return await _change(workspace, ticket, change, field="nomor", message=NEEDS_NUMBER)


@router.post(f"{CASES}/{{ticket}}/terbitkan")
async def publish(workspace: Responder, ticket: TicketCode) -> Response:
    """Publish the writer's words, or withdraw their publication."""
    try:
        if workspace.fields.get("batal") == "1":
            await workspace.feedback.unpublish_comment(ticket)
        else:
            await workspace.feedback.publish_comment(
                ticket, text=workspace.fields.get("terbit") or None
            )
    except httpx.HTTPError as error:
        message = NEEDS_WORDS_OF_WRITER
        return await _refuse(workspace, ticket, error, field="terbit", message=message)
    return workspace.redirect(f"{CASES}/{ticket}")


@router.post(f"{CASES}/{{ticket}}/kontak")
async def read_contact(workspace: Responder, ticket: TicketCode) -> Response:
    """Show the writer's contact; the timeline records that it was read."""
    try:
        contact = await workspace.feedback.read_comment_contact(ticket)
    except httpx.HTTPError as error:
        return await _refuse(workspace, ticket, error, field="kontak")
    shown = [each for each in (contact.phone, contact.email) if each]
    return await _show(workspace, ticket, contact=shown)


async def find_waiting_cases(workspace: Workspace) -> list[Task]:
    """Return what the agency's complaints ask of it: new ones, and those that are due."""
    cases = await _find_cases(workspace, WAITING)
    doubtful = sum(bool(case.review_reasons) for case in cases)
    new = sum(case.state == "received" and not case.review_reasons for case in cases)
    messages = workspace.page.messages
    new_text = messages.ngettext("%(num)s pengaduan baru", "%(num)s pengaduan baru", new)
    doubtful_text = messages.ngettext(
        "%(num)s pesan perlu diperiksa", "%(num)s pesan perlu diperiksa", doubtful
    )
    return [
        *_near_their_day(workspace, cases),
        *_count(new_text, new, "baru"),
        *_count(doubtful_text, doubtful, "diperiksa"),
    ]


async def find_cases_near_their_day(workspace: Workspace) -> list[Task]:
    """Return for an approver which cases others have to answer, due soon or overdue."""
    if workspace.holds("responder", "lead"):
        return []
    known = [query for query in WAITING if not query.get("under_review")]
    return _near_their_day(workspace, await _find_cases(workspace, known))


async def _find_cases(workspace: Workspace, queries: Sequence[CaseQuery]) -> list[CommentItem]:
    """Return the agency's cases of these queries."""
    found = await asyncio.gather(
        *(
            workspace.feedback.list_all_comments(agency=workspace.agency, most=MAX_CASES, **query)
            for query in queries
        )
    )
    return [case for cases in found for case in cases]


def _near_their_day(workspace: Workspace, cases: Sequence[CommentItem]) -> list[Task]:
    late = sum(case.service_level.status == "overdue" for case in cases)
    soon = sum(map(is_due_soon, cases))
    messages = workspace.page.messages
    late_text = messages.ngettext(
        "%(num)s pengaduan lewat batas jawab", "%(num)s pengaduan lewat batas jawab", late
    )
    soon_text = messages.ngettext(
        "%(num)s pengaduan jatuh tempo dalam dua hari kerja",
        "%(num)s pengaduan jatuh tempo dalam dua hari kerja",
        soon,
    )
    return [*_count(late_text, late, "lewat"), *_count(soon_text, soon, "semua")]


def _count(text: str, count: int, chosen: Filter) -> list[Task]:
    """Return the line about a number of cases; none if there are none."""
    task = Task(text, f"{CASES}?saring={chosen}", is_urgent=chosen == "lewat", is_count=True)
    return [task] if count else []


async def _change(
    workspace: Workspace,
    ticket: str,
    change: Mapping[str, str],
    *,
    field: str,
    message: Message = CHANGED,
    then: str | None = None,
) -> Response:
    try:
        await workspace.feedback.change_comment_state(ticket, change)
    except httpx.HTTPError as error:
        return await _refuse(workspace, ticket, error, field=field, message=message)
    return workspace.redirect(then or f"{CASES}/{ticket}")


async def _refuse(
    workspace: Workspace,
    ticket: str,
    error: httpx.HTTPError,
    *,
    field: str,
    message: Message = CHANGED,
) -> Response:
    """Show the case with why the act was not done, and everything that was typed."""
    if not isinstance(error, RequestRejectedError):
        return await _show(workspace, ticket, Refusal(field, NOT_STORED), 503)
    if error.status == 404 and field != "tiket":
        return workspace.page.not_found()
    is_state = error.status == 409 and not error.problem.errors
    return await _show(workspace, ticket, Refusal(field, CHANGED if is_state else message))


async def _show(
    workspace: Workspace,
    ticket: str,
    refusal: Refusal | None = None,
    status: int = 422,
    *,
    contact: list[str] | None = None,
) -> Response:
    """Return the page of a case."""
    try:
        case = await workspace.feedback.find_comment(ticket, secret=None)
        agencies = await workspace.page.catalog.list_agencies()
        about = (
            await workspace.page.catalog.find_service(case.service)
            if case is not None and case.service is not None
            else None
        )
    except httpx.HTTPError:
        return workspace.page.unavailable()
    if case is None or case.details is None:  # of another agency: only its state is public
        return workspace.page.not_found()
    page = workspace.page
    names = {each.slug: page.in_language(each, "name") or each.slug for each in agencies}
    return workspace.render(
        "workspace/case.html",
        status=200 if refusal is None else status,
        case=case,
        service=None if about is None else page.in_language(about.service, "name"),
        agencies={slug: name for slug, name in names.items() if slug != case.agency},
        names=names,
        contact=contact,
        may_act=workspace.holds("responder", "lead"),
        form_id=str(new_id()),
        errors={refusal.field: page.messages.translate(refusal.message)} if refusal else {},
        typed=workspace.fields if refusal else {},
        review_reasons=[
            page.messages.translate(REVIEW_REASONS[reason])
            for reason in case.details.review_reasons
            if reason in REVIEW_REASONS
        ],
        labels=_labels(workspace),
    )


@dataclass(frozen=True)
class CaseLabels:
    """The words and dates of a case in the page's language."""

    states: Mapping[str, str]
    actions: Mapping[str, str]
    deadlines: Mapping[str, str]
    day: Callable[[date], str]
    local_day: Callable[[datetime], str]


def _labels(workspace: Workspace) -> CaseLabels:
    messages = workspace.page.messages
    return CaseLabels(
        messages.labels(STATES),
        messages.labels(ACTIONS),
        messages.labels(DEADLINE_STATES),
        messages.long_date,
        workspace.page.local_date,
    )


def _note(workspace: Workspace) -> dict[str, str]:
    note = workspace.fields.get("catatan", "")
    return {"note": note} if note else {}
