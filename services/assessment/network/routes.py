"""Stakeholder network over HTTP: `/api/v1/network`, its drawing, and exports for staff."""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Query, Request, Response

from services.assessment.assessments.operations import evidence_items
from services.assessment.assessments.schemas import Seed
from services.assessment.evidence.routes import AsOf
from services.assessment.network.analysis import (
    NetworkAnalyser,
    NetworkAnalysis,
    NetworkQuery,
    kinds_of_ties,
    network_nodes,
    network_ties,
    relational_survey,
    reported_ties,
    sector_counts,
)
from services.assessment.network.change import RESAMPLES, change_between
from services.assessment.network.exports import graphml, stakeholders_csv, ties_csv
from services.assessment.network.measures import NetworkChange, Through
from services.assessment.network.picture import DESK, PHONE, picture
from services.assessment.network.schemas import StakeholderNetwork
from services.assessment.network.ties import SURVEY
from services.assessment.scoring.inputs import Facts
from services.assessment.scoring.items import Item
from services.assessment.scoring.uncertainty import RandomStreams
from services.assessment.service_reports import (
    FetchedReports,
    ReportClient,
    ReportRequest,
    ties_request,
)
from services.platform.database import Database
from services.platform.identity import CurrentCaller, MetricsDrafter
from services.platform.parameters import DelimiterQuery, LanguageQuery
from services.platform.problems import problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.settings import Service
from services.platform.types import Year

router = Router(prefix=API, tags=["metrics"], responses=problem_responses(401, 409, 422))

NAMES_SCOPE = "metrics:draft"
"""The scope whose holders see names; all others see counts."""

SVG, CSV, GRAPHML = "image/svg+xml", "text/csv", "application/graphml+xml"


async def _network_query(
    period: Annotated[Year, Query(description="The year.", examples=[2024])],
    through: Annotated[
        list[Through] | None,
        Query(
            max_length=4,
            description="What ties stakeholders; default: `meetings` and `agreements`. `reported`: "
            "what they report in the relational survey.",
        ),
    ] = None,
    meetings: Annotated[
        int,
        Query(
            ge=1,
            le=100,
            description="Common meetings of two stakeholders in the year that make a tie.",
        ),
    ] = 2,
    reports: Annotated[
        int,
        Query(ge=1, le=2, description="Reports of two that make a tie: of both (2), or of one."),
    ] = 2,
    as_of: AsOf = None,
) -> NetworkQuery:
    chosen: list[Through] = list(dict.fromkeys(through or ["meetings", "agreements"]))
    return NetworkQuery(
        period=period, through=chosen, meetings=meetings, reports=reports, as_of=as_of
    )


NetworkQueryParameters = Annotated[NetworkQuery, Depends(_network_query)]


@router.get("/network", operation_id="get_network")
async def get_network(
    request: Request,
    response: Response,
    caller: CurrentCaller,
    query: NetworkQueryParameters,
    compare: Annotated[
        Year | None, Query(description="A year to compare with.", examples=[2023])
    ] = None,
) -> StakeholderNetwork:
    """Return the collaboration network of a year: its measures, and the change since another.

    Stakeholders are tied by meetings that they attended and agreements in force that they share.
    Their names need a key with the scope `metrics:draft`; the public answer has counts.
    """
    region, evidence = get_region(request), await _items(request, query)
    stated = await _reported(request, query.period)
    items = [*evidence, *stated.items]
    stated_before = FetchedReports() if compare is None else await _reported(request, compare)
    before = [*evidence, *stated_before.items]
    analyser = _analyser(request)

    def analyse() -> tuple[NetworkAnalysis, NetworkChange | None]:
        found = analyser.analyse(items, query, period=query.period)
        if compare is None:
            return found, None
        return found, _change(analyser.analyse(before, query, period=compare), found)

    found, change = await analyser.run(analyse)
    path = f"{API}/surveys/{SURVEY}/results?period={query.period}"
    reports = await request.app.state.report_client.fetch(
        [ReportRequest(Service.feedback, "survey", SURVEY, path)],
        authorization=request.headers["authorization"],
    )
    facts = Facts.of(query.period, [*items, *reports.items], reports.missing)
    kinds = await analyser.run(lambda: kinds_of_ties(facts, query))
    staff = caller.has_scope(NAMES_SCOPE)
    response.headers.update(_caching(staff=staff))
    return StakeholderNetwork(
        region=region,
        period=query.period,
        through=list(query.through),
        minimum_meetings=query.meetings,
        minimum_reports=query.reports,
        as_of=query.as_of,
        evidence_hash=facts.hash(),
        notices=[*stated.notices, *stated_before.notices, *reports.notices],
        reason=found.reason,
        sectors=sector_counts(found),
        measures=found.measures,
        density_interval=found.density_interval,
        kinds=kinds,
        relational=relational_survey(facts),
        reported=reported_ties(facts),
        compared_with=compare,
        change=change,
        nodes=network_nodes(found) if staff else None,
        ties=network_ties(found) if staff else None,
        picture_href=_picture_href(query),
    )


