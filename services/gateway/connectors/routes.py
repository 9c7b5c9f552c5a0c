"""Connectors over HTTP: how they are, their breakers switched by hand, sources asked by hand."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from fastapi import APIRouter, Request
from pydantic import AwareDatetime, Field

from services.gateway.api_keys.keys import Administrator
from services.gateway.connectors.oss.service import OssService
from services.gateway.connectors.polling import SourcePoller
from services.gateway.connectors.source_leases import Source, list_sources
from services.gateway.connectors.statistics_client import StatisticsRejectedError
from services.gateway.outbound.circuit_breaker import BreakerState, ManualOverride
from services.gateway.outbound.client import Connector
from services.gateway.outbound.last_known import LastKnownStore
from services.platform.api_model import ApiModel
from services.platform.database import ReadSession, ReadSessionDep
from services.platform.identity import CurrentCaller
from services.platform.paging import Page
from services.platform.parameters import SlugPath
from services.platform.problems import Conflict, NotFound, problem_responses
from services.platform.service import API, get_region

router = APIRouter(
    prefix=f"{API}/connectors", tags=["connectors"], responses=problem_responses(401, 422)
)


class ConnectorState(ApiModel):
    """How a connector is; its breaker as this replica sees it."""

    name: str
    kind: Literal["oss", "feed", "statistics"]
    breaker: BreakerState
    switch: ManualOverride = Field(description="What an operator wants; `automatic`: by the rule.")
    calls: int = Field(description="In the last minute; of a source, in the last hour.")
    failures: int
    polled_at: AwareDatetime | None = Field(
        default=None, description="When a source was asked last."
    )
    fetched_at: AwareDatetime | None = Field(
        default=None, description="When it last gave what it has."
    )
    due_at: AwareDatetime | None = Field(default=None, description="When it is asked next.")
    reason: str | None = Field(
        default=None, description="Why it gave nothing when it was asked last."
    )
    detail: str | None = Field(
        default=None, description="The same in words; for administrators alone."
    )


class BreakerSwitch(ApiModel):
    """What is wanted of a breaker."""

    state: ManualOverride


@router.get("", operation_id="list_connectors")
async def list_connectors(
    request: Request, session: ReadSessionDep, caller: CurrentCaller
) -> Page[ConnectorState]:
    """The systems of others that this hub is connected to."""
    states = await _states(request, session, in_full=caller.has_scope("admin"))
    return Page(items=list(states.values()), next=None)


@router.put("/{name}/breaker", operation_id="switch_breaker", responses=problem_responses(403, 404))
async def switch_breaker(
    request: Request,
    session: ReadSessionDep,
    caller: Administrator,
    name: SlugPath,
    wanted: BreakerSwitch,
) -> ConnectorState:
    """Opens or closes a breaker, or leaves it to the rule; replicas follow within a second."""
    if name not in await _states(request, session, in_full=True):
        raise _unknown(name)
    connector, memory = _way(request, name)
    by = caller.agency or caller.subject
    await memory.set_override(wanted.state, by=by, now=datetime.now(UTC))
    connector.breaker.override = wanted.state
    return (await _states(request, session, in_full=True))[name]


@router.post(
    "/{name}/poll", operation_id="poll_connector", responses=problem_responses(403, 404, 409)
)
async def poll_connector(request: Request, caller: Administrator, name: SlugPath) -> ConnectorState:
    """Asks a source now instead of when it is due; of OSS, counts the messages that came.

    The answer says what came of it: `reason` is null where the source gave what it has.
    """
    rounds: SourcePoller = request.app.state.rounds
    if name == "oss":
        try:
            await rounds.counter.count()
        except StatisticsRejectedError as error:
            raise Conflict(f"Feedback did not take the figures: {error}") from None
    elif not await rounds.poll_due(slug=name):
        async with request.app.state.database.read_session() as session:
            if name not in await _states(request, session, in_full=True):
                raise _unknown(name)
        raise Conflict(f"{name} is being asked already; try again in a moment.")
    async with request.app.state.database.read_session() as session:
        states = await _states(request, session, in_full=True)
    if name not in states:
        raise _unknown(name)
    return states[name]


def _unknown(name: str) -> NotFound:
    return NotFound(f"There is no connector {name!r}; {API}/connectors lists all of them.")


def _way(request: Request, name: str) -> tuple[Connector, LastKnownStore]:
    oss: OssService | None = request.app.state.oss
    if name == "oss" and oss is not None:
        return oss.oss.connector, oss.memory
    rounds: SourcePoller = request.app.state.rounds
    way = rounds.ways.get(name)
    return way.connector, way.last_known


async def _states(
    request: Request, session: ReadSession, *, in_full: bool
) -> Mapping[str, ConnectorState]:
    names: dict[str, Source | None] = {"oss": None} if request.app.state.oss is not None else {}
    names |= {source.slug: source for source in await list_sources(session, get_region(request))}
    states: dict[str, ConnectorState] = {}
    for name, source in names.items():
        breaker = _way(request, name)[0].breaker
        calls, failures = breaker.call_counts()
        state = ConnectorState(
            name=name,
            kind="oss" if source is None else source.kind,
            breaker=breaker.state,
            switch=breaker.override,
            calls=calls,
            failures=failures,
        )
        if source is not None:
            state.polled_at, state.fetched_at = source.polled_at, source.fetched_at
            state.due_at, state.reason = source.due_at, source.reason
            state.detail = source.detail if in_full else None
        states[name] = state
    return states
