"""Connectors over HTTP: how they are, and their breakers switched by hand."""

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from services.gateway.access import Administrator
from services.gateway.connectors.breaker import BreakerState, Switch
from services.gateway.connectors.oss.desk import Desk
from services.platform.paging import Page
from services.platform.parameters import SlugPath
from services.platform.problems import NotFound, problem_responses
from services.platform.service import API

router = APIRouter(
    prefix=f"{API}/connectors", tags=["connectors"], responses=problem_responses(401, 422)
)


class ConnectorState(BaseModel):
    """How a connector is, as this replica sees it."""

    model_config = ConfigDict(extra="forbid")

    name: str
    breaker: BreakerState
    switch: Switch = Field(description="What an operator wants; `automatic`: by the rule.")
    calls: int = Field(description="In the last minute.")
    failures: int


class BreakerSwitch(BaseModel):
    """What is wanted of a breaker."""

    model_config = ConfigDict(extra="forbid")

    state: Switch


@router.get("", operation_id="list_connectors")
async def list_connectors(request: Request) -> Page[ConnectorState]:
    """The systems of others that this hub is connected to."""
    return Page(items=[_state(desk) for desk in _desks(request).values()], next=None)


@router.put("/{name}/breaker", operation_id="switch_breaker", responses=problem_responses(403, 404))
async def switch_breaker(
    request: Request, caller: Administrator, name: SlugPath, wanted: BreakerSwitch
) -> ConnectorState:
    """Opens or closes a breaker, or leaves it to the rule; replicas follow within a second."""
    desk = _desks(request).get(name)
    if desk is None:
        raise NotFound(f"There is no connector {name!r}; {API}/connectors lists all of them.")
    by = caller.agency or caller.subject
    await desk.memory.switch(wanted.state, by=by, now=datetime.now(UTC))
    desk.oss.connector.breaker.switch = wanted.state
    return _state(desk)


def _desks(request: Request) -> dict[str, Desk]:
    oss: Desk | None = request.app.state.oss
    return {} if oss is None else {"oss": oss}


def _state(desk: Desk) -> ConnectorState:
    breaker = desk.oss.connector.breaker
    calls, failures = breaker.counted()
    return ConnectorState(
        name=desk.oss.connector.name,
        breaker=breaker.state,
        switch=breaker.switch,
        calls=calls,
        failures=failures,
    )
