"""`/kelola/penilaian`: a year is assessed as a draft, and published by a second person."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import httpx
from fastapi import Depends, Path
from fastapi.responses import HTMLResponse, Response

from services.assessment.client import (
    Assessment,
    AssessmentDraft,
    AssessmentDraftItem,
    AssessmentSummary,
    Node,
    Scores,
)
from services.gateway.people.records import find_person, person_of_subject
from services.gateway.portal.dashboard.routes import ROLES
from services.gateway.portal.workspace.access import NOT_STORED, Enter, Workspace, database_of
from services.gateway.portal.workspace.hidden_fields import form_id_of
from services.gateway.portal.workspace.reasons import reasons_of
from services.platform.ids import new_id
from services.platform.router import Router
from services.platform.service import get_region
from services.platform.service_client import RequestRejectedError
from services.platform.translation import N_, Message

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

ASSESSMENTS = "/kelola/penilaian"
METHOD = "cgr-2015"
YEARS = 10
"""Years that can be assessed on the page, this one and those before."""

Evaluator = Annotated[Workspace, Depends(Enter("lead", "evaluator"))]
DraftPath = Annotated[UUID, Path()]

NO_YEAR = N_("Pilih tahun yang dinilai.")
SAME_PERSON = N_("Anda yang membuat konsep ini. Orang lain yang menerbitkannya.")
NEWER = N_("Penilaian yang lebih baru dari tahun ini sudah terbit. Nilai tahunnya sekali lagi.")
NOT_YOURS = N_("Konsep ini dibuat instansi lain, yang menghapusnya.")
REFUSED = N_("Ditolak layanan penilaian: %(reasons)s")


@dataclass(frozen=True)
class YearLine:
    """A year with its newest published assessment."""

    year: int
    published: AssessmentSummary | None
    drafts: Sequence[AssessmentDraftItem]


@router.get(ASSESSMENTS)
async def list_years(workspace: Evaluator) -> Response:
    """Show the years with what is published and what waits, and the bundles of others."""
    return await _list(workspace)


@router.post(ASSESSMENTS)
async def assess_year(workspace: Evaluator) -> Response:
    """Assess a year by the evidence of now, as a draft."""
    typed = workspace.fields.get("tahun", "")
    if typed not in {str(year) for year in _years(workspace)}:
        return await _list(workspace, {"tahun": NO_YEAR})
    try:
        form_id = form_id_of(workspace.fields)
        draft = await workspace.assessment.draft_assessment(
            method=METHOD, period=int(typed), idempotency_key=str(form_id)
        )
    except RequestRejectedError as error:
        reasons = {"reasons": reasons_of(workspace, error)}
        return await _list(workspace, {"tahun": REFUSED}, values=reasons)
    except httpx.HTTPError:
        return await _list(workspace, {"tahun": NOT_STORED}, status=503)
    return workspace.redirect(f"{ASSESSMENTS}/konsep/{draft.id}")


@router.get(f"{ASSESSMENTS}/indeks")
async def show_indices(workspace: Evaluator) -> Response:
    """Show the published values of each index, and how far the next target is."""
    try:
        indices = await workspace.assessment.list_indices()
    except httpx.HTTPError:
        return workspace.page.unavailable()
    roles = workspace.page.messages.labels(ROLES)
    return workspace.render("workspace/indices.html", indices=indices, roles=roles)


@router.get(f"{ASSESSMENTS}/konsep/{{id}}")
async def show_draft(workspace: Evaluator, id: DraftPath) -> Response:
    """Show a draft: what it estimates, what is proven, what is missing, and what is published."""
    return await _show(workspace, id)


@router.post(f"{ASSESSMENTS}/konsep/{{id}}/terbit")
async def publish_draft(workspace: Evaluator, id: DraftPath) -> Response:
    """Publish a draft that another person has made."""
    try:
        await workspace.assessment.publish_draft(id)
    except RequestRejectedError as error:
        message = {403: SAME_PERSON, 409: NEWER}.get(error.status)
        if message is None:
            return workspace.page.not_found()
        return await _show(workspace, id, {"terbit": message}, status=error.status)
    except httpx.HTTPError:
        return await _show(workspace, id, {"terbit": NOT_STORED}, status=503)
    return workspace.redirect(ASSESSMENTS)


@router.post(f"{ASSESSMENTS}/konsep/{{id}}/hapus")
async def delete_draft(workspace: Evaluator, id: DraftPath) -> Response:
    """Delete a draft of the person's agency."""
    try:
        await workspace.assessment.delete_draft(id)
    except RequestRejectedError as error:
        if error.status != 403:
            return workspace.page.not_found()
        return await _show(workspace, id, {"hapus": NOT_YOURS}, status=403)
    except httpx.HTTPError:
        return await _show(workspace, id, {"hapus": NOT_STORED}, status=503)
    return workspace.redirect(ASSESSMENTS)


