"""Token buckets by the generic cell rate algorithm (GCRA); pure arithmetic.

The state of a bucket is one time, `full_at`: when it would be full again if nothing more were
taken. A bucket whose `full_at` has passed is full.
"""

import math
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

BURST_SHARE = 0.25
"""Share of a quota that may be used at once; the rest refills evenly."""


@dataclass(frozen=True)
class Policy:
    """A limit of `quota` requests in any span of `window`, a part of them at once."""

    name: str
    quota: int
    window: timedelta

    def __post_init__(self) -> None:
        if self.quota < 2:
            raise ValueError("a quota must be at least 2: one request at once, one that refills")

    @cached_property
    def burst(self) -> int:
        """Capacity of the bucket: requests that may come at once."""
        return max(1, math.floor(self.quota * BURST_SHARE))

    @cached_property
    def interval(self) -> float:
        """Seconds in which the bucket gains one request.

        The burst and the refill of one window add up to the quota, so no span of a window,
        wherever it begins, holds more.
        """
        return self.window.total_seconds() / (self.quota - self.burst)

    @cached_property
    def policy_header(self) -> bytes:
        """Value of `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10)."""
        window = f"{self.window.total_seconds():.0f}"
        return f'"{self.name}";q={self.quota};w={window}'.encode()

    @cached_property
    def grant_size(self) -> int:
        """Requests that a replica takes at a time: with four replicas 4% of the burst together."""
        return max(1, self.burst // 100)

    @cached_property
    def overdraft(self) -> int:
        """Requests that a replica may allow before it asks: 1% of the burst, or none."""
        return self.burst // 100

    def multiplied(self, factor: int) -> "Policy":
        """Return this policy with its quota multiplied."""
        return self if factor == 1 else Policy(self.name, self.quota * factor, self.window)


@dataclass(frozen=True)
class TakeResult:
    """Requests granted by a bucket, and its new state."""

    granted: int
    full_at: float


def take(
    policy: Policy, full_at: float, *, now: float, requested: int, debt: int = 0
) -> TakeResult:
    """Take up to `requested` requests from a bucket, after subtracting `debt`.

    `debt` counts requests that were allowed without asking. It may drive the bucket below zero;
    then nothing is granted until the bucket has refilled.
    """
    full_at = max(full_at, now) + debt * policy.interval
    granted = min(requested, available(policy, full_at, now=now))
    return TakeResult(granted, full_at + granted * policy.interval)


def available(policy: Policy, full_at: float, *, now: float) -> int:
    """Return how many requests the bucket would grant now."""
    if full_at <= now:
        return policy.burst
    missing = (full_at - now) / policy.interval
    # The tolerance absorbs floating-point rounding.
    return max(0, math.floor(policy.burst - missing + 1e-9))


def seconds_until_available(policy: Policy, full_at: float, *, now: float) -> float:
    """Return the seconds until the bucket grants one request."""
    return max(0.0, full_at - now - (policy.burst - 1) * policy.interval)
