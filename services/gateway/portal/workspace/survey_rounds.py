"""`/kelola/survei/{slug}/putaran`: a round is started, invites, and is closed."""

from collections.abc import Mapping
from typing import Annotated

import httpx
from fastapi import Path
from fastapi.responses import HTMLResponse, Response

from services.assessment.client import Stakeholder
from services.feedback.client import MAX_INVITED, Invited, Round, StoredRound, SurveyDetail
from services.gateway.portal.workspace.access import NOT_STORED, RefusedError, Workspace
from services.gateway.portal.workspace.hidden_fields import tag_of
from services.gateway.portal.workspace.reasons import reasons_of
from services.gateway.portal.workspace.round_form import SAMPLES, RoundForm, day_of_field
from services.gateway.portal.workspace.surveys import (
    SURVEYS,
    Holder,
    labels,
    may_change,
    require_agency,
)
from services.platform.parameters import SlugPath
from services.platform.router import Router
from services.platform.service_client import RequestRejectedError
from services.platform.settings import Settings
from services.platform.translation import N_, Message

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

ROUND = f"{SURVEYS}/{{slug}}/putaran/{{putaran}}"

RoundPath = Annotated[str, Path(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]

NOT_YOURS = N_("Putaran ini dibuka instansi lain, yang mengubahnya.")
CHANGED = N_("Putaran ini berubah sesudah Anda membukanya. Baca yang terbaru, lalu ulangi.")
OVERLAPS = N_("Hari-hari ini bertumpang tindih dengan putaran lain. Pilih hari lain.")
NOT_BY_INVITATION = N_("Survei ini dibuka dengan tautan dari instansi, bukan dengan undangan.")
HAS_ANSWERS = N_(
    "Putaran ini sudah dijawab sesudah hari itu, atau sudah ditutup. Pilih hari yang lebih akhir."
)
NOT_AFTER_END = N_("Pilih hari sejak %(first)s dan sebelum %(last)s.")
NOBODY = N_("Pilih sedikitnya satu yang diundang.")
LABELS: Mapping[str, Message] = {
    "opens_on": N_("Hari pertama"),
    "closes_on": N_("Hari terakhir"),
    "population": N_("Jumlah pengguna yang diwakili"),
    "asked": N_("Yang akan ditanya petugas"),
}
"""Fields of the form by those of the service."""
REFUSED = N_("Putaran ini ditolak layanan survei: %(reasons)s")


@router.get(f"{SURVEYS}/{{slug}}/putaran/baru")
async def show_round_form(workspace: Holder, slug: SlugPath) -> Response:
    """Show the form of a round that begins today."""
    require_agency(workspace)
    return await _form(workspace, slug, {"mulai": workspace.today.isoformat()})


@router.post(f"{SURVEYS}/{{slug}}/putaran/baru")
async def start_round(workspace: Holder, slug: SlugPath) -> Response:
    """Store a round, whose code is its first day."""
    require_agency(workspace)
    form = RoundForm(workspace.fields, workspace.page.messages)
    content = form.read()
    if content is None:
        return await _form(workspace, slug, workspace.fields, form.errors)
    code = content.opens_on.isoformat()
    try:
        await workspace.feedback.put_round(slug, code, content, tag=None)
    except httpx.HTTPError as error:
        name, text, status = _reason(workspace, error)
        return await _form(workspace, slug, workspace.fields, {name: text}, status=status)
    return workspace.redirect(f"{SURVEYS}/{slug}/putaran/{code}")


@router.get(ROUND)
async def show_round(workspace: Holder, slug: SlugPath, putaran: RoundPath) -> Response:
    """Show a round with who is invited and what can be done about it."""
    return await _show(workspace, slug, putaran)


@router.get(f"{ROUND}/tautan")
async def show_links(workspace: Holder, slug: SlugPath, putaran: RoundPath) -> Response:
    """Show the links of those who have not answered, to print and hand out."""
    try:
        found = await _find(workspace, slug, putaran)
        if found is None:
            return workspace.page.not_found()
        detail, stored, _ = found
        invited = await workspace.feedback.list_invitations(slug, putaran)
    except RequestRejectedError:
        raise RefusedError(NOT_YOURS) from None
    except httpx.HTTPError:
        return workspace.page.unavailable()
    settings: Settings = workspace.page.request.app.state.settings
    address = settings.public_address or str(workspace.page.request.base_url).rstrip("/")
    return workspace.render(
        "workspace/survey-links.html",
        survey=detail.survey,
        round=stored,
        slips=[(each, address + each.path) for each in invited.items if each.path is not None],
        **labels(workspace),
    )


@router.post(f"{ROUND}/undang")
async def invite_stakeholders(workspace: Holder, slug: SlugPath, putaran: RoundPath) -> Response:
    """Invite the stakeholders who were ticked."""
    try:
        chosen = [
            Invited(code=one.key, name=one.name, name_en=one.name_en)
            for record in await workspace.assessment.list_evidence(Stakeholder)
            if (one := record.content) and f"undang-{one.key}" in workspace.fields
        ]
        if not chosen:
            return await _show(workspace, slug, putaran, _error(workspace, "undang", NOBODY))
        await workspace.feedback.invite_stakeholders(slug, putaran, chosen[:MAX_INVITED])
    except httpx.HTTPError as error:
        return await _refuse(workspace, slug, putaran, error, field="undang")
    return workspace.redirect(f"{SURVEYS}/{slug}/putaran/{putaran}")


@router.post(f"{ROUND}/tutup")
async def close_round(workspace: Holder, slug: SlugPath, putaran: RoundPath) -> Response:
    """End a round on an earlier day than planned."""
    last = day_of_field(workspace.fields, "akhir")
    try:
        found = await _find(workspace, slug, putaran)
        if found is None:
            return workspace.page.not_found()
        _, stored, _ = found
        content = stored.content
        if last is None or not content.opens_on <= last < content.closes_on:
            day = workspace.page.messages.long_date
            message = workspace.page.messages.translate(
                NOT_AFTER_END, first=day(content.opens_on), last=day(content.closes_on)
            )
            return await _show(workspace, slug, putaran, {"akhir": message})
        earlier = Round.model_validate(content.model_dump() | {"closes_on": last})
        await workspace.feedback.put_round(slug, putaran, earlier, tag=tag_of(workspace.fields))
    except httpx.HTTPError as error:
        return await _refuse(workspace, slug, putaran, error, field="akhir")
    return workspace.redirect(f"{SURVEYS}/{slug}/putaran/{putaran}")


@router.post(f"{ROUND}/hapus")
async def delete_round(workspace: Holder, slug: SlugPath, putaran: RoundPath) -> Response:
    """Delete a round that nobody has answered."""
    try:
        await workspace.feedback.delete_round(slug, putaran)
    except httpx.HTTPError as error:
        return await _refuse(workspace, slug, putaran, error, field="hapus")
    return workspace.redirect(f"{SURVEYS}/{slug}")


async def _find(
    workspace: Workspace, slug: str, code: str
) -> tuple[SurveyDetail, StoredRound, str] | None:
    """Return a survey, one of its rounds and the entity tag of that; None if there is none."""
    detail = await workspace.feedback.find_survey(slug)
    found = await workspace.feedback.find_round(slug, code)
    return None if detail is None or found is None else (detail, *found)


async def _form(
    workspace: Workspace,
    slug: str,
    fields: Mapping[str, str],
    errors: Mapping[str, str] | None = None,
    *,
    status: int = 422,
) -> Response:
    try:
        detail = await workspace.feedback.find_survey(slug)
    except httpx.HTTPError:
        return workspace.page.unavailable()
    if detail is None:
        return workspace.page.not_found()
    options = workspace.page.messages.labels(SAMPLES)
    if detail.survey.needs_token:
        del options["invited"]
    return workspace.render(
        "workspace/round-form.html",
        status=status if errors else 200,
        survey=detail.survey,
        is_first=not detail.rounds,
        typed=fields,
        errors=errors or {},
        options=options,
    )


async def _show(
    workspace: Workspace,
    slug: str,
    code: str,
    errors: Mapping[str, str] | None = None,
    *,
    status: int = 422,
) -> Response:
    """Return the page of a round, with why an act on it was not done."""
    try:
        found = await _find(workspace, slug, code)
        if found is None:
            return workspace.page.not_found()
        detail, stored, tag = found
        is_own = may_change(workspace, stored.agency)
        invited, others = None, []
        if stored.content.sample == "invited" and is_own:
            invited = await workspace.feedback.list_invitations(slug, code)
            known = {each.code for each in invited.items}
            others = [
                one
                for record in await workspace.assessment.list_evidence(Stakeholder)
                if (one := record.content)
                and one.key not in known
                and (one.valid_to is None or one.valid_to >= workspace.today)
            ]
        agencies = await workspace.agency_names()
    except httpx.HTTPError:
        return workspace.page.unavailable()
    return workspace.render(
        "workspace/survey-round.html",
        status=status if errors else 200,
        survey=detail.survey,
        summary=next(one for one in detail.rounds if one.round == code),
        stored=stored,
        tag=tag,
        opened_by=agencies.get(stored.agency or "", stored.agency),
        is_own=is_own,
        invited=invited,
        others=others,
        typed=workspace.fields,
        errors=errors or {},
        today=workspace.today,
        **labels(workspace),
    )


async def _refuse(
    workspace: Workspace, slug: str, code: str, error: httpx.HTTPError, *, field: str
) -> Response:
    """Show the round with why the act was not done."""
    _, text, status = _reason(workspace, error)
    return await _show(workspace, slug, code, {field: text}, status=status)


def _reason(workspace: Workspace, error: httpx.HTTPError) -> tuple[str, str, int]:
    """Return the field to correct, why the service refused, and the status of the page."""
    messages = workspace.page.messages
    if not isinstance(error, RequestRejectedError):
        return "simpan", messages.translate(NOT_STORED), 503
    if error.status in {403, 412}:
        message = NOT_YOURS if error.status == 403 else CHANGED
        return "simpan", messages.translate(message), error.status
    # A code that is there already is that of another round with the same first day.
    pointers = {each.pointer for each in error.problem.errors}
    pointers |= {"#/opens_on"} if error.status == 428 else set()
    for name, pointer, message in (
        ("mulai", "#/opens_on", OVERLAPS),
        ("akhir", "#/closes_on", HAS_ANSWERS),
        ("responden", "#/sample", NOT_BY_INVITATION),
    ):
        if pointer in pointers:
            return name, messages.translate(message), 422
    return "simpan", messages.translate(REFUSED, reasons=reasons_of(workspace, error, LABELS)), 422


def _error(workspace: Workspace, name: str, message: Message) -> dict[str, str]:
    return {name: workspace.page.messages.translate(message)}
