"""`/kelola/bukti/menunggu/{jenis}`: proposals of one kind, several confirmed in one act.

Each is confirmed by the operation that confirms a single one, so that its rules hold for each: what
is refused stays a proposal and is named with the reason, and the others are confirmed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import httpx
from fastapi import Query
from fastapi.responses import HTMLResponse, Response

from services.assessment.client import Evidence, Meeting
from services.gateway.portal.workspace.access import NOT_STORED, Workspace
from services.gateway.portal.workspace.evidence.fields import Showing
from services.gateway.portal.workspace.evidence.found_records import (
    CHANGED,
    Confirmer,
    KindSlug,
    labels,
    read_lists,
)
from services.gateway.portal.workspace.evidence.kinds import KIND_BY_SLUG
from services.gateway.portal.workspace.evidence.lists import MEETING, MEETING_SLUG, Row, find_rows
from services.gateway.portal.workspace.evidence.pages import NOT_ANOTHER, TOO_LONG_NOTE, is_text
from services.gateway.portal.workspace.evidence.record_kind import EVIDENCE, YOUR_NOTE
from services.platform.router import Router
from services.platform.service_client import RequestRejectedError
from services.platform.translation import N_, Message

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

MAX_TICKED = 100
"""Proposals of a page, and of one act: each is a request to the service."""
TICK = re.compile(r"pilih\.([0-9a-f-]{36})")
VERSION = re.compile("[1-9][0-9]{0,5}")

NONE_TICKED = N_("Centang bukti yang Anda konfirmasi.")
TOO_MANY_TICKED = N_("Paling banyak 100 bukti sekaligus.")
GONE = N_("Catatan ini tidak ada lagi.")

PageNumber = Annotated[int, Query(ge=1, le=1000)]


@dataclass(frozen=True)
class _Kind:
    """A kind of evidence whose proposals are listed."""

    slug: str
    model: type[Evidence]
    name: Message
    note_label: Message


@dataclass(frozen=True)
class _Refused:
    """A proposal that was not confirmed, and why."""

    title: str
    href: str
    reason: str


@dataclass(frozen=True)
class _Outcome:
    """What an act did."""

    confirmed: int
    refused: Sequence[_Refused]
    status: int


@router.get(f"{EVIDENCE}/menunggu/{{jenis}}")
async def list_to_confirm(
    workspace: Confirmer,
    jenis: KindSlug,
    halaman: PageNumber = 1,
    *,
    semua: bool = False,
) -> Response:
    """Show the proposals of a kind that others recorded, each with its content and a tick."""
    kind = _find_kind(jenis)
    if kind is None:
        return workspace.page.not_found()
    return await _show(workspace, kind, halaman, all_ticked=semua)


@router.post(f"{EVIDENCE}/menunggu/{{jenis}}")
async def confirm_ticked(
    workspace: Confirmer, jenis: KindSlug, halaman: PageNumber = 1
) -> Response:
    """Confirm the versions that were ticked; name those that were refused."""
    kind = _find_kind(jenis)
    if kind is None:
        return workspace.page.not_found()
    ticked = _ticked(workspace.fields)
    note = workspace.fields.get("catatan-konfirmasi") or None
    errors: dict[str, Message] = {}
    if not ticked:
        errors["pilih"] = NONE_TICKED
    elif len(ticked) > MAX_TICKED:
        errors["pilih"] = TOO_MANY_TICKED
    if note is not None and not is_text(note):
        errors["catatan-konfirmasi"] = TOO_LONG_NOTE
    if errors:
        return await _show(workspace, kind, halaman, errors=errors)
    try:
        rows = {row.record.id: row for row in await _find_rows(workspace, kind)}
    except httpx.HTTPError:
        return workspace.page.unavailable()
    outcome = await _confirm(workspace, kind, ticked, rows, note)
    return await _show(workspace, kind, halaman, outcome=outcome)


async def _confirm(
    workspace: Workspace,
    kind: _Kind,
    ticked: Mapping[UUID, int],
    rows: Mapping[UUID, Row],
    note: str | None,
) -> _Outcome:
    """Confirm each version; once the service does not answer, ask it no more."""
    messages = workspace.page.messages
    refused: list[_Refused] = []
    is_unavailable = False
    for record_id, version in ticked.items():
        reason: Message | None = NOT_STORED
        if not is_unavailable:
            try:
                await workspace.assessment.confirm_evidence(
                    kind.model, record_id, version=version, note=note
                )
                reason = None
            except RequestRejectedError as error:
                reason = {403: NOT_ANOTHER, 404: GONE}.get(error.status, CHANGED)
            except httpx.HTTPError:
                is_unavailable = True
        if reason is not None:
            row = rows.get(record_id)
            refused.append(
                _Refused(
                    messages.translate(kind.name) if row is None else row.title,
                    f"{EVIDENCE}/{kind.slug}/{record_id}" if row is None else row.href,
                    messages.translate(reason),
                )
            )
    status = 503 if is_unavailable else 409 if refused else 200
    return _Outcome(len(ticked) - len(refused), refused, status)


async def _show(
    workspace: Workspace,
    kind: _Kind,
    page_number: int,
    *,
    all_ticked: bool = False,
    errors: Mapping[str, Message] | None = None,
    outcome: _Outcome | None = None,
) -> Response:
    try:
        rows = await _find_rows(workspace, kind)
        record_kind = KIND_BY_SLUG.get(kind.slug)
        lists = {} if record_kind is None else await read_lists(workspace, record_kind)
        agencies = await workspace.agency_names()
    except httpx.HTTPError:
        return workspace.page.unavailable()
    messages = workspace.page.messages
    showing = Showing(messages, lists)

    def terms(row: Row) -> list[tuple[str, Sequence[str]]]:
        shown = [
            (messages.translate(each.label), each.show(row.content, showing))
            for each in (record_kind.fields if record_kind else ())
        ]
        return [(label, lines) for label, lines in shown if lines]

    first = (page_number - 1) * MAX_TICKED
    return workspace.render(
        "workspace/evidence-confirm.html",
        status=422 if errors else 200 if outcome is None else outcome.status,
        kind=kind,
        rows=rows[first : first + MAX_TICKED],
        total=len(rows),
        number=page_number,
        more=page_number + 1 if len(rows) > first + MAX_TICKED else None,
        ticked={str(each) for each in _ticked(workspace.fields)} if errors else set[str](),
        all_ticked=all_ticked,
        outcome=outcome,
        terms=terms,
        errors=messages.labels(errors or {}),
        typed=workspace.fields,
        **labels(workspace, agencies),
    )


async def _find_rows(workspace: Workspace, kind: _Kind) -> list[Row]:
    """Return the proposals of a kind that another organisation recorded, by their titles."""
    own = workspace.caller.actor
    found = [
        row
        for row in await find_rows(workspace, [kind.model], state="proposed")
        if row.slug == kind.slug and row.record.recorded_by != own
    ]
    return sorted(found, key=lambda row: _with_numbers(row.title))


def _with_numbers(title: str) -> list[str | int]:
    """Return what titles are sorted by: numbers in them by value."""
    parts = re.split(r"([0-9]+)", title.lower())
    return [int(part) if n % 2 else part for n, part in enumerate(parts)]


def _find_kind(slug: str) -> _Kind | None:
    if slug == MEETING_SLUG:
        return _Kind(slug, Meeting, MEETING, YOUR_NOTE)
    kind = KIND_BY_SLUG.get(slug)
    return None if kind is None else _Kind(slug, kind.model, kind.name, kind.note_label)


def _ticked(fields: Mapping[str, str]) -> dict[UUID, int]:
    """Return the version of each record that was ticked."""
    found: dict[UUID, int] = {}
    for name, value in fields.items():
        if (tick := TICK.fullmatch(name)) and VERSION.fullmatch(value):
            try:
                found[UUID(tick[1])] = int(value)
            except ValueError:
                continue
    return found
