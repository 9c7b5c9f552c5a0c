"""`/kelola/penilaian/indeks/{index}`: the levels of SPBE or Pemdi with their proof, for a year."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

import httpx
from fastapi import Path, Query
from fastapi.responses import HTMLResponse, Response

from services.assessment.client import IndexLevels, IndicatorLevel
from services.gateway.portal.workspace.access import Workspace
from services.gateway.portal.workspace.evidence.found_records import Reader, labels
from services.gateway.portal.workspace.evidence.index_kinds import (
    INDEX_LEVEL,
    WORKBOOK,
    index_name,
)
from services.platform.parameters import SlugPath
from services.platform.router import Router
from services.platform.translation import N_, Message
from services.platform.types import Year

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

IndicatorNumber = Annotated[int, Path(ge=1, le=999)]
Ending = Annotated[Literal["xlsx", "csv"], Path()]
YearQuery = Annotated[Year | None, Query()]
Filter = Literal["", "belum", "usulan", "dibantah"]
FILTERS: Mapping[Filter, Message] = {
    "": N_("Semua"),
    "belum": N_("Belum dicatat"),
    "usulan": N_("Menunggu konfirmasi"),
    "dibantah": N_("Dibantah"),
}
YEARS = 5
"""Years that can be chosen, the next one and those before, beside those with levels."""

_PASSES: Mapping[Filter, Callable[[IndicatorLevel], bool]] = {
    "": lambda one: True,
    "belum": lambda one: one.declared is None,
    "usulan": lambda one: one.declared is not None and one.declared.state == "proposed",
    "dibantah": lambda one: one.declared is not None and one.declared.state == "disputed",
}


@router.get(f"{WORKBOOK}/{{indeks}}")
async def show_workbook(
    workspace: Reader, indeks: SlugPath, tahun: YearQuery = None, saring: Filter = ""
) -> Response:
    """Show each indicator's level, and the index from them beside the published one."""
    found = await _find(workspace, indeks, tahun)
    if isinstance(found, Response):
        return found
    shown = [one for one in found.indicators if _PASSES[saring](one)]
    groups: dict[str, list[IndicatorLevel]] = {}
    for one in shown:
        groups.setdefault(one.aspect, []).append(one)
    return workspace.render(
        "workspace/index-workbook.html",
        workbook=found,
        groups=groups,
        filters={code: workspace.page.messages.translate(name) for code, name in FILTERS.items()},
        chosen=saring,
        counts={code: sum(map(passes, found.indicators)) for code, passes in _PASSES.items()},
        years=_years(workspace, found),
        **await _words(workspace, found),
    )


@router.get(f"{WORKBOOK}/{{indeks}}/tingkat.{{bentuk}}")
async def download_workbook(
    workspace: Reader, indeks: SlugPath, bentuk: Ending, tahun: YearQuery = None
) -> Response:
    """Return the workbook as a file, with the names of attached files, which are not public."""
    try:
        found = await workspace.assessment.find_index_levels_file(indeks, bentuk, year=tahun)
    except httpx.HTTPError:
        return workspace.page.unavailable()
    if found is None:
        return workspace.page.not_found()
    headers = {name: found.headers[name] for name in ("Content-Type", "Content-Disposition")}
    return Response(found.content, headers=headers | {"Cache-Control": "no-store"})


@router.get(f"{WORKBOOK}/{{indeks}}/{{nomor}}")
async def show_indicator(
    workspace: Reader, indeks: SlugPath, nomor: IndicatorNumber, tahun: YearQuery = None
) -> Response:
    """Show an indicator: its level with the proof, the plan, and what the next level requires."""
    found = await _find(workspace, indeks, tahun)
    if isinstance(found, Response):
        return found
    at = next((n for n, one in enumerate(found.indicators) if one.number == nomor), None)
    if at is None:
        return workspace.page.not_found()
    return workspace.render(
        "workspace/index-indicator.html",
        workbook=found,
        one=found.indicators[at],
        before=found.indicators[at - 1] if at > 0 else None,
        after=found.indicators[at + 1] if at + 1 < len(found.indicators) else None,
        may_record=workspace.holds(*INDEX_LEVEL.recorders),
        may_declare=found.year <= workspace.today.year,
        **await _words(workspace, found),
    )


async def _find(workspace: Workspace, index: str, year: int | None) -> IndexLevels | Response:
    try:
        found = await workspace.assessment.find_index_levels(index, year=year)
    except httpx.HTTPError:
        return workspace.page.unavailable()
    return workspace.page.not_found() if found is None else found


def _years(workspace: Workspace, found: IndexLevels) -> Sequence[int]:
    newest = workspace.today.year + 1
    return sorted({*range(newest - YEARS, newest + 1), *found.years, found.year}, reverse=True)


async def _words(workspace: Workspace, found: IndexLevels) -> dict[str, Any]:
    messages = workspace.page.messages

    def exact(value: float) -> str:
        return messages.number(value, len(str(value).partition(".")[2].rstrip("0")))

    return {
        "exact": exact,
        "name": index_name(found.id, messages),
        "full_name": workspace.page.in_language(found, "name"),
        "records": INDEX_LEVEL.address,
        **labels(workspace, await workspace.agency_names()),
    }
