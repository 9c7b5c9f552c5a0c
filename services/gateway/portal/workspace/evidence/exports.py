"""`/kelola/bukti.csv` and `.xlsx`: the list that a person sees, to take away."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

import httpx
from fastapi import Query
from fastapi.responses import Response

from services.assessment.client import Evidence
from services.gateway.portal.workspace.access import Workspace
from services.gateway.portal.workspace.downloads import Table, csv_file, xlsx_file
from services.gateway.portal.workspace.evidence.fields import Field, Showing
from services.gateway.portal.workspace.evidence.found_records import Reader, read_lists
from services.gateway.portal.workspace.evidence.kinds import KIND_BY_SLUG, KINDS, kind_of
from services.gateway.portal.workspace.evidence.lists import Row, StateFilter, find_rows
from services.gateway.portal.workspace.evidence.record_kind import RecordKind
from services.gateway.portal.workspace.evidence.vocabulary import STATES
from services.platform.router import Router
from services.platform.spreadsheets.csv_export import CsvValue
from services.platform.translation import N_, Message

router = Router(include_in_schema=False)

COMMON: Sequence[Message] = (
    N_("Keadaan"),
    N_("Dicatat oleh"),
    N_("Dicatat pada"),
    N_("Sumber"),
    N_("Lampiran"),
)
"""Columns of every kind after those of its form."""

KindFilter = Annotated[str, Query(max_length=40)]


@router.get("/kelola/bukti.csv")
async def export_csv(
    workspace: Reader, jenis: KindFilter = "", keadaan: StateFilter = ""
) -> Response:
    """Return the records of one kind as CSV, in the form of Indonesian spreadsheet programs."""
    kind = KIND_BY_SLUG.get(jenis)
    if kind is None:
        return workspace.page.not_found()
    try:
        [table] = (await _tables(workspace, [kind], keadaan)).values()
    except httpx.HTTPError:
        return workspace.page.unavailable()
    return csv_file(table, name=f"bukti-{kind.slug}")


@router.get("/kelola/bukti.xlsx")
async def export_xlsx(
    workspace: Reader, jenis: KindFilter = "", keadaan: StateFilter = ""
) -> Response:
    """Return the records as a workbook, with a sheet for each kind."""
    kinds = [kind for kind in KINDS if jenis in {"", kind.slug}]
    if not kinds:
        return workspace.page.not_found()
    try:
        tables = await _tables(workspace, kinds, keadaan)
    except httpx.HTTPError:
        return workspace.page.unavailable()
    return await xlsx_file(tables, name=f"bukti-{jenis}" if jenis else "bukti")


async def _tables(
    workspace: Workspace, kinds: Sequence[RecordKind], state: StateFilter
) -> dict[str, Table]:
    """Return a table for each kind, by its name."""
    models = list(dict.fromkeys(kind.model for kind in kinds))
    rows = await find_rows(workspace, models, state=state)
    files: dict[UUID, list[str]] = {}
    for model in models:
        for file in await workspace.assessment.list_attachments_of_kind(model):
            files.setdefault(file.record, []).append(file.name)
    agencies = await workspace.agency_names()
    messages = workspace.page.messages
    states = messages.labels(STATES)
    tables: dict[str, Table] = {}
    for kind in kinds:
        showing = Showing(messages, await read_lists(workspace, kind))
        headings = [label for each in kind.fields for label in _headings(each, showing)]
        tables[messages.translate(kind.name)] = Table(
            [*headings, *map(messages.translate, COMMON)],
            [
                [
                    *(cell for each in kind.fields for cell in _cells(each, row.content, showing)),
                    states[row.record.state],
                    agencies.get(row.record.recorded_by, row.record.recorded_by),
                    row.record.recorded_at.astimezone(workspace.page.zone).date(),
                    _sources(row),
                    "; ".join(files.get(row.record.id, ())),
                ]
                for row in rows
                if kind_of(row.content) is kind
            ],
        )
    return tables


def _headings(field: Field, showing: Showing) -> list[str]:
    if len(field.names) == 1:
        return [showing.messages.translate(field.label)]
    labels = showing.messages.labels(getattr(field, "labels", {}))
    return [labels[name] for name in field.names]


def _cells(field: Field, record: Evidence, showing: Showing) -> list[CsvValue]:
    """Return what a record has in a field: numbers and days as such, the rest in words."""
    typed = field.fill(record, showing.messages)
    is_exact = getattr(record, "precision", "day") == "day"
    cells: list[CsvValue] = []
    for name, attribute in zip(field.names, field.attributes, strict=False):
        value: object = getattr(record, attribute)
        if isinstance(value, date):
            cells.append(value if is_exact else typed[name])
        elif isinstance(value, int | float) and not isinstance(value, bool):
            cells.append(value)
        elif len(field.names) > 1:
            cells.append(typed.get(name))
        else:
            cells.append("; ".join(field.show(record, showing)))
    return cells


def _sources(row: Row) -> str:
    return "; ".join(source.title for source in row.record.sources)
