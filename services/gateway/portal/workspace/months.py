"""`/kelola/laporan`: the monthly statistics of an agency, entered and approved by two people."""

import asyncio
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import httpx
from fastapi import Depends, Path
from fastapi.responses import HTMLResponse, Response
from pydantic import StringConstraints

from services.feedback.client import StatisticDraft, StatisticFlag
from services.gateway.people.records import find_person, person_of_subject
from services.gateway.portal.scripts import allow_scripts, worker_response
from services.gateway.portal.upload.labels import LABELS
from services.gateway.portal.workspace.access import NOT_STORED, Enter, Workspace, database_of
from services.gateway.portal.workspace.month_form import (
    CHANNELS,
    MEASURES,
    Figures,
    figures_of_draft,
    figures_of_month,
    grid_of,
    read_grid,
)
from services.gateway.portal.workspace.reasons import reasons_of
from services.platform.months import add_months, parse_period
from services.platform.router import Router
from services.platform.service import get_region
from services.platform.service_client import RequestRejectedError
from services.platform.translation import N_, NC_, Message
from services.platform.types import Year

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

MONTHS = "/kelola/laporan"
HINT_MONTHS = 2
"""Earlier months whose figures are shown beside a field."""
MAX_REASON = 300
FIGURE_FIELD = re.compile(
    rf"[a-z0-9-]{{1,80}}\.({'|'.join(CHANNELS)})\.({'|'.join(MEASURES)})", re.ASCII
)
REVISION = re.compile(r"[0-9]{1,6}", re.ASCII)

Reporter = Annotated[Workspace, Depends(Enter("reporter", "approver", "lead"))]
Approver = Annotated[Workspace, Depends(Enter("approver"))]
Period = Annotated[
    str, StringConstraints(pattern=r"^20\d{2}-(0[1-9]|1[0-2])$"), Path(description="The month.")
]

STATES: Mapping[str, Message] = {
    "draft": NC_("month", "Konsep"),
    "submitted": NC_("month", "Menunggu persetujuan"),
    "approved": NC_("month", "Disetujui"),
}

NO_FIGURES = N_("Belum ada angka. Isi sedikitnya satu.")
CHANGED = N_(
    "Rekan Anda menyimpan bulan ini sesudah Anda membukanya. Isian Anda masih di sini; angka yang "
    "tersimpan tertulis di samping tiap isian. Simpan lagi bila isian Anda yang benar."
)
OTHER_STATE = N_("Keadaan bulan ini sudah berubah. Baca lagi sebelum melanjutkan.")
REFUSED = N_("Bulan ini ditolak layanan statistik: %(reasons)s")
SAME_PERSON = N_("Anda ikut mengisi atau mengajukan bulan ini. Orang lain yang menyetujuinya.")
NEEDS_REASON = N_("Tulis alasannya, paling banyak 300 huruf.")
NEEDS_CORRECTION_REASON = N_("Angka yang sudah tersimpan berubah. Tulis alasannya.")
NEEDS_EXPLANATION = N_("Tulis penjelasannya, paling banyak 1.000 huruf.")
NOT_BEGUN = N_("Bulan ini belum mulai.")


@dataclass(frozen=True)
class MonthLine:
    """A month of the list: what is asked for, and where its draft stands."""

    period: str
    name: str
    due_on: date | None
    state: str
    """A state of `LABELS` or of `STATES`."""
    text: str
    services: str
    doubts: int


@dataclass
class Refusal:
    """What was not accepted, and what the person typed."""

    errors: Mapping[str, str]
    typed: Mapping[str, str] | None = None
    """The fields of the form; None if they were those of another form."""
    status: int = 422
    other: Mapping[str, str] = field(default_factory=dict[str, str])
    """Fields of the other forms."""


