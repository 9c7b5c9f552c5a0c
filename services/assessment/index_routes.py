"""Published indices over HTTP: printed values beside the predicates of the regulation's ranges."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field, StringConstraints
from sqlalchemy import text

from services.assessment.evidence.records import IndexValue
from services.assessment.evidence.store import CURRENT_OF_KIND
from services.assessment.index_schemas import IndexItem, PublishedValue
from services.assessment.methods.definition import LevelsMethod
from services.assessment.methods.library import read_methods
from services.assessment.scoring.levels import (
    InvalidLevelsError,
    LevelScores,
    TargetPath,
    path_to_target,
    score_levels,
)
from services.platform.api_model import ApiModel
from services.platform.database import ReadSession, ReadSessionDep
from services.platform.paging import Page
from services.platform.parameters import SlugPath
from services.platform.problems import FieldError, Invalid, NotFound, problem_responses
from services.platform.service import API, get_region
from services.platform.types import StrictNumber, Year

router = APIRouter(prefix=API, tags=["metrics"], responses=problem_responses(401, 422))


LevelValue = Annotated[int, Field(ge=0, le=100), StrictNumber]
LevelRange = tuple[LevelValue, LevelValue]


IndicatorNumber = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,2}$")]


class LevelsRequest(ApiModel):
    """Levels by indicator number; a missing level is unknown."""

    levels: dict[IndicatorNumber, LevelValue | LevelRange | None] = Field(
        max_length=200, examples=[{"1": 3, "2": [2, 3], "3": None}]
    )


@router.get("/indices", operation_id="list_indices")
async def list_indices(request: Request, session: ReadSessionDep) -> Page[IndexItem]:
    """List the known indices with their published values and targets."""
    values = await _values(session, get_region(request))
    methods = [m for m in read_methods().values() if isinstance(m, LevelsMethod)]
    return Page(items=[_index(method, values) for method in methods], next=None)


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
    method = index_method(id)
    return _index(method, await _values(session, get_region(request)), until=first)


@router.post(
    "/indices/{id}/calculation",
    operation_id="calculate_index",
    responses=problem_responses(404, 413),
)
async def calculate_index(id: SlugPath, request: LevelsRequest) -> LevelScores:
    """Compute an index from levels, with its domains, aspects and predicate. Nothing is stored."""
    try:
        return score_levels(
            index_method(id), {int(n): level for n, level in request.levels.items()}
        )
    except InvalidLevelsError as error:
        raise Invalid(
            "See errors[] for each level and what would be right.",
            errors=[
                FieldError(pointer=f"#/levels/{number}", parameter=None, detail=fault)
                for number, fault in error.faults.items()
            ],
        ) from None


def index_method(method_id: str) -> LevelsMethod:
    """Return a method of levels; `NotFound` if there is none of that name."""
    method = read_methods().get(method_id)
    if not isinstance(method, LevelsMethod):
        raise NotFound(f"There is no index {method_id!r}; {API}/indices lists all of them.")
    return method


async def _values(session: ReadSession, region: str) -> list[IndexValue]:
    rows = await session.execute(text(CURRENT_OF_KIND), {"region": region, "kind": "index-values"})
    return [IndexValue.model_validate(row.content) for row in rows]


def _index(
    method: LevelsMethod, values: list[IndexValue], *, until: int | None = None
) -> IndexItem:
    own = sorted(
        (value for value in values if value.index == method.id),
        key=lambda value: (value.year, value.key),
    )
    return IndexItem(
        id=method.id,
        name=method.name,
        name_en=method.name_en,
        provisional=method.provisional,
        valid_from=method.valid_from,
        valid_to=method.valid_to,
        predicates=method.predicates,
        values=[_published(method, value) for value in own],
        path=_path(method, own, until=until),
        href=f"{API}/indices/{method.id}",
        method_href=f"{API}/methods/{method.id}",
    )


def _published(method: LevelsMethod, value: IndexValue) -> PublishedValue:
    by_ranges = method.predicate_of(value.value)
    return PublishedValue(
        year=value.year,
        role=value.role,
        value=value.value,
        predicate_published=value.predicate,
        predicate_by_ranges=by_ranges,
        agrees=None if value.predicate is None else value.predicate == by_ranges,
        method_in_force=method.is_valid_in(value.year),
        note=value.note,
        source_hrefs=[f"{API}/sources/{source}" for source in value.sources],
    )


def _path(
    method: LevelsMethod, values: Sequence[IndexValue], *, until: int | None = None
) -> TargetPath | None:
    published = [
        (value.year, value.value)
        for value in values
        if value.role == "published" and (until is None or value.year <= until)
    ]
    if not published:
        return None
    last = max(published)
    targets = [
        (value.year, value.value)
        for value in values
        if value.role == "target" and value.year > last[0]
    ]
    return path_to_target(method, last=last, target=min(targets)) if targets else None
