"""The network over HTTP: `/api/v1/network`, its picture, and files of it for staff."""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response

from services.assessment.assessments.operations import evidence_items
from services.assessment.assessments.schemas import Seed
from services.assessment.evidence.routes import KnownAt
from services.assessment.network.analysis import (
    SURVEY,
    Measured,
    Wanted,
    measured,
    nodes_of,
    reported,
    sector_counts,
    ties_of,
)
from services.assessment.network.change import RESAMPLES, Change, change_between
from services.assessment.network.exports import graphml, stakeholders_csv, ties_csv
from services.assessment.network.picture import Language, picture
from services.assessment.network.schemas import StakeholderNetwork
from services.assessment.network.ties import Through
from services.assessment.scoring.inputs import Facts
from services.assessment.scoring.uncertainty import Streams
from services.assessment.service_reports import Report
from services.platform.database import ReadSession, ReadSessionDep
from services.platform.identity import CurrentCaller, MetricsDrafter
from services.platform.problems import problem_responses
from services.platform.service import API, get_region
from services.platform.settings import Service
from services.platform.types import Year

router = APIRouter(prefix=API, tags=["metrics"], responses=problem_responses(401, 422))

NAMES_SCOPE = "metrics:draft"
"""The scope whose holders see names; all others see counts."""

SVG, CSV, GRAPHML = "image/svg+xml", "text/csv", "application/graphml+xml"


def _wanted(
    period: Annotated[Year, Query(description="The year.", examples=[2024])],
    through: Annotated[
        list[Through] | None,
        Query(
            max_length=3,
            description="What ties stakeholders; default: `meetings` and `agreements`.",
        ),
    ] = None,
    meetings: Annotated[
        int, Query(ge=1, le=100, description="So many meetings of two in the year make a tie.")
    ] = 2,
    known_at: KnownAt = None,
) -> Wanted:
    chosen: list[Through] = list(dict.fromkeys(through or ["meetings", "agreements"]))
    return Wanted(period=period, through=chosen, meetings=meetings, known_at=known_at)


WantedNetwork = Annotated[Wanted, Depends(_wanted)]


@router.get("/network", operation_id="get_network")
async def get_network(  # noqa: PLR0917 - FastAPI passes by name
    request: Request,
    response: Response,
    session: ReadSessionDep,
    caller: CurrentCaller,
    wanted: WantedNetwork,
    compare: Annotated[
        Year | None, Query(description="A year to compare with.", examples=[2023])
    ] = None,
) -> StakeholderNetwork:
    """Who worked with whom in a year: measures of the network, by period and against another.

    Stakeholders are tied by meetings that they attended and agreements in force that they share.
    Who they are is told to a key with the scope `metrics:draft`; in public there are counts.
    """
    region, items = get_region(request), await _items(request, session, wanted)
    found = await measured(items, wanted, period=wanted.period)
    before = None if compare is None else await measured(items, wanted, period=compare)
    path = f"{API}/surveys/{SURVEY}/results?period={wanted.period}"
    reports = await request.app.state.peers.read(
        [Report(Service.feedback, "survey", SURVEY, path)],
        authorization=request.headers["authorization"],
    )
    facts = Facts(period=wanted.period, items=[*items, *reports.items], missing=reports.missing)
    staff = caller.has_scope(NAMES_SCOPE)
    response.headers.update(_caching(staff=staff))
    return StakeholderNetwork(
        region=region,
        period=wanted.period,
        through=list(wanted.through),
        minimum_meetings=wanted.meetings,
        known_at=wanted.known_at,
        evidence_hash=facts.hash(),
        notices=reports.notices,
        reason=found.reason,
        sectors=sector_counts(found),
        measures=found.measures,
        density_interval=found.density_interval,
        reported=reported(facts),
        compared_with=compare,
        change=_change(before, found),
        nodes=nodes_of(found) if staff else None,
        ties=ties_of(found) if staff else None,
        picture_href=_picture_address(wanted),
    )


