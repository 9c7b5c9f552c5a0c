"""Reports figures of other systems to feedback, for the agency to which the service belongs."""

from collections.abc import Callable, Sequence
from typing import Any

import httpx

from services.platform.identity import Caller
from services.platform.service import API

BATCH_SIZE = 2_000

AuthFactory = Callable[[Caller], httpx.Auth]


class StatisticsRejectedError(Exception):
    """Feedback did not take figures; the message says why."""


class StatisticsClient:
    """Posts monthly statistics with the hub's own identity.

    Feedback knows each figure by agency, service, channel, month and counter: the same figure again
    changes nothing, another one is a revision. A report that is repeated after a crash is harmless.
    """

    def __init__(self, feedback: httpx.AsyncClient, signs_in: AuthFactory) -> None:
        self._feedback = feedback
        self._signs_in = signs_in

    async def submit(
        self, statistics: Sequence[dict[str, Any]], *, agency: str, source: str, reason: str
    ) -> str:
        """Stores the figures; what became of them, in words."""
        caller = Caller(subject=source, agency=agency, scopes=frozenset({"usage:write"}))
        counts = {"added": 0, "revised": 0, "unchanged": 0}
        for start in range(0, len(statistics), BATCH_SIZE):
            batch = [{**item, "reason": reason} for item in statistics[start : start + BATCH_SIZE]]
            answer = await self._feedback.post(
                f"{API}/usage/statistics", json={"statistics": batch}, auth=self._signs_in(caller)
            )
            if answer.status_code in {403, 409, 413, 422}:
                raise StatisticsRejectedError(_why(answer))
            stored = answer.raise_for_status().json()
            counts = {name: count + stored[name] for name, count in counts.items()}
        return ", ".join(f"{count} {name}" for name, count in counts.items())


def _why(answer: httpx.Response) -> str:
    problem = answer.json()
    errors = [
        f"{error.get('pointer')}: {error.get('detail')}" for error in problem.get("errors", [])[:5]
    ]
    return "; ".join([str(problem.get("detail", answer.status_code)), *errors])