@router.get(
    "/network.svg",
    operation_id="get_network_picture",
    response_class=Response,
    responses={200: {"content": {SVG: {"schema": {"type": "string"}}}}},
)
async def get_network_picture(
    request: Request,
    caller: CurrentCaller,
    query: NetworkQueryParameters,
    seed: Annotated[Seed, Query()] = 1,
    language: LanguageQuery = "id",
) -> Response:
    """Return the network as SVG; a key with `metrics:draft` sees names of brokers and isolates."""
    items, staff = await _network_items(request, query), caller.has_scope(NAMES_SCOPE)
    analyser = _analyser(request)

    def draw() -> str:
        found = analyser.analyse(items, query, period=query.period)
        return picture(
            found.network,
            found.positions,
            period=query.period,
            seed=seed,
            form=DESK if staff else PHONE,
            language=language,
            names=staff,
        )

    drawn = await analyser.run(draw)
    return Response(drawn, media_type=f"{SVG}; charset=utf-8", headers=_caching(staff=staff))


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
    request: Request,
    _: MetricsDrafter,
    query: NetworkQueryParameters,
    delimiter: DelimiterQuery = "semicolon",
) -> Response:
    """Return each stakeholder with its position in the network, as CSV."""
    items = await _network_items(request, query)
    analyser = _analyser(request)

    def write() -> bytes:
        found = analyser.analyse(items, query, period=query.period)
        return stakeholders_csv(found.network, found.positions, delimiter=delimiter)

    return _file(await analyser.run(write), CSV, "pemangku-kepentingan.csv")


@router.get(
    "/network/ties.csv",
    operation_id="get_network_ties",
    response_class=Response,
    responses=_file_answer(CSV),
)
async def get_network_ties(
    request: Request,
    _: MetricsDrafter,
    query: NetworkQueryParameters,
    delimiter: DelimiterQuery = "semicolon",
) -> Response:
    """Return each tie of two stakeholders with their shared events, as CSV."""
    items = await _network_items(request, query)
    analyser = _analyser(request)

    def write() -> bytes:
        found = analyser.analyse(items, query, period=query.period)
        return ties_csv(found.network, delimiter=delimiter)

    return _file(await analyser.run(write), CSV, "ikatan.csv")


@router.get(
    "/network.graphml",
    operation_id="get_network_graphml",
    response_class=Response,
    responses=_file_answer(GRAPHML),
)
async def get_network_graphml(
    request: Request, _: MetricsDrafter, query: NetworkQueryParameters
) -> Response:
    """Return the network as GraphML, for Gephi, igraph and other programs."""
    items = await _network_items(request, query)
    analyser = _analyser(request)

    def write() -> str:
        found = analyser.analyse(items, query, period=query.period)
        return graphml(found.network, found.positions)

    return _file(await analyser.run(write), GRAPHML, "jejaring.graphml")


def _analyser(request: Request) -> NetworkAnalyser:
    analyser: NetworkAnalyser = request.app.state.network_analyser
    return analyser


async def _network_items(request: Request, query: NetworkQuery) -> list[Item]:
    """Return the evidence, with reported ties if the network is also of them."""
    items = await _items(request, query)
    if "reported" in query.through:
        items += (await _reported(request, query.period)).items
    return items


async def _reported(request: Request, period: int) -> FetchedReports:
    """Return the ties that stakeholders reported in a year; nothing if they were not asked."""
    client: ReportClient = request.app.state.report_client
    return await client.fetch(
        [ties_request(SURVEY, period)], authorization=request.headers["authorization"]
    )


async def _items(request: Request, query: NetworkQuery) -> list[Item]:
    """Return the evidence, without holding a connection while the network is computed."""
    database: Database = request.app.state.database
    async with database.read_session() as session:
        return await evidence_items(session, get_region(request), as_of=query.as_of)


def _caching(*, staff: bool) -> dict[str, str]:
    """Return the caching headers of an answer that names stakeholders to staff only."""
    headers = {"Vary": "Authorization"}
    return headers | {"Cache-Control": "private, no-store"} if staff else headers


def _change(before: NetworkAnalysis | None, after: NetworkAnalysis) -> NetworkChange | None:
    if before is None or before.measures is None or after.measures is None:
        return None
    return change_between(
        (before.network, before.measures),
        (after.network, after.measures),
        streams=RandomStreams(1, RESAMPLES),
    )


def _picture_href(query: NetworkQuery) -> str:
    parameters: list[tuple[str, str | int]] = [
        ("period", query.period),
        ("meetings", query.meetings),
    ]
    parameters += [("through", kind) for kind in query.through]
    if "reported" in query.through:
        parameters.append(("reports", query.reports))
    if query.as_of is not None:
        parameters.append(("as_of", query.as_of.isoformat()))
    return f"{API}/network.svg?{urlencode(parameters)}"


def _file(content: bytes | str, media_type: str, name: str) -> Response:
    return Response(
        content,
        media_type=f"{media_type}; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "private, no-store",
        },
    )
