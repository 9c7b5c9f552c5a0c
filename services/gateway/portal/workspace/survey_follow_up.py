"""`/kelola/survei/{slug}/tindak-lanjut`: what an agency does about the results of a survey."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import httpx
from fastapi import Path
from fastapi.responses import HTMLResponse, Response
from pydantic import TypeAdapter, ValidationError

from services.feedback.client import FollowUp, FollowUpAction
from services.gateway.portal.surveys.results import ACTION_STATES
from services.gateway.portal.workspace.access import NOT_STORED, RefusedError, Workspace
from services.gateway.portal.workspace.hidden_fields import form_id_of, tag_of
from services.gateway.portal.workspace.reasons import reasons_of
from services.gateway.portal.workspace.round_form import day_of_field
from services.gateway.portal.workspace.surveys import SURVEYS, Planner
from services.platform.ids import new_id
from services.platform.parameters import SlugPath
from services.platform.router import Router
from services.platform.service_client import RequestRejectedError
from services.platform.translation import N_, Message, Translator
from services.platform.types import ShortText, Text, Year

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

PLAN = f"{SURVEYS}/{{slug}}/tindak-lanjut"
ActionPath = Annotated[UUID, Path()]

NEEDS_AGENCY = N_(
    "Tindak lanjut adalah milik sebuah instansi. Peran Anda tidak menyebut instansi; mintalah pada "
    "pengelola hub."
)
NOT_YOURS = N_("Tindak lanjut ini milik instansi lain.")
CHANGED = N_(
    "Rekan Anda mengubah tindak lanjut ini sesudah Anda membukanya. Isian Anda masih di sini; "
    "simpan lagi bila isian Anda yang benar."
)
NO_ELEMENT = N_("Pilih unsur yang diperbaiki.")
NO_ACTION = N_("Tulis apa yang akan dilakukan, paling banyak 5.000 karakter.")
NO_OWNER = N_("Tulis bidang atau kantor penanggung jawab, paling banyak 300 karakter.")
NO_DUE_DAY = N_("Pilih batas waktunya.")
NO_STATE = N_("Pilih keadaannya.")
NO_OUTCOME = N_("Tulis hasilnya bila tindak lanjut selesai atau dibatalkan.")
LABELS: Mapping[str, Message] = {
    "element": N_("Unsur yang diperbaiki"),
    "action": N_("Apa yang dilakukan"),
    "owner": N_("Penanggung jawab"),
    "due": N_("Paling lambat"),
    "state": N_("Keadaan"),
    "outcome": N_("Hasil"),
}
"""Fields of the form by those of the service."""
REFUSED = N_("Tindak lanjut ini ditolak layanan survei: %(reasons)s")

_LONG: TypeAdapter[str] = TypeAdapter(Text)
_SHORT: TypeAdapter[str] = TypeAdapter(ShortText)


@router.get(f"{PLAN}/baru")
async def show_form(
    workspace: Planner, slug: SlugPath, tahun: Year | None = None, unsur: str = ""
) -> Response:
    """Show the form of an action about the results of a year."""
    _require_agency(workspace)
    fields = {
        "id": str(new_id()),
        "tahun": str(tahun or workspace.today.year),
        "unsur": unsur[:80],
        "keadaan": "planned",
    }
    return await _form(workspace, slug, fields)


@router.post(f"{PLAN}/baru")
async def add_action(workspace: Planner, slug: SlugPath) -> Response:
    """Record an action of the person's agency."""
    agency, fields = _require_agency(workspace), workspace.fields
    year = fields.get("tahun", "")
    if not re.fullmatch("20[0-9]{2}", year, re.ASCII):
        year = str(workspace.today.year)
    content, errors = read_action(
        fields, workspace.page.messages, {"agency": agency, "period": year, "service": None}
    )
    if content is None:
        return await _form(workspace, slug, fields, errors=errors)
    try:
        form_id = str(form_id_of(fields))
        await workspace.feedback.add_follow_up(slug, content, idempotency_key=form_id)
    except httpx.HTTPError as error:
        return await _refuse(workspace, slug, fields, error)
    return _to_plan(workspace, slug, content)


@router.get(f"{PLAN}/{{id}}")
async def show_action(workspace: Planner, slug: SlugPath, id: ActionPath) -> Response:
    """Show the form with what is recorded."""
    try:
        found = await workspace.feedback.find_follow_up_action(slug, id)
    except httpx.HTTPError:
        return workspace.page.unavailable()
    if found is None:
        return workspace.page.not_found()
    action, tag = found
    _require_own(workspace, action)
    content = action.content
    fields = {
        "versi": tag,
        "tahun": content.period,
        "unsur": content.element,
        "tindakan": content.action,
        "penanggung": content.owner,
        "batas": content.due.isoformat(),
        "keadaan": content.state,
        "hasil": content.outcome or "",
    }
    return await _form(workspace, slug, fields, found=action)


