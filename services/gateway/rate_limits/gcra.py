"""A bucket of requests that fills at an even rate (generic cell rate algorithm); pure arithmetic.

What a bucket holds is told by one time, `full_at`: when it would be full again if nothing more
were taken. Over a time that has passed it is full.
"""

import math
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

BURST = 0.25
"""The share of a quota that may come at once; the rest comes evenly."""


@dataclass(frozen=True)
class Policy:
    """At most `quota` requests in any span of `window`, of which a part at once."""

    name: str
    quota: int
    window: timedelta

    def __post_init__(self) -> None:
        if self.quota < 2:
            raise ValueError("a quota is 2 at least: one request at once, one that comes later")

    @cached_property
    def burst(self) -> int:
        """How many may come at once."""
        return max(1, math.floor(self.quota * BURST))

    @cached_property
    def interval(self) -> float:
        """Seconds in which the bucket gains one request.

        What comes at once and what a window gains are the quota together, so that no span of a
        window, wherever it begins, holds more.
        """
        return self.window.total_seconds() / (self.quota - self.burst)

    @cached_property
    def told(self) -> bytes:
        """What `RateLimit-Policy` says of it (draft-ietf-httpapi-ratelimit-headers-10)."""
        window = f"{self.window.total_seconds():.0f}"
        return f'"{self.name}";q={self.quota};w={window}'.encode()

    @cached_property
    def slice(self) -> int:
        """How many a replica takes at a time: of four replicas together 4% of the burst."""
        return max(1, self.burst // 100)

    @cached_property
    def credit(self) -> int:
        """How many a replica may let through before it asks: none where one is over 1%."""
        return self.burst // 100

    def times(self, pace: int) -> "Policy":
        """The same for a key that may do so many times as much."""
        return self if pace == 1 else Policy(self.name, self.quota * pace, self.window)


@dataclass(frozen=True)
class Taken:
    """What a bucket gave."""

    granted: int
    full_at: float


def take(policy: Policy, full_at: float, *, now: float, wanted: int, owed: int = 0) -> Taken:
    """Takes up to `wanted` requests from a bucket, after what was let through without asking.

    A debt may empty the bucket beyond its bottom; then it gives nothing until that is made good.
    """
    full_at = max(full_at, now) + owed * policy.interval
    granted = min(wanted, held(policy, full_at, now=now))
    return Taken(granted, full_at + granted * policy.interval)


def held(policy: Policy, full_at: float, *, now: float) -> int:
    """How many requests the bucket would give now."""
    if full_at <= now:
        return policy.burst
    missing = (full_at - now) / policy.interval
    # A billionth of a request is the rounding of floating point, and no request.
    return max(0, math.floor(policy.burst - missing + 1e-9))


def wait(policy: Policy, full_at: float, *, now: float) -> float:
    """Seconds until the bucket gives one request."""
    return max(0.0, full_at - now - (policy.burst - 1) * policy.interval)