async def _list(
    workspace: Workspace,
    errors: dict[str, Message] | None = None,
    *,
    values: dict[str, str] | None = None,
    status: int = 422,
) -> Response:
    try:
        drafts = await workspace.assessment.list_drafts()
        published = await workspace.assessment.list_newest_assessments(method=METHOD)
        bundles = await workspace.assessment.list_bundles()
        agencies = await workspace.agency_names()
    except httpx.HTTPError:
        return workspace.page.unavailable()
    messages = workspace.page.messages
    years = {*published, *(one.period for one in drafts)}
    return workspace.render(
        "workspace/assessments.html",
        status=status if errors else 200,
        lines=[
            YearLine(year, published.get(year), [one for one in drafts if one.period == year])
            for year in sorted(years, reverse=True)
        ],
        choices=_years(workspace),
        form_id=new_id(),
        bundles=bundles,
        agencies=agencies,
        typed=workspace.fields.get("tahun", ""),
        errors={
            name: messages.translate(message, **(values or {}))
            for name, message in (errors or {}).items()
        },
        **_formats(workspace),
    )


async def _show(
    workspace: Workspace,
    id: UUID,
    errors: dict[str, Message] | None = None,
    *,
    status: int = 422,
) -> Response:
    """Return the page of a draft, with why an act on it was not done."""
    try:
        draft = await workspace.assessment.find_draft(id)
        if draft is None:
            return workspace.page.not_found()
        newest = await workspace.assessment.list_newest_assessments(method=draft.method.id)
        published: Assessment | None = None
        if draft.period in newest:
            published = await workspace.assessment.get_assessment(newest[draft.period].href)
        agencies = await workspace.agency_names()
    except httpx.HTTPError:
        return workspace.page.unavailable()
    return workspace.render(
        "workspace/assessment-draft.html",
        status=status if errors else 200,
        draft=draft,
        published=published,
        rows=_compared(draft.scores, published.scores if published else None),
        missing=_missing(draft.scores),
        author=await _author(workspace, draft),
        agency=agencies.get(draft.recorded_by),
        is_author=draft.drafted_by == workspace.caller.person,
        may_delete=draft.drafted_by == workspace.caller.person
        or workspace.caller.can_write_for(draft.recorded_by),
        errors=workspace.page.messages.labels(errors or {}),
        **_formats(workspace),
    )


def _years(workspace: Workspace) -> list[int]:
    return [workspace.today.year - back for back in range(YEARS)]


def _compared(scores: Scores, other: Scores | None) -> list[tuple[Node, Node | None]]:
    """Return the index, dimensions and elements of a draft beside those that are published."""
    nodes: list[Node] = [scores.index]
    for dimension in scores.dimensions:
        nodes += [dimension, *dimension.elements]
    nodes += scores.drivers
    published = {} if other is None else {node.code: node for node in other.nodes()}
    return [(node, published.get(node.code)) for node in nodes]


def _missing(scores: Scores) -> list[Node]:
    """Return the indicators without evidence: first those that would give the index a value."""
    elements = [element for one in scores.dimensions for element in one.elements]
    unknown = {
        one.code: one for element in elements for one in element.indicators if one.value is None
    }
    first = [code for code in scores.index.missing_first if code in unknown]
    return [unknown[code] for code in dict.fromkeys([*first, *unknown])]


async def _author(workspace: Workspace, draft: AssessmentDraft) -> str:
    """Return the name of the person who made a draft; an empty text if a program did."""
    request = workspace.page.request
    person = person_of_subject(draft.drafted_by)
    if person is None:
        return ""
    async with database_of(request).read_session() as session:
        found = await find_person(session, get_region(request), person)
    return "" if found is None else found.name or ""


def _formats(workspace: Workspace) -> dict[str, Any]:
    messages = workspace.page.messages

    def figure(value: float | None) -> str:
        return "–" if value is None else messages.number(value, 1)

    return {
        "figure": figure,
        "below": lambda value: "–" if value is None else messages.number(math.floor(value)),
        "above": lambda value: "–" if value is None else messages.number(math.ceil(value)),
        "local_day": workspace.page.local_date,
    }
