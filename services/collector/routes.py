"""What the collector knows over HTTP: `/api/v1/national`."""

from typing import Annotated

from fastapi import Path, Query, Request
from pydantic import StringConstraints

from services.collector.hub_list import RegencyCode
from services.collector.national import NATIONAL, National, Snapshot
from services.collector.ranking import RankedYear
from services.collector.schemas import (
    Coverage,
    Elements,
    FoundServices,
    Hub,
    Hubs,
    HubStanding,
    NationalRanking,
    Outages,
    RankProbabilities,
)
from services.platform.paging import next_page_url
from services.platform.parameters import Limit
from services.platform.problems import NotFound, problem_responses
from services.platform.router import Router
from services.platform.types import Year

router = Router(prefix=NATIONAL, tags=["national"], responses=problem_responses(422, 503))

Period = Annotated[
    Year | None,
    Query(description="Calendar year; default: that of which most regencies have an assessment."),
]
Question = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
RegionPath = Annotated[RegencyCode, Path(description="Code of the regency.", examples=["12.12"])]


def get_national(request: Request) -> National:
    """Return what the collector knows."""
    return request.app.state.national


@router.get("/coverage", operation_id="get_coverage")
async def get_coverage(request: Request) -> Coverage:
    """Count who reports, who is behind, who does not answer and who cannot be believed."""
    return (await get_national(request).current()).coverage


@router.get("/hubs", operation_id="list_hubs")
async def list_hubs(
    request: Request,
    standing: Annotated[HubStanding | None, Query(description="Only these.")] = None,
    cursor: Annotated[
        RegencyCode | None, Query(description="From `next` of the previous page.")
    ] = None,
    limit: Limit = 100,
) -> Hubs:
    """List the hubs by the code of their regency, with what is known of each."""
    snapshot = await get_national(request).current()
    chosen = [hub for hub in snapshot.hubs.values() if standing in {None, hub.standing}]
    after = [hub for hub in chosen if cursor is None or hub.region > cursor]
    last = after[limit - 1].region if len(after) > limit else None
    return Hubs(items=after[:limit], next=next_page_url(request, last), total=len(chosen))


@router.get("/hubs/{region}", operation_id="get_hub", responses=problem_responses(404))
async def get_hub(request: Request, region: RegionPath) -> Hub:
    """Return what is known of a regency's hub, and what is open about it."""
    return find_hub(await get_national(request).current(), region)


@router.get("/ranking", operation_id="get_national_ranking", responses=problem_responses(404))
async def get_ranking(request: Request, period: Period = None) -> NationalRanking:
    """Rank the regencies of a year by what is proven of them, from their own evidence.

    A hub with an open finding is not ranked. One that does not answer keeps its last known figure.
    """
    return (await ranked_year(get_national(request), period)).ranking


@router.get(
    "/ranking/{region}", operation_id="get_rank_probabilities", responses=problem_responses(404)
)
async def get_rank_probabilities(
    request: Request, region: RegionPath, period: Period = None
) -> RankProbabilities:
    """Return how probable each rank of a regency is, and whom it outranks."""
    year = await ranked_year(get_national(request), period)
    found = year.probabilities(region)
    if found is None:
        raise NotFound(f"{region} has no estimate in {year.ranking.period}.")
    return found


@router.get("/elements", operation_id="list_best_practice", responses=problem_responses(404))
async def list_elements(request: Request, period: Period = None) -> Elements:
    """List the elements of the method with the regencies of which most is proven in each."""
    year = await ranked_year(get_national(request), period)
    return Elements(period=year.ranking.period, items=list(year.elements))


@router.get("/outages", operation_id="list_portal_outages")
async def list_outages(request: Request) -> Outages:
    """List the national portals as many hubs see them at once.

    Portals that most regencies cannot reach come first; hubs that do not answer are not counted.
    """
    snapshot = await get_national(request).current()
    return Outages(items=list(snapshot.outages))


@router.get("/services", operation_id="search_national_services")
async def search_services(
    request: Request,
    query: Annotated[Question, Query(description="Words, as citizens say them.")],
    region: Annotated[
        RegencyCode | None, Query(description="Only services of this regency.")
    ] = None,
    cursor: Annotated[
        Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")] | None,
        Query(description="From `next` of the previous page."),
    ] = None,
    limit: Limit = 20,
) -> FoundServices:
    """Search the services of all regencies; those described in the same words are one hit."""
    snapshot = await get_national(request).current()
    found = snapshot.services.search(query, region=region, limit=limit, after=cursor)
    return FoundServices(
        items=list(found.items),
        next=next_page_url(request, found.cursor),
        total=found.total,
        corrected=found.corrected,
    )


def find_hub(snapshot: Snapshot, region: str) -> Hub:
    """Return a hub; raise `NotFound` if the list does not name it."""
    if region not in snapshot.hubs:
        raise NotFound(f"{region} is not on the list; {NATIONAL}/hubs has those that are.")
    return snapshot.hubs[region]


def chosen_period(snapshot: Snapshot, period: int | None) -> int:
    """Return the year that is asked for or the default; raise `NotFound` if there is none."""
    chosen = period or snapshot.default_period
    if chosen is None:
        raise NotFound("No regency has published an assessment yet.")
    return chosen


async def ranked_year(national: National, period: int | None) -> RankedYear:
    """Return the ranking of a year; raise `NotFound` if there is no assessment of it."""
    snapshot = await national.current()
    chosen = chosen_period(snapshot, period)
    year = await national.year(snapshot, chosen)
    if year is None:
        raise _no_year(chosen)
    return year


def _no_year(period: int) -> NotFound:
    return NotFound(f"No regency has published an assessment of {period}.")
