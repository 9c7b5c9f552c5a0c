"""A circuit breaker: after too many failures it lets nothing through for a while, then one probe.

Pure: the clock comes in as an argument.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

BreakerState = Literal["closed", "open", "half_open"]
Switch = Literal["open", "closed", "automatic"]
"""What an operator wants: always open, always closed, or by the rule."""


@dataclass(frozen=True)
class Rule:
    """When the breaker opens, and for how long; times in seconds."""

    window: float = 60
    minimum: int = 5
    """So many calls in the window before their failures say anything."""
    ratio: float = 0.5
    rest: float = 30


@dataclass(frozen=True)
class Admission:
    """A call that was let through."""

    probe: bool


class Breaker:
    """Counts calls of one process."""

    def __init__(self, rule: Rule, clock: Callable[[], float]) -> None:
        self._rule = rule
        self._clock = clock
        self._calls: deque[tuple[float, bool]] = deque()
        self._opened_at: float | None = None
        self._probing = False
        self.switch: Switch = "automatic"

    @property
    def state(self) -> BreakerState:
        if self.switch != "automatic":
            return self.switch
        if self._opened_at is None:
            return "closed"
        return "half_open" if self._clock() - self._opened_at >= self._rule.rest else "open"

    def admit(self) -> Admission | None:
        """Lets a call go out, or not; half open, one at a time. Each that goes must be settled."""
        state = self.state
        if state == "closed":
            return Admission(probe=False)
        if state == "half_open" and not self._probing:
            self._probing = True
            return Admission(probe=True)
        return None

    def settle(self, admission: Admission, *, failed: bool) -> None:
        """What became of a call that went out."""
        now = self._clock()
        if admission.probe:
            self._probing = False
            self._calls.clear()
            self._opened_at = now if failed else None
            return
        self._calls.append((now, failed))
        self._forget(now)
        failures = sum(failed for _, failed in self._calls)
        enough = len(self._calls) >= self._rule.minimum
        if enough and failures / len(self._calls) >= self._rule.ratio and self._opened_at is None:
            self._opened_at = now

    def counted(self) -> tuple[int, int]:
        """Calls in the window, and how many of them failed."""
        self._forget(self._clock())
        return len(self._calls), sum(failed for _, failed in self._calls)

    def _forget(self, now: float) -> None:
        while self._calls and self._calls[0][0] <= now - self._rule.window:
            self._calls.popleft()
