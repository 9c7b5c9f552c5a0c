"""Published indices over HTTP: printed values beside the predicates of the regulation's ranges."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

from fastapi import Query, Request
from pydantic import Field, StringConstraints
from sqlalchemy import text

from services.assessment.evidence.cache import EvidenceCache
from services.assessment.evidence.records import IndexValue
from services.assessment.evidence.store import COUNTED
from services.assessment.index_schemas import IndexItem, PublishedValue
from services.assessment.method_store import find_method, own_methods
from services.assessment.methods.definition import LevelsMethod
from services.assessment.scoring.level_steps import steps_of_path
from services.assessment.scoring.levels import (
    InvalidLevelsError,
    LevelScores,
    path_to_target,
    score_levels,
)
from services.assessment.scoring.results import TargetPath
from services.platform.api_model import ApiModel
from services.platform.database import ReadSession, ReadSessionDep, WriteSession
from services.platform.paging import Page
from services.platform.parameters import SlugPath
from services.platform.problems import FieldError, Invalid, NotFound, problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.types import StrictNumber, Year

router = Router(prefix=API, tags=["metrics"], responses=problem_responses(401, 422))


LevelValue = Annotated[int, Field(ge=0, le=100), StrictNumber]
LevelRange = tuple[LevelValue, LevelValue]


IndicatorNumber = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,2}$")]


class LevelsRequest(ApiModel):
    """Levels by indicator number; a missing level is unknown."""

    levels: dict[IndicatorNumber, LevelValue | LevelRange | None] = Field(
        max_length=200,
        examples=[{"1": 3, "2": [2, 3], "3": None}],
        description="Level, or lowest and highest level, by number of the indicator.",
    )


@router.get("/indices", operation_id="list_indices")
async def list_indices(request: Request, session: ReadSessionDep) -> Page[IndexItem]:
    """List the indices of emall and of the regency's pack, with published values and targets."""
    region = get_region(request)
    methods = await index_methods(session, region)
    known: EvidenceCache[list[IndexItem]] = request.app.state.known_indices

    async def compute() -> list[IndexItem]:
        values = await index_values(session, region)
        # The integer programmes of level steps take some hundred milliseconds: off the event loop.
        return await asyncio.to_thread(lambda: [_index(method, values) for method in methods])

    basis = tuple((method.id, method.version) for method in methods)
    return Page(items=await known.get(session, region, basis, compute), next=None)


@router.get("/indices/{id}", operation_id="get_index", responses=problem_responses(404))
async def get_index(
    request: Request,
    session: ReadSessionDep,
    id: SlugPath,
    first: Annotated[
        Year | None,
        Query(
            alias="from",
            description="The path to the target begins at the last value published by this year.",
        ),
    ] = None,
) -> IndexItem:
    """Return one index with its published values and targets, and the path to the next target."""
    region = get_region(request)
    method = await index_method(session, region, id)
    return await asyncio.to_thread(_index, method, await index_values(session, region), until=first)


@router.post(
    "/indices/{id}/calculation",
    operation_id="calculate_index",
    responses=problem_responses(404, 413),
)
async def calculate_index(
    request: Request, session: ReadSessionDep, id: SlugPath, body: LevelsRequest
) -> LevelScores:
    """Compute an index from levels, with its domains, aspects and predicate. Nothing is stored."""
    method = await index_method(session, get_region(request), id)
    try:
        return score_levels(method, {int(n): level for n, level in body.levels.items()})
    except InvalidLevelsError as error:
        raise Invalid(
            "See errors[] for each level and what would be right.",
            errors=[
                FieldError(pointer=f"#/levels/{number}", parameter=None, detail=fault)
                for number, fault in error.faults.items()
            ],
        ) from None


async def index_method(
    session: ReadSession | WriteSession, region: str, method_id: str
) -> LevelsMethod:
    """Return a method of levels; `NotFound` if there is none of that name."""
    published = await find_method(session, region, method_id)
    if published is None or not isinstance(published.method, LevelsMethod):
        raise NotFound(f"There is no index {method_id!r}; {API}/methods lists all methods.")
    return published.method


async def index_methods(session: ReadSession, region: str) -> list[LevelsMethod]:
    """Return the indices of the distribution and of the pack, by id."""
    return [m for m in await own_methods(session, region) if isinstance(m, LevelsMethod)]


async def index_values(session: ReadSession, region: str) -> list[IndexValue]:
    """Return the published values, targets and minima of all indices, as far as confirmed."""
    parameters = {"region": region, "kind": "index-values", "as_of": None}
    rows = await session.execute(text(COUNTED), parameters)
    return [IndexValue.model_validate(row.content) for row in rows if row.state == "confirmed"]


def _index(
    method: LevelsMethod, values: list[IndexValue], *, until: int | None = None
) -> IndexItem:
    own = sorted(
        (value for value in values if value.index == method.id),
        key=lambda value: value.order,
    )
    path = _path(method, own, until=until)
    return IndexItem(
        id=method.id,
        name=method.name,
        name_en=method.name_en,
        provisional=method.provisional,
        valid_from=method.valid_from,
        valid_to=method.valid_to,
        predicates=method.predicates,
        values=[published_value(method, value) for value in own],
        path=path,
        level_steps=steps_of_path(method, path),
        href=f"{API}/indices/{method.id}",
        method_href=f"{API}/methods/{method.id}",
    )


def published_value(method: LevelsMethod, value: IndexValue) -> PublishedValue:
    """Return a value as printed, beside its predicate by the method's ranges."""
    by_ranges = method.predicate_of(value.value)
    return PublishedValue(
        year=value.year,
        role=value.role,
        value=value.value,
        predicate_published=value.predicate,
        predicate_by_ranges=by_ranges,
        agrees=None if value.predicate is None else value.predicate == by_ranges,
        method_in_force=None if value.year is None else method.is_valid_in(value.year),
        note=value.note,
        source_hrefs=[f"{API}/sources/{source}" for source in value.sources],
    )


def _path(
    method: LevelsMethod, values: Sequence[IndexValue], *, until: int | None = None
) -> TargetPath | None:
    published = [
        (value.year, value.value)
        for value in values
        if value.role == "published"
        and value.year is not None
        and (until is None or value.year <= until)
    ]
    if not published:
        return None
    last = max(published)
    targets = [
        (value.year, value.value)
        for value in values
        if value.role == "target" and value.year is not None and value.year > last[0]
    ]
    return path_to_target(method, last=last, target=min(targets)) if targets else None