@router.get(
    "/network.svg",
    operation_id="get_network_picture",
    response_class=Response,
    responses={200: {"content": {SVG: {"schema": {"type": "string"}}}}},
)
async def get_network_picture(  # noqa: PLR0917 - FastAPI passes by name
    request: Request,
    session: ReadSessionDep,
    caller: CurrentCaller,
    wanted: WantedNetwork,
    seed: Annotated[Seed, Query()] = 1,
    lang: Annotated[Language, Query(description="Language of its words.")] = "id",
) -> Response:
    """The network as a picture; brokers and isolates are named to a key with `metrics:draft`."""
    found = await measured(await _items(request, session, wanted), wanted, period=wanted.period)
    staff = caller.has_scope(NAMES_SCOPE)
    drawn = picture(
        found.network,
        found.places,
        period=wanted.period,
        seed=seed,
        language=lang,
        names=staff,
    )
    return Response(drawn, media_type=SVG, headers=_caching(staff=staff))


def _file_answer(media_type: str) -> dict[int | str, dict[str, Any]]:
    file = {200: {"content": {media_type: {"schema": {"type": "string"}}}}}
    return file | problem_responses(403)


@router.get(
    "/network/stakeholders.csv",
    operation_id="get_network_stakeholders",
    response_class=Response,
    responses=_file_answer(CSV),
)
async def get_network_stakeholders(
    request: Request, session: ReadSessionDep, _: MetricsDrafter, wanted: WantedNetwork
) -> Response:
    """Each stakeholder with its place in the network, as CSV."""
    found = await measured(await _items(request, session, wanted), wanted, period=wanted.period)
    return _file(stakeholders_csv(found.network, found.places), CSV, "pemangku-kepentingan.csv")


@router.get(
    "/network/ties.csv",
    operation_id="get_network_ties",
    response_class=Response,
    responses=_file_answer(CSV),
)
async def get_network_ties(
    request: Request, session: ReadSessionDep, _: MetricsDrafter, wanted: WantedNetwork
) -> Response:
    """Each tie of two stakeholders with what they share, as CSV; needs a key."""
    found = await measured(await _items(request, session, wanted), wanted, period=wanted.period)
    return _file(ties_csv(found.network), CSV, "ikatan.csv")


@router.get(
    "/network.graphml",
    operation_id="get_network_graphml",
    response_class=Response,
    responses=_file_answer(GRAPHML),
)
async def get_network_graphml(
    request: Request, session: ReadSessionDep, _: MetricsDrafter, wanted: WantedNetwork
) -> Response:
    """The network as GraphML, for Gephi, igraph and other programs."""
    found = await measured(await _items(request, session, wanted), wanted, period=wanted.period)
    return _file(graphml(found.network, found.places), GRAPHML, "jejaring.graphml")


async def _items(request: Request, session: ReadSession, wanted: Wanted) -> list[Any]:
    return await evidence_items(session, get_region(request), known_at=wanted.known_at)


def _caching(*, staff: bool) -> dict[str, str]:
    """Return the caching headers of an answer that names stakeholders to staff only."""
    headers = {"Vary": "Authorization"}
    return headers | {"Cache-Control": "private, no-store"} if staff else headers


def _change(before: Measured | None, after: Measured) -> Change | None:
    if before is None or before.measures is None or after.measures is None:
        return None
    return change_between(
        (before.network, before.measures),
        (after.network, after.measures),
        streams=Streams(1, RESAMPLES),
    )


def _picture_address(wanted: Wanted) -> str:
    query: list[tuple[str, str | int]] = [("period", wanted.period), ("meetings", wanted.meetings)]
    query += [("through", kind) for kind in wanted.through]
    if wanted.known_at is not None:
        query.append(("known_at", wanted.known_at.isoformat()))
    return f"{API}/network.svg?{urlencode(query)}"


def _file(content: str, media_type: str, name: str) -> Response:
    return Response(
        content.encode("utf-8-sig") if media_type == CSV else content,
        media_type=f"{media_type}; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "private, no-store",
        },
    )