@router.post(f"{PLAN}/{{id}}")
async def change_action(workspace: Planner, slug: SlugPath, id: ActionPath) -> Response:
    """Store what has changed; nothing is stored over what somebody else changed."""
    fields, action = workspace.fields, None
    try:
        found = await workspace.feedback.find_follow_up_action(slug, id)
        if found is None:
            return workspace.page.not_found()
        action, tag = found
        _require_own(workspace, action)
        kept = action.content.model_dump(include={"agency", "period", "service"})
        content, errors = read_action(fields, workspace.page.messages, kept)
        if content is None:
            return await _form(workspace, slug, fields, errors=errors, found=action)
        fields = {**fields, "versi": tag}  # whoever saves again has seen what has changed
        tag = tag_of(workspace.fields)
        await workspace.feedback.change_follow_up(slug, id, content, tag=tag)
    except httpx.HTTPError as error:
        return await _refuse(workspace, slug, fields, error, found=action)
    return _to_plan(workspace, slug, content)


def read_action(
    fields: Mapping[str, str], messages: Translator, kept: Mapping[str, Any]
) -> tuple[FollowUp | None, dict[str, str]]:
    """Return the action in a form, or a sentence for each faulty field (pure)."""
    errors: dict[str, Message] = {}
    if not fields.get("unsur"):
        errors["unsur"] = NO_ELEMENT
    if not _is_text(_LONG, fields.get("tindakan", "")):
        errors["tindakan"] = NO_ACTION
    if not _is_text(_SHORT, fields.get("penanggung", "")):
        errors["penanggung"] = NO_OWNER
    due = day_of_field(fields, "batas")
    if due is None:
        errors["batas"] = NO_DUE_DAY
    state = fields.get("keadaan", "")
    outcome = fields.get("hasil") or None
    if state not in ACTION_STATES:
        errors["keadaan"] = NO_STATE
    if (outcome is None and state in {"done", "dropped"}) or (
        outcome is not None and not _is_text(_LONG, outcome)
    ):
        errors["hasil"] = NO_OUTCOME
    if errors:
        return None, messages.labels(errors)
    values = {
        **kept,
        "element": fields["unsur"],
        "action": fields["tindakan"],
        "owner": fields["penanggung"],
        "due": due,
        "state": state,
        "outcome": outcome,
    }
    try:
        return FollowUp.model_validate(values), {}
    except ValidationError:  # an element that can be no code
        return None, messages.labels({"unsur": NO_ELEMENT})


async def _form(
    workspace: Workspace,
    slug: str,
    fields: Mapping[str, str],
    *,
    errors: Mapping[str, str] | None = None,
    found: FollowUpAction | None = None,
    status: int = 422,
) -> Response:
    try:
        detail = await workspace.feedback.find_survey(slug)
        agencies = await workspace.agency_names()
    except httpx.HTTPError:
        return workspace.page.unavailable()
    if detail is None:
        return workspace.page.not_found()
    return workspace.render(
        "workspace/follow-up-form.html",
        status=status if errors else 200,
        survey=detail.survey,
        elements=[each for each in detail.survey.questions if each.kind_rules.is_scale],
        agency=agencies.get(workspace.agency or "", workspace.agency),
        found=found,
        typed=fields,
        errors=errors or {},
        states=workspace.page.messages.labels(ACTION_STATES),
    )


async def _refuse(
    workspace: Workspace,
    slug: str,
    fields: Mapping[str, str],
    error: httpx.HTTPError,
    *,
    found: FollowUpAction | None = None,
) -> Response:
    """Show the form again with why it was not stored, and everything that was typed."""
    messages = workspace.page.messages
    form = partial(_form, workspace, slug, fields, found=found)
    if not isinstance(error, RequestRejectedError):
        errors = {"simpan": messages.translate(NOT_STORED)}
        return await form(errors=errors, status=503)
    if error.status == 404:
        return workspace.page.not_found()
    if error.status == 412:
        return await form(errors=messages.labels({"simpan": CHANGED}), status=412)
    if any(each.pointer == "#/element" for each in error.problem.errors):
        return await form(errors=messages.labels({"unsur": NO_ELEMENT}))
    errors = {"simpan": messages.translate(REFUSED, reasons=reasons_of(workspace, error, LABELS))}
    return await form(errors=errors)


def _to_plan(workspace: Workspace, slug: str, content: FollowUp) -> Response:
    return workspace.redirect(f"{SURVEYS}/{slug}?tahun={content.period[:4]}")


def _require_agency(workspace: Workspace) -> str:
    """Return the person's agency; raise `RefusedError` without one."""
    if workspace.agency is None:
        raise RefusedError(NEEDS_AGENCY)
    return workspace.agency


def _require_own(workspace: Workspace, action: FollowUpAction) -> None:
    if action.content.agency != workspace.agency:
        raise RefusedError(NOT_YOURS)


def _is_text(adapter: TypeAdapter[str], typed: str) -> bool:
    try:
        return bool(adapter.validate_python(typed))
    except ValidationError:
        return False
