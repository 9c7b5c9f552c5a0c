"""The levels that a regency declares or plans for an index, as data and as the assessor's file."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response
from sqlalchemy import text

from services.assessment.evidence.api_models import KINDS, EvidenceKind, Record
from services.assessment.evidence.attachments import attachments_of_kind
from services.assessment.evidence.records import IndexLevel, LevelRole
from services.assessment.evidence.store import LEVELS_OF_INDEX, YEARS_OF_LEVELS
from services.assessment.index_level_files import LevelFiles, levels_csv, levels_xlsx
from services.assessment.index_level_schemas import IndexLevels, IndicatorLevel, RecordedLevel
from services.assessment.index_routes import index_method, index_values, published_value
from services.assessment.index_schemas import PublishedValue
from services.assessment.methods.definition import LevelIndicator, LevelsMethod
from services.assessment.scoring.levels import gain_of_step, score_levels
from services.assessment.years import read_zone
from services.platform.database import ReadSession, ReadSessionDep
from services.platform.identity import Caller, CurrentCaller
from services.platform.local_time import day_of
from services.platform.parameters import DelimiterQuery, SlugPath
from services.platform.problems import problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.spreadsheets.csv_export import CSV_MEDIA_TYPE
from services.platform.spreadsheets.model import XLSX
from services.platform.types import Year

router = Router(prefix=API, tags=["metrics"], responses=problem_responses(401, 404, 422))

YearQuery = Annotated[
    Year | None,
    Query(description="Default: the newest year with levels on record, else the last in force."),
]
Levels = dict[tuple[int, LevelRole], list[Record[IndexLevel]]]
"""The versions of a level by indicator and role, the newest last."""

KIND: EvidenceKind[IndexLevel] = next(kind for kind in KINDS if kind.model is IndexLevel)
ASSESSED = frozenset({"confirmed", "disputed"})


@router.get("/indices/{id}/levels", operation_id="get_index_levels")
async def get_index_levels(
    request: Request, session: ReadSessionDep, id: SlugPath, year: YearQuery = None
) -> IndexLevels:
    """Return each indicator's level with its proof, and the index from them beside the published.

    Levels are evidence (`POST /api/v1/index-levels`): another organisation confirms them.
    """
    return await _levels(session, get_region(request), id, year)


@router.get(
    "/indices/{id}/levels.xlsx",
    operation_id="get_index_levels_xlsx",
    response_class=Response,
    responses={
        200: {
            "content": {XLSX: {"schema": {"type": "string", "format": "binary"}}},
            "description": "An XLSX workbook: the index, and a row for each indicator.",
        }
    },
)
async def get_index_levels_xlsx(
    request: Request,
    session: ReadSessionDep,
    caller: CurrentCaller,
    id: SlugPath,
    year: YearQuery = None,
) -> Response:
    """Return the same as a workbook for the assessor, with Indonesian headings.

    Names of attached files are for keys with `evidence:write` or `evidence:confirm`.
    """
    region = get_region(request)
    levels = await _levels(session, region, id, year)
    files = await _files(session, region, caller)
    zone = await read_zone(session, region)
    content = await asyncio.to_thread(levels_xlsx, levels, files, zone)
    return _download(content, XLSX, levels, "xlsx")


@router.get(
    "/indices/{id}/levels.csv",
    operation_id="get_index_levels_csv",
    response_class=Response,
    responses={
        200: {
            "content": {"text/csv": {"schema": {"type": "string"}}},
            "description": "A row for each indicator.",
        }
    },
)
async def get_index_levels_csv(  # noqa: PLR0917 - FastAPI passes by name
    request: Request,
    session: ReadSessionDep,
    caller: CurrentCaller,
    id: SlugPath,
    year: YearQuery = None,
    delimiter: DelimiterQuery = "semicolon",
) -> Response:
    """Return a row for each indicator as CSV, with Indonesian headings.

    Names of attached files are for keys with `evidence:write` or `evidence:confirm`.
    """
    region = get_region(request)
    levels = await _levels(session, region, id, year)
    files = await _files(session, region, caller)
    content = levels_csv(levels, files, await read_zone(session, region), delimiter=delimiter)
    return _download(content, CSV_MEDIA_TYPE, levels, "csv")


async def _files(session: ReadSession, region: str, caller: Caller) -> LevelFiles:
    """Return the files of all levels, with their names if the caller may read them."""
    names: dict[UUID, list[str]] = {}
    hashes: dict[UUID, list[str]] = {}
    for one in await attachments_of_kind(session, region, KIND.name, cursor=None, limit=None):
        names.setdefault(one.record, []).append(one.file.name)
        hashes.setdefault(one.record, []).append(one.file.sha256)
    may_read = caller.has_scope("evidence:write") or caller.has_scope("evidence:confirm")
    return LevelFiles(hashes, names if may_read else {})


async def _levels(
    session: ReadSession, region: str, method_id: str, year: int | None
) -> IndexLevels:
    method = await index_method(session, region, method_id)
    found = await session.scalars(text(YEARS_OF_LEVELS), {"region": region, "index": method.id})
    years: list[int] = list(found)
    if year is None:
        today = day_of(datetime.now(UTC), await read_zone(session, region))
        last = today.year if method.valid_to is None else min(today.year, method.valid_to.year)
        year = years[0] if years else last
    slot = json.dumps({"index": method.id, "year": year})
    parameters = {"region": region, "kind": KIND.name, "slot": slot, "as_of": None}
    levels: Levels = {}
    for row in await session.execute(text(LEVELS_OF_INDEX), parameters):
        record = KIND.record(row)
        if record.content is not None:
            slot_of = (record.content.indicator, record.content.role)
            levels.setdefault(slot_of, []).append(record)
    values = [
        published_value(method, value)
        for value in await index_values(session, region)
        if value.index == method.id and value.year == year
    ]
    return _workbook(method, year, years, levels, {value.role: value for value in values})


def _workbook(
    method: LevelsMethod,
    year: int,
    years: list[int],
    levels: Levels,
    values: Mapping[str, PublishedValue],
) -> IndexLevels:
    indicators = [_indicator(method, one, levels) for one in method.indicators]
    declared = _known(method, ((one.number, one.declared) for one in indicators))
    confirmed = _known(method, ((one.number, one.declared) for one in indicators), confirmed=True)
    planned = _known(method, ((one.number, one.planned) for one in indicators))
    scores = score_levels(method, declared)
    published = values.get("published")
    difference = None
    if published is not None and scores.value is not None:
        difference = round(scores.value - published.value, 4)
    href = f"{API}/indices/{method.id}/levels"
    return IndexLevels(
        id=method.id,
        name=method.name,
        name_en=method.name_en,
        provisional=method.provisional,
        year=year,
        years=years,
        lowest_level=method.levels[0],
        highest_level=method.levels[1],
        method_in_force=method.is_valid_in(year),
        declared=scores,
        confirmed=score_levels(method, confirmed),
        planned=score_levels(method, declared | planned),
        published=published,
        target=values.get("target"),
        difference=difference,
        indicators=indicators,
        href=f"{href}?year={year}",
        xlsx_href=f"{href}.xlsx?year={year}",
        csv_href=f"{href}.csv?year={year}",
        method_href=f"{API}/methods/{method.id}",
    )


def _known(
    method: LevelsMethod,
    levels: Iterable[tuple[int, RecordedLevel | None]],
    *,
    confirmed: bool = False,
) -> dict[int, int]:
    """Return the levels on record, without those that a newer method no longer has."""
    found: dict[int, int] = {}
    for number, one in levels:
        level = one and (one.confirmed_level if confirmed else one.level)
        if level is not None and method.levels[0] <= level <= method.levels[1]:
            found[number] = level
    return found


def _indicator(method: LevelsMethod, one: LevelIndicator, levels: Levels) -> IndicatorLevel:
    declared = _recorded(levels.get((one.number, "declared"), []))
    lowest, highest = method.levels
    following = lowest if declared is None else max(declared.level + 1, lowest)
    can_rise = following <= highest
    return IndicatorLevel(
        number=one.number,
        name=one.name,
        aspect=one.aspect,
        domain=one.domain,
        weight=one.weight,
        declared=declared,
        planned=_recorded(levels.get((one.number, "planned"), [])),
        next_level=following if can_rise else None,
        next_criteria=one.criteria.get(following) if can_rise else None,
        gain=gain_of_step(method, one) if declared is not None and can_rise else None,
    )


def _recorded(versions: list[Record[IndexLevel]]) -> RecordedLevel | None:
    """Return the newest version of a level, with what is confirmed of it."""
    if not versions:
        return None
    newest = versions[-1]
    content: Any = newest.content
    confirmed = next((one.content for one in versions if one.state == "confirmed"), None)
    return RecordedLevel(
        id=newest.id,
        version=newest.version,
        level=content.level,
        state=newest.state,
        confirmed_level=None if confirmed is None else confirmed.level,
        note=content.note,
        passage=content.passage,
        document=content.document,
        sources=newest.sources,
        recorded_by=newest.recorded_by,
        recorded_at=newest.recorded_at,
        assessed=newest.states[-1] if newest.state in ASSESSED else None,
        href=newest.href,
    )


def _download(content: bytes, media_type: str, levels: IndexLevels, ending: str) -> Response:
    name = f"{levels.id}-{levels.year}.{ending}"
    return Response(
        content,
        media_type=media_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
