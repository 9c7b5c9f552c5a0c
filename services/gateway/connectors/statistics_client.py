"""Submits monthly statistics of external systems to feedback, for the service's agency."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Literal

import httpx
from pydantic import ValidationError

from services.feedback.client import FeedbackClient, Statistic
from services.platform.identity import Caller
from services.platform.service_client import REFUSED, RequestRejectedError

BATCH_SIZE = 2_000

Measure = Literal["submitted", "in_review", "completed", "rejected", "returned"]
Channel = Literal["online", "counter", "phone", "visit", "email"]

AuthFactory = Callable[[Caller], httpx.Auth]
"""Returns the authentication of requests that the gateway sends for a caller."""


class StatisticsRejectedError(Exception):
    """Feedback rejected figures; the message holds its reasons."""


@dataclass(frozen=True)
class MonthlyStatistics:
    """Counters of one service in one channel and month."""

    agency: str
    service: str
    channel: Channel
    period: str
    """Month, such as 2024-03."""
    counters: Mapping[Measure, int]


class StatisticsClient:
    """Client of `POST /api/v1/usage/statistics` with the hub's own identity.

    Feedback identifies a figure by agency, service, channel, month and counter: an equal figure
    changes nothing, a different one becomes a revision. Submitting again after a crash is safe.
    """

    def __init__(self, feedback: httpx.AsyncClient, auth_for: AuthFactory) -> None:
        self._feedback = feedback
        self._auth_for = auth_for

    async def submit(
        self, statistics: Sequence[MonthlyStatistics], *, agency: str, source: str, reason: str
    ) -> str:
        """Store the figures and return a summary, such as "3 added, 0 revised, 1 unchanged".

        Raises:
            StatisticsRejectedError: Feedback refused the figures, or that this agency reports them.
            httpx.HTTPError: Feedback did not answer, or answered with another error.
        """
        caller = Caller(subject=source, agency=agency, scopes=frozenset({"usage:write"}))
        feedback = FeedbackClient(self._feedback, auth=self._auth_for(caller))
        counts = {"added": 0, "revised": 0, "unchanged": 0}
        for start in range(0, len(statistics), BATCH_SIZE):
            batch = [
                _statistic(item, reason=reason) for item in statistics[start : start + BATCH_SIZE]
            ]
            try:
                stored = await feedback.submit_statistics(batch)
            except RequestRejectedError as error:
                if error.status != HTTPStatus.FORBIDDEN and error.status not in REFUSED:
                    raise
                raise StatisticsRejectedError(error.reasons) from None
            counts["added"] += stored.added
            counts["revised"] += stored.revised
            counts["unchanged"] += stored.unchanged
        return ", ".join(f"{count} {name}" for name, count in counts.items())


def _statistic(item: MonthlyStatistics, *, reason: str) -> Statistic:
    try:
        return Statistic.model_validate(asdict(item) | {"reason": reason})
    except ValidationError as error:
        raise StatisticsRejectedError(f"{item.service} {item.period}: {error}") from None
