"""Reads the answers of other systems within limits of memory and computing time."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from services.gateway.outbound.client import ConnectorError, Reason
from services.platform.bounded_process import Limits, call_bounded
from services.platform.problems import Invalid, ProblemError, TooLarge, Unavailable

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

LIMITS = Limits(cpu_seconds=1)
"""Half of what a person's file may take: under load the system ends a process late."""

REASONS: dict[type[ProblemError], Reason] = {
    TooLarge: "too_large",
    Invalid: "invalid_response",
    Unavailable: "timeout",
}


async def read_bounded(
    connector: str,
    function: Callable[Arguments, Result],
    *arguments: Arguments.args,
    **named: Arguments.kwargs,
) -> Result:
    """Return what a function reads in an answer; raise `ConnectorError` if it takes too much."""
    try:
        return await call_bounded(LIMITS, function, *arguments, **named)
    except tuple(REASONS) as error:
        raise ConnectorError(connector, REASONS[type(error)], error.detail) from None
