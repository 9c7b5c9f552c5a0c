"""`/kelola/bukti`: the records of evidence by kind and state, and those that wait for others."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import httpx
from fastapi import Query
from fastapi.responses import HTMLResponse, Response

from services.assessment.client import Evidence, Meeting, Record
from services.gateway.portal.workspace.access import Workspace
from services.gateway.portal.workspace.evidence.found_records import (
    Reader,
    labels,
    title_of,
)
from services.gateway.portal.workspace.evidence.index_kinds import index_name
from services.gateway.portal.workspace.evidence.kinds import (
    KIND_BY_SLUG,
    KINDS,
    MODELS,
    kind_of,
)
from services.gateway.portal.workspace.evidence.record_kind import EVIDENCE
from services.gateway.portal.workspace.evidence.stored_records import find_record
from services.gateway.portal.workspace.meeting_records import MEETINGS
from services.platform.router import Router
from services.platform.translation import N_

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

StateFilter = Literal["", "proposed", "confirmed", "disputed", "withdrawn"]
ROWS_PER_PAGE = 50
MAX_ROWS = 2000
"""Records that a list has at most; one agency may record some thousand."""
MEETING = N_("Rapat")
MEETING_SLUG = "rapat"


@dataclass(frozen=True)
class Row:
    """A record in a list: its words and where its page is."""

    record: Record[Evidence]
    content: Evidence
    title: str
    slug: str
    """The name of its kind in addresses."""
    kind: str
    href: str


@router.get(EVIDENCE)
async def list_evidence(
    workspace: Reader,
    jenis: Annotated[str, Query(max_length=40)] = "",
    keadaan: StateFilter = "",
    halaman: Annotated[int, Query(ge=1, le=10_000)] = 1,
) -> Response:
    """Show the records of a kind, or of all, in any state or in one; the newest first."""
    kinds = [kind for kind in KINDS if jenis in {"", kind.slug}]
    if not kinds:
        return workspace.page.not_found()
    try:
        rows, agencies, waiting = await asyncio.gather(
            find_rows(workspace, list(dict.fromkeys(kind.model for kind in kinds)), state=keadaan),
            workspace.agency_names(),
            count_waiting(workspace),
        )
    except httpx.HTTPError:
        return workspace.page.unavailable()
    shown = [row for row in rows if not jenis or kind_of(row.content).slug == jenis]
    first = (halaman - 1) * ROWS_PER_PAGE
    return workspace.render(
        "workspace/evidence-list.html",
        rows=shown[first : first + ROWS_PER_PAGE],
        total=len(shown),
        more=halaman + 1 if len(shown) > first + ROWS_PER_PAGE else None,
        kinds=KINDS,
        chosen=KIND_BY_SLUG.get(jenis),
        state=keadaan,
        waiting=waiting,
        recorded=[kind for kind in KINDS if workspace.holds(*kind.recorders)],
        may_record=workspace.holds("editor", "lead", "evaluator"),
        may_confirm=may_confirm(workspace),
        index_name=lambda index: index_name(index, workspace.page.messages),
        **labels(workspace, agencies),
    )


@router.get(f"{EVIDENCE}/menunggu")
async def list_waiting(workspace: Reader) -> Response:
    """Show what waits for the person's confirmation, and what waits for another organisation."""
    try:
        proposed = await find_rows(workspace, [*MODELS, Meeting], state="proposed")
        agencies = await workspace.agency_names()
    except httpx.HTTPError:
        return workspace.page.unavailable()
    own = workspace.caller.actor
    others = [row for row in proposed if row.record.recorded_by != own]
    counts = Counter((row.slug, row.kind) for row in others)
    return workspace.render(
        "workspace/evidence-waiting.html",
        rows=others,
        several=[(slug, kind, count) for (slug, kind), count in counts.most_common() if count > 1],
        own=[row for row in proposed if row.record.recorded_by == own],
        may_confirm=may_confirm(workspace),
        **labels(workspace, agencies),
    )


async def count_waiting(workspace: Workspace) -> int:
    """Return how many proposals of others there are to confirm; 0 for who confirms none."""
    if not may_confirm(workspace):
        return 0
    own = workspace.caller.actor
    found = await workspace.assessment.count_proposed_evidence()
    return sum(each.count for each in found if each.recorded_by != own)


def may_confirm(workspace: Workspace) -> bool:
    """Return whether the person confirms evidence of other organisations."""
    return workspace.holds("approver", "lead")


async def find_rows(
    workspace: Workspace, models: Sequence[type[Evidence]], *, state: StateFilter
) -> list[Row]:
    """Return the records of these models, or those in a state, the newest first."""
    found = await asyncio.gather(
        *(workspace.assessment.list_evidence(model, state=state or None) for model in models)
    )
    newest = sorted(
        (
            (model, record)
            for model, records in zip(models, found, strict=True)
            for record in records
        ),
        key=lambda each: each[1].recorded_at,
        reverse=True,
    )
    rows = [await _row(workspace, model, record) for model, record in newest[:MAX_ROWS]]
    return [row for row in rows if row is not None]


async def _row(workspace: Workspace, model: type[Evidence], record: Record[Evidence]) -> Row | None:
    """Return a record as the list shows it; one to withdraw has the content before that."""
    content = record.content
    if content is None:
        earlier = await find_record(workspace, model, record.id)
        if earlier is None:
            return None
        content = earlier.content
    translate = workspace.page.messages.translate
    title = title_of(workspace, content)
    if isinstance(content, Meeting):
        href = f"{MEETINGS}/{record.id}"
        return Row(record, content, title, MEETING_SLUG, translate(MEETING), href)
    kind = kind_of(content)
    href = f"{kind.address}/{record.id}"
    return Row(record, content, title, kind.slug, translate(kind.name), href)