@router.get(MONTHS)
async def list_months(workspace: Reporter, tahun: Year | None = None) -> Response:
    """Show the months of the agency: of a year, or the last twelve that have ended."""
    if workspace.agency is None:
        return workspace.render("workspace/months.html", lines=None, year=None, years=[])
    first, last = (None, None) if tahun is None else (f"{tahun}-01", f"{tahun}-12")
    try:
        months, drafts, flags = await asyncio.gather(
            workspace.feedback.list_reporting_months(
                agency=workspace.agency, first=first, last=last
            ),
            workspace.feedback.list_drafts(first=first, last=last),
            workspace.feedback.list_flags("open"),
        )
    except httpx.HTTPError:
        return workspace.page.unavailable()
    messages = workspace.page.messages
    by_period = {each.period: each for each in drafts}
    doubts = [each.period for each in flags.items]
    today = workspace.today
    lines: list[MonthLine] = []
    for month in reversed(months):
        if month.period > f"{today:%Y-%m}":
            continue
        draft = by_period.get(month.period)
        state = month.state if draft is None else draft.state
        text = messages.labels(LABELS if draft is None else STATES)[state]
        lines.append(
            MonthLine(
                month.period,
                messages.month(parse_period(month.period)),
                month.due_on,
                "missing" if month.state == "missing" and state != "approved" else state,
                text,
                f"{month.services_reported}/{month.services_expected}",
                doubts.count(month.period),
            )
        )
    names = await workspace.agency_names()
    return workspace.render(
        "workspace/months.html",
        lines=lines,
        agency=names.get(workspace.agency, workspace.agency),
        year=tahun,
        years=[today.year - back for back in range(3)],
        day=messages.long_date,
    )


@router.get(f"{MONTHS}/worker.js")
async def worker() -> Response:
    """Return the service worker that opens months without a network."""
    return worker_response("month-worker.js", scope=MONTHS)


@router.get(f"{MONTHS}/{{bulan}}")
async def show_month(workspace: Reporter, bulan: Period) -> Response:
    """Show a month: its grid while it is entered, its figures once it is submitted."""
    return await _show(workspace, bulan)


@router.post(f"{MONTHS}/{{bulan}}")
async def save_month(workspace: Reporter, bulan: Period) -> Response:
    """Save what was typed, and submit it if that was asked for; all of it stays on the page."""
    fields = workspace.fields
    try:
        draft = await workspace.feedback.get_draft(bulan)
        # A channel that only the form has comes from figures of other months.
        grid = grid_of(draft.services, [dict.fromkeys(_figure_fields(fields), 0)])
        figures, errors = read_grid(grid, fields, workspace.page.language)
        reason = fields.get("alasan", "")
        if len(reason) > MAX_REASON:
            errors["alasan"] = workspace.page.messages.translate(NEEDS_REASON)
        if errors:
            return await _show(workspace, bulan, Refusal(errors, fields))
        draft = await workspace.feedback.save_draft(
            bulan, figures, reason=reason or None, revision=_revision(fields)
        )
        if "ajukan" in fields:
            await workspace.feedback.submit_draft(bulan, revision=draft.revision)
    except httpx.HTTPError as error:
        return await _refuse(workspace, bulan, error, typed=fields)
    return workspace.redirect(f"{MONTHS}/{bulan}")


@router.post(f"{MONTHS}/{{bulan}}/setujui")
async def approve_month(workspace: Approver, bulan: Period) -> Response:
    """Approve a month that somebody else entered, which stores its figures."""
    try:
        await workspace.feedback.approve_draft(bulan, revision=_revision(workspace.fields))
    except httpx.HTTPError as error:
        return await _refuse(workspace, bulan, error, name="setujui")
    return workspace.redirect(f"{MONTHS}/{bulan}")


@router.post(f"{MONTHS}/{{bulan}}/buka")
async def reopen_month(workspace: Reporter, bulan: Period) -> Response:
    """Open a submitted or approved month again, with a reason."""
    reason = workspace.fields.get("buka", "")
    if not reason or len(reason) > MAX_REASON:
        errors = {"buka": workspace.page.messages.translate(NEEDS_REASON)}
        return await _show(workspace, bulan, Refusal(errors, other=workspace.fields))
    try:
        await workspace.feedback.reopen_draft(
            bulan, reason=reason, revision=_revision(workspace.fields)
        )
    except httpx.HTTPError as error:
        return await _refuse(workspace, bulan, error, name="buka")
    return workspace.redirect(f"{MONTHS}/{bulan}")


