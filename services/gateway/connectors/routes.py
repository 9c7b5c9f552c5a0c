"""Connectors over HTTP: their state, overrides of their breakers, manual polls."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NoReturn

from fastapi import Request
from pydantic import AwareDatetime, Field, JsonValue

from services.gateway.connectors.base import Connectors
from services.gateway.connectors.polling import SourcePoller
from services.gateway.connectors.registry import source_connectors, system_connectors
from services.gateway.connectors.source_leases import Source, list_sources
from services.gateway.connectors.statistics_client import StatisticsRejectedError
from services.gateway.outbound.circuit_breaker import BreakerState, ManualOverride
from services.gateway.outbound.source_clients import SourceClient
from services.platform.api_model import ApiModel
from services.platform.database import ReadSession, ReadSessionDep
from services.platform.identity import Administrator, CurrentCaller
from services.platform.paging import Page
from services.platform.parameters import SlugPath
from services.platform.problems import Conflict, NotFound, problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region

router = Router(
    prefix=f"{API}/connectors", tags=["connectors"], responses=problem_responses(401, 422)
)

KINDS: list[JsonValue] = [
    *(system.name for system in system_connectors()),
    *(source.kind for source in source_connectors()),
]


class ConnectorState(ApiModel):
    """State of a connector; its breaker as this replica sees it."""

    name: str = Field(description="Name of the external system.")
    kind: str = Field(
        description="The connected system, or the kind of source.",
        json_schema_extra={"enum": KINDS},
    )
    breaker: BreakerState = Field(description="Whether calls are let through: `open` lets none.")
    override: ManualOverride = Field(
        description="State set by an operator; `automatic`: by the failure ratio."
    )
    calls: int = Field(description="Calls in the last minute; for a source, in the last hour.")
    failures: int = Field(description="Failed calls one after the other.")
    polled_at: AwareDatetime | None = Field(
        default=None, description="Time of a source's last poll."
    )
    fetched_at: AwareDatetime | None = Field(
        default=None, description="Time of a source's last successful poll."
    )
    due_at: AwareDatetime | None = Field(default=None, description="Time of the next poll.")
    reason: str | None = Field(
        default=None, description="Why the last poll failed; null if it succeeded."
    )
    detail: str | None = Field(
        default=None, description="Outcome of the last poll in words; only for administrators."
    )


class BreakerOverride(ApiModel):
    """The state that an operator sets."""

    state: ManualOverride = Field(
        description="`open` stops all calls, `closed` lets all through, `automatic` ends "
        "the override."
    )


@router.get("", operation_id="list_connectors")
async def list_connectors(
    request: Request, session: ReadSessionDep, caller: CurrentCaller
) -> Page[ConnectorState]:
    """List the external systems that this hub is connected to."""
    states = await _states(request, session, with_detail=caller.has_scope("admin"))
    return Page(items=list(states.values()), next=None)


@router.put(
    "/{name}/breaker",
    operation_id="override_breaker",
    responses=problem_responses(403, 404),
)
async def override_breaker(
    request: Request,
    session: ReadSessionDep,
    caller: Administrator,
    name: SlugPath,
    override: BreakerOverride,
) -> ConnectorState:
    """Open or close a breaker, or return it to automatic; other replicas follow in a second."""
    if name not in await _states(request, session, with_detail=True):
        _raise_not_found(name)
    client = _client(request, name)
    by = caller.agency or caller.subject
    await client.last_known.set_override(override.state, by=by, now=datetime.now(UTC))
    client.connector.breaker.override = override.state
    return (await _states(request, session, with_detail=True))[name]


@router.post(
    "/{name}/poll", operation_id="poll_connector", responses=problem_responses(403, 404, 409)
)
async def poll_connector(request: Request, caller: Administrator, name: SlugPath) -> ConnectorState:
    """Poll a source now instead of when it is due; for OSS, count the messages that came.

    In the answer `reason` is null if the poll succeeded.
    """
    connectors: Connectors = request.app.state.connectors
    poller: SourcePoller = request.app.state.source_poller
    if (system := connectors.systems.get(name)) is not None:
        try:
            await system.poll()
        except StatisticsRejectedError as error:
            raise Conflict(f"Feedback rejected the figures: {error}") from None
    elif not await poller.poll_due(slug=name):
        async with request.app.state.database.read_session() as session:
            if name not in await _states(request, session, with_detail=True):
                _raise_not_found(name)
        raise Conflict(f"{name} is being polled; try again in a moment.")
    async with request.app.state.database.read_session() as session:
        states = await _states(request, session, with_detail=True)
    if name not in states:
        _raise_not_found(name)
    return states[name]


def _raise_not_found(name: str) -> NoReturn:
    raise NotFound(f"There is no connector {name!r}; {API}/connectors lists all of them.")


def _client(request: Request, name: str) -> SourceClient:
    connectors: Connectors = request.app.state.connectors
    system = connectors.systems.get(name)
    if system is not None and system.client is not None:
        return system.client
    return connectors.source_clients.get(name)


async def _states(
    request: Request, session: ReadSession, *, with_detail: bool
) -> Mapping[str, ConnectorState]:
    connectors: Connectors = request.app.state.connectors
    sources: dict[str, Source | None] = {
        name: None for name, system in connectors.systems.items() if system.client is not None
    }
    sources |= {source.slug: source for source in await list_sources(session, get_region(request))}
    states: dict[str, ConnectorState] = {}
    for name, source in sources.items():
        breaker = _client(request, name).connector.breaker
        calls, failures = breaker.call_counts()
        state = ConnectorState(
            name=name,
            kind=name if source is None else source.kind,
            breaker=breaker.state,
            override=breaker.override,
            calls=calls,
            failures=failures,
        )
        if source is not None:
            state.polled_at, state.fetched_at = source.polled_at, source.fetched_at
            state.due_at, state.reason = source.due_at, source.reason
            state.detail = source.detail if with_detail else None
        states[name] = state
    return states
