"""Reads the answers of other systems within limits of memory and computing time."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from services.gateway.outbound.client import ConnectorError, Reason
from services.platform.bounded_process import Limits, call_bounded
from services.platform.problems import Invalid, ProblemError, TooLarge, Unavailable

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

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
        return await call_bounded(Limits(), function, *arguments, **named)
    except tuple(REASONS) as error:
        raise ConnectorError(connector, REASONS[type(error)], error.detail) from None