@router.post(f"{MONTHS}/{{bulan}}/penjelasan")
async def explain_figure(workspace: Reporter, bulan: Period) -> Response:
    """Store why a doubted figure is correct."""
    flag = _uuid(workspace.fields.get("tanda", ""))
    if flag is None:
        return workspace.page.not_found()
    name = f"jelas-{flag}"
    explanation = workspace.fields.get(name, "")
    if not explanation or len(explanation) > 1000:
        errors = {name: workspace.page.messages.translate(NEEDS_EXPLANATION)}
        return await _show(workspace, bulan, Refusal(errors, other=workspace.fields))
    try:
        await workspace.feedback.explain_flag(str(flag), explanation)
    except httpx.HTTPError as error:
        return await _refuse(workspace, bulan, error, name=name)
    return workspace.redirect(f"{MONTHS}/{bulan}")


async def _refuse(
    workspace: Workspace,
    period: str,
    error: httpx.HTTPError,
    *,
    name: str = "simpan",
    typed: Mapping[str, str] | None = None,
) -> Response:
    """Show the month with why the act was not done, and everything that was typed."""
    at, message, values = name, NOT_STORED, dict[str, str]()
    status = 503
    if isinstance(error, RequestRejectedError):
        status = error.status if error.status in {403, 404, 409} else 422
        at, message = _reason_of(error, name=name, is_form=typed is not None)
        values = {"reasons": reasons_of(workspace, error)} if message is REFUSED else {}
    errors = {at: workspace.page.messages.translate(message, **values)}
    other = workspace.fields if typed is None else {}
    return await _show(workspace, period, Refusal(errors, typed, status, other))


def _reason_of(error: RequestRejectedError, *, name: str, is_form: bool) -> tuple[str, Message]:
    """Return the field to correct, and why a step was refused."""
    if error.status in {403, 404}:
        return name, SAME_PERSON if error.status == 403 else OTHER_STATE
    for each in error.problem.errors:
        if each.pointer == "#/revision":
            return name, CHANGED if is_form else OTHER_STATE
        if each.pointer == "#/reason":
            return "alasan", NEEDS_CORRECTION_REASON
        if each.pointer == "#/figures":
            return name, NO_FIGURES
        if each.parameter == "period":
            return name, NOT_BEGUN
    is_state = error.status == 409 and not error.problem.errors
    return name, OTHER_STATE if is_state else REFUSED


async def _show(workspace: Workspace, period: str, refusal: Refusal | None = None) -> Response:
    """Return the page of a month."""
    page = workspace.page
    if workspace.agency is None:
        return workspace.render("workspace/months.html", lines=None, year=None, years=[])
    first = parse_period(period)
    earlier = [add_months(first, -back) for back in range(1, HINT_MONTHS + 1)]
    try:
        draft = await workspace.feedback.get_draft(period)
        stored = await asyncio.gather(
            *(
                workspace.feedback.list_statistics(f"{month:%Y-%m}", agency=workspace.agency)
                for month in (first, *earlier)
            ),
        )
        doubts, explainable = await _doubts(workspace, draft)
    except httpx.HTTPError:
        return page.unavailable()
    current, *before = [figures_of_month(each) for each in stored]
    entered = figures_of_draft(draft.figures)
    typed = refusal.typed if refusal is not None else None
    grid = grid_of(draft.services, [entered, current, *before])
    # Of each figure its service, and its service and channel.
    filled = {part for name in entered for part in (name.split(".")[0], name.rpartition(".")[0])}
    messages = page.messages
    names, agency_names = await asyncio.gather(_names(workspace, draft), workspace.agency_names())
    response = workspace.render(
        "workspace/month.html",
        status=200 if refusal is None else refusal.status,
        saved=entered,
        draft=draft,
        period=period,
        month=messages.month(first),
        agency=agency_names.get(workspace.agency, workspace.agency),
        grid=grid,
        measures=MEASURES,
        labels=messages.labels(LABELS),
        states=messages.labels(STATES),
        values=typed or {name: str(value) for name, value in entered.items()},
        filled=filled,
        empty=[each.name for each in grid if each.slug not in filled],
        reason=(draft.reason or "") if typed is None else typed.get("alasan", ""),
        hints=_hints(workspace, entered, current, dict(zip(earlier, before, strict=True)), typed),
        has_stored=bool(current),
        is_open=draft.state in {"none", "draft"} or typed is not None,
        doubts=doubts,
        explainable=explainable,
        errors=refusal.errors if refusal is not None else {},
        is_unsaved=refusal is not None and any("." in name for name in refusal.errors),
        other=refusal.other if refusal is not None else {},
        may_approve=workspace.holds("approver") and workspace.caller.person not in draft.authors,
        names=names,
        at=_moment(workspace),
        number=messages.number,
    )
    return allow_scripts(response)


