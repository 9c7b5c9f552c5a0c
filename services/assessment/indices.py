"""Published indices over HTTP: each value as printed, beside what the regulation's ranges say."""

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import text

from services.assessment.evidence.records import IndexValue
from services.assessment.evidence.store import STORED
from services.assessment.methods.definition import LevelsMethod, Predicate
from services.assessment.methods.library import read_methods
from services.platform.database import Reading, ReadSession
from services.platform.paging import Page
from services.platform.parameters import SlugPath
from services.platform.problems import NotFound, problem_responses
from services.platform.service import API, region_of

router = APIRouter(prefix=API, tags=["metrics"], responses=problem_responses(401, 422))


class Wire(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PublishedValue(Wire):
    """A value of an index, as printed, beside what the ranges of the regulation make of it."""

    year: int
    role: Literal["published", "target", "national_minimum"]
    value: float
    predicate_published: str | None = Field(description="The word that was printed, if any.")
    predicate_by_ranges: str = Field(description="The word that the regulation's ranges give.")
    agrees: bool | None = Field(description="Whether the two words are one; null without a print.")
    note: str | None
    source_hrefs: list[str]


class IndexItem(Wire):
    """An index with its values."""

    id: str
    name: str
    name_en: str
    provisional: bool
    predicates: list[Predicate] = Field(description="Each range from its `low` on.")
    values: list[PublishedValue]
    href: str
    method_href: str


@router.get("/indices", operation_id="list_indices")
async def list_indices(request: Request, session: Reading) -> Page[IndexItem]:
    """The indices that are known, each with its published values and targets."""
    values = await _values(session, region_of(request))
    methods = [m for m in read_methods().values() if isinstance(m, LevelsMethod)]
    return Page(items=[_index(method, values) for method in methods], next=None)


@router.get("/indices/{id}", operation_id="get_index", responses=problem_responses(404))
async def get_index(request: Request, session: Reading, id: SlugPath) -> IndexItem:
    """One index with its published values and targets by year."""
    method = read_methods().get(id)
    if not isinstance(method, LevelsMethod):
        raise NotFound(f"There is no index {id!r}; {API}/indices lists all of them.")
    return _index(method, await _values(session, region_of(request)))


async def _values(session: ReadSession, region: str) -> list[IndexValue]:
    rows = await session.execute(text(STORED), {"region": region, "kind": "index-values"})
    return [IndexValue.model_validate(row.content) for row in rows]


def _index(method: LevelsMethod, values: list[IndexValue]) -> IndexItem:
    own = sorted(
        (value for value in values if value.index == method.id),
        key=lambda value: (value.year, value.key),
    )
    return IndexItem(
        id=method.id,
        name=method.name,
        name_en=method.name_en,
        provisional=method.provisional,
        predicates=method.predicates,
        values=[_published(method, value) for value in own],
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
        note=value.note,
        source_hrefs=[f"{API}/sources/{source}" for source in value.sources],
    )
