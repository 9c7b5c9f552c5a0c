"""Circuit breaker: opens after too many failures, then lets single probes through after a timeout.

Pure: the clock is an argument.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

BreakerState = Literal["closed", "open", "half_open"]
ManualOverride = Literal["open", "closed", "automatic"]
"""The state set by an operator: always open, always closed, or automatic (by the policy)."""


@dataclass(frozen=True)
class BreakerPolicy:
    """When the breaker opens, and for how long; times in seconds."""

    window: float = 60
    min_calls: int = 5
    """Calls required in the window before the failure ratio is evaluated."""
    failure_ratio: float = 0.5
    reset_timeout: float = 30


@dataclass(frozen=True)
class CallPermit:
    """Permission for one call; `probe` is set for the single call allowed while half open."""

    probe: bool


class CircuitBreaker:
    """Circuit breaker for the calls of one process to one system."""

    def __init__(self, policy: BreakerPolicy, clock: Callable[[], float]) -> None:
        self._policy = policy
        self._clock = clock
        self._calls: deque[tuple[float, bool]] = deque()
        self._opened_at: float | None = None
        self._probing = False
        self.override: ManualOverride = "automatic"

    @property
    def state(self) -> BreakerState:
        """The override if one is set, otherwise the state by the policy."""
        if self.override != "automatic":
            return self.override
        if self._opened_at is None:
            return "closed"
        is_over = self._clock() - self._opened_at >= self._policy.reset_timeout
        return "half_open" if is_over else "open"

    def acquire(self) -> CallPermit | None:
        """Return a permit for one call, or None if the call must not be made.

        Every permit must be passed to `record` when its call ends. While half open, one permit is
        given at a time.
        """
        state = self.state
        if state == "closed":
            return CallPermit(probe=False)
        if state == "half_open" and not self._probing:
            self._probing = True
            return CallPermit(probe=True)
        return None

    def record(self, permit: CallPermit, *, failed: bool) -> None:
        """Record the result of a permitted call and update the state."""
        now = self._clock()
        if permit.probe:
            self._probing = False
            self._calls.clear()
            self._opened_at = now if failed else None
            return
        self._calls.append((now, failed))
        self._drop_expired(now)
        calls, failures = len(self._calls), sum(failed for _, failed in self._calls)
        is_failing = failures / calls >= self._policy.failure_ratio
        if calls >= self._policy.min_calls and is_failing and self._opened_at is None:
            self._opened_at = now

    def call_counts(self) -> tuple[int, int]:
        """Return the number of calls in the window and how many of them failed."""
        self._drop_expired(self._clock())
        return len(self._calls), sum(failed for _, failed in self._calls)

    def _drop_expired(self, now: float) -> None:
        while self._calls and self._calls[0][0] <= now - self._policy.window:
            self._calls.popleft()