def _hints(
    workspace: Workspace,
    entered: Figures,
    current: Figures,
    before: Mapping[date, Figures],
    typed: Mapping[str, str] | None,
) -> dict[str, list[str]]:
    """Return by field what helps to judge a figure: earlier months, and what is stored."""
    messages = workspace.page.messages
    hints: dict[str, list[str]] = {}
    for month, figures in before.items():
        for name, value in figures.items():
            text = f"{messages.short_month(month)}: {messages.number(value)}"
            hints.setdefault(name, []).append(text)
    for name, value in current.items():
        if value != entered.get(name):
            text = messages.gettext("sudah dilaporkan: %(number)s", number=messages.number(value))
            hints.setdefault(name, []).append(text)
    for name, value in entered.items() if typed is not None else ():
        if typed is not None and typed.get(name) != str(value):
            text = messages.gettext("tersimpan: %(number)s", number=messages.number(value))
            hints.setdefault(name, []).append(text)
    return hints


async def _doubts(
    workspace: Workspace, draft: StatisticDraft
) -> tuple[dict[str, list[StatisticFlag]], set[UUID]]:
    """Return the doubts of a month by the field that they concern, and which can be explained.

    Of a month that waits for its approval they are those that its figures would raise.
    """
    stored = [
        each
        for each in (await workspace.feedback.list_flags("open")).items
        if each.period == draft.period
    ]
    flags = stored
    if draft.state in {"draft", "submitted"} and draft.figures:
        with suppress(RequestRejectedError):  # what is wrong is said when it is submitted
            receipt = await workspace.feedback.check_draft(draft.period, revision=draft.revision)
            flags = [each for each in receipt.flags if each.period == draft.period]
    by_field: dict[str, list[StatisticFlag]] = {}
    for flag in flags:
        parts = (flag.service, flag.channel, flag.measure)
        by_field.setdefault(".".join(filter(None, parts)), []).append(flag)
    return by_field, {each.id for each in stored}


async def _names(workspace: Workspace, draft: StatisticDraft) -> dict[str, str]:
    """Return the names of those who had to do with a month; a program has none."""
    request = workspace.page.request
    subjects = {draft.saved_by, draft.submitted_by, draft.approved_by, draft.reopened_by} - {None}
    names: dict[str, str] = {}
    async with database_of(request).read_session() as session:
        for subject in filter(None, subjects):
            person = person_of_subject(subject)
            found = person and await find_person(session, get_region(request), person)
            names[subject] = (
                found.name if found else workspace.page.messages.gettext("sebuah program")
            )
    return names


def _moment(workspace: Workspace) -> Callable[[datetime], str]:
    page = workspace.page

    def text(moment: datetime) -> str:
        return f"{page.local_date(moment)} {page.messages.clock(moment.astimezone(page.zone))}"

    return text


def _figure_fields(fields: Mapping[str, str]) -> list[str]:
    """Return the names of the fields of the grid."""
    return [name for name in fields if FIGURE_FIELD.fullmatch(name)]


def _revision(fields: Mapping[str, str]) -> int:
    """Return the revision that the form was made from; a wrong one is as one that is over."""
    typed = fields.get("versi", "")
    return int(typed) if REVISION.fullmatch(typed) else 0


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
